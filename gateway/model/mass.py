"""
A mass case: one decision about many people, carried out as a case of each of them
(K3, S4a, R3, P6). Nothing in it is about a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from gateway.model.cases import Action, CaseScope

MassId = NewType("MassId", str)


class MassState(StrEnum):
    """Where a mass case stands."""

    RECEIVING = "receiving"
    """Its list of people is on its way in; nobody sees it yet."""
    DROPPED = "dropped"
    """Its list never came to its end, or was counted only."""
    PROPOSED = "proposed"
    """A second person must approve it."""
    WAITING = "waiting"
    """It begins when its time has come."""
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    OPENED = "opened"
    """The case of every one of its people is open, or was."""
    CLOSED = "closed"
    """And all of these are over."""


class MassEvent(StrEnum):
    """What happens to a mass case; each is a leaf (kind `case`) with this word as its state."""

    ACCEPTED = "accepted"
    PROPOSED = "proposed"
    APPROVED = "approved"
    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    OPENED = "opened"
    CLOSED = "closed"
    DROPPED = "dropped"


class Chosen(StrEnum):
    """How its people are named."""

    EVERYBODY = "everybody"
    SCOPE = "scope"
    """Everybody of whom anything was shared inside the scope."""
    LIST = "list"
    """The ids of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MassPlace:
    """One of the people of a mass case, by the number under which they wait."""

    mass: int
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How many notices of a mass case one recipient has in one state."""

    partner: str
    state: str
    settled: bool
    notices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MassStep:
    """Something that happened to a mass case, as its leaf says it."""

    event: MassEvent
    at: str
    """As the leaf has it."""
    by: str | None
    """Who decided it; None: nobody had to."""
    leaf: int
    """The index of its leaf in the ledger."""

    def shown(self) -> Mapping[str, Any]:
        """As a certificate has it."""
        return {"event": self.event.value, "at": self.at, "by": self.by, "leaf": self.leaf}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many notices one recipient has that stand alike."""

    partner: str
    state: str
    settled: bool
    proof: str | None
    """On whose word: a value of `Proof`."""
    notices: int
    backups_until: str | None
    """The latest day (ISO 8601) until which they are in its backups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MassPage:
    """Some cases of a mass case in the order of their ids, each with its state; their notices."""

    cases: tuple[tuple[str, str], ...]
    notices: tuple[Counted, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one recipient would be told by a mass case."""

    partner: str
    people: int
    notices: int
    withheld: int
    """People of whom it has nothing but what they may not be told of (D2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MassCase:
    """One mass case, as it stands."""

    no: int
    """In the store."""
    id: MassId
    action: Action
    reason: str
    scope: CaseScope
    chosen: Chosen
    state: MassState
    opener: str
    """The service that opened it, by `sub`."""
    accepted_at: datetime
    starts_at: datetime
    approver: str | None = None
    announced_at: datetime | None = None
    ended_at: datetime | None = None
    people: int = 0
    opened: int = 0
    passed: int = 0
    """Of whom there was nothing left to be told when their turn came."""
    gathered: int | None = None
    """The person up to whom they were looked up; None: all were."""

    def shown(self) -> Mapping[str, Any]:
        """As `GET /v1/mass-cases` has it."""
        return {
            "mass": self.id,
            "action": self.action.value,
            "reason": self.reason,
            "state": self.state.value,
            "chosen": self.chosen.value,
            "scope": {
                "partners": sorted(self.scope.partners),
                "purposes": sorted(self.scope.purposes),
            },
            "opener": self.opener,
            "approver": self.approver,
            "accepted_at": _stamp(self.accepted_at),
            "announced_at": _stamp(self.announced_at),
            "starts_at": _stamp(self.starts_at),
            "ended_at": _stamp(self.ended_at),
            "people": self.people,
            "opened": self.opened,
            "passed": self.passed,
        }


def _stamp(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
