"""
JSON scalars as they travel: what they are in memory, and how they are written.

In memory a parsed document is made of `dict`, `list`, `str`, `Number`, `bool`
and None, and of nothing else; whatever has another type is not let out.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from json.encoder import encode_basestring
from types import NoneType
from typing import Any, Final


class Number(str):
    """
    A JSON number by its spelling, so that value and digits leave exactly as
    they came: `1.10` stays `1.10`, and an integer of a thousand digits stays
    one.

    It is a `str`: ask `type(value) is str` to tell text from a number. Prints
    no digits (P2).
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Number>"


class Nothing(Enum):
    """What a rule answers that lets nothing out."""

    DROPPED = "dropped"


DROPPED: Final = Nothing.DROPPED

_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
# No manifest names a number with more digits in its exponent than this, so
# such exponents need not be told apart.
_EXPONENT_DIGITS = 18
# Nothing that names a person has more digits.
_WRITTEN_OUT = 40

# RFC 8259 §7: the quotation mark, the reverse solidus and the controls are
# escaped, everything else stands for itself; this is what the library's own
# encoder does for text that may stay outside ASCII.
WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: encode_basestring,
    Number: str,
    bool: lambda value: "true" if value else "false",
    NoneType: lambda value: "null",
}
"""How each type of scalar is written; a type that is missing here is no scalar."""


def write_scalar(value: str | bool | None) -> str:
    """The JSON text of a scalar. Raises `KeyError` for anything else."""
    return WRITERS[type(value)](value)


def is_number(text: str) -> bool:
    """Whether `text` spells a JSON number (RFC 8259 §6)."""
    return _NUMBER.fullmatch(text) is not None


def text_of(value: Any) -> str | None:
    """A string, or the digits of a number as written; None for everything else."""
    return str(value) if type(value) in (str, Number) else None


def same_value(value: Any) -> tuple[str, Any]:
    """
    A key that two scalars share exactly if they are the same JSON value:
    numbers by their exact value (`1`, `1.0` and `1e0` are one), everything
    else by type and content.
    """
    if type(value) is Number:
        return "number", _exact(value)
    return type(value).__name__, value


def declared_scalar(value: Any) -> Any:
    """
    A scalar of a manifest as it stands in a document: numbers become `Number`.

    Raises `ValueError` for anything that JSON has no scalar for.
    """
    if value is None or isinstance(value, (bool, Number)):
        return value
    if isinstance(value, str):
        return str(value)
    # Not type(value): a reader of YAML has integers and floats of its own.
    number = Number(value) if isinstance(value, (int, float)) else None
    if number is None:
        raise ValueError("a list, mapping or date stands where one value is needed, quote it")
    if not is_number(number):
        raise ValueError("NaN and infinity are no JSON numbers, leave them out")
    return number


def is_integral(number: Number) -> bool:
    """Whether a number is whole, however it is spelled (`1.0`, `1e3`)."""
    if number.isdecimal():
        return True
    _, digits, exponent = _exact(number)
    return not digits or exponent >= 0


def without_exponent(number: Number) -> str:
    """
    The digits of a number written out (`1.38e3` is `1380`), for who looks for
    digits in it. Of one that would be very long, the significant digits alone.
    """
    _, digits, exponent = _exact(number)
    if not 0 < abs(exponent) <= _WRITTEN_OUT:
        return digits
    if exponent > 0:
        return digits + "0" * exponent
    return f"{digits[:exponent]}.{digits[exponent:]}" if len(digits) > -exponent else digits


def _exact(number: str) -> tuple[str, str, int]:
    """Sign, significant digits and exponent: one triple per value. Zero is `("", "", 0)`."""
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise ValueError("not a JSON number")
    sign, whole, fraction, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "", "", 0
    shift = len(digits) - len(significant) - len(fraction)
    return sign, significant, _clamped(exponent) + shift


def _clamped(exponent: str) -> int:
    """An exponent as an integer; a hostile one of many digits as a large one."""
    digits = exponent.lstrip("+-").lstrip("0")
    size = int(digits or 0) if len(digits) <= _EXPONENT_DIGITS else 10**_EXPONENT_DIGITS
    return -size if exponent.startswith("-") else size
