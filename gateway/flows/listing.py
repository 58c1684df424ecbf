"""
Cases and tasks, due first, a page at a time (contract §9; R3, R6).

However many there are, no more of them is held than a page.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gateway.cases.course import Step, next_step
from gateway.cases.tasks import advice
from gateway.errors import CallerError, Reason
from gateway.flows.clockwork import stamp
from gateway.flows.gateway import Gateway
from gateway.model.cases import Case, Notice
from gateway.notices.downstream import downstream_of
from gateway.ports import CaseLine, Place, TaskRow

Line = dict[str, Any]

CASE_COLUMNS: Final = (
    *("case", "action", "reason", "state", "accepted_at", "deadline", "closed_at"),
    *("age_days", "days_left", "notices", "settled", "tasks"),
)
"""What a line of a case says, in this order."""
TASK_COLUMNS: Final = (
    *("case", "action", "age_days", "notice", "partner", "state", "reason", "deadline"),
    *("attempts", "reminders", "reached_at", "acknowledge_by", "acknowledged_at"),
    *("escalated_at", "downstream", "do"),
)
"""What a row of a table of tasks says, in this order."""

PAGE: Final = 500
MOST: Final = 1000
"""So many cases or tasks are in one answer that is not streamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases are asked for; None: any."""

    state: str | None = None
    partner: str | None = None
    due_before: datetime | None = None
    overdue: bool = False
    """Only open ones past their deadline."""


def place_of(cursor: str | None) -> Place | None:
    """Where an earlier answer ended (`next`). Raises `CallerError` for what is none."""
    if not cursor:
        return None
    number, _, id = cursor.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 15 and id.isascii()):
        raise CallerError(Reason.REQUEST_INVALID, "after: write what next said")
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(number))
    return Place(deadline=at, id=id)


def _cursor(deadline: datetime, id: str) -> str:
    return f"{round(deadline.timestamp() * 1000)}.{id}"


def shown_case(gateway: Gateway, case: Case) -> Line:
    """A case as `GET /v1/cases/{id}` has it: what stands, and what happens next."""
    notices = [shown_notice(gateway, notice) for notice in case.notices]
    return {**case.shown(), "scope": _scope(case), "notices": notices}


def _scope(case: Case) -> Line | None:
    """What it is about; None: the whole person."""
    if case.scope.whole:
        return None
    return {
        "partners": sorted(case.scope.partners),
        "purposes": sorted(case.scope.purposes),
        "categories": sorted(case.scope.categories),
    }


def shown_notice(gateway: Gateway, notice: Notice) -> Line:
    """A notice with its course: each time apart, what is left, and what happens next."""
    course = notice.course
    times = {
        "reached_at": course.reached_at,
        "acknowledge_by": course.acknowledge_by,
        "acknowledged_at": course.acknowledged_at,
        "done_at": course.done_at,
        "escalated_at": course.escalated_at,
    }
    return {
        **notice.shown(),
        **{name: _stamp(moment) for name, moment in times.items()},
        "reminders": course.reminders,
        "downstream": [
            {"name": one.name, "status": one.status} for one in downstream_of(notice.receipts)
        ],
        "next": _next(gateway, notice),
    }


def _next(gateway: Gateway, notice: Notice) -> Line:
    coming = next_step(notice, gateway.policy.policy.rights)
    said: Line = {"step": coming.step.value, "at": _stamp(coming.at)}
    said["task_at"] = _stamp(coming.task_at)
    if coming.step is Step.YOURS:
        said["do"] = advice(notice)
    return said


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


async def cases_page(
    gateway: Gateway, wanted: Wanted, after: Place | None, limit: int = MOST
) -> Line:
    """Cases with their notices, due first, and `next` where there are more."""
    rows = await _case_rows(gateway, wanted, after, limit + 1)
    found = [await gateway.store.case(row.case) for row in rows[:limit]]
    page: Line = {"cases": [shown_case(gateway, case) for case in found if case is not None]}
    if len(rows) > limit:
        last = rows[limit - 1]
        page["next"] = _cursor(last.deadline, last.case)
    return page


async def case_lines(gateway: Gateway, wanted: Wanted) -> AsyncIterator[Line]:
    """Every case, due first, as a line with its counts."""
    now, after = gateway.clock(), None
    while rows := await _case_rows(gateway, wanted, after, PAGE):
        for row in rows:
            yield _case_line(row, now)
        after = Place(deadline=rows[-1].deadline, id=rows[-1].case)


async def _case_rows(
    gateway: Gateway, wanted: Wanted, after: Place | None, limit: int
) -> list[CaseLine]:
    return await gateway.store.case_lines(
        after,
        state=wanted.state,
        partner=wanted.partner,
        due_before=wanted.due_before,
        overdue_at=gateway.clock() if wanted.overdue else None,
        limit=limit,
    )


def _case_line(row: CaseLine, now: datetime) -> Line:
    ended = row.closed_at or now
    return {
        "case": row.case,
        "action": row.action,
        "reason": row.reason,
        "state": row.state,
        "accepted_at": stamp(row.accepted_at),
        "deadline": stamp(row.deadline),
        "closed_at": _stamp(row.closed_at),
        "age_days": _days(row.accepted_at, ended),
        "days_left": (row.deadline - now) // timedelta(days=1) if row.closed_at is None else None,
        "notices": row.notices,
        "settled": row.settled,
        "tasks": row.tasks,
    }


async def tasks_page(
    gateway: Gateway, partner: str | None, after: Place | None, limit: int = MOST
) -> Line:
    """What waits for a person, due first, and `next` where there is more."""
    rows = await gateway.store.tasks_after(after, partner=partner, limit=limit + 1)
    now = gateway.clock()
    page: Line = {"tasks": [_task_line(gateway, row, now) for row in rows[:limit]]}
    if len(rows) > limit:
        last = rows[limit - 1].notice
        page["next"] = _cursor(last.deadline, last.id)
    return page


async def task_lines(gateway: Gateway, partner: str | None) -> AsyncIterator[Line]:
    """Everything that waits for a person, due first."""
    now, after = gateway.clock(), None
    while rows := await gateway.store.tasks_after(after, partner=partner, limit=PAGE):
        for row in rows:
            yield _task_line(gateway, row, now)
        last = rows[-1].notice
        after = Place(deadline=last.deadline, id=last.id)


def _task_line(gateway: Gateway, row: TaskRow, now: datetime) -> Line:
    return {
        "case": row.notice.case,
        "action": row.action,
        "age_days": _days(row.accepted_at, now),
        **shown_notice(gateway, row.notice),
    }


def _days(start: datetime, end: datetime) -> int:
    return max(0, (end - start) // timedelta(days=1))


async def with_summary(lines: AsyncIterator[Line], what: str) -> AsyncIterator[Line]:
    """The same lines, and one more that says how many there were."""
    count = 0
    async for line in lines:
        count += 1
        yield line
    yield {"summary": {what: count}}
