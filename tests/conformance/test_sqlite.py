"""The SQLite store keeps the store's promises, and some of its own."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from gateway.errors import SchemaTooNew, StoreFailed
from gateway.ports import TokenRow
from gateway.stores.sqlite import SQLiteStore
from gateway.stores.sqlite.database import APPLICATION_ID, connect, owned_by_another
from tests.conformance.builders import a_leaf, a_row, an_entry, an_intent
from tests.conformance.ledger_suite import Reopen
from tests.conformance.store_suite import StoreSuite

Start = Callable[..., Awaitable[SQLiteStore]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "gateway.db"


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts stores, and closes them when the test is over however it ended."""
    async with AsyncExitStack() as stack:

        async def started(path: Path, *, looking: bool = False) -> SQLiteStore:
            store = SQLiteStore(path)
            await (store.open_for_reading() if looking else store.start())
            stack.push_async_callback(store.close)
            return store

        yield started


@pytest.fixture
async def store(path: Path, start: Start) -> SQLiteStore:
    """A started store."""
    return await start(path)


@pytest.fixture
def reopen(path: Path, tmp_path: Path, start: Start) -> Reopen:
    """Copies the files as a crash would leave them, and starts on the copy."""

    async def again() -> SQLiteStore:
        folder = tmp_path / f"crash-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for file in path.parent.glob("gateway.db*"):
            # The index in shared memory does not survive the machine.
            if not file.name.endswith(("-shm", ".owner")):
                shutil.copy(file, folder)
        return await start(folder / path.name)

    return again


@pytest.fixture
def plant(store: SQLiteStore) -> "Planted":
    """Rows by SQL."""
    return Planted(store)


class Planted:
    """Implements `Plant`."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store

    async def tombstone(self, mark: bytes, expires: str = "2099-12") -> None:
        await self._run("INSERT INTO tombstone (mark, expires) VALUES (?, ?)", mark, expires)

    async def erased(self, person: int) -> None:
        await self._run("UPDATE person SET erased = 1 WHERE no = ?", person)

    async def fence(self, case: str, person: int, sealed: bytes = b"fence") -> None:
        statement = "INSERT INTO fence (case_id, person, sealed) VALUES (?, ?, ?)"
        await self._run(statement, case, person, sealed)

    async def _run(self, statement: str, *values: Any) -> None:
        await self._store.write(lambda db: db.execute(statement, values) and None)


class TestSQLite(StoreSuite):
    """SQLite does what every store does."""


def test_a_commit_is_synced(path: Path):
    """The writer waits for the disk, overwrites what it deletes, and keeps references whole."""
    with closing(connect(path)) as db:
        settings = {
            name: db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
    }


async def test_tokens_are_stored_with_their_share(store: SQLiteStore, path: Path):
    """A token is durable with the intent that made it, and belongs to its first person."""
    token = TokenRow(mark=b"mark", sealed=b"value")
    (recorded,) = await store.intend(an_intent(tokens=[token]))
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT mark, share, subject, sealed FROM token").fetchall()

    assert rows == [(b"mark", "shr_1", recorded.subject, b"value")]


async def test_a_store_has_one_owner(store: SQLiteStore, path: Path):
    """A second process cannot start on a database that somebody owns, and changes nothing."""
    second = SQLiteStore(path)
    assert owned_by_another(store.lock_path)

    with pytest.raises(StoreFailed, match="another gateway process owns"):
        await second.start()
    await store.append([a_leaf("a")])
    assert await store.size() == 1


async def test_the_ownership_ends_with_its_owner(path: Path, start: Start):
    """After a close the next one may start; what was queued before is there."""
    first = await start(path)
    await first.append([a_leaf("a")])
    await first.close()
    assert not owned_by_another(first.lock_path)

    second = await start(path)
    assert await second.leaves(0, 10) == [a_leaf("a")]


async def test_close_writes_what_is_queued(path: Path, start: Start):
    """Outcomes that were noted before the end are on the disk after it."""
    first = await start(path)
    appends = [asyncio.ensure_future(first.append([a_leaf(str(n))])) for n in range(20)]
    await asyncio.sleep(0)
    await first.close()
    await asyncio.gather(*appends)

    second = await start(path)
    assert await second.size() == 20


async def test_a_newer_database_is_refused(path: Path, start: Start):
    """A database that a newer program migrated is not touched by an older one."""
    store = await start(path)
    await store.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 9999")
    before = path.read_bytes()

    with pytest.raises(SchemaTooNew, match="9999"):
        await SQLiteStore(path).start()
    with pytest.raises(SchemaTooNew):
        await SQLiteStore(path).open_for_reading()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    ["PRAGMA application_id = 1196444487", "CREATE TABLE photo (id INTEGER PRIMARY KEY)"],
    ids=["another-mark", "tables-without-a-mark"],
)
async def test_another_programs_database_is_refused(path: Path, statement: str):
    """A database that is not ours is left exactly as it is."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()
    before = path.read_bytes()

    with pytest.raises(StoreFailed, match="another program's"):
        await SQLiteStore(path).start()
    assert path.read_bytes() == before


