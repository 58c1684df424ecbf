"""
What a value in a log line may look like.

A key that is on the list is no licence for free text: each has a shape, and a
value of another shape is logged as `?`. None of the shapes admits white space,
quotes or anything outside ASCII.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from gateway.errors import ConfigError, PartnerFailed, Problem
from gateway.model.ids import ID_PATTERN

Shape = Callable[[Any], Any]
"""Gives back the value as it is logged, or `WRONG`."""

WRONG = "?"
MAX_ITEMS = 64

_IDENTIFIER = re.compile(ID_PATTERN)
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
_PLACE = re.compile(r"[A-Za-z0-9_.:/\[\]~-]{1,256}")


def identifier(value: Any) -> Any:
    """An id of a document: partner, purpose, route, category (contract, introduction)."""
    return _matching(_IDENTIFIER, value)


def token(value: Any) -> Any:
    """An id that the gateway or a key's owner made: share, leaf, digest, `kid`."""
    return _matching(_TOKEN, value)


def word(value: Any) -> Any:
    """One of a fixed set of words: an outcome, a code, the type of an error."""
    return _matching(_WORD, value)


def place(value: Any) -> Any:
    """An address, a file with its line, a URL without user and query."""
    return _matching(_PLACE, value)


def number(value: Any) -> Any:
    """A finite number; seconds and the like to the thousandth."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return WRONG
    return round(value, 3)


def flag(value: Any) -> Any:
    """True or false."""
    return value if isinstance(value, bool) else WRONG


def moment(value: Any) -> Any:
    """An aware time, written in UTC (contract, introduction)."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        return WRONG
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def problems(value: Any) -> Any:
    """
    What is wrong with policies, manifests or settings, in full: documents hold no person.

    Only a `ConfigError` or a list of `Problem` passes, not a text that looks like one.
    """
    if isinstance(value, ConfigError):
        return str(value).splitlines()[:MAX_ITEMS]
    if isinstance(value, list | tuple) and all(isinstance(each, Problem) for each in value):
        return [str(each) for each in value[:MAX_ITEMS]]
    return WRONG


def why(value: Any) -> Any:
    """What went wrong with a partner, in egress' own words; only the error itself passes."""
    return str(value) if isinstance(value, PartnerFailed) else WRONG


def several(shape: Shape) -> Shape:
    """A list, each item of the same shape."""

    def check(value: Any) -> Any:
        if isinstance(value, set | frozenset):
            return sorted((shape(item) for item in value), key=str)[:MAX_ITEMS]
        if not isinstance(value, list | tuple):
            return WRONG
        return [shape(item) for item in value[:MAX_ITEMS]]

    return check


def _matching(pattern: re.Pattern[str], value: Any) -> Any:
    # A member of a `StrEnum` counts as its value; other subclasses of `str`, such
    # as `Private`, hold what must not be printed.
    text = value if type(value) is str else value.value if isinstance(value, StrEnum) else None
    return text if type(text) is str and pattern.fullmatch(text) else WRONG
