"""
The life of a notice: which event brings it from which state to which
(contract §9; R3, R4, A1).

The table is the program. What does not fit a table stands below it: what an
event leaves beside the state, and when a notice is settled.

A receipt never lowers a state, and no event takes back that a notice is
settled. Only a person does what no receipt can: try again, or resolve.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.errors import CallerError, Reason
from gateway.model.cases import Notice, NoticeState, Proof, backups_end


class Event(StrEnum):
    """What can happen to a notice. The words of a receipt are those of its status."""

    ATTEMPTED_OK = "attempted-ok"
    """The recipient answered 2xx."""
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in-progress"
    PARTIAL = "partial"
    REFUSED = "refused"
    COMPLETED = "completed"
    GONE = "gone"
    """The recipient answered 410."""
    DEADLINE = "deadline"
    """The notice's deadline has passed."""
    RETRIED = "retried"
    """A person wants it told once more."""


_S, _E = NoticeState, Event

STATUSES: Final = (_E.ACKNOWLEDGED, _E.IN_PROGRESS, _E.PARTIAL, _E.REFUSED, _E.COMPLETED)
"""What a receipt can say, from the lowest to the highest."""


def _stays(state: NoticeState) -> dict[Event, NoticeState]:
    return dict.fromkeys(Event, state)


TRANSITIONS: Final[Mapping[NoticeState, Mapping[Event, NoticeState]]] = {
    _S.QUEUED: {
        _E.ATTEMPTED_OK: _S.SENT,
        _E.ACKNOWLEDGED: _S.ACKNOWLEDGED,
        _E.IN_PROGRESS: _S.IN_PROGRESS,
        _E.PARTIAL: _S.PARTIAL,
        _E.REFUSED: _S.REFUSED,
        _E.COMPLETED: _S.COMPLETED,
        _E.GONE: _S.FAILED,
        _E.DEADLINE: _S.FAILED,
        _E.RETRIED: _S.QUEUED,
    },
    _S.SENT: {
        _E.ATTEMPTED_OK: _S.SENT,
        _E.ACKNOWLEDGED: _S.ACKNOWLEDGED,
        _E.IN_PROGRESS: _S.IN_PROGRESS,
        _E.PARTIAL: _S.PARTIAL,
        _E.REFUSED: _S.REFUSED,
        _E.COMPLETED: _S.COMPLETED,
        _E.GONE: _S.FAILED,
        _E.DEADLINE: _S.OVERDUE,
        _E.RETRIED: _S.QUEUED,
    },
    _S.ACKNOWLEDGED: {
        _E.ATTEMPTED_OK: _S.ACKNOWLEDGED,
        _E.ACKNOWLEDGED: _S.ACKNOWLEDGED,
        _E.IN_PROGRESS: _S.IN_PROGRESS,
        _E.PARTIAL: _S.PARTIAL,
        _E.REFUSED: _S.REFUSED,
        _E.COMPLETED: _S.COMPLETED,
        _E.GONE: _S.FAILED,
        _E.DEADLINE: _S.OVERDUE,
        _E.RETRIED: _S.QUEUED,
    },
    _S.IN_PROGRESS: {
        _E.ATTEMPTED_OK: _S.IN_PROGRESS,
        _E.ACKNOWLEDGED: _S.IN_PROGRESS,
        _E.IN_PROGRESS: _S.IN_PROGRESS,
        _E.PARTIAL: _S.PARTIAL,
        _E.REFUSED: _S.REFUSED,
        _E.COMPLETED: _S.COMPLETED,
        _E.GONE: _S.FAILED,
        _E.DEADLINE: _S.OVERDUE,
        _E.RETRIED: _S.QUEUED,
    },
    _S.PARTIAL: {
        _E.ATTEMPTED_OK: _S.PARTIAL,
        _E.ACKNOWLEDGED: _S.PARTIAL,
        _E.IN_PROGRESS: _S.PARTIAL,
        _E.PARTIAL: _S.PARTIAL,
        _E.REFUSED: _S.REFUSED,
        _E.COMPLETED: _S.COMPLETED,
        _E.GONE: _S.FAILED,
        _E.DEADLINE: _S.OVERDUE,
        _E.RETRIED: _S.QUEUED,
    },
    # A signed refusal stands whatever becomes of its sender's address.
    _S.REFUSED: _stays(_S.REFUSED) | {_E.COMPLETED: _S.COMPLETED, _E.RETRIED: _S.QUEUED},
    # Reached after all: it is late, and no longer unreached.
    _S.FAILED: {
        _E.ATTEMPTED_OK: _S.OVERDUE,
        _E.ACKNOWLEDGED: _S.OVERDUE,
        _E.IN_PROGRESS: _S.OVERDUE,
        _E.PARTIAL: _S.OVERDUE,
        _E.REFUSED: _S.REFUSED,
        _E.COMPLETED: _S.COMPLETED,
        _E.GONE: _S.FAILED,
        _E.DEADLINE: _S.FAILED,
        _E.RETRIED: _S.QUEUED,
    },
    _S.OVERDUE: _stays(_S.OVERDUE)
    | {
        _E.REFUSED: _S.REFUSED,
        _E.COMPLETED: _S.COMPLETED,
        _E.GONE: _S.FAILED,
        _E.RETRIED: _S.QUEUED,
    },
    _S.COMPLETED: _stays(_S.COMPLETED),
    _S.EXEMPT: _stays(_S.EXEMPT),
}

