"""Whom a document is about, where a route finds the person in the body (contract §7)."""

from typing import Any

from gateway.errors import CallerError, Reason
from gateway.model.ids import SubjectId
from gateway.model.payload import Private
from gateway.policy.selectors import parse_selector
from gateway.shape.paths import ABSENT, values_at
from gateway.shape.values import text_of

MAX_SUBJECT_BYTES = 256


def subjects_in(document: Any, selector: str) -> list[str]:
    """
    The distinct subject ids at `selector`, in the order in which they come:
    strings, or the digits of numbers as written. With `*` every element must
    name one, so that no one rides along unnamed.

    Raises `CallerError` with `SUBJECT_MISSING` where there is none or null,
    `SUBJECT_MALFORMED` where something else than 1 to 256 bytes of text stands.
    """
    found = [_subject(value, selector) for value in values_at(document, parse_selector(selector))]
    if not found:
        raise _missing(selector)
    return list(dict.fromkeys(found))


def _subject(value: Any, selector: str) -> SubjectId:
    if value is ABSENT or value is None:
        raise _missing(selector)
    text = text_of(value)
    if not text or len(text.encode("utf-8", "surrogatepass")) > MAX_SUBJECT_BYTES:
        raise CallerError(
            Reason.SUBJECT_MALFORMED,
            f"{selector} does not hold an id of 1 to {MAX_SUBJECT_BYTES} bytes",
            remedy=f"Send the person's id as a string at {selector}.",
        )
    return SubjectId(Private(text))


def _missing(selector: str) -> CallerError:
    return CallerError(
        Reason.SUBJECT_MISSING,
        f"{selector} names no person",
        remedy=f"Send the person's id as a string at {selector}.",
    )
