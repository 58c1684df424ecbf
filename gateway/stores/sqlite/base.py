"""What the parts of the SQLite store share: the writer, the reader, times."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from gateway.errors import LedgerContradiction
from gateway.stores.sqlite.reader import Reader
from gateway.stores.sqlite.statements import SQL
from gateway.stores.sqlite.writer import Writer

T = TypeVar("T")

# The last second of the calendar, where something has no end of its own.
NEVER = 253_402_300_799

# Counted exactly: as a float the last moment of the calendar is one that is in no year.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND, _MILLISECOND = timedelta(seconds=1), timedelta(milliseconds=1)


class StorePart:
    """One part of the store. `writer` and `reader` are there between start and close."""

    writer: Writer
    reader: Reader

    def __init__(self) -> None:
        self.clock: Callable[[], datetime] = utc_now
        self.closing = False
        self.on_contradiction: Callable[[LedgerContradiction], None] | None = None

    async def write(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """
        Run an operation durably. The caller may be cancelled: an operation that
        has begun is carried to its end all the same.
        """
        return await self.begin(operation)

    def begin(self, operation: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """The same, for who does not wait here."""
        return self.writer.submit(operation)

    async def execute(self, name: str, arguments: Sequence[Any]) -> None:
        """Run one named statement durably."""

        def operation(db: sqlite3.Connection) -> None:
            db.execute(SQL[name], arguments)

        await self.write(operation)

    def contradiction(self, error: LedgerContradiction) -> None:
        """A ledger that contradicts itself stops the process; whoever runs it is told."""
        if self.on_contradiction is not None:
            self.on_contradiction(error)


def utc_now() -> datetime:
    """The time, where nobody gives another clock."""
    return datetime.now(UTC)


def seconds(moment: datetime) -> int:
    """Whole seconds since the epoch."""
    return (moment - _EPOCH) // _SECOND


def from_seconds(value: int) -> datetime:
    """The moment that so many whole seconds name."""
    return datetime.fromtimestamp(value, UTC)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since the epoch."""
    return (moment - _EPOCH) // _MILLISECOND


def from_milliseconds(value: int) -> datetime:
    """The moment that so many milliseconds name."""
    return _EPOCH + value * _MILLISECOND
