"""The clocks of a case."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cases.deadlines import (
    LONGEST_PAUSE,
    case_deadline,
    earliest_send,
    notice_deadline,
    retry_at,
)
from tests.marks import promise
from tests.unit.cases.builders import DAY, LATER, NOW, RIGHTS

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
ALMOST_ALL = 0.999999


@promise("R6")
@pytest.mark.parametrize(
    ("reason", "days"), [("user-request", 30), ("minor-without-consent", 3), ("service-ended", 60)]
)
def test_a_case_is_due_by_its_reason(reason: str, days: int) -> None:
    """A case is due so many days after its acceptance as the policy gives its reason."""
    assert case_deadline(reason, RIGHTS, NOW) == NOW + days * DAY


def test_a_recipient_has_the_time_it_agreed_to_and_no_more_than_the_case() -> None:
    """A notice is due at the earlier of the recipient's own term and the case's."""
    case = NOW + 30 * DAY

    assert notice_deadline(case, 15 * DAY, NOW) == NOW + 15 * DAY
    assert notice_deadline(case, 45 * DAY, NOW) == case
    assert notice_deadline(case, None, NOW) == case


@promise("K3")
def test_the_end_of_a_service_is_told_thirty_days_after_its_announcement() -> None:
    """Nothing leaves before thirty days have passed; all other reasons are told at once."""
    announced = NOW - 12 * DAY

    assert earliest_send("service-ended", announced, RIGHTS, NOW) == NOW + 18 * DAY
    assert earliest_send("service-ended", NOW - 90 * DAY, RIGHTS, NOW) == NOW
    assert earliest_send("service-ended", None, RIGHTS, NOW) == NOW + 30 * DAY
    assert earliest_send("user-request", announced, RIGHTS, NOW) == NOW


def test_whoever_could_not_be_told_yet_is_not_late() -> None:
    """Counted from when it may leave, a notice is never due before it is sent."""
    start = earliest_send("service-ended", NOW, RIGHTS, NOW)
    due = notice_deadline(case_deadline("service-ended", RIGHTS, NOW), 15 * DAY, start)

    assert due == NOW + 45 * DAY


def test_the_first_retry_comes_within_five_seconds() -> None:
    """The first pause is drawn from up to 5 s and never shorter than 0.2 s."""
    first = retry_at(1, NOW, ALMOST_ALL, None, LATER)

    assert first is not None
    assert NOW + 4 * SECOND < first < NOW + 5 * SECOND
    assert retry_at(1, NOW, 0.0, None, LATER) == NOW + 0.2 * SECOND


def test_pauses_double_up_to_six_hours() -> None:
    """Each pause may be twice as long as the one before, and none is over six hours."""
    pauses = [retry_at(attempts, NOW, 0.5, None, LATER) for attempts in range(1, 15)]

    assert [(at - NOW) / SECOND for at in pauses[:4] if at] == [2.5, 5, 10, 20]
    assert pauses[13] == NOW + 3 * HOUR
    assert retry_at(10**6, NOW, 0.5, None, LATER) == NOW + 3 * HOUR


def test_retry_after_is_obeyed() -> None:
    """A recipient is left alone for as long as it asks, up to six hours, and no shorter."""
    assert retry_at(1, NOW, 0.5, 120, LATER) == NOW + 120 * SECOND
    assert retry_at(1, NOW, 0.5, 0, LATER) == NOW + 2.5 * SECOND
    assert retry_at(14, NOW, 0.5, 5, LATER) == NOW + 3 * HOUR
    assert retry_at(1, NOW, 0.5, 10**9, LATER) == NOW + 6 * HOUR


def test_tries_go_on_until_the_deadline() -> None:
    """A retry that would come after the deadline comes before it; past it there is none."""
    assert retry_at(14, NOW, 0.5, None, NOW + HOUR) == NOW + HOUR / 2
    assert retry_at(1, NOW, 0.5, None, NOW + 0.1 * SECOND) is None
    assert retry_at(1, NOW, 0.5, None, NOW - SECOND) is None
    assert retry_at(1, NOW, 0.5, 7200, NOW + HOUR) is None


@pytest.mark.parametrize(("attempts", "jitter"), [(0, 0.5), (-1, 0.5), (1, 1.0), (1, -0.1)])
def test_impossible_arguments_are_refused(attempts: int, jitter: float) -> None:
    """A retry follows a try, and jitter is a part of one."""
    with pytest.raises(ValueError, match="jitter"):
        retry_at(attempts, NOW, jitter, None, LATER)


@given(
    st.integers(1, 60),
    st.floats(0, 1, exclude_max=True),
    st.none() | st.integers(0, 10**9),
    st.integers(-5, 40 * 86400),
)
def test_every_retry_lies_between_now_and_the_deadline(
    attempts: int, jitter: float, retry_after: int | None, left: int
) -> None:
    """No retry is sooner than 0.2 s, later than six hours, or past the deadline."""
    deadline = NOW + left * SECOND
    at = retry_at(attempts, NOW, jitter, retry_after, deadline)

    assert at is None or (
        NOW + 0.2 * SECOND <= at <= min(deadline, NOW + LONGEST_PAUSE)
        and at >= NOW + SECOND * min(retry_after or 0, 21600)
    )
