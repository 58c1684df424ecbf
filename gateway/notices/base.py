"""
What all protocols have in common: a request to be sent, an answer understood,
and which protocol carries what (contract §9, STANDARDS §0.1).

A protocol is two plain functions, `prepare` and `interpret`; sending is the
caller's. Which of them the gateway speaks stands in `SPOKEN`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from gateway.model.cases import Action
from gateway.model.recipients import Deletion

WEBHOOKS: Final = "standard-webhooks"
MANUAL: Final = "manual"

CARRIES: Final[Mapping[str, frozenset[Action]]] = {
    WEBHOOKS: frozenset(Action),
    "ddrf": frozenset({Action.ERASE}),
    "opendsr": frozenset({Action.ERASE}),
    "rest": frozenset(Action),
    MANUAL: frozenset(Action),
}
"""Which actions each protocol of a manifest has words for."""

SPOKEN: Final = frozenset({WEBHOOKS})
"""The protocols that are carried by program; all others are a person's task."""


class Heard(StrEnum):
    """What an answer can say of a notice, in the words of the events of `cases`."""

    ATTEMPTED_OK = "attempted-ok"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in-progress"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One POST, ready to leave. Prints where to and never what."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreted:
    """What an answer means."""

    event: str | None
    """A `Heard`; None: the notice was not taken and is to be tried again."""
    retry_after: int | None = None
    """Whole seconds that the recipient asks to be left alone for."""
    reason: str | None = None
    """A fixed word for people: `gone`, `http-503`."""


def carried(deletion: Deletion | None, action: Action) -> Literal["standard-webhooks", "manual"]:
    """
    How a recipient is told of an action: by its protocol where that has words
    for it and is spoken here, else by a person.
    """
    if deletion is None or deletion.url is None:
        return MANUAL
    if deletion.protocol not in SPOKEN or action not in CARRIES[deletion.protocol]:
        return MANUAL
    return WEBHOOKS
