"""Disks that refuse, for real: the kernel or SQLite itself says no."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gateway.stores.sqlite import SQLiteStore
from gateway.stores.sqlite.writer import Writer

# Files of this size and more cannot be written to. Below it a test's own output
# may still go; the log of a database that was used is beyond it.
FULL_BYTES = 16 * 1024


@contextmanager
def full_disk(limit_bytes: int = FULL_BYTES) -> Iterator[None]:
    """
    Inside, no file of this process is written to at or beyond `limit_bytes`.

    The kernel refuses the write itself (RLIMIT_FSIZE; Python ignores the signal
    that goes with it), so that a COMMIT fails in the middle of its work.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def read_only(store: SQLiteStore) -> Iterator[None]:
    """Inside, the store's writer has a connection that SQLite lets only read."""
    uri = store.path.absolute().as_uri() + "?mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False
        )

    with connecting(store.writer, connect):
        yield


@contextmanager
def connecting(writer: Writer, connect: Callable[[], sqlite3.Connection]) -> Iterator[None]:
    """Inside, the writer connects so; it does at its next batch, and again afterwards."""
    private: Any = writer
    before = private._connect
    # Let go and not closed: a commit may be under way on it in the writer's thread.
    private._db, private._connect = None, connect
    try:
        yield
    finally:
        private._db, private._connect = None, before


class Flaky:
    """A connection that can be told to fail, in front of a real one."""

    def __init__(self, db: sqlite3.Connection, plan: "Plan") -> None:
        self._db = db
        self._plan = plan

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        """Run a statement, or fail before or after it."""
        self._plan.before(statement)
        cursor = self._db.execute(statement, *arguments)
        self._plan.after(statement)
        return cursor

    def close(self) -> None:
        self._db.close()

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction


class Plan:
    """What fails next: a statement that begins so, once, before or after its effect."""

    def __init__(self) -> None:
        self._next: list[tuple[str, bool]] = []
        self.failed = 0
        self.connects = True

    def fail(self, statement: str, *, after: bool = False) -> None:
        """Let the next statement that begins so fail."""
        self._next.append((statement, after))

    def before(self, statement: str) -> None:
        """Raise if this is the one."""
        self._check(statement, after=False)

    def after(self, statement: str) -> None:
        """Raise if this was the one."""
        self._check(statement, after=True)

    def _check(self, statement: str, *, after: bool) -> None:
        if self._next and statement.startswith(self._next[0][0]) and self._next[0][1] is after:
            self._next.pop(0)
            self.failed += 1
            raise sqlite3.OperationalError("disk I/O error")
