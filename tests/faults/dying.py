"""
A store that dies, or whose disk refuses, at every step of one write.

    steps = Steps()
    with stepping(store, steps):
        await call()                      # every step of it is passed once
    steps.passed                          # ["BEGIN IMMEDIATE", …, "COMMIT"]

What lies on the disk at each of them is looked at as another process would find
it: the files as they are there, without the index in shared memory.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from gateway.stores.sqlite import SQLiteStore
from gateway.stores.sqlite.database import connect
from tests.faults.disk import connecting

Rows = dict[str, list[tuple[Any, ...]]]
"""Everything that a database holds, by table."""

AFTER = "after COMMIT"
"""The step at which the commit is over and nobody has heard of it."""


class Refused(sqlite3.OperationalError):
    """The disk said no."""


class Steps:
    """Passes the steps of a write, looks on at each, and refuses one of them if told so."""

    def __init__(
        self, *, refuse: int | None = None, look: Callable[[str], None] | None = None
    ) -> None:
        self.passed: list[str] = []
        self.refuse = refuse
        self._look = look

    def step(self, name: str) -> None:
        """One step. Raises `Refused` where it is the one."""
        number = len(self.passed)
        self.passed.append(name)
        if self._look is not None:
            self._look(name)
        if number == self.refuse:
            raise Refused("disk I/O error")


class Stepping:
    """A connection of the writer that passes a step before each statement, and after a commit."""

    def __init__(self, db: sqlite3.Connection, steps: Steps) -> None:
        self._db, self._steps = db, steps

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        """One statement, and the steps around it."""
        self._steps.step(statement)
        cursor = self._db.execute(statement, *arguments)
        if statement == "COMMIT":
            self._steps.step(AFTER)
        return cursor

    def executemany(self, statement: str, arguments: Any) -> sqlite3.Cursor:
        """As `execute`."""
        self._steps.step(statement)
        return self._db.executemany(statement, arguments)

    @property
    def in_transaction(self) -> bool:
        """As the connection says."""
        return self._db.in_transaction

    def close(self) -> None:
        """Close the connection."""
        self._db.close()


@contextmanager
def stepping(store: SQLiteStore, steps: Steps) -> Iterator[None]:
    """Inside, the store's writer passes these steps."""

    def stepped() -> sqlite3.Connection:
        connection: Any = Stepping(connect(store.path), steps)
        return connection

    with connecting(store.writer, stepped):
        yield


def copied(path: Path, folder: Path) -> Path:
    """The database as a process that died now would leave it."""
    folder.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        if not file.name.endswith(("-shm", ".owner")):
            shutil.copyfile(file, folder / file.name)
    return folder / path.name


def log_of(path: Path) -> Path:
    """Its write-ahead log."""
    return path.with_name(path.name + "-wal")


def contents(path: Path) -> tuple[bytes, bytes]:
    """The bytes of a database and of its log."""
    log = log_of(path)
    return path.read_bytes(), log.read_bytes() if log.exists() else b""


def rows_of(path: Path) -> Rows:
    """Everything in a database, as a new connection finds it."""
    with closing(sqlite3.connect(path)) as db:
        named = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        tables = [name for (name,) in db.execute(named)]
        return {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}
