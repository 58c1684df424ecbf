"""What ends by itself, in the SQLite store: which recipients are to be told, and of what."""

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime

from gateway.errors import Stale
from gateway.ports import EndingRow, ReferenceRow
from gateway.stores.sqlite.base import (
    NEVER,
    StorePart,
    from_milliseconds,
    milliseconds,
    seconds,
)
from gateway.stores.sqlite.reader import Row
from gateway.stores.sqlite.statements import SQL


class TermsPart(StorePart):
    """Implements `TermsStore`."""

    async def recipients_with_ends(self, now: datetime) -> list[str]:
        """See `TermsStore.recipients_with_ends`."""
        return [row[0] for row in await self.reader.all("recipients_with_ends", (seconds(now),))]

    async def people_with_ends(self, partner: str, now: datetime | None, limit: int) -> list[int]:
        """See `TermsStore.people_with_ends`."""
        async with self.reader.snapshot() as view:
            if now is None:
                rows = await view.all("people_with_shares", (partner, limit))
            else:
                rows = await view.all("people_with_ends", (partner, seconds(now), limit))
        return [row[0] for row in rows]

    async def ending(self, partner: str, person: int) -> tuple[list[EndingRow], list[ReferenceRow]]:
        """See `TermsStore.ending`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("ending", (partner, person))
            references = await view.all("ending_references", (partner, person))
        return (
            [_ending_row(row) for row in rows],
            [ReferenceRow(share=r[0], subject=r[1], sealed=r[2]) for r in references],
        )

    async def look_again(self, shares: Mapping[int, datetime]) -> None:
        """See `TermsStore.look_again`."""

        def operation(db: sqlite3.Connection) -> None:
            rows = ((seconds(moment), seq) for seq, moment in shares.items())
            db.executemany(SQL["look_again"], rows)

        await self.write(operation)

    async def untried_notices(self, now: datetime) -> dict[str, int]:
        """See `TermsStore.untried_notices`."""
        return dict(await self.reader.all("untried_notices", (milliseconds(now),)))


def end_shares(db: sqlite3.Connection, case: str, shares: Iterable[int]) -> None:
    """
    Mark shares with the case that tells their end. Raises `Stale` where another
    case has told one of them, or its person is gone.
    """
    for seq in shares:
        if not db.execute(SQL["end_share"], (case, seq)).rowcount:
            raise Stale("the end of a share was told already")


def _ending_row(row: Row) -> EndingRow:
    seq, share, subject, leaf, outcome, until, ends = row
    return EndingRow(
        seq=seq,
        share=share,
        subject=subject,
        leaf=leaf.encode(),
        outcome=outcome,
        until=None if ends == NEVER else from_milliseconds(until * 1000),
    )
