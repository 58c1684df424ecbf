"""
The clocks of a case: when it is due, when its notices may leave, and when a
notice that was not taken goes out again (contract §9; R6, K3).
"""

from datetime import datetime, timedelta
from typing import Final

from gateway.model.cases import EraseReason
from gateway.model.policy import Rights

FIRST_RETRY: Final = timedelta(seconds=5)
"""The first retry comes within this, the second within twice as long, and so on."""
LONGEST_PAUSE: Final = timedelta(hours=6)
SHORTEST_PAUSE: Final = timedelta(seconds=0.2)

# Beyond this many doublings the pause is the longest one anyway.
_DOUBLINGS = 20


def case_deadline(reason: str, rights: Rights, accepted_at: datetime) -> datetime:
    """When a case must be over: so many days after its acceptance, by its reason (R6, M3)."""
    return accepted_at + timedelta(days=rights.days_by_reason.get(reason, rights.default_days))


def notice_deadline(
    case_deadline: datetime, complete_within: timedelta | None, accepted_at: datetime
) -> datetime:
    """
    When a notice must be completed: as its recipient agreed, and never after
    the case.

    `accepted_at` is the case's, or where notices must wait (`earliest_send`)
    the moment from which they may leave: nobody is late who could not be told.
    """
    if complete_within is None:
        return case_deadline
    return min(case_deadline, accepted_at + complete_within)


def earliest_send(
    reason: str, announced_at: datetime | None, rights: Rights, accepted_at: datetime
) -> datetime:
    """
    From when on notices may leave: at once, or when the end of the service has
    been announced long enough (K3). Without its date the announcement counts
    from the acceptance.
    """
    if reason != EraseReason.SERVICE_ENDED:
        return accepted_at
    announced = accepted_at if announced_at is None else announced_at
    return max(accepted_at, announced + timedelta(days=rights.announced_days))


def retry_at(
    attempts: int, now: datetime, jitter: float, retry_after: int | None, deadline: datetime
) -> datetime | None:
    """
    When a notice that was tried `attempts` times (at least once) goes out again;
    None where that would be past the deadline.

    The pause is drawn by `jitter` (0 ≤ jitter < 1) from nothing to 5 s, 10 s,
    20 s … 6 h, or to the deadline where that is nearer, so that many recipients
    who failed together do not come back together. `retry_after` (seconds)
    lengthens it, up to 6 h. Raises `ValueError` for arguments out of range.
    """
    if attempts < 1 or not 0 <= jitter < 1:
        raise ValueError("attempts begins at 1, jitter lies in [0, 1)")
    doubled = FIRST_RETRY * 2 ** min(attempts - 1, _DOUBLINGS)
    pause = max(SHORTEST_PAUSE, jitter * min(LONGEST_PAUSE, doubled, deadline - now))
    if retry_after is not None:
        pause = max(pause, timedelta(seconds=min(retry_after, LONGEST_PAUSE.total_seconds())))
    return now + pause if now + pause <= deadline else None
