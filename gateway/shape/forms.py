"""
Form bodies (`application/x-www-form-urlencoded`, WHATWG URL §5): read, cut to the
declared minimum, written anew.

A selector of one token names a value of a form: `/phone` the value `phone`. One
with more tokens names nothing in a form. As in a query every value is text, and
one with a declared `type` must be spelled as that type.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes

from gateway.errors import CallerError, Reason
from gateway.model.ids import CategoryId
from gateway.model.payload import Body
from gateway.model.recipients import Field
from gateway.policy.selectors import EACH, parse_selector
from gateway.shape.context import Context
from gateway.shape.minimise import Minimised, categories_of, permitted
from gateway.shape.params import compile_value
from gateway.shape.parse import Limits, too_large
from gateway.shape.run import SendRun
from gateway.shape.values import DROPPED

FORM = "application/x-www-form-urlencoded"

# A form of more pairs than this is no form that anybody filled in.
MAX_PAIRS = 10_000

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# Text in a form may hold anything: it is percent-encoded on its way out.
_ANYTHING_FITS = re.compile(r"(?!)")

Change = Callable[[str, Context], Any]


def parse_form(body: bytes, limits: Limits) -> dict[str, str]:
    """
    The pairs of a form; of a repeated name the last value counts.

    Raises `CallerError` with `BODY_TOO_LARGE` or `BODY_MALFORMED`; no error
    holds anything that was sent.
    """
    if len(body) > limits.bytes:
        raise too_large(limits.bytes)
    if body.count(b"&") >= MAX_PAIRS:
        raise _malformed(f"the form has more than {MAX_PAIRS} pairs")
    if _BAD_ESCAPE.search(body):
        raise _malformed("the form holds a % that is no escape, write %25")
    found: dict[str, str] = {}
    for pair in body.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            found[_text(name)] = _text(value)
    return found


def _text(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        problem = _malformed("the form is not UTF-8")
    # Out here, so that the error of the decoder does not travel along.
    raise problem


def write_form(pairs: Sequence[tuple[str, str]]) -> Body:
    """The body that holds these pairs."""
    text = "&".join(
        f"{quote_plus(name, safe='')}={quote_plus(value, safe='')}" for name, value in pairs
    )
    return Body(text.encode("ascii"))


class FormFilter:
    """The compiled `send` of one route, for forms. Immutable, as `SendFilter` is."""

    def __init__(self, fields: Sequence[Field], *, seal_fields: bool) -> None:
        self._fields = tuple(fields)
        self._declared: Mapping[str, tuple[int, Field, Change]] = {
            tokens[0]: (place, field, _compile(field, seal_fields))
            for place, field in enumerate(fields)
            if len(tokens := parse_selector(field.selector)) == 1
        }

    def apply(
        self,
        document: Mapping[str, str],
        context: Context,
        *,
        only: frozenset[CategoryId] | None = None,
        strict: bool = False,
    ) -> Minimised:
        """What of a form, as `parse_form` gave it, leaves. All else as `SendFilter.apply`."""
        run = SendRun(context)
        pairs = [
            (name, passed)
            for name, text in document.items()
            if (passed := self._pass(name, text, run, only)) is not None
        ]
        for place, field in enumerate(self._fields):
            if field.required and permitted(field, only) and _missing(field, document):
                run.refuse(Reason.REQUIRED_FIELD_MISSING, place, field.selector)
        if strict and run.undeclared:
            run.refuse(Reason.UNDECLARED_FIELDS, 0, "")
        run.raise_first()
        told = [field for place, field in enumerate(self._fields) if run.let_out >> place & 1]
        return Minimised(
            body=write_form(pairs),
            fields=tuple(field.selector for field in told),
            categories=categories_of(told),
            dropped=run.dropped,
        )

    def _pass(
        self, name: str, text: str, run: SendRun, only: frozenset[CategoryId] | None
    ) -> str | None:
        declared = self._declared.get(name)
        if declared is None:
            run.dropped = run.undeclared = True
            return None
        place, field, change = declared
        result = change(text, run.context) if permitted(field, only) else DROPPED
        if type(result) is str:
            run.let_out |= 1 << place
            return result
        run.dropped = True
        if result is DROPPED and field.required and permitted(field, only):
            result = Reason.FIELD_TYPE_MISMATCH
        if type(result) is Reason:
            run.refuse(result, place, field.selector)
        return None


def _missing(field: Field, document: Mapping[str, str]) -> bool:
    """
    Whether a form has no value for a selector. One of several tokens it can have
    none for; one with a `*` is required of elements, and a form has no elements.
    """
    tokens = parse_selector(field.selector)
    return EACH not in tokens and (len(tokens) > 1 or tokens[0] not in document)


def _compile(field: Field, seal_fields: bool) -> Change:
    sealed = seal_fields and field.sealed
    return compile_value(field, field.selector, sealed=sealed, unfit=_ANYTHING_FITS)


def compile_form(fields: Sequence[Field], *, seal_fields: bool) -> FormFilter:
    """
    The form filter of one route, to be kept as long as the policy.

    Raises `ValueError` where a rule of the manifest cannot be carried out.
    """
    return FormFilter(fields, seal_fields=seal_fields)


def _malformed(detail: str) -> CallerError:
    return CallerError(Reason.BODY_MALFORMED, detail)
