"""The people's part of the SQLite store: rows, consents, fences, evidence."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.errors import Fenced, Stale
from gateway.model.shares import Outcome
from gateway.ports import (
    ConsentRow,
    DisclosureRow,
    EvidenceRow,
    FenceRow,
    IntentEntry,
    Recorded,
    SubjectRow,
    SubjectState,
)
from gateway.stores.sqlite.base import StorePart
from gateway.stores.sqlite.ledger import add_person, add_share, same_key
from gateway.stores.sqlite.reader import Row, Snapshot
from gateway.stores.sqlite.statements import SQL

# Disclosures read at a time: what is done with them takes about a millisecond, and
# nobody else waits longer.
DISCLOSURES_TOGETHER = 500

_DELIVERED = (Outcome.DELIVERED.value, False)


class PeoplePart(StorePart):
    """Implements `SubjectStore`."""

    async def subject(self, lookup: bytes) -> SubjectState | None:
        """See `SubjectStore.subject`."""
        async with self.reader.snapshot() as view:
            found = await view.one("subject", (lookup,))
            return await subject_state(view, found) if found else None

    async def rows_by_mark(
        self, lookups: Sequence[bytes], marks: Sequence[bytes]
    ) -> tuple[dict[bytes, SubjectRow], set[bytes]]:
        """See `SubjectStore.rows_by_mark`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("subjects_by_mark", (b"".join(lookups), len(lookups)))
            dead = await view.all("tombstones_by_mark", (b"".join(marks), len(marks)))
        return {row[1]: subject_row(row) for row in rows}, {row[0] for row in dead}

    async def subject_row(self, no: int) -> SubjectRow | None:
        """See `SubjectStore.subject_row`."""
        async with self.reader.snapshot() as view:
            found = await view.one("subject_by_no", (no,))
        return subject_row(found) if found else None

    async def tombstoned(self, mark: bytes, *, now: datetime) -> bool:
        """See `SubjectStore.tombstoned`."""
        async with self.reader.snapshot() as view:
            return await view.one("live_tombstone", (mark, now.strftime("%Y-%m"))) is not None

    async def put_subject(
        self, rows: Sequence[SubjectRow], *, tombstones: Sequence[bytes], same_person: bool
    ) -> tuple[SubjectRow, ...]:
        """See `SubjectStore.put_subject`."""
        return await self.write(lambda db: _put_subjects(db, rows, tombstones, same_person))

    async def add_consents(self, rows: Sequence[tuple[SubjectRow, bytes, str, bytes]]) -> list[int]:
        """See `SubjectStore.add_consents`."""
        return await self.write(lambda db: _add_consents(db, rows))

    async def consent(self, id: str) -> tuple[ConsentRow, SubjectRow] | None:
        """See `SubjectStore.consent`."""
        async with self.reader.snapshot() as view:
            found = await view.one("consent", (id,))
            if found is None:
                return None
            subject = await view.one("subject_by_no", (found[1],))
        return (_consent(found), subject_row(subject)) if subject else None

    async def update_consent(self, row: ConsentRow) -> None:
        """See `SubjectStore.update_consent`."""

        def operation(db: sqlite3.Connection) -> None:
            subject = db.execute(SQL["subject_by_no"], (row.subject,)).fetchone()
            if subject is None:
                raise Stale("the person's row is gone")
            db.execute(SQL["put_consent"], (row.id, row.subject, row.sealed))
            db.execute(SQL["raise_epoch"], (subject[2],))

        await self.write(operation)

    async def disclosures(self, subject: int) -> AsyncGenerator[list[DisclosureRow], None]:
        """See `SubjectStore.disclosures`."""
        async with self.reader.snapshot() as view:
            owner = await view.one("subject_by_no", (subject,))
            if owner is None:
                return

            def following(seq: int) -> asyncio.Task[Row | None]:
                arguments = (owner[2], seq, DISCLOSURES_TOGETHER)
                return asyncio.ensure_future(view.one("disclosures", arguments))

            otherwise = await view.all("disclosed_otherwise", (owner[2],))
            became = {seq: (outcome, bool(untold)) for seq, outcome, untold in otherwise}
            page = following(0)
            try:
                while (found := await page) and found[0]:
                    seqs = [int(seq) for seq in found[0].split(",")]
                    page = following(seqs[-1])
                    yield [
                        DisclosureRow(seq - 1, leaf, *became.get(seq, _DELIVERED))
                        for seq, leaf in zip(seqs, found[1].split("\n"), strict=True)
                    ]
            finally:
                page.cancel()

    async def declare(
        self, entries: Sequence[tuple[IntentEntry, str, str]]
    ) -> tuple[Recorded, ...]:
        """See `SubjectStore.declare`."""

        def operation(db: sqlite3.Connection) -> tuple[Recorded, ...]:
            return tuple(_declare(db, *one) for one in entries)

        return await self.write(operation)

    async def add_evidence(self, row: EvidenceRow) -> None:
        """See `SubjectStore.add_evidence`."""

        def operation(db: sqlite3.Connection) -> None:
            any_subject = row.subjects is None
            db.execute(SQL["put_evidence"], (row.id, row.partner, any_subject, row.sealed))
            for lookup in dict.fromkeys(row.subjects or ()):
                db.execute(SQL["put_evidence_subject"], (row.id, lookup))

        await self.write(operation)

    async def evidence(self, id: str) -> EvidenceRow | None:
        """See `SubjectStore.evidence`."""
        async with self.reader.snapshot() as view:
            found = await view.one("evidence", (id,))
            if found is None:
                return None
            lookups = await view.all("evidence_subjects", (id,))
        return EvidenceRow(
            id=found[0],
            partner=found[1],
            sealed=found[3],
            subjects=None if found[2] else tuple(row[0] for row in lookups),
        )