async def test_what_is_no_database_is_refused(path: Path):
    """A file of something else is neither opened nor overwritten."""
    path.write_bytes(b"PK\x03\x04" + bytes(4096))

    with pytest.raises(StoreFailed):
        await SQLiteStore(path).start()
    assert path.read_bytes().startswith(b"PK")
    assert not owned_by_another(path.with_name("gateway.db.owner"))


async def test_an_empty_file_becomes_the_database(path: Path, start: Start):
    """A file that was only made, as by a failed first start, is filled."""
    path.touch()
    store = await start(path)
    await store.append([a_leaf("a")])
    await store.close()

    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


async def test_a_folder_that_cannot_be_made(tmp_path: Path):
    """A database under a path that is no folder is a store that failed, in words."""
    (tmp_path / "file").touch()

    with pytest.raises(StoreFailed, match="folder"):
        await SQLiteStore(tmp_path / "file" / "data" / "gateway.db").start()


async def test_a_lock_that_cannot_be_written(path: Path):
    """Where the owner's lock cannot be had at all, the store failed, in words."""
    path.with_name("gateway.db.owner").mkdir()

    with pytest.raises(StoreFailed, match="cannot write"):
        await SQLiteStore(path).start()


async def test_a_path_with_characters_of_urls(tmp_path: Path, start: Start):
    """A home may be called what its owner likes."""
    path = tmp_path / "100% #1 home?" / "gateway.db"
    store = await start(path)
    await store.append([a_leaf("a")])
    looking = await start(path, looking=True)

    assert await looking.size() == 1


async def test_a_reader_of_what_is_not_there(path: Path):
    """Looking at a database that does not exist makes none."""
    with pytest.raises(StoreFailed):
        await SQLiteStore(path).open_for_reading()
    assert not path.exists()


async def test_a_reader_after_its_owner(path: Path, start: Start):
    """A database whose gateway has ended is read like a running one's."""
    store = await start(path)
    await store.intend(an_intent(an_entry(a_row())))
    await store.close()
    looking = await start(path, looking=True)

    assert await looking.open_intents() == 1
    assert not owned_by_another(store.lock_path)


READER = """
    import asyncio, sys
    from pathlib import Path
    from gateway.stores.sqlite import SQLiteStore

    async def look() -> None:
        store = SQLiteStore(Path(sys.argv[1]))
        await store.open_for_reading()
        seen = 0
        while seen < 200:
            print("looking", flush=True) if not seen else None
            size = await store.size()
            leaves = await store.leaves(0, 1000)
            assert seen <= size <= len(leaves), (seen, size, len(leaves))
            seen = size
        await store.close()

    asyncio.run(look())
"""


async def test_another_process_reads_while_the_owner_writes(store: SQLiteStore, path: Path):
    """A command that looks on sees a ledger that only grows, and hinders nobody."""
    await store.append([a_leaf("0")])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", dedent(READER), str(path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    await process.stdout.readline()
    for n in range(1, 200):
        await store.append([a_leaf(str(n))])
    _, said = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 0, said.decode()
    assert await store.size() == 200
