"""The epochs' part of the SQLite store: which key wraps which row (K2)."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.ports import EpochRow, HomeWrapped
from gateway.seal.wrapping import HOME
from gateway.stores.sqlite.base import StorePart, from_milliseconds, milliseconds
from gateway.stores.sqlite.cases import ERASURES
from gateway.stores.sqlite.ledger import append_leaf
from gateway.stores.sqlite.reader import Row
from gateway.stores.sqlite.statements import SQL

# In the index, of what the first version wrapped.
HOME_MARK = b"\x01"
AT_HOME = {"subject": "subjects_at_home", "escrow": "escrows_at_home", "case": "cases_at_home"}


class EpochPart(StorePart):
    """Implements `EpochStore`."""

    _unscrubbed: bool

    async def epochs(self) -> dict[int, int]:
        """See `EpochStore.epochs`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("epochs")
        counts: dict[int, int] = {}
        for mark, count in rows:
            number = int.from_bytes(mark, "big") if len(mark) == 4 else HOME
            counts[number] = counts.get(number, 0) + count
        return counts

    async def known_epochs(self) -> list[EpochRow]:
        """See `EpochStore.known_epochs`."""
        async with self.reader.snapshot() as view:
            return [_epoch(row) for row in await view.all("known_epochs")]

    async def begin_epoch(
        self, epoch: EpochRow, leaves: Sequence[bytes], *, due: datetime, sooner: bool
    ) -> None:
        """See `EpochStore.begin_epoch`."""

        def operation(db: sqlite3.Connection) -> None:
            db.execute(SQL["new_epoch"], (epoch.number, epoch.fingerprint))
            statement = "epochs_due_sooner" if sooner else "epochs_due"
            db.execute(SQL[statement], (milliseconds(due), epoch.number))
            for leaf in leaves:
                append_leaf(db, leaf)

        await self.write(operation)

    async def wrapped_under(self, epoch: int, limit: int) -> list[tuple[int, bytes]]:
        """See `EpochStore.wrapped_under`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("wrapped_under", (_mark(epoch), limit))
        return [(row[0], row[1]) for row in rows]

    async def wrapped_at_home(self, kind: str, after: bytes, limit: int) -> list[HomeWrapped]:
        """See `EpochStore.wrapped_at_home`."""
        async with self.reader.snapshot() as view:
            rows = await view.all(AT_HOME[kind], (after, limit))
        return [HomeWrapped(no=no, wrapped=key, kind=kind, owner=who) for no, key, who in rows]

    async def rewrap(self, changes: Sequence[tuple[int, bytes, bytes]]) -> int:
        """See `EpochStore.rewrap`."""

        def operation(db: sqlite3.Connection) -> int:
            values = [(after, no, before) for no, before, after in changes]
            return db.executemany(SQL["rewrap"], values).rowcount

        done = await self.write(operation)
        self._unscrubbed = True
        return done

    async def close_epoch(self, number: int) -> bool:
        """See `EpochStore.close_epoch`."""

        def operation(db: sqlite3.Connection) -> bool:
            if db.execute(SQL["wrapped_under"], (_mark(number), 1)).fetchone():
                return False
            db.execute(SQL["close_epoch"], (number,))
            return True

        return await self.write(operation)

    async def end_epoch(self, number: int, leaves: Sequence[bytes]) -> None:
        """See `EpochStore.end_epoch`."""

        def operation(db: sqlite3.Connection) -> None:
            db.execute(SQL["end_epoch"], (number,))
            for leaf in leaves:
                append_leaf(db, leaf)

        await self.write(operation)

    async def give_up(self, epochs: Sequence[int], leaves: Sequence[bytes]) -> tuple[int, int]:
        """See `EpochStore.give_up`."""

        def operation(db: sqlite3.Connection) -> tuple[int, int]:
            lost = [_give_up(db, _mark(number)) for number in epochs]
            for leaf in leaves:
                append_leaf(db, leaf)
            return sum(people for people, _ in lost), sum(escrows for _, escrows in lost)

        done = await self.write(operation)
        self._unscrubbed = True
        return done

    async def own_keys(self) -> dict[str, bool]:
        """See `EpochStore.own_keys`."""
        async with self.reader.snapshot() as view:
            return {kid: bool(retired) for kid, retired in await view.all("own_keys")}

    async def put_own_keys(self, keys: Mapping[str, bool], leaves: Sequence[bytes]) -> None:
        """See `EpochStore.put_own_keys`."""

        def operation(db: sqlite3.Connection) -> None:
            db.executemany(SQL["put_own_key"], list(keys.items()))
            for leaf in leaves:
                append_leaf(db, leaf)

        await self.write(operation)


def _give_up(db: sqlite3.Connection, mark: bytes) -> tuple[int, int]:
    people = db.execute(SQL["people_under"], (mark,)).fetchall()
    escrows = db.execute(SQL["escrows_under"], (mark,)).fetchall()
    for (person,) in people:
        db.execute(SQL["erase_other_cases"], (person, ""))
        for name in ERASURES:
            db.execute(SQL[name], (person,))
    for (notice,) in escrows:
        db.execute(SQL["destroy_escrow_key"], (notice,))
        db.execute(SQL["lose_escrow"], (notice,))
    db.execute(SQL["lose_details"], (mark,))
    db.execute(SQL["lose_resolutions"], (mark,))
    db.execute(SQL["destroy_under"], (mark,))
    return len(people), len(escrows)


def _epoch(row: Row) -> EpochRow:
    number, fingerprint, due, destroyed = row
    moment = None if due is None else from_milliseconds(due)
    return EpochRow(number=number, fingerprint=fingerprint, due=moment, destroyed=bool(destroyed))


def _mark(epoch: int) -> bytes:
    return epoch.to_bytes(4, "big") if epoch != HOME else HOME_MARK
