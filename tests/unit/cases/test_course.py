"""When a recipient is reminded, when a person is told, and what is said of what comes next."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cases.course import (
    Step,
    begun,
    case_points,
    is_task,
    looked_at,
    next_step,
    stamped,
)
from gateway.cases.tasks import ADDRESS_GONE, BY_HAND, SILENT, advice
from gateway.model.cases import Course, Notice, NoticeState, Proof
from tests.unit.cases.builders import DAY, NOW, RIGHTS, a_notice

S = NoticeState
DUE = NOW + 15 * DAY


def a_begun(**changes: Any) -> Notice:
    """A notice to whoever agreed to acknowledge within three days."""
    return begun(a_notice(**changes), since=NOW, within=3 * DAY, rights=RIGHTS)


def reached(notice: Notice, at: datetime = NOW) -> Notice:
    """The same, once its recipient took it."""
    return stamped(notice, replace(notice, state=S.SENT, next_at=None), now=at)


def test_a_new_notice_is_looked_at_when_it_must_be_acknowledged() -> None:
    """Or first at a stated day before its deadline; what is settled is never looked at."""
    near = begun(a_notice(deadline=NOW + 8 * DAY), since=NOW, within=3 * DAY, rights=RIGHTS)

    assert a_begun().course == Course(
        since=NOW, acknowledge_by=NOW + 3 * DAY, look_at=NOW + 3 * DAY
    )
    assert near.course.look_at == NOW + DAY
    assert a_begun(state=S.EXEMPT, settled=True).course.look_at is None


def test_nobody_is_late_who_was_not_reached() -> None:
    """The time to acknowledge runs from the moment at which it was reached."""
    late = reached(a_begun(), NOW + 2 * DAY)
    at_first = looked_at(late, RIGHTS, now=NOW + 3 * DAY, reminds=True)
    later = looked_at(at_first.notice, RIGHTS, now=NOW + 5 * DAY, reminds=True)

    assert late.course.acknowledge_by == NOW + 5 * DAY
    assert (at_first.reminded, at_first.notice.course.look_at) == (False, NOW + 5 * DAY)
    assert later.reminded


def test_silence_is_reminded_and_then_told() -> None:
    """One reminder at the agreed time, a person a day later, once."""
    first = looked_at(reached(a_begun()), RIGHTS, now=NOW + 3 * DAY, reminds=True)
    sent = replace(first.notice, next_at=None)
    second = looked_at(sent, RIGHTS, now=NOW + 4 * DAY, reminds=True)
    third = looked_at(second.notice, RIGHTS, now=NOW + 5 * DAY, reminds=True)

    assert (first.reminded, first.escalated, first.notice.next_at) == (True, False, NOW + 3 * DAY)
    assert (second.reminded, second.escalated) == (False, True)
    assert is_task(second.notice) and not is_task(sent)
    assert not third.escalated


def test_who_is_asked_by_its_protocol_is_not_reminded() -> None:
    """A person is told of its silence all the same."""
    first = looked_at(reached(a_begun()), RIGHTS, now=NOW + 3 * DAY, reminds=False)
    second = looked_at(first.notice, RIGHTS, now=NOW + 4 * DAY, reminds=False)

    assert not first.reminded
    assert second.escalated


def test_points_that_passed_together_are_one_reminder() -> None:
    """Whoever was down for days reminds once."""
    looked = looked_at(reached(a_begun()), RIGHTS, now=DUE - DAY / 2, reminds=True)

    assert looked.reminded and looked.escalated
    assert looked.notice.course.reminders == 1
    assert looked.notice.course.look_at is None


def test_a_word_ends_what_waited_for_it() -> None:
    """An acknowledgement stops the reminder that has not gone out, and is nobody's task."""
    first = looked_at(reached(a_begun()), RIGHTS, now=NOW + 3 * DAY, reminds=True).notice
    escalated = replace(first, course=replace(first.course, escalated_at=NOW))
    spoken = replace(escalated, state=S.ACKNOWLEDGED, proof=Proof.RECEIPT)
    after = stamped(escalated, spoken, now=NOW + 4 * DAY)

    assert (after.next_at, after.course.escalated_at) == (None, None)
    assert after.course.acknowledged_at == NOW + 4 * DAY


