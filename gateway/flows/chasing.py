"""
Nobody is forgotten: recipients are reminded, and people are told what is left to them
(contract §9; R3, R6).

A look at a notice is durable before its reminder goes out, so that after a crash a
recipient is reminded at most once more, under the same id as ever.
"""

from datetime import datetime, timedelta

from gateway.cases.course import Looked, case_points, looked_at
from gateway.flows.gateway import Gateway
from gateway.flows.snapshots import recipient
from gateway.model.cases import Notice, NoticeState
from gateway.notices.base import Dialect
from gateway.notices.dialects import DIALECTS
from gateway.ports import DueCase

# Of one look; what is left is the next one's, a second later.
AT_ONCE = 500

# How often a case that is past its deadline is told of again.
OVERDUE_AGAIN = timedelta(days=1)

_PEOPLES = frozenset(
    {NoticeState.PARTIAL, NoticeState.REFUSED, NoticeState.FAILED, NoticeState.OVERDUE}
)


def reminds(gateway: Gateway, notice: Notice) -> bool:
    """
    Whether this recipient can be reminded by the same message. Who is asked by its
    protocol how far it is needs no other reminder.
    """
    partner = recipient(gateway, notice.partner)
    terms = partner.deletion if partner else None
    dialect: Dialect | None = DIALECTS.get(terms.protocol) if terms else None
    return dialect is not None and not dialect.remembers


def look(gateway: Gateway, notice: Notice) -> Looked:
    """A notice after a look at this moment. Whose turn it is not is as it was."""
    now = gateway.clock()
    due = notice.course.look_at
    if due is None or due > now:
        return Looked(notice=notice)
    rights = gateway.policy.policy.rights
    return looked_at(notice, rights, now=now, reminds=reminds(gateway, notice))


def say(gateway: Gateway, looked: Looked) -> None:
    """Log and count what a look did, once it is durable."""
    notice = looked.notice
    if looked.reminded:
        gateway.metrics.notice_step(partner=notice.partner, step="reminded")
        count = notice.course.reminders
        gateway.log.info("notice-reminded", notice=notice.id, partner=notice.partner, attempt=count)
    if looked.escalated:
        _escalate(gateway, notice, "silent")


def stepped(gateway: Gateway, before: Notice, after: Notice) -> None:
    """Count the state that a notice came into, and tell a person of what is left to them."""
    if before.state is after.state:
        return
    gateway.metrics.notice_step(partner=after.partner, step=after.state.value)
    if after.state in _PEOPLES and not after.settled:
        _escalate(gateway, after, after.state.value)


def _escalate(gateway: Gateway, notice: Notice, what: str) -> None:
    gateway.metrics.notice_step(partner=notice.partner, step="escalated")
    gateway.log.warning(
        "notice-escalated",
        notice=notice.id,
        case=notice.case,
        partner=notice.partner,
        what=what,
        deadline=notice.deadline,
    )


async def remind_of_cases(gateway: Gateway) -> None:
    """Tell whoever runs the gateway of open cases whose deadline comes near, or has passed."""
    found = await gateway.store.cases_to_remind_of(gateway.clock(), AT_ONCE)
    again = {due.case: _remind_of(gateway, due) for due in found}
    if again:
        await gateway.store.cases_reminded_of(again)


def _remind_of(gateway: Gateway, due: DueCase) -> datetime:
    """Say what is to be said of a case; when it is looked at once more."""
    now = gateway.clock()
    points = case_points(due.accepted_at, due.deadline, gateway.policy.policy.rights)
    if now >= due.deadline:
        _say_overdue(gateway, due)
    elif any(due.remind_at <= point <= now for point in points):
        _say_due(gateway, due)
    later = [point for point in (*points, due.deadline) if point > now]
    return min(later, default=now + OVERDUE_AGAIN)


def _say_due(gateway: Gateway, due: DueCase) -> None:
    left = -((gateway.clock() - due.deadline) // timedelta(days=1))
    gateway.log.warning(
        "case-due", case=due.case, days=left, count=due.unsettled, deadline=due.deadline
    )


def _say_overdue(gateway: Gateway, due: DueCase) -> None:
    late = (gateway.clock() - due.deadline) // timedelta(days=1)
    gateway.log.warning(
        "case-overdue", case=due.case, days=late, count=due.unsettled, deadline=due.deadline
    )
