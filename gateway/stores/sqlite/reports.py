"""What reports ask of the SQLite store."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.ports import (
    ConsentRow,
    EvidenceRow,
    PersonReadRow,
    SharedRow,
    SubjectRow,
    SubjectState,
)
from gateway.reports.counts import HourOfReads, Reader, ReadSpread, RefusalCount, ShareCount
from gateway.stores.sqlite.base import StorePart, milliseconds
from gateway.stores.sqlite.ledger import append_leaf
from gateway.stores.sqlite.people import subject_row
from gateway.stores.sqlite.reader import Row
from gateway.stores.sqlite.statements import SQL

# Before and behind every time, in milliseconds.
_EVER = -(2**62), 2**62


class ReportPart(StorePart):
    """Implements `ReportStore`."""

    async def append_read(self, leaf: bytes, lookup: bytes | None) -> None:
        """See `ReportStore.append_read`."""

        def operation(db: sqlite3.Connection) -> None:
            db.execute(SQL["new_read"], (append_leaf(db, leaf), lookup))

        await self.write(operation)

    async def last_subject(self) -> int:
        """See `ReportStore.last_subject`."""
        return int((await self._all("last_subject"))[0][0])

    async def shares_of_people(
        self, partner: str | None, after: tuple[int, int], last: int, limit: int
    ) -> list[SharedRow]:
        """See `ReportStore.shares_of_people`."""
        rows = await self._all("shares_of_people", *after, last, partner, limit)
        return [_shared(row) for row in rows]

    async def shares_of_nobody(self, partner: str | None, after: int, last: int) -> list[SharedRow]:
        """See `ReportStore.shares_of_nobody`."""
        return [_shared(row) for row in await self._all("shares_of_nobody", after, last, partner)]

    async def rows_by_number(self, numbers: Sequence[int]) -> list[SubjectRow]:
        """See `ReportStore.rows_by_number`."""
        rows = await self._all("subjects_by_no", json.dumps(list(numbers)))
        return [subject_row(row) for row in rows]

    async def consented(self, after: int, limit: int) -> list[SubjectState]:
        """See `ReportStore.consented`."""
        async with self.reader.snapshot() as view:
            people = [subject_row(row) for row in await view.all("consented", (after, limit))]
            numbers = json.dumps([row.no for row in people])
            consents: dict[int, list[ConsentRow]] = {}
            for id, subject, sealed in await view.all("consents_of", (numbers,)):
                one = ConsentRow(id=id, subject=subject, sealed=sealed)
                consents.setdefault(subject, []).append(one)
        return [
            SubjectState(row=row, consents=tuple(consents.get(row.no or 0, ()))) for row in people
        ]

    async def count_shares(self, after: int, last: int, since: str, until: str) -> list[ShareCount]:
        """See `ReportStore.count_shares`."""
        return [
            ShareCount(
                partner=partner,
                purpose=purpose,
                outcome=outcome,
                untold=bool(untold),
                categories=tuple(json.loads(categories)),
                shares=count,
            )
            for partner, purpose, outcome, untold, categories, count in await self._all(
                "count_shares", after, last, since, until
            )
        ]

    async def count_refusals(
        self, after: int, last: int, since: str, until: str, partners: Sequence[str]
    ) -> list[RefusalCount]:
        """See `ReportStore.count_refusals`."""
        named = json.dumps(list(partners))
        return [
            RefusalCount(partner=partner, purpose=purpose, code=code, refusals=count)
            for partner, purpose, code, count in await self._all(
                "count_refusals", after, last, since, until, named
            )
        ]

    async def exempt_notices(
        self, reason: str, since: datetime | None, until: datetime | None
    ) -> dict[str, int]:
        """See `ReportStore.exempt_notices`."""
        first = milliseconds(since) if since else _EVER[0]
        last = milliseconds(until) if until else _EVER[1]
        return dict(await self._all("exempt_notices", reason, first, last))

    async def evidence_after(self, id: str, limit: int) -> list[EvidenceRow]:
        """See `ReportStore.evidence_after`."""
        return [
            EvidenceRow(id=row[0], partner=row[1], sealed=row[3], subjects=None)
            for row in await self._all("evidence_after", id, limit)
        ]

    async def read_hours(self, until: str) -> list[HourOfReads]:
        """See `ReportStore.read_hours`."""
        return [
            HourOfReads(reader=_reader(service, actor), hour=hour, record=record, reads=count)
            for service, actor, hour, record, count in await self._all("read_hours", until)
        ]

    async def read_spread(self, since: str, until: str) -> list[ReadSpread]:
        """See `ReportStore.read_spread`."""
        return [
            ReadSpread(reader=_reader(service, actor), reads=reads, people=people)
            for service, actor, reads, people in await self._all("read_spread", since, until)
        ]

    async def reads_of_people(self, since: str, until: str, limit: int) -> list[PersonReadRow]:
        """See `ReportStore.reads_of_people`."""
        return [
            PersonReadRow(subject=subject, reader=_reader(service, actor), reads=count, last=last)
            for service, actor, subject, count, last in await self._all(
                "reads_of_people", since, until, limit
            )
        ]

    async def readers_of_people(
        self, since: str, until: str, more_than: int, limit: int
    ) -> list[PersonReadRow]:
        """See `ReportStore.readers_of_people`."""
        return [
            PersonReadRow(subject=subject, readers=readers, reads=reads)
            for subject, readers, reads in await self._all(
                "readers_of_people", since, until, more_than, limit
            )
        ]

    async def _all(self, name: str, *arguments: Any) -> list[Row]:
        """One statement, in a view of its own."""
        async with self.reader.snapshot() as view:
            return await view.all(name, arguments)


def _shared(row: Row) -> SharedRow:
    subject, seq, leaf, outcome, untold = row
    return SharedRow(
        subject=subject, seq=seq, leaf=leaf.encode(), outcome=outcome, untold=bool(untold)
    )


def _reader(service: str, actor: str | None) -> Reader:
    return Reader(service=service, actor=actor)