GONE: Final = "gone"
BY_PERSON: Final = "manual"
"""Reason of a queued notice that no program can tell; how often a person did is not counted."""
TRIED_AGAIN: Final = "tried-again"
"""Reason of a queued notice that a person had tried again; it was never reached."""
TOLD_AGAIN: Final = "told-again"
"""The same, where it had been reached before."""

RESOLVABLE: Final = frozenset({_S.COMPLETED, _S.PARTIAL, _S.REFUSED, _S.EXEMPT, _S.FAILED})
"""What a person may say that a notice has come to."""

ASKED_AFTER_DEADLINE: Final = timedelta(days=30)
"""How long after its deadline a recipient that was told is still asked whether it is done."""

_UNDER_WAY = frozenset({_S.SENT, _S.ACKNOWLEDGED, _S.IN_PROGRESS, _S.PARTIAL})
_REPORTED = (_E.ATTEMPTED_OK, _E.ACKNOWLEDGED, _E.IN_PROGRESS, _E.PARTIAL)
_TASKS = frozenset({_S.REFUSED, _S.FAILED, _S.OVERDUE})
_RANKS = {status.value: number for number, status in enumerate(STATUSES, start=1)}


def rank(word: str) -> int:
    """How far a status of a receipt, or a state of a notice, goes; 0 for those nobody signs."""
    return _RANKS.get(word, 0)


def apply(
    notice: Notice,
    event: str,
    *,
    now: datetime,
    reason: str | None = None,
    backups_until: date | None = None,
    proof: Proof | None = None,
) -> Notice:
    """
    The notice after an event (an `Event`, or its word).

    `reason`, `backups_until` and `proof` are what came with the event; they
    replace what stood beside the former state. A settled notice is returned as
    it is, and so is one whose receipt came before it was ever tried. Raises
    `ValueError` for a word that is no event.
    """
    event = Event(event)
    notice = resettled(notice, now=now)
    if notice.settled or (proof is Proof.RECEIPT and not accepts_receipt(notice)):
        return notice
    state = _next_state(notice, event, now)
    if event is Event.RETRIED and state is _S.QUEUED:
        return _tried_again(notice, now)
    if state is notice.state:
        return resettled(_with_later_backups(notice, event, backups_until), now=now)
    changed = replace(
        notice,
        state=state,
        reason=_reason(notice, event, reason),
        backups_until=backups_until,
        proof=proof,
        next_at=_due(notice, event),
    )
    return resettled(changed, now=now)


def settled(notice: Notice, *, now: datetime) -> bool:
    """
    Whether nothing more is to come of a notice.

    It is, where a person resolved it, where it is exempt, and where it was
    completed: with the backups' day or time over (R4), and with nothing left to be told
    once more.
    """
    if notice.proof is Proof.PERSON or notice.state is _S.EXEMPT:
        return True
    until = notice.backups_until
    end = now if until is None else backups_end(until)
    backups_gone = end is not None and end <= now
    return notice.state is _S.COMPLETED and backups_gone and notice.resend_at is None


def resettled(notice: Notice, *, now: datetime) -> Notice:
    """The notice with `settled` as it is now; what was settled stays so."""
    return replace(notice, settled=notice.settled or settled(notice, now=now))


def accepts_receipt(notice: Notice) -> bool:
    """
    Whether a receipt may change it. Before the first try there is nothing to
    answer, unless a person tells its recipient; and behind a share in flight there
    is nothing that could be complete.
    """
    return (notice.attempts > 0 or notice.reason == BY_PERSON) and not notice.held


def touched(notice: Notice, *, attempts: int, next_at: datetime | None) -> Notice:
    """
    The notice after a try that brought no event: due again at `next_at`.

    A receipt may have come while the try was under way: what was answered is
    not sent again.
    """
    to_be_told = notice.state in (_S.QUEUED, _S.EXEMPT) or notice.resend_at is not None
    return replace(notice, attempts=attempts, next_at=next_at if to_be_told else None)


def told_again(notice: Notice, *, attempts: int, now: datetime) -> Notice:
    """
    The notice after a try that was answered 2xx: due once more where a share
    ended unknown and could still arrive, else not at all.
    """
    later = notice.resend_at if notice.resend_at is not None and notice.resend_at > now else None
    sent = replace(notice, attempts=attempts, next_at=later, resend_at=later)
    return resettled(sent, now=now)


