"""The editions' part of the SQLite store: what was in force, and what was decided under it."""

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime

from gateway.ports import EditionRow, PastRow, RefusalEntry, SubjectState
from gateway.stores.sqlite.base import StorePart, from_milliseconds, milliseconds
from gateway.stores.sqlite.ledger import append_leaf
from gateway.stores.sqlite.people import subject_state
from gateway.stores.sqlite.reader import Row
from gateway.stores.sqlite.statements import SQL


class EditionPart(StorePart):
    """Implements `EditionStore` and `HistoryStore`."""

    async def keep_edition(self, row: EditionRow, leaves: Sequence[bytes]) -> None:
        """See `EditionStore.keep_edition`."""

        def operation(db: sqlite3.Connection) -> None:
            (turn,) = db.execute(SQL["last_turn"]).fetchone()
            db.execute(SQL["keep_edition"], _columns(row, turn + 1))
            for leaf in leaves:
                append_leaf(db, leaf)

        await self.write(operation)

    async def edition_in_force(self) -> EditionRow | None:
        """See `EditionStore.edition_in_force`."""
        async with self.reader.snapshot() as view:
            row = await view.one("edition_in_force")
        return edition_row(row) if row else None

    async def kept_edition(self, number: str) -> EditionRow | None:
        """See `EditionStore.kept_edition`."""
        async with self.reader.snapshot() as view:
            row = await view.one("kept_edition", (number,))
        return edition_row(row) if row else None

    async def edition_numbers(self) -> list[str]:
        """See `EditionStore.edition_numbers`."""
        async with self.reader.snapshot() as view:
            return [row[0] for row in await view.all("edition_numbers")]

    async def refuse(self, entries: Sequence[RefusalEntry]) -> None:
        """See `HistoryStore.refuse`."""

        def operation(db: sqlite3.Connection) -> None:
            for entry in entries:
                seq = append_leaf(db, entry.leaf)
                if entry.decided:
                    values = (seq, entry.subject, entry.ground, entry.evidence)
                    db.execute(SQL["new_refusal"], values)

        await self.write(operation)

    async def count_past(self) -> int:
        """See `HistoryStore.count_past`."""
        async with self.reader.snapshot() as view:
            row = await view.one("count_past")
        return int(row[0]) if row else 0

    async def people_after(self, person: int, subject: int, limit: int) -> list[SubjectState]:
        """See `HistoryStore.people_after`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("people_after", (person, subject, limit))
            return [await subject_state(view, row) for row in rows]

    async def past_shares(self, subject: int | None, after: int, limit: int) -> list[PastRow]:
        """See `HistoryStore.past_shares`."""
        rows = await self._past("past_shares_of", subject, after, limit)
        return [PastRow(seq=row[0], leaf=row[1].encode()) for row in rows]

    async def past_refusals(self, subject: int | None, after: int, limit: int) -> list[PastRow]:
        """See `HistoryStore.past_refusals`."""
        rows = await self._past("past_refusals_of", subject, after, limit)
        return [
            PastRow(seq=row[0], leaf=row[1].encode(), ground=row[2], evidence=row[3])
            for row in rows
        ]

    async def _past(self, name: str, subject: int | None, after: int, limit: int) -> list[Row]:
        async with self.reader.snapshot() as view:
            if subject is None:
                return await view.all(f"{name}_nobody", (after, limit))
            return await view.all(name, (subject, after, limit))


def _columns(row: EditionRow, turn: int) -> tuple[object, ...]:
    return (
        row.number,
        row.digest,
        row.published.isoformat(),
        row.effective.isoformat(),
        milliseconds(row.adopted_at),
        turn,
        row.widened,
        row.documents,
    )


def edition_row(row: Row) -> EditionRow:
    """An edition out of its row."""
    number, digest, published, effective, adopted_at, widened, documents = row
    return EditionRow(
        number=number,
        digest=digest,
        published=date.fromisoformat(published),
        effective=datetime.fromisoformat(effective),
        adopted_at=from_milliseconds(adopted_at),
        widened=widened,
        documents=documents,
    )