async def subject_state(view: Snapshot, found: Row) -> SubjectState:
    """All that is stored of the person of a row, as of the same moment."""
    row = subject_row(found)
    aliases = [subject_row(one) for one in await view.all("aliases", (row.person,))]
    consents = await view.all("consents", (row.no,))
    fences = await view.all("fences", (row.person,))
    return SubjectState(
        row=row,
        aliases=tuple(alias for alias in aliases if alias.no != row.no),
        consents=tuple(_consent(one) for one in consents),
        fences=tuple(FenceRow(case=f[0], person=f[1], sealed=f[2]) for f in fences),
    )


def subject_row(row: Row) -> SubjectRow:
    """A stored row as a value."""
    no, lookup, person, key, facts, epoch, erased = row
    return SubjectRow(
        no=no, lookup=lookup, person=person, key=key, facts=facts, epoch=epoch, erased=bool(erased)
    )


def _consent(row: Row) -> ConsentRow:
    return ConsentRow(id=row[0], subject=row[1], sealed=row[2])


def _stored(db: sqlite3.Connection, row: SubjectRow, tombstone: bytes) -> SubjectRow:
    """The row as it is stored now; stored first if it is new. Its facts are the stored ones."""
    found = db.execute(SQL["subject"], (row.lookup,)).fetchone()
    if found is None:
        if db.execute(SQL["tombstone"], (tombstone,)).fetchone():
            raise Fenced("the person was erased")
        if row.no is not None:
            raise Stale("the person's row is gone")
        person, no = add_person(db, row)
        return replace(row, no=no, person=person)
    stored = subject_row(found)
    if stored.erased:
        raise Fenced("the person is being erased")
    if stored.no is None or not same_key(row, stored.no, stored.key):
        raise Stale("the person has another key")
    return stored


def _put_subjects(
    db: sqlite3.Connection,
    rows: Sequence[SubjectRow],
    tombstones: Sequence[bytes],
    same_person: bool,
) -> tuple[SubjectRow, ...]:
    stored = [_stored(db, row, mark) for row, mark in zip(rows, tombstones, strict=True)]
    for row, now in zip(rows, stored, strict=True):
        # Also of a row that was new: another change may have stored it first.
        if now.epoch != row.epoch:
            raise Stale("the person's facts changed")
        db.execute(SQL["put_facts"], (row.facts, now.no))
    if same_person:
        _join(db, [row.person for row in stored if row.person is not None])
    else:
        for person in {row.person for row in stored}:
            db.execute(SQL["raise_epoch"], (person,))
    return tuple(subject_row(db.execute(SQL["subject"], (r.lookup,)).fetchone()) for r in rows)


def _join(db: sqlite3.Connection, persons: list[int]) -> None:
    first, *others = dict.fromkeys(persons)
    db.execute(SQL["raise_epoch"], (first,))
    for other in others:
        db.execute(SQL["join_epoch"], (first, other, first, other, first))
        db.execute(SQL["join_person"], (first, other))
        db.execute(SQL["join_fences"], (first, other))
        db.execute(SQL["drop_joined_fences"], (other,))
        db.execute(SQL["join_cases"], (first, other))
        db.execute(SQL["join_notices"], (first, other))
        db.execute(SQL["join_mass_places"], (first, other))
        db.execute(SQL["erase_mass_places"], (other,))
        db.execute(SQL["drop_person"], (other,))


def _declare(db: sqlite3.Connection, entry: IntentEntry, share: str, partner: str) -> Recorded:
    recorded = add_share(db, entry, share, "declared", partner, "delivered")
    if entry.references is not None:
        db.execute(SQL["new_reference"], (share, entry.references, recorded.subject))
    return recorded


def _add_consents(
    db: sqlite3.Connection, rows: Sequence[tuple[SubjectRow, bytes, str, bytes]]
) -> list[int]:
    numbers: list[int] = []
    for row, mark, id, sealed in rows:
        stored = _stored(db, row, mark)
        if stored.no is None:
            raise Stale("the person's row is gone")
        db.execute(SQL["put_consent"], (id, stored.no, sealed))
        db.execute(SQL["raise_epoch"], (stored.person,))
        numbers.append(stored.no)
    return numbers
