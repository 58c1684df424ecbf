"""What the answers of a recipient's own interface mean, by its manifest (protocol `rest`)."""

import json
from enum import StrEnum
from typing import Any, Final

from gateway.model.recipients import RestAnswers
from gateway.notices.base import Heard
from gateway.policy.selectors import index_of, parse_selector


class Said(StrEnum):
    """How far one request is: one letter each, as the memory of a notice keeps them."""

    SENT = "s"
    ACKNOWLEDGED = "a"
    IN_PROGRESS = "i"
    COMPLETED = "c"
    NOT_FOUND = "n"
    REFUSED = "r"
    FAILED = "x"
    """Not taken in this round."""


TO_TELL: Final = "."
"""The letter of a request that was not made yet."""

RETRY: Final = "retry"
WAITING: Final = (Said.SENT, Said.ACKNOWLEDGED, Said.IN_PROGRESS)
_WORDS: Final = {
    "acknowledged": Said.ACKNOWLEDGED,
    "in-progress": Said.IN_PROGRESS,
    "completed": Said.COMPLETED,
    "not-found": Said.NOT_FOUND,
    "refused": Said.REFUSED,
    RETRY: RETRY,
}

_LONGEST_KEPT = 512


def meaning(answers: RestAnswers, status: int, body: bytes) -> Said | str | None:
    """
    How far a request is by its answer: a `Said`, `RETRY`, or None for one that is gone.

    The value that the manifest points to counts first, then the status, then its
    class. Of what is not in the table a 2xx is sent, 410 gone, all else tried again.
    """
    if answers.pointer is not None:
        found = scalar_at(body, answers.pointer)
        if found is not None and found in answers.values:
            return _WORDS[answers.values[found]]
    for key in (str(status), f"{status // 100}xx"):
        if key in answers.statuses:
            return _WORDS[answers.statuses[key]]
    if 200 <= status < 300:
        return Said.SENT
    return None if status == 410 else RETRY


def summed_up(said: str) -> str:
    """What all requests together say, as a `Heard`: a notice is as far as the last of them."""
    if any(letter in said for letter in WAITING):
        lowest = next(letter for letter in WAITING if letter in said)
        return {
            Said.SENT: Heard.ATTEMPTED_OK,
            Said.ACKNOWLEDGED: Heard.ACKNOWLEDGED,
            Said.IN_PROGRESS: Heard.IN_PROGRESS,
        }[lowest]
    if Said.REFUSED not in said:
        return Heard.COMPLETED
    return Heard.REFUSED if set(said) == {Said.REFUSED.value} else Heard.PARTIAL


def kept_value(body: bytes, pointer: str) -> str | None:
    """The value that a poll names, or None where there is none that could stand in a path."""
    found = scalar_at(body, pointer)
    if found is None or not 0 < len(found) <= _LONGEST_KEPT or found in (".", ".."):
        return None
    # Half of a surrogate pair is not printable either, and no URL could hold it.
    return found if found.isprintable() else None


def scalar_at(body: bytes, pointer: str) -> str | None:
    """A text or whole number, or `true` and `false`, at a place of a JSON body, as text."""
    try:
        value: Any = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    for token in parse_selector(pointer):
        value = _member(value, token)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _member(value: Any, token: str) -> Any:
    if isinstance(value, dict):
        return value.get(token)
    index = index_of(token)
    if isinstance(value, list) and index is not None and index < len(value):
        return value[index]
    return None
