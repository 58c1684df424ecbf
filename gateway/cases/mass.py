"""
When one decision is about many people: who may decide it, when it begins, how fast it
goes, and which state follows which (contract §9; K3, S4a).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from unicodedata import normalize

from gateway.cases.deadlines import earliest_send
from gateway.cases.requests import check_request
from gateway.errors import CallerError, Reason
from gateway.model.cases import Action, CaseScope, EraseReason, VerifiedBy
from gateway.model.mass import Chosen, MassEvent, MassState
from gateway.model.policy import Rights

TRANSITIONS: Final[Mapping[MassState, Mapping[MassEvent, MassState]]] = {
    MassState.RECEIVING: {
        MassEvent.ACCEPTED: MassState.WAITING,
        MassEvent.PROPOSED: MassState.PROPOSED,
        MassEvent.DROPPED: MassState.DROPPED,
    },
    MassState.PROPOSED: {
        MassEvent.APPROVED: MassState.WAITING,
        MassEvent.CANCELLED: MassState.CANCELLED,
    },
    MassState.WAITING: {
        MassEvent.STARTED: MassState.RUNNING,
        MassEvent.PAUSED: MassState.PAUSED,
        MassEvent.CANCELLED: MassState.CANCELLED,
    },
    MassState.RUNNING: {
        # More people than when it was opened, and nobody has approved it.
        MassEvent.PROPOSED: MassState.PROPOSED,
        MassEvent.PAUSED: MassState.PAUSED,
        MassEvent.CANCELLED: MassState.CANCELLED,
        MassEvent.OPENED: MassState.OPENED,
    },
    MassState.PAUSED: {
        MassEvent.RESUMED: MassState.WAITING,
        MassEvent.CANCELLED: MassState.CANCELLED,
    },
    MassState.OPENED: {MassEvent.CLOSED: MassState.CLOSED},
    MassState.CANCELLED: {},
    MassState.CLOSED: {},
    MassState.DROPPED: {},
}

UNSEEN: Final = frozenset({MassState.RECEIVING, MassState.DROPPED})
"""States in which nobody is shown it."""

OVER: Final = frozenset({MassState.CANCELLED, MassState.CLOSED})

# What time does by itself, share by share.
_BY_TIME = frozenset({EraseReason.RETENTION_EXPIRED})


class Withheld(Exception):
    """This person's case is not to be opened any more: it was paused, cancelled, or is open."""


def moved(state: MassState, event: MassEvent) -> MassState:
    """The state after an event. Raises `CallerError` (`notice-settled`) where it cannot happen."""
    after = TRANSITIONS[state].get(event)
    if after is None:
        raise CallerError(
            Reason.NOTICE_SETTLED,
            f"the mass case is {state.value}, so it cannot be {event.value}",
            remedy="Look at it with `gateway case mass show`.",
        )
    return after


def check_mass(
    action: str,
    reason: str,
    scope: CaseScope,
    chosen: Chosen,
    announced_at: datetime | None,
    rights: Rights,
    *,
    now: datetime,
) -> None:
    """
    Check what a mass case asks for. Raises `CallerError` (`request-invalid`).

    Everybody is never meant by leaving something out: it must be said.
    """
    if action != Action.ERASE:
        raise _invalid("action: a mass case erases; a restriction is a case of one person")
    if reason in _BY_TIME:
        raise _invalid(f"reason: {reason} comes by itself at the end of each retention")
    check_request(action, reason, scope, VerifiedBy.SYSTEM, announced_at, rights, now=now)
    if scope.categories:
        raise _invalid("scope.categories: a mass case is bounded by partners and purposes")
    if chosen is Chosen.EVERYBODY and not scope.whole:
        raise _invalid("everybody: leave it out where a scope says who is meant")
    if chosen is Chosen.SCOPE and scope.whole:
        raise _invalid('say who is meant: a scope, a list of ids, or "everybody": true')
    if reason == EraseReason.AGREEMENT_ENDED and (len(scope.partners) != 1 or scope.purposes):
        raise _invalid("scope: agreement-ended is about one partner, name it alone")


def starts_at(
    reason: str, announced_at: datetime | None, rights: Rights, accepted_at: datetime
) -> datetime:
    """
    When its first case may be opened: at once, or where the service ends when that has
    been announced long enough (K3). Until then the service goes on, and so do shares.
    """
    return earliest_send(reason, announced_at, rights, accepted_at)


def needs_second(people: int, above: int, approver: str | None) -> bool:
    """Whether a second person must look at it first."""
    return approver is None and people > above


def check_approver(opener: str, approver: str) -> None:
    """Raise `CallerError` (`service-not-permitted`) where somebody approves what they opened."""
    if _person(approver) == _person(opener):
        raise CallerError(
            Reason.SERVICE_NOT_PERMITTED,
            "who opened a mass case cannot approve it",
            remedy="Let another service or person approve it, with a token of their own `sub`.",
        )


def _person(name: str) -> str:
    """
    Whose name it is, however it is spelt: an issuer that lets people write their own
    may tell `Ann`, `ann` and one with a space apart, and they are one person.
    """
    return "".join(normalize("NFKC", normalize("NFKC", name).casefold()).split())


def allowance(left: float, gone_by: timedelta, per_second: int) -> float:
    """
    How many cases may be opened now, when `left` were left over and so much time has
    passed: never more than one second's at once, so that a pause is not made up for.
    """
    return min(float(per_second), left + max(0.0, gone_by.total_seconds()) * per_second)


def _invalid(detail: str) -> CallerError:
    return CallerError(Reason.REQUEST_INVALID, detail)
