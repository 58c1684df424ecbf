"""
How a notice goes on by itself: when its recipient is reminded, when a person is told
that it stays silent, and what happens next (contract §9; R3, R4, R6).

Three things are apart. A notice was *reached* when its recipient took it, it was
*acknowledged* when the recipient first said anything of it, and it is *done* when it
was said to be completed. Each has its own time, and its own deadline where one was
agreed. A reminder is the same notice under the same id; it says nothing more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.model.cases import Course, Notice, NoticeState, Proof, backups_end
from gateway.model.policy import Rights

_S = NoticeState
_UNDER_WAY = frozenset({_S.SENT, _S.ACKNOWLEDGED, _S.IN_PROGRESS, _S.PARTIAL})
_SPOKEN = frozenset({_S.ACKNOWLEDGED, _S.IN_PROGRESS, _S.PARTIAL, _S.REFUSED, _S.COMPLETED})
_REACHED = _SPOKEN | {_S.SENT, _S.OVERDUE}
_TASKS = frozenset({_S.PARTIAL, _S.REFUSED, _S.FAILED, _S.OVERDUE})
_DAY = timedelta(days=1)


class Step(StrEnum):
    """What happens to a notice next."""

    TOLD = "told"
    """It goes out for the first time."""
    TRIED_AGAIN = "tried-again"
    TOLD_AGAIN = "told-again"
    """A share ended unknown and may have arrived since: its recipient is told once more."""
    ASKED = "asked"
    """Its recipient is asked how far it is, as its protocol does."""
    WAITS = "waits"
    """A share to its recipient has not ended; what that brings is told with it."""
    REMINDED = "reminded"
    TASK = "task"
    """Nothing but a deadline is left; then it is a person's task."""
    YOURS = "yours"
    """It is a person's task now."""
    SETTLES = "settles"
    """Its recipient's backups are cleaned by then; it settles by itself."""
    OVER = "over"
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What happens next, when, and from when on it is a person's task if nothing is heard."""

    step: Step
    at: datetime | None = None
    task_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A notice after a look, and what the look did."""

    notice: Notice
    reminded: bool = False
    escalated: bool = False


def begun(notice: Notice, *, since: datetime, within: timedelta | None, rights: Rights) -> Notice:
    """
    A new notice with its course. `since`: from when on it is to be told; `within`: as
    the manifest's `acknowledge_within`. What is settled has nothing to be looked at.
    """
    by = None if within is None else min(notice.deadline, since + within)
    started = replace(notice, course=Course(since=since, acknowledge_by=by))
    return _scheduled(started, rights, after=since)


def looked_at(notice: Notice, rights: Rights, *, now: datetime, reminds: bool) -> Looked:
    """
    A notice whose `look_at` has come. Its recipient is reminded where a stated point
    has passed; a person is told where it has stayed silent for too long.

    `reminds`: whether its protocol has the same message again mean the same.
    """
    course = notice.course
    if notice.settled or now >= notice.deadline:
        return Looked(notice=replace(notice, course=replace(course, look_at=None)))
    first = course.look_at or now
    passed = any(first <= point <= now for point in _points(notice, rights))
    idle = notice.state in _UNDER_WAY and notice.next_at is None
    reminded = reminds and passed and idle
    late = _silent_at(notice, rights)
    escalated = late is not None and late <= now
    after = _scheduled(notice, rights, after=now)
    if reminded:
        told = replace(after.course, reminders=course.reminders + 1)
        after = replace(after, course=told, next_at=now)
    if escalated:
        after = replace(after, course=replace(after.course, escalated_at=now))
    return Looked(notice=after, reminded=reminded, escalated=escalated)


def stamped(before: Notice, after: Notice, *, now: datetime) -> Notice:
    """
    A changed notice with the times of what has just happened for the first time.

    Who could not be told is not late: the time to acknowledge runs from the moment at
    which its recipient was reached. A word of the recipient ends a reminder that has
    not gone out; what a person has told again is nobody's task for now.
    """
    if after.settled and after.course.look_at is not None:
        after = replace(after, course=replace(after.course, look_at=None))
    if (before.state, before.settled) == (after.state, after.settled):
        return after
    course = after.course
    if after.state is _S.QUEUED:
        return replace(after, course=replace(course, acknowledge_by=None, escalated_at=None))
    said = after.proof is not Proof.PERSON
    if course.reached_at is None and said and after.state in _REACHED:
        course = _reached(course, after.deadline, now)
    if course.acknowledged_at is None and said and after.state in _SPOKEN:
        course = replace(course, acknowledged_at=now, escalated_at=None)
        if course.reminders and after.resend_at is None and after.state in _UNDER_WAY:
            after = replace(after, next_at=None)
    if course.done_at is None and (after.settled or after.state is _S.COMPLETED):
        course = replace(course, done_at=now)
    return replace(after, course=course)


def is_task(notice: Notice) -> bool:
    """Whether a person must do something about it now."""
    if notice.settled or notice.held:
        return False
    if notice.state in _TASKS or notice.course.escalated_at is not None:
        return True
    told = notice.next_at is not None
    return not told and (notice.state is _S.QUEUED or notice.resend_at is not None)


def next_step(notice: Notice, rights: Rights) -> Next:
    """What happens to a notice next, if nobody does anything."""
    if notice.state is _S.EXEMPT and notice.next_at is not None:
        return Next(step=Step.TOLD, at=notice.next_at)
    if notice.settled:
        return Next(step=Step.OVER)
    if notice.held:
        return Next(step=Step.WAITS, task_at=notice.deadline)
    if is_task(notice):
        return Next(step=Step.YOURS, at=notice.next_at)
    if notice.state is _S.COMPLETED:
        return _completed(notice)
    task_at = _silent_at(notice, rights) or notice.deadline
    if notice.state is _S.QUEUED:
        step = Step.TRIED_AGAIN if notice.attempts else Step.TOLD
        return Next(step=step, at=notice.next_at, task_at=task_at)
    if notice.next_at is not None:
        step = Step.TOLD_AGAIN if notice.resend_at is not None else _asked(notice)
        return Next(step=step, at=notice.next_at, task_at=task_at)
    after = notice.course.look_at or notice.deadline
    points = (point for point in _points(notice, rights) if point >= after)
    reminded = min(points, default=None)
    step = Step.TASK if reminded is None else Step.REMINDED
    return Next(step=step, at=reminded or task_at, task_at=task_at)


def case_points(accepted_at: datetime, deadline: datetime, rights: Rights) -> tuple[datetime, ...]:
    """When whoever runs the gateway is reminded of a case that is still open, in order (R6)."""
    points = (deadline - days * _DAY for days in rights.reminders_days)
    return tuple(sorted(point for point in points if point > accepted_at))


def _asked(notice: Notice) -> Step:
    return Step.REMINDED if notice.course.reminders else Step.ASKED


def _completed(notice: Notice) -> Next:
    if notice.resend_at is not None:
        return Next(step=Step.TOLD_AGAIN, at=notice.next_at)
    if notice.backups_until is None:
        return Next(step=Step.OVER)
    return Next(step=Step.SETTLES, at=backups_end(notice.backups_until))


def _reached(course: Course, deadline: datetime, now: datetime) -> Course:
    by = course.acknowledge_by
    if by is not None and course.since is not None and now > course.since:
        by = min(deadline, by + (now - course.since))
    return replace(course, reached_at=now, acknowledge_by=by, escalated_at=None)


def _points(notice: Notice, rights: Rights) -> Iterator[datetime]:
    """When its recipient is reminded, if it has not done what it should have by then."""
    since = notice.course.since
    for days in rights.reminders_days:
        point = notice.deadline - days * _DAY
        if since is None or point > since:
            yield point
    by = notice.course.acknowledge_by
    if by is not None and _awaited(notice):
        yield by


def _awaited(notice: Notice) -> bool:
    return notice.course.acknowledged_at is None and notice.state in (_S.QUEUED, _S.SENT)


def _silent_at(notice: Notice, rights: Rights) -> datetime | None:
    """When a person is told that it stays unacknowledged; None: never, or already."""
    by = notice.course.acknowledge_by
    if by is None or not _awaited(notice) or notice.course.escalated_at is not None:
        return None
    late = by + rights.escalate_days * _DAY
    return late if late < notice.deadline else None


def _scheduled(notice: Notice, rights: Rights, *, after: datetime) -> Notice:
    """The notice with the next moment at which it is looked at."""
    late = _silent_at(notice, rights)
    moments = [*_points(notice, rights), *([late] if late is not None else [])]
    due = min((one for one in moments if after < one < notice.deadline), default=None)
    return replace(notice, course=replace(notice.course, look_at=None if notice.settled else due))
