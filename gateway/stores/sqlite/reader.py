"""Reads beside the writer: a few read-only connections, each read one snapshot."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from gateway.errors import StoreFailed
from gateway.stores.sqlite.statements import SQL

CONNECTIONS = 2

Row = tuple[Any, ...]
Arguments = Sequence[Any] | Mapping[str, Any]


class Snapshot:
    """One read transaction: everything in it is read as of one moment."""

    def __init__(self, db: aiosqlite.Connection) -> None:
        self._db = db

    async def all(self, name: str, arguments: Arguments = ()) -> list[Row]:
        """Every row of a named statement."""
        return list(await self._db.execute_fetchall(SQL[name], arguments))  # type: ignore[arg-type]

    async def one(self, name: str, arguments: Arguments = ()) -> Row | None:
        """The first row of a named statement."""
        rows = await self.all(name, arguments)
        return rows[0] if rows else None


class Reader:
    """A small pool of read-only connections."""

    def __init__(self) -> None:
        self._free: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._all: list[aiosqlite.Connection] = []

    async def open(self, path: Path) -> None:
        """Open the connections. Raises `StoreFailed`."""
        try:
            for _ in range(CONNECTIONS):
                # Not `mode=ro`: a reader of a WAL file must be able to make its index.
                db = await aiosqlite.connect(path, isolation_level=None)
                await db.execute("PRAGMA query_only = ON")
                self._all.append(db)
                self._free.put_nowait(db)
        except sqlite3.Error as error:
            await self.close()
            raise StoreFailed(f"cannot open the database {path.name}") from error

    async def all(self, name: str, arguments: Arguments = ()) -> list[Row]:
        """
        Every row of one named statement, which is a snapshot by itself: without BEGIN and
        ROLLBACK it takes one step of the connection's thread and not three. As `snapshot`.
        """
        db = await self._free.get()
        try:
            return list(await db.execute_fetchall(SQL[name], arguments))  # type: ignore[arg-type]
        except sqlite3.Error as error:
            raise StoreFailed(f"the database cannot be read ({type(error).__name__})") from error
        finally:
            # Whoever comes next waits behind it, also where this caller was cancelled.
            self._free.put_nowait(db)

    async def one(self, name: str, arguments: Arguments = ()) -> Row | None:
        """The first row of it."""
        rows = await self.all(name, arguments)
        return rows[0] if rows else None

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """One consistent view. Raises `StoreFailed` where the disk cannot be read."""
        db = await self._free.get()
        try:
            await db.execute("BEGIN")
            yield Snapshot(db)
        except sqlite3.Error as error:
            raise StoreFailed(f"the database cannot be read ({type(error).__name__})") from error
        finally:
            # A cancelled caller must not leave its snapshot open to the next.
            await asyncio.shield(self._give_back(db))

    async def _give_back(self, db: aiosqlite.Connection) -> None:
        try:
            # Asked of the connection's thread and not looked up from here: a BEGIN
            # whose caller was cancelled may still be on its way to it.
            await db.rollback()
        finally:
            self._free.put_nowait(db)

    async def close(self) -> None:
        """Close every connection."""
        for db in self._all:
            await db.close()
        self._all.clear()