def test_what_a_person_says_is_not_the_recipients_word() -> None:
    """Settled by hand, a notice is done and was neither reached nor acknowledged."""
    before = a_begun()
    settled = replace(before, state=S.COMPLETED, settled=True, proof=Proof.PERSON, next_at=None)
    after = stamped(before, settled, now=NOW + DAY).course

    assert (after.reached_at, after.acknowledged_at, after.done_at) == (None, None, NOW + DAY)
    assert after.look_at is None


NEXT: dict[str, tuple[Notice, Step]] = {
    "first": (a_begun(attempts=0, next_at=NOW), Step.TOLD),
    "retry": (a_begun(attempts=2, next_at=NOW + DAY), Step.TRIED_AGAIN),
    "held": (a_begun(held=True), Step.WAITS),
    "by hand": (a_begun(reason="manual", next_at=None), Step.YOURS),
    "silent": (reached(a_begun()), Step.REMINDED),
    "polled": (a_begun(state=S.IN_PROGRESS, next_at=NOW + DAY), Step.ASKED),
    "once more": (a_begun(state=S.SENT, next_at=NOW, resend_at=NOW), Step.TOLD_AGAIN),
    "nothing agreed": (a_notice(S.SENT, deadline=NOW + DAY), Step.TASK),
    "refused": (a_begun(state=S.REFUSED), Step.YOURS),
    "backups": (a_begun(state=S.COMPLETED, backups_until=date(2027, 1, 5)), Step.SETTLES),
    "exempt for a while": (a_begun(state=S.EXEMPT, settled=True, next_at=DUE), Step.TOLD),
    "settled": (a_begun(state=S.COMPLETED, settled=True), Step.OVER),
}


@pytest.mark.parametrize("name", NEXT)
def test_what_comes_next_is_told(name: str) -> None:
    """Each notice says what happens to it if nobody does anything."""
    notice, step = NEXT[name]
    rights = RIGHTS if name != "nothing agreed" else replace(RIGHTS, reminders_days=())

    assert next_step(notice, rights).step is step
    assert is_task(notice) is (step is Step.YOURS)


def test_backups_settle_on_the_day_behind_theirs() -> None:
    """Their day is over before the case may close (R4)."""
    coming = next_step(NEXT["backups"][0], RIGHTS)

    assert coming.at is not None and coming.at.date() == date(2027, 1, 6)


def test_the_last_day_of_the_calendar_is_a_day() -> None:
    """A notice whose backups are cleaned then is shown as others; there is no day behind it."""
    coming = next_step(a_begun(state=S.COMPLETED, backups_until=date.max), RIGHTS)

    assert (coming.step, coming.at) == (Step.SETTLES, None)


def test_advice_fits_the_task() -> None:
    """Each kind of task says what a person does about it."""
    told = {
        advice(a_notice(S.FAILED, reason="gone")): ADDRESS_GONE,
        advice(a_notice(reason="manual")): BY_HAND,
        advice(a_notice(S.SENT)): SILENT,
    }

    assert all(said == wanted for said, wanted in told.items())
    assert len({advice(a_notice(state)) for state in (S.PARTIAL, S.REFUSED, S.FAILED)}) == 3


def test_a_case_is_told_of_before_its_deadline() -> None:
    """On the stated days, but none that lies before it was accepted."""
    short = case_points(NOW, NOW + 3 * DAY, RIGHTS)

    assert case_points(NOW, NOW + 30 * DAY, RIGHTS) == (
        NOW + 23 * DAY,
        NOW + 27 * DAY,
        NOW + 29 * DAY,
    )
    assert short == (NOW + 2 * DAY,)


@settings(max_examples=60)
@given(st.lists(st.integers(1, 120), min_size=1, max_size=20))
def test_looks_end(hours: list[int]) -> None:
    """Whenever somebody looks, the next look lies ahead, and there are at most four reminders."""
    notice, now = reached(a_begun()), NOW
    for step in hours:
        now += timedelta(hours=step)
        notice = replace(looked_at(notice, RIGHTS, now=now, reminds=True).notice, next_at=None)
        look_at = notice.course.look_at
        assert look_at is None or now < look_at < notice.deadline
    assert notice.course.reminders <= 4
