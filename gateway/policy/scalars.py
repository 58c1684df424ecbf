"""
What a plain (unquoted) YAML scalar means.

The rules are those of the YAML 1.2 core schema (chapter 10.3), less everything
that YAML 1.1 readers understand differently: what two readers could take for
two things is refused here, and the message asks for quotes.
"""

import re

Scalar = None | bool | int | float | str

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
# Truth values in YAML 1.1, plain words in YAML 1.2.
_AMBIGUOUS_WORDS = frozenset({"yes", "no", "on", "off"})

# Eighteen digits fit every reader's 64-bit integer.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_BASED = re.compile(r"[-+]?0[xXoObB][0-9a-fA-F_]+")
_NUMBERLIKE = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


class AmbiguousScalar(ValueError):
    """A plain scalar that two YAML readers may take for two things; says what to write."""


def plain(text: str) -> Scalar:
    """
    The value of a plain scalar.

    Raises `AmbiguousScalar` with advice that does not repeat a number.
    """
    if text in _NULLS:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    _refuse_ambiguous(text)
    return text


def _refuse_ambiguous(text: str) -> None:
    if text.lower() in _AMBIGUOUS_WORDS:
        raise AmbiguousScalar(
            f'{text} is a word to some readers and a truth value to others, write "{text}" '
            "in quotes, or write true or false"
        )
    if _SEXAGESIMAL.fullmatch(text):
        raise AmbiguousScalar("digits with colons are a number to some readers, write it in quotes")
    if _BASED.fullmatch(text):
        raise AmbiguousScalar(
            "a number in another base is ambiguous, write it in decimal, or write it in quotes"
        )
    if _NUMBERLIKE.fullmatch(text):
        raise AmbiguousScalar(_advice(text))


def _advice(number: str) -> str:
    digits = number.lstrip("+-")
    if "_" in digits:
        return "an underscore in a number is ambiguous, write it in quotes, or without underscore"
    if re.fullmatch(r"0[0-9]+", digits):
        return (
            "a leading zero makes this octal to some readers, write it in quotes, or write the "
            "number without the zero"
        )
    return (
        "this number is ambiguous, write it in quotes, or write plain decimal digits with "
        "digits on both sides of the point"
    )
