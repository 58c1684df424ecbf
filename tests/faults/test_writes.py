"""
Every write of the store, broken at every step: all of it or nothing, on the disk
and as far as the caller was told.
"""

import asyncio
import inspect
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from gateway import ports
from gateway.errors import StoreFailed
from gateway.ledger.checkpoint import Checkpoint
from gateway.ledger.verify import check
from gateway.stores.sqlite import SQLiteStore, ledger
from gateway.stores.sqlite.base import StorePart
from gateway.stores.sqlite.database import APPLICATION_ID
from gateway.stores.sqlite.statements import migrations
from tests.faults.dying import (
    AFTER,
    Rows,
    Steps,
    contents,
    copied,
    log_of,
    rows_of,
    stepping,
)
from tests.faults.writes import WRITES, Call, ending, leaf, sequenced

# Opening and closing: tested by themselves, as is `scrub`, which writes past the writer.
LIFE = {"start", "close"}
# What a method that writes has in its text.
WRITER = re.compile(r"self\.(write|begin|execute|writer|settle)\b")
# Says of itself that it is tried again, so that a refusal by the disk loses nothing.
TRIED_AGAIN = {"settle"}


def writes_of_the_store() -> set[str]:
    """Every method of the store's ports that writes, by its text."""
    stores = [one for name, one in vars(ports).items() if name.endswith("Store")]
    promised = {name for one in stores for name in vars(one) if not name.startswith("_")}
    found = {name: getattr(SQLiteStore, name) for name in promised if name not in vars(StorePart)}
    return {name for name, one in found.items() if WRITER.search(inspect.getsource(one))}


def test_every_write_has_a_row() -> None:
    """A write that somebody adds to the store is broken here too, or this says so."""
    assert set(WRITES) == writes_of_the_store() - LIFE


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the beginning of a ledger and nothing else."""
    path = tmp_path_factory.mktemp("template") / "gateway.db"

    async def begin() -> None:
        async with opened(path) as store:
            await store.append([leaf(f"begin {number}") for number in range(3)])
            await (await sequenced(store))()

    asyncio.run(begin())
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copied(template, tmp_path / "store")


@asynccontextmanager
async def prepared(name: str, path: Path) -> AsyncIterator[tuple[SQLiteStore, Call]]:
    """A store in which the write can be called, and the call."""
    async with opened(path) as store:
        yield store, await WRITES[name](store)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SQLiteStore]:
    """A store on these files."""
    store = SQLiteStore(path)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


def verified(rows: Rows) -> None:
    """The checker finds nothing wrong in what a database holds."""
    leaves = [text.rstrip().encode() for _, text in sorted(rows["entry"])]
    ((_, size, root, note),) = rows["checkpoint"]
    assert check(leaves).size == len(leaves)
    check(leaves[:size], Checkpoint(origin=note.partition("\n")[0], size=size, root=root))


def held(path: Path) -> int:
    """How much a dead process holds on to: intents without outcome, claims of shares, of notices."""
    with closing(sqlite3.connect(path)) as db:
        (count,) = db.execute(
            "SELECT (SELECT count(*) FROM share WHERE outcome IS NULL)"
            " + (SELECT count(*) FROM queued WHERE claimed)"
            " + (SELECT count(*) FROM notice WHERE claimed)"
        ).fetchone()
    return int(count)


async def recovered(path: Path) -> None:
    """A store that starts on these files frees every claim and closes every intent."""
    async with opened(path) as store:
        open_intents = await store.open_intents()
        closed = await store.close_open_intents(lambda share, _: ending(share, "unknown"))
        await store.free_claims()
        await store.free_notices()
        assert (closed, await store.open_intents()) == (open_intents, 0)
    verified(rows_of(path))
    assert held(path) == 0


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_a_process_that_dies_at_a_step(name: str, path: Path, tmp_path: Path) -> None:
    """
    Whenever the process dies, the next one finds the write whole or not at all: whole
    as soon as the commit is over, also where nobody was told; and the ledger verifies.
    """
    dead: dict[str, Path] = {}

    def look(step: str) -> None:
        # Of the steps that left the files as they were one is as good as another.
        if step == AFTER or contents(path) != begun:
            dead[step] = copied(path, tmp_path / f"dead-{len(dead)}")

    steps = Steps(look=look)
    async with prepared(name, path) as (store, call):
        before, begun = rows_of(path), contents(path)
        with stepping(store, steps):
            await call()
        after = rows_of(path)

    assert steps.passed[0].startswith("BEGIN")
    assert before != after
    assert list(dead) == [AFTER]
    for number, cut in enumerate(torn(contents(dead[AFTER])[1], len(begun[1]))):
        log = log_of(copied(dead[AFTER], tmp_path / f"torn-{number}"))
        log.write_bytes(cut)
        assert rows_of(log.with_name(path.name)) == before
    assert rows_of(dead[AFTER]) == after
    verified(before)
    verified(after)
    if held(path):
        await recovered(path)


def torn(log: bytes, begun: int) -> Iterator[bytes]:
    """The log of a commit, cut where the machine may have lost its power in the middle of it."""
    for size in {begun + (len(log) - begun) // 2, len(log) - 1}:
        yield log[:size]


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_a_disk_that_refuses_a_step(
    name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whichever step the disk refuses, the caller is told that it failed and nothing of
    the write is there; where the commit said no and was on the disk after all, all of it.
    """
    monkeypatch.setattr(ledger, "RETRY_SECONDS", 60)
    refused: list[str] = []
    async with prepared(name, path) as (store, call):
        before = rows_of(path)
        while AFTER not in refused:
            steps = Steps(refuse=len(refused))
            with stepping(store, steps):
                told = await failed(call)
            refused.append(steps.passed[steps.refuse or 0])
            assert told or name in TRIED_AGAIN
            if refused[-1] != AFTER:
                assert rows_of(path) == before, refused[-1]
        after = rows_of(path)

    assert refused[0].startswith("BEGIN")
    assert refused[-2] == "COMMIT"
    assert before != after
    verified(after)


async def failed(call: Call) -> bool:
    """Whether a caller was told that the store failed."""
    try:
        await call()
    except StoreFailed:
        return True
    return False


async def test_an_outcome_that_the_disk_refused_is_not_lost(path: Path) -> None:
    """The one write that nobody waits for is tried again, at the latest at the end."""
    async with prepared("settle", path) as (store, call):
        with stepping(store, Steps(refuse=3)):
            await call()
        lost = await store.open_intents()

    assert lost == 1
    assert rows_of(path)["share"][0][5] == "delivered"
    verified(rows_of(path))


@pytest.mark.parametrize("done", range(0, len(migrations()), 3))
async def test_a_start_that_died_between_two_migrations(
    done: int, tmp_path: Path, template: Path
) -> None:
    """A schema that was brought up half the way is brought up the rest of it at the next start."""
    path = tmp_path / "gateway.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for number, script in migrations()[:done]:
            db.executescript(f"{script};PRAGMA user_version = {number};")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    async with opened(path):
        pass

    assert schema(path) == schema(template)


def schema(path: Path) -> list[tuple[str, ...]]:
    """Every table, index and view, as it was declared."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()


async def test_giving_the_log_back_changes_nothing(path: Path, tmp_path: Path) -> None:
    """What overwrites destroyed keys in the log leaves every row as it was, before and after."""
    async with prepared("finish_case", path) as (store, call):
        await call()
        before = rows_of(copied(path, tmp_path / "before"))
        done = await store.scrub()
        after = rows_of(copied(path, tmp_path / "after"))

    assert done
    assert before == after