def asked_on(notice: Notice) -> bool:
    """Whether it was told already, and its recipient is asked how far it is."""
    asked = notice.next_at is not None and notice.resend_at is None
    return going_on(notice) and notice.state is not _S.QUEUED and asked


def going_on(notice: Notice) -> bool:
    """Whether anything that its recipient answers may still bring it further."""
    return notice.state in (_S.QUEUED, *_UNDER_WAY, _S.OVERDUE) and not notice.settled


def followed_up(notice: Notice, after: timedelta, *, now: datetime) -> Notice:
    """
    The notice after a step that went well and is not the last: due again after so
    long, up to `ASKED_AFTER_DEADLINE`.
    """
    # Of one whose exemption is over it is enough to have told it.
    going = going_on(notice) or (notice.state is _S.EXEMPT and notice.next_at is not None)
    if not going or now > notice.deadline + ASKED_AFTER_DEADLINE:
        return replace(notice, next_at=notice.resend_at)
    due = min(now + after, notice.resend_at or now + after)
    return replace(notice, next_at=due)


def resolve(notice: Notice, status: str, reason: str | None, now: datetime) -> Notice:
    """
    The notice as a person settles it, on evidence that the caller records (R3).

    Raises `CallerError`: `notice-settled`, or `request-invalid` for a status
    that is not one of `RESOLVABLE`.
    """
    if resettled(notice, now=now).settled:
        raise CallerError(Reason.NOTICE_SETTLED)
    if status not in RESOLVABLE:
        words = ", ".join(sorted(RESOLVABLE))
        raise CallerError(Reason.REQUEST_INVALID, f"status: write one of {words}")
    return replace(
        notice,
        state=NoticeState(status),
        reason=reason,
        proof=Proof.PERSON,
        settled=True,
        next_at=None,
        resend_at=None,
    )


def needs_person(notice: Notice, *, now: datetime, manual: bool = False) -> bool:
    """
    Whether it is a task: no program will bring it any further.

    `manual`: its recipient can be told by a person only.
    """
    if notice.settled:
        return False
    match notice.state:
        case NoticeState.QUEUED:
            return manual
        case NoticeState.PARTIAL:
            return now >= notice.deadline
        case NoticeState.COMPLETED:
            # To be told once more, and no try is left.
            return notice.resend_at is not None and notice.next_at is None
        case state:
            return state in _TASKS


def _next_state(notice: Notice, event: Event, now: datetime) -> NoticeState:
    if event is Event.DEADLINE and notice.state is _S.QUEUED:
        return _past_deadline(notice)
    # Gone before its time: what is heard of it until then is not late.
    gone_early = notice.state is _S.FAILED and notice.reason == GONE and now < notice.deadline
    if gone_early and event in (Event.ATTEMPTED_OK, *STATUSES):
        return TRANSITIONS[_S.QUEUED][event]
    return TRANSITIONS[notice.state][event]


def _past_deadline(notice: Notice) -> NoticeState:
    """Where a queued notice goes, which a person may have queued again."""
    again = notice.reason in (TRIED_AGAIN, TOLD_AGAIN)
    if again and notice.next_at is not None:
        # The try that the person asked for is made first, however late it is.
        return _S.QUEUED
    return _S.OVERDUE if notice.reason == TOLD_AGAIN else TRANSITIONS[_S.QUEUED][_E.DEADLINE]


def _due(notice: Notice, event: Event) -> datetime | None:
    """Nothing is sent any more, except where a share ended unknown, or the recipient is asked."""
    under_way = (*_REPORTED, Event.DEADLINE)
    if event in under_way and notice.state in _UNDER_WAY and notice.resend_at is None:
        return notice.next_at
    return None if event is Event.GONE else notice.resend_at


def _tried_again(notice: Notice, now: datetime) -> Notice:
    reached = notice.state not in (_S.QUEUED, _S.FAILED) or notice.reason == TOLD_AGAIN
    return replace(
        notice,
        state=_S.QUEUED,
        reason=TOLD_AGAIN if reached else TRIED_AGAIN,
        backups_until=None,
        proof=None,
        next_at=now,
    )


def _with_later_backups(notice: Notice, event: Event, given: date | None) -> Notice:
    """R4: of two dates the later counts, in whatever order their receipts come."""
    if event is not Event.COMPLETED or notice.state is not _S.COMPLETED or given is None:
        return notice
    return replace(notice, backups_until=_later(given, notice.backups_until or given))


def _later(one: date, other: date) -> date:
    end, other_end = backups_end(one), backups_end(other)
    return one if end is None or (other_end is not None and end > other_end) else other


def _reason(notice: Notice, event: Event, given: str | None) -> str | None:
    if event is Event.DEADLINE:
        return notice.reason
    return GONE if event is Event.GONE else given
