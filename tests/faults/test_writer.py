"""The one writer: batches, failures, cancelled callers."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from gateway.errors import Fenced, LedgerContradiction, StoreFailed
from gateway.stores.sqlite import writer as module
from gateway.stores.sqlite.database import connect
from gateway.stores.sqlite.writer import Writer
from tests.faults.disk import Flaky, Plan, full_disk

Operation = Callable[[sqlite3.Connection], int]


class Batches:
    """A meter that remembers how many operations each commit had."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def committed(self, *, seconds: float, entries: int) -> None:
        self.sizes.append(entries)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table."""
    path = tmp_path / "test.db"
    with closing(connect(path)) as db:
        db.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, text TEXT UNIQUE NOT NULL)")
    return path


@pytest.fixture
def batches() -> Batches:
    return Batches()


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
async def writer(path: Path, batches: Batches, plan: Plan) -> AsyncIterator[Writer]:
    """A writer whose connections fail when `plan` says so."""

    def flaky() -> Any:
        if not plan.connects:
            raise sqlite3.OperationalError("unable to open database file")
        return Flaky(connect(path), plan)

    writer = Writer(flaky, batches)
    yield writer
    await writer.close()


def put(text: str) -> Operation:
    """An operation that stores a row."""
    return lambda db: db.execute("INSERT INTO entry (text) VALUES (?)", (text,)).lastrowid or 0


def put_and_raise(text: str, error: Exception) -> Operation:
    """An operation that stores a row and then fails."""

    def operation(db: sqlite3.Connection) -> int:
        put(text)(db)
        raise error

    return operation


def rows(path: Path) -> list[str]:
    """What is on the disk, as another process sees it."""
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT text FROM entry ORDER BY seq")]


async def ended(*futures: "asyncio.Future[int]") -> list[Any]:
    """How each ended: its value or what it raised."""
    return await asyncio.gather(*futures, return_exceptions=True)


def kinds(results: list[Any]) -> list[type]:
    return [type(one) for one in results]


class TestBatches:
    """What waits together shares a commit."""

    async def test_what_waits_together_shares_a_commit(
        self, writer: Writer, batches: Batches, path: Path
    ):
        """A hundred operations that came together wait for the disk once."""
        values = await ended(*(writer.submit(put(str(n))) for n in range(100)))

        assert batches.sizes == [100]
        assert values == list(range(1, 101))
        assert rows(path) == [str(n) for n in range(100)]

    async def test_a_batch_that_is_run_again_leaves_one_trace_of_each(
        self, writer: Writer, batches: Batches, path: Path
    ):
        """Those that stood beside an operation that raised are stored once, in one commit."""
        results = await ended(
            writer.submit(put("a")),
            writer.submit(put_and_raise("b", Fenced("behind a fence"))),
            writer.submit(put("c")),
            writer.submit(put("a")),
        )

        assert kinds(results) == [int, Fenced, int, LedgerContradiction]
        assert rows(path) == ["a", "c"]
        assert batches.sizes == [2]

    async def test_a_batch_is_bounded(self, writer: Writer, batches: Batches):
        """Of very many the first do not wait for the last."""
        await ended(*(writer.submit(put(str(n))) for n in range(600)))

        assert batches.sizes == [*[128] * 4, 88]

    async def test_what_comes_during_a_commit_is_the_next_batch(
        self, writer: Writer, batches: Batches
    ):
        """Batches size themselves to the disk: while it works the next one gathers."""
        first = writer.submit(put("first"))
        await asyncio.sleep(0)
        others = [writer.submit(put(str(n))) for n in range(7)]
        await ended(first, *others)

        assert batches.sizes == [1, 7]

    async def test_durable_when_it_returns(self, writer: Writer, path: Path):
        """Another process sees the row as soon as the caller goes on."""
        for n in range(5):
            await writer.submit(put(str(n)))
            assert rows(path)[-1] == str(n)


class TestFailedBatches:
    """A batch fails as a whole, and the next one works."""

    @pytest.mark.parametrize("statement", ["COMMIT", "BEGIN", "SAVEPOINT", "RELEASE"])
    async def test_a_failure_fails_its_batch_and_only_that(
        self, writer: Writer, plan: Plan, path: Path, statement: str
    ):
        """Wherever the database refuses, its whole batch is refused and nothing is stored."""
        await writer.submit(put("before"))
        plan.fail(statement)
        refused = await ended(*(writer.submit(put(str(n))) for n in range(5)))

        assert plan.failed == 1
        assert kinds(refused) == [StoreFailed] * 5
        assert rows(path) == ["before"]
        assert await writer.submit(put("after")) == 2

    async def test_the_next_batch_waits_already(self, writer: Writer, plan: Plan, path: Path):
        """What came while a commit was failing is carried by the next one."""
        plan.fail("COMMIT")
        first = writer.submit(put("first"))
        await asyncio.sleep(0)
        second = writer.submit(put("second"))

        assert kinds(await ended(first, second)) == [StoreFailed, int]
        assert rows(path) == ["second"]

    async def test_a_commit_that_fails_after_its_effect(
        self, writer: Writer, plan: Plan, path: Path
    ):
        """A commit that said no and was on the disk after all is no reason to stop."""
        plan.fail("COMMIT", after=True)
        refused = await ended(writer.submit(put("doubtful")))

        assert kinds(refused) == [StoreFailed]
        await writer.submit(put("after"))
        assert rows(path) == ["doubtful", "after"]

    async def test_a_commit_that_the_kernel_refuses(self, path: Path, batches: Batches):
        """A write that fails in the middle of a real COMMIT fails its batch, and the next works."""
        writer = Writer(lambda: connect(path), batches)
        await writer.submit(put("before" * 5000))
        with full_disk():
            refused = await ended(*(writer.submit(put(str(n))) for n in range(5)))
            again = await ended(writer.submit(put("still full")))
        carried = await ended(*(writer.submit(put(str(n))) for n in range(5)))
        await writer.close()

        assert kinds(refused + again) == [StoreFailed] * 6
        assert kinds(carried) == [int] * 5
        assert rows(path)[1:] == ["0", "1", "2", "3", "4"]
        assert batches.sizes == [1, 5]

    async def test_a_database_that_is_full(self, path: Path):
        """A database that may not grow any more refuses, and takes again once it may."""
        limits = iter((20, 20, 1_000_000))

        def limited() -> sqlite3.Connection:
            db = connect(path)
            db.execute(f"PRAGMA max_page_count = {next(limits)}").fetchall()
            return db

        writer = Writer(limited, None)
        await writer.submit(put("small"))
        full = await ended(writer.submit(put("also small")), writer.submit(put("x" * 200_000)))
        again = await ended(writer.submit(put("y" * 200_000)))
        grown = await ended(writer.submit(put("z" * 200_000)))
        await writer.close()

        assert kinds(full + again + grown) == [StoreFailed, StoreFailed, StoreFailed, int]
        assert isinstance(full[1].__cause__, sqlite3.OperationalError)
        assert [row[0] for row in rows(path)] == ["s", "z"]

    async def test_a_database_that_cannot_be_opened_again(
        self, writer: Writer, plan: Plan, path: Path
    ):
        """After a failure the file is opened anew; until that works, callers are told so."""
        await writer.submit(put("before"))
        plan.fail("COMMIT")
        plan.connects = False
        refused = await ended(writer.submit(put("a")))
        refused += await ended(writer.submit(put("b")), writer.submit(put("c")))
        plan.connects = True

        assert kinds(refused) == [StoreFailed] * 3
        assert await writer.submit(put("d")) == 2
        assert rows(path) == ["before", "d"]

    async def test_the_reason_is_named_without_values(self, writer: Writer, plan: Plan):
        """A refusal says that the database refused, and nothing of what was to be stored."""
        plan.fail("COMMIT")
        (error,) = await ended(writer.submit(put("13800138000")))

        assert "13800138000" not in f"{error} {error.__cause__}"
        assert "OperationalError" in str(error)


class TestLockedByAnother:
    """Another connection has the file."""

    async def test_the_loop_goes_on_while_the_file_is_locked(self, path: Path):
        """A batch waits for another program's lock without stopping anything else."""
        writer = Writer(lambda: connect(path), None)
        with closing(connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = [writer.submit(put(str(n))) for n in range(3)]
            began = perf_counter()
            for _ in range(20):
                await asyncio.sleep(0.002)
                assert not any(future.done() for future in waiting)
            seconds = perf_counter() - began
            other.execute("ROLLBACK")
        results = await asyncio.wait_for(ended(*waiting), 2)
        await writer.close()

        assert seconds < module.PATIENCE_SECONDS / 2
        assert results == [1, 2, 3]

    async def test_a_lock_that_does_not_end(self, path: Path, monkeypatch: pytest.MonkeyPatch):
        """A batch does not wait for ever; the next one has its own chance."""
        monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.03)
        writer = Writer(lambda: connect(path), None)
        with closing(connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = await asyncio.wait_for(ended(writer.submit(put("a"))), 2)
            other.execute("ROLLBACK")
        value = await writer.submit(put("b"))
        await writer.close()

        assert kinds(refused) == [StoreFailed]
        assert value == 1
        assert rows(path) == ["b"]

    async def test_a_caller_who_gives_up_during_the_lock(self, path: Path):
        """Whoever gives up before the batch has begun leaves no trace in it."""
        writer = Writer(lambda: connect(path), None)
        with closing(connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            stays, goes = writer.submit(put("stays")), writer.submit(put("goes"))
            await asyncio.sleep(0.02)
            goes.cancel()
            other.execute("ROLLBACK")
        await stays
        await writer.close()

        assert rows(path) == ["stays"]


class TestOperationsThatRaise:
    """One operation's failure is nobody else's."""

    @pytest.mark.parametrize(
        "error",
        [Fenced("x"), ValueError("x"), KeyError("x"), AttributeError("x"), OverflowError("x")],
        ids=lambda error: type(error).__name__,
    )
    async def test_it_is_undone_alone(self, writer: Writer, path: Path, error: Exception):
        """What an operation did before it raised is undone; its batch is carried."""
        results = await ended(
            writer.submit(put("before")),
            writer.submit(put_and_raise("never", error)),
            writer.submit(put("after")),
        )

        assert results[1] is error
        assert kinds([results[0], results[2]]) == [int, int]
        assert rows(path) == ["before", "after"]

    async def test_a_mistaken_statement_is_undone_alone(self, writer: Writer, path: Path):
        """A value that SQLite cannot take concerns the one who gave it."""

        def mistaken(db: sqlite3.Connection) -> int:
            put("never")(db)
            db.execute("INSERT INTO entry (text) VALUES (?)", (object(),))
            return 0

        results = await ended(writer.submit(mistaken), writer.submit(put("after")))

        assert isinstance(results[0], sqlite3.Error)
        assert rows(path) == ["after"]

    async def test_two_rows_in_one_place_are_a_contradiction(self, writer: Writer, path: Path):
        """What the schema forbids is reported as a ledger that contradicts itself."""
        results = await ended(writer.submit(put("same")), writer.submit(put("same")))

        assert kinds(results) == [int, LedgerContradiction]
        assert rows(path) == ["same"]


class TestCancelledCallers:
    """A caller that gives up takes nobody along."""

    async def test_before_its_batch(self, writer: Writer, path: Path, batches: Batches):
        """An operation whose caller gave up before its turn is not run at all."""
        futures = [writer.submit(put(str(n))) for n in range(3)]
        futures[1].cancel()
        results = await ended(*futures)

        assert kinds(results) == [int, asyncio.CancelledError, int]
        assert rows(path) == ["0", "2"]
        assert batches.sizes == [2]

    async def test_all_of_a_batch_before_it(self, writer: Writer, path: Path, batches: Batches):
        """A batch that nobody waits for any more is no batch, and the next one works."""
        futures = [writer.submit(put(str(n))) for n in range(3)]
        for future in futures:
            future.cancel()
        await ended(*futures)

        assert await writer.submit(put("after")) == 1
        assert batches.sizes == [1]
        assert rows(path) == ["after"]

    async def test_within_its_batch(self, writer: Writer, path: Path):
        """An operation that was begun is carried to its end; everybody else gets their value."""
        futures = [writer.submit(put(str(n))) for n in range(3)]
        await asyncio.sleep(0)
        futures[1].cancel()
        results = await ended(*futures)

        assert kinds(results) == [int, asyncio.CancelledError, int]
        assert rows(path) == ["0", "1", "2"]
        assert await writer.submit(put("after")) == 4

    async def test_within_a_batch_that_fails(self, writer: Writer, plan: Plan, path: Path):
        """Nobody is told anything twice when a batch fails that somebody had left."""
        plan.fail("COMMIT")
        futures = [writer.submit(put(str(n))) for n in range(3)]
        await asyncio.sleep(0)
        futures[1].cancel()
        results = await ended(*futures)

        assert kinds(results) == [StoreFailed, asyncio.CancelledError, StoreFailed]
        assert await writer.submit(put("after")) == 1
        assert rows(path) == ["after"]

    async def test_after_its_batch(self, writer: Writer, path: Path):
        """Giving up when everything is done changes nothing."""
        future = writer.submit(put("done"))
        await future

        assert not future.cancel()
        assert rows(path) == ["done"]


class TestBounds:
    """How much may wait, and how it ends."""

    async def test_more_than_may_wait_is_refused(
        self, writer: Writer, path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Beyond the bound a caller is refused at once; those before are carried."""
        monkeypatch.setattr(module, "MAX_WAITING", 3)
        futures = [writer.submit(put(str(n))) for n in range(5)]

        assert [future.done() for future in futures] == [False, False, False, True, True]
        assert kinds(await ended(*futures)) == [int, int, int, StoreFailed, StoreFailed]
        assert await writer.submit(put("room again")) == 4
        assert len(rows(path)) == 4

    async def test_close_writes_what_waits(self, path: Path):
        """Closing ends when everything that waits is on the disk."""
        writer = Writer(lambda: connect(path), None)
        futures = [writer.submit(put(str(n))) for n in range(300)]
        await writer.close()

        assert all(future.done() for future in futures)
        assert len(rows(path)) == 300

    async def test_nothing_is_taken_after_the_end(self, path: Path):
        """A writer that is closed says so, also to one who comes while it closes."""
        writer = Writer(lambda: connect(path), None)
        last = writer.submit(put("last"))
        closing_down = asyncio.ensure_future(writer.close())
        await asyncio.sleep(0)
        late = writer.submit(put("late"))
        await closing_down

        assert kinds(await ended(last, late)) == [int, StoreFailed]
        assert rows(path) == ["last"]

    async def test_closing_while_the_disk_refuses(self, path: Path, plan: Plan):
        """A writer whose last batch fails is closed all the same."""
        writer = Writer(lambda: Flaky(connect(path), plan), None)  # type: ignore[arg-type, return-value]
        plan.fail("COMMIT")
        future = writer.submit(put("lost"))
        await asyncio.wait_for(writer.close(), 2)

        assert kinds(await ended(future)) == [StoreFailed]
        assert rows(path) == []
