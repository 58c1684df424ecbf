"""The part of the SQLite store that says how cases and notices go on: looks, tasks, counts."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.ports import CaseLine, DueCase, Place, TaskRow, Wait
from gateway.reports.scorecard import PartnerCount, Times
from gateway.stores.sqlite.base import StorePart, from_milliseconds, milliseconds
from gateway.stores.sqlite.case_rows import stored_notice
from gateway.stores.sqlite.reader import Row
from gateway.stores.sqlite.statements import SQL

# Before and behind every time, in milliseconds.
_EVER = -(2**62), 2**62

# How many columns a notice has in these statements.
_NOTICE = 22


class CoursePart(StorePart):
    """Implements `CourseStore`."""

    async def notices_to_look_at_again(self, now: datetime, limit: int) -> list[str]:
        """See `CourseStore.notices_to_look_at_again`."""
        rows = await self._rows("notices_to_look_at_again", (milliseconds(now), limit))
        return [row[0] for row in rows]

    async def hasten(self, partner: str, now: datetime, limit: int) -> int:
        """See `CourseStore.hasten`."""

        def operation(db: sqlite3.Connection) -> int:
            return db.execute(SQL["hasten"], (partner, milliseconds(now), limit)).rowcount

        return await self.write(operation)

    async def cases_to_remind_of(self, now: datetime, limit: int) -> list[DueCase]:
        """See `CourseStore.cases_to_remind_of`."""
        rows = await self._rows("cases_to_remind_of", (milliseconds(now), limit))
        return [
            DueCase(
                case=id,
                accepted_at=from_milliseconds(accepted),
                deadline=from_milliseconds(deadline),
                remind_at=from_milliseconds(remind),
                unsettled=unsettled,
            )
            for id, accepted, deadline, remind, unsettled in rows
        ]

    async def cases_reminded_of(self, again: Mapping[str, datetime]) -> None:
        """See `CourseStore.cases_reminded_of`."""
        rows = [(milliseconds(moment), case) for case, moment in again.items()]

        def operation(db: sqlite3.Connection) -> None:
            db.executemany(SQL["case_reminded_of"], rows)

        await self.write(operation)

    async def waiting_notices(self, now: datetime) -> dict[str, Wait]:
        """See `CourseStore.waiting_notices`."""
        rows = await self._rows("waiting_notices", (milliseconds(now),))
        return {
            partner: Wait(count=count, since=from_milliseconds(since))
            for partner, count, since in rows
        }

    async def task_counts(self) -> dict[str, int]:
        """See `CourseStore.task_counts`."""
        return dict(await self._rows("task_counts", ()))

    async def overdue_cases(self, now: datetime) -> int:
        """See `CourseStore.overdue_cases`."""
        return int((await self._rows("overdue_cases", (milliseconds(now),)))[0][0])

    async def tasks_after(
        self, after: Place | None, *, partner: str | None, limit: int
    ) -> list[TaskRow]:
        """See `CourseStore.tasks_after`."""
        wanted = {**_place(after), "partner": partner, "limit": limit}
        return [_task(row) for row in await self._rows("tasks_after", wanted)]

    async def case_lines(
        self,
        after: Place | None,
        *,
        state: str | None,
        partner: str | None,
        due_before: datetime | None,
        overdue_at: datetime | None,
        limit: int,
    ) -> list[CaseLine]:
        """See `CourseStore.case_lines`."""
        wanted = {
            **_place(after),
            "state": state,
            "partner": partner,
            "before": None if due_before is None else milliseconds(due_before),
            "overdue": None if overdue_at is None else milliseconds(overdue_at),
            "limit": limit,
        }
        return [_line(row) for row in await self._rows("case_lines", wanted)]

    async def scorecard(
        self, since: datetime | None, until: datetime | None, partner: str | None
    ) -> list[PartnerCount]:
        """See `CourseStore.scorecard`."""
        wanted = {
            "since": milliseconds(since) if since else _EVER[0],
            "until": milliseconds(until) if until else _EVER[1],
            "partner": partner,
        }
        async with self.reader.snapshot() as view:
            counts = await view.all("scorecard_counts", wanted)
            acknowledged = await view.all("scorecard_acknowledged", wanted)
            completed = await view.all("scorecard_completed", wanted)
        first, last = _times(acknowledged), _times(completed)
        none = Times()
        return [_counted(row, first.get(row[0], none), last.get(row[0], none)) for row in counts]

    async def _rows(self, name: str, arguments: Any) -> list[Row]:
        async with self.reader.snapshot() as view:
            return await view.all(name, arguments)


def _place(after: Place | None) -> dict[str, Any]:
    if after is None:
        return {"deadline": _EVER[0], "id": ""}
    return {"deadline": milliseconds(after.deadline), "id": after.id}


def _task(row: Row) -> TaskRow:
    action, reason, accepted = row[_NOTICE:]
    return TaskRow(
        notice=stored_notice(row[:_NOTICE]),
        action=action,
        case_reason=reason,
        accepted_at=from_milliseconds(accepted),
    )


def _line(row: Row) -> CaseLine:
    id, action, state, reason, accepted, deadline, closed, notices, settled, tasks = row
    return CaseLine(
        case=id,
        action=action,
        state=state,
        reason=reason,
        accepted_at=from_milliseconds(accepted),
        deadline=from_milliseconds(deadline),
        closed_at=None if closed is None else from_milliseconds(closed),
        notices=notices,
        settled=settled,
        tasks=tasks,
    )


def _times(rows: list[Row]) -> dict[str, Times]:
    """By recipient; seconds."""
    return {
        partner: Times(median=_seconds(median), p99=_seconds(last))
        for partner, median, last in rows
    }


def _seconds(value: int | None) -> float | None:
    return None if value is None else value / 1000


def _counted(row: Row, acknowledged: Times, completed: Times) -> PartnerCount:
    partner, notices, told, spoken, done, unsettled, overdue, refused, failed, exempt, *rest = row
    manual, reminders, silent = rest
    return PartnerCount(
        partner=partner,
        notices=notices,
        told=told,
        acknowledged=spoken,
        completed=done,
        open=unsettled,
        overdue=overdue,
        refused=refused,
        failed=failed,
        exempt=exempt,
        manual=manual,
        reminders=reminders,
        silent=silent,
        to_acknowledge=acknowledged,
        to_complete=completed,
    )
