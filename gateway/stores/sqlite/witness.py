"""The witnesses' part of the SQLite store: which checkpoints they cosigned."""

import sqlite3
from collections.abc import Sequence

from gateway.ports import LedgerHead
from gateway.stores.sqlite.base import StorePart
from gateway.stores.sqlite.statements import SQL

# Where too few witnesses answer, so many checkpoints with fewer lines are kept.
MAX_KEPT = 32


class WitnessPart(StorePart):
    """Implements `WitnessStore`."""

    async def keep_cosignature(
        self, head: LedgerHead, witness: str, line: str, quorum: int
    ) -> None:
        """See `WitnessStore.keep_cosignature`."""

        def operation(db: sqlite3.Connection) -> None:
            stored = db.execute(SQL["newest_witnessed"], (0,)).fetchone()
            # A line of a tree that another replaced would vouch for this one.
            if stored is not None and stored[0] == head.size and stored[1] != head.root:
                db.execute(SQL["drop_cosignatures"], (head.size + 1,))
            db.execute(SQL["put_witnessed"], (head.size, head.root, head.note))
            db.execute(SQL["put_cosignature"], (head.size, witness, line))
            _forget_older(db, quorum)

        await self.write(operation)

    async def keep_witnesses(self, witnesses: Sequence[str]) -> dict[str, int]:
        """See `WitnessStore.keep_witnesses`."""

        def operation(db: sqlite3.Connection) -> dict[str, int]:
            for (known,) in db.execute(SQL["known_witnesses"]).fetchall():
                if known not in witnesses:
                    db.execute(SQL["drop_witness"], (known,))
            db.execute(SQL["drop_witnessed"], (0,))
            return dict(db.execute(SQL["cosigned_sizes"]).fetchall())

        return await self.write(operation)

    async def witnessed(self, quorum: int) -> LedgerHead | None:
        """See `WitnessStore.witnessed`."""
        async with self.reader.snapshot() as view:
            row = await view.one("newest_witnessed", (quorum,))
            if row is None:
                return None
            lines = await view.all("cosignatures", row[:2])
        return LedgerHead(
            size=row[0], root=row[1], note=row[2], cosignatures=tuple(line for (line,) in lines)
        )

    async def places_of_share(self, share: str) -> list[int]:
        """See `WitnessStore.places_of_share`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("places_of_share", (share,))
        return sorted({seq - 1 for row in rows for seq in row if seq is not None})


def _forget_older(db: sqlite3.Connection, quorum: int) -> None:
    whole = db.execute(SQL["newest_witnessed"], (quorum,)).fetchone()
    crowded = db.execute(SQL["oldest_kept"], (MAX_KEPT - 1,)).fetchone()
    least = max((row[0] for row in (whole, crowded) if row is not None), default=0)
    db.execute(SQL["drop_cosignatures"], (least,))
    db.execute(SQL["drop_witnessed"], (least,))
