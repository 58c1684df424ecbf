"""
The one writer: everything that waits together shares one commit.

Operations are plain functions over the connection, and do nothing else. They
run on the event loop's thread, one after another inside one transaction; only
the COMMIT, which waits for the disk, runs in a thread. The next batch starts
when that returns, so batches size themselves to the disk.

- An operation that raises is undone alone; its caller gets what it raised. The
  batch is undone for that and run again, each operation in a savepoint of its
  own: few raise, and a savepoint for each costs as much as half an append.
- A BEGIN or COMMIT that fails, fails every operation of its batch with
  `StoreFailed`; the connection is opened anew and the next batch may succeed.
- A BEGIN that finds the file locked by another connection is tried again for a
  while; the loop goes on meanwhile.
- A cancelled caller whose operation has not begun is skipped; one whose
  operation has begun is carried to the end, and nobody else notices.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol, TypeVar

from gateway.errors import GatewayError, LedgerContradiction, StoreFailed

T = TypeVar("T")

# How many operations share one commit. With more the first in line waits longer, and
# where many wait it is slower too: while one batch is on its way to the disk, the next
# callers are served on the loop, and come back in time for the next but one.
MAX_BATCH = 128

# How many operations may wait. Each is a share or a change that somebody waits
# for; beyond this new ones are refused rather than kept in memory.
MAX_WAITING = 20_000

# How long a batch waits for another connection to give the file back, and how
# often it asks. Nothing else should write to it; somebody at a prompt might.
PATIENCE_SECONDS = 5.0
ASK_AGAIN_SECONDS = 0.01


class Meter(Protocol):
    """Told of every commit; metrics implement it."""

    def committed(self, *, seconds: float, entries: int) -> None:
        """One commit of so many operations took so long."""


@dataclass(slots=True)
class _Waiting:
    operation: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]
    value: Any = None


class Writer:
    """Serialises and batches writes. Used from one event loop; connects when first asked to."""

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        meter: Meter | None,
        on_contradiction: Callable[[LedgerContradiction], None] | None = None,
    ) -> None:
        self._connect = connect
        self._meter = meter
        self._on_contradiction = on_contradiction
        self._db: sqlite3.Connection | None = None
        self._waiting: deque[_Waiting] = deque()
        self._busy = False
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread = ThreadPoolExecutor(1, "gateway-commit")

    def submit(self, operation: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """
        Run `operation` in the next transaction; the future ends when that is
        durable. Fails with `StoreFailed` where the disk does not take it.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._closed or len(self._waiting) >= MAX_WAITING:
            future.set_exception(StoreFailed("the store is closed or has too much waiting"))
            return future
        self._waiting.append(_Waiting(operation, future))
        if not self._busy:
            self._busy = True
            self._idle.clear()
            loop.call_soon(self._next_batch)
        return future

    async def close(self) -> None:
        """Finish what waits, then close the connection."""
        self._closed = True
        await self._idle.wait()
        self._thread.shutdown()
        if self._db is not None:
            self._db.close()
            self._db = None

    def _next_batch(self) -> None:
        batch = self._take()
        if not batch:
            self._busy = False
            self._idle.set()
            return
        self._start(batch, perf_counter())

    def _start(self, batch: list[_Waiting], since: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            db = self._begin(patient=perf_counter() - since < PATIENCE_SECONDS)
            if db is None:
                loop.call_later(ASK_AGAIN_SECONDS, self._start, batch, since)
                return
            done = _run_all(db, batch)
            if len(done) < len(batch):
                self._heed(batch)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the batch must end
            self._fail(batch, error)
            loop.call_soon(self._next_batch)
            return
        started = perf_counter()
        commit = loop.run_in_executor(self._thread, db.execute, "COMMIT")
        commit.add_done_callback(lambda ended: self._committed(ended, done, started))

    def _heed(self, batch: list[_Waiting]) -> None:
        """Tell of a ledger that contradicts itself; few operations raise, so this is rare."""
        for waiting in batch:
            future = waiting.future
            error = future.exception() if future.done() and not future.cancelled() else None
            if isinstance(error, LedgerContradiction) and self._on_contradiction is not None:
                self._on_contradiction(error)

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < MAX_BATCH:
            waiting = self._waiting.popleft()
            # A caller that gave up before its turn leaves no trace.
            if not waiting.future.done():
                batch.append(waiting)
        return batch

    def _begin(self, *, patient: bool) -> sqlite3.Connection | None:
        """Begin a transaction; None where another connection has the file, if `patient`."""
        try:
            if self._db is None:
                self._db = self._connect()
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            # SQLite itself would sleep on the lock, and the whole loop with it.
            if patient and _locked(error):
                return None
            raise
        return self._db

    def _committed(
        self, commit: "asyncio.Future[Any]", done: list[_Waiting], started: float
    ) -> None:
        try:
            error = commit.exception()
            if error is not None:
                self._fail(done, error)
                return
            for waiting in done:
                # A caller may have given up since; its operation is durable all the same.
                if not waiting.future.done():
                    waiting.future.set_result(waiting.value)
            if self._meter is not None and done:
                self._meter.committed(seconds=perf_counter() - started, entries=len(done))
        finally:
            self._next_batch()

    def _fail(self, batch: list[_Waiting], cause: BaseException) -> None:
        """Nothing of the batch is on disk. Say so to all, and start from a clean connection."""
        if self._db is not None:
            _abandon(self._db)
            self._db = None
        for waiting in batch:
            if waiting.future.done():
                continue
            failed = StoreFailed(f"the database refused a commit ({type(cause).__name__})")
            failed.__cause__ = cause
            _refuse(waiting, failed)


def _run_all(db: sqlite3.Connection, batch: list[_Waiting]) -> list[_Waiting]:
    """Run a batch; those of it that are part of the commit. Raises as `_run` does."""
    db.execute("SAVEPOINT batch")
    done = [waiting for waiting in batch if not waiting.future.done()]
    try:
        for waiting in done:
            waiting.value = waiting.operation(db)
    except Exception as error:
        if _of_the_disk(error):
            raise
        db.execute("ROLLBACK TO batch")
        done = [waiting for waiting in batch if _run(db, waiting)]
    db.execute("RELEASE batch")
    return done


def _run(db: sqlite3.Connection, waiting: _Waiting) -> bool:
    """
    Run one operation in its savepoint; true if it is part of the commit.

    What an operation raises ends it alone. What the database refuses whoever
    asks (a full disk) ends the batch, and is raised.
    """
    if waiting.future.done():
        return False
    db.execute("SAVEPOINT one")
    try:
        waiting.value = waiting.operation(db)
    except Exception as error:
        if _of_the_disk(error):
            raise
        db.execute("ROLLBACK TO one")
        db.execute("RELEASE one")
        if not waiting.future.done():
            _refuse(waiting, _as_store_error(error))
        return False
    db.execute("RELEASE one")
    return True


def _refuse(waiting: _Waiting, error: Exception) -> None:
    waiting.future.set_exception(error)
    # Read once: who began it need not wait for it, and has nothing to be reproached with.
    waiting.future.exception()


def _of_the_disk(error: Exception) -> bool:
    """Whether any other statement would have met this too."""
    own = (
        sqlite3.IntegrityError,
        sqlite3.ProgrammingError,
        sqlite3.InterfaceError,
        sqlite3.DataError,
    )
    return isinstance(error, sqlite3.Error) and not isinstance(error, own)


def _locked(error: sqlite3.Error) -> bool:
    """Whether another connection has the file."""
    # Errors of Python's own module carry no code.
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY


def _as_store_error(error: Exception) -> Exception:
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, sqlite3.IntegrityError):
        contradiction = LedgerContradiction(
            "two rows claim the same place in the store: stop, keep a copy of data/, and follow "
            "deploy/runbooks/ledger-contradiction.md"
        )
        contradiction.__cause__ = error
        return contradiction
    return error


def _abandon(db: sqlite3.Connection) -> None:
    try:
        if db.in_transaction:
            db.execute("ROLLBACK")
    except sqlite3.Error:
        # The close below gives the lock back all the same.
        pass
    finally:
        db.close()
