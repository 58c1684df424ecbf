"""Many people read at once, as `gateway.ports.CrowdStore` promises."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.stores.sqlite import SQLiteStore
from tests.conformance.builders import a_row, an_entry, an_intent, lookup, mark

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = ("ming", "li", "wei", "nobody")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    """A store with ming, li and wei; ming and li are one person."""
    store = SQLiteStore(tmp_path / "gateway.db")
    await store.start()
    for name in ("ming", "li", "wei"):
        await store.intend(an_intent(an_entry(a_row(name), name=name), share=f"shr_{name}"))
    rows = [(await store.subject(lookup(name))).row for name in ("ming", "li")]  # type: ignore[union-attr]
    await store.put_subject(rows, tombstones=[mark("ming"), mark("li")], same_person=True)
    yield store
    await store.close()


def put_fence(db: sqlite3.Connection, *, fence: tuple[Any, ...]) -> None:
    """A case keeps something of somebody in."""
    db.execute("INSERT INTO fence VALUES (?, ?, ?)", fence)


async def test_many_are_read_as_each_would_be(store: SQLiteStore):
    """Whoever is read among many is just as if read alone: aliases, consents and fences."""
    for name in ("ming", "wei"):
        state = await store.subject(lookup(name))
        assert state is not None
        await store.add_consents([(state.row, mark(name), f"cns_{name}", b"sealed")])
        fence = (f"case_{name}", state.row.person, b"fence")
        await store.write(partial(put_fence, fence=fence))
    found, dead = await store.people_by_mark(
        [lookup(name) for name in NAMES], [mark(name) for name in NAMES], now=NOW
    )

    assert set(found) == {lookup(name) for name in ("ming", "li", "wei")}
    assert [found[lookup(name)] for name in NAMES[:3]] == [
        await store.subject(lookup(name)) for name in NAMES[:3]
    ]
    assert len(found[lookup("li")].aliases) == 1
    assert dead == set()


async def test_who_is_kept_out(store: SQLiteStore):
    """A tombstone counts up to the end of its month, and not after it."""
    rows = [(mark("nobody"), "2026-11"), (mark("li"), "2026-10")]
    await store.write(
        lambda db: (
            db.executemany("INSERT INTO tombstone (mark, expires) VALUES (?, ?)", rows) and None
        )
    )
    marks = [mark(name) for name in NAMES]
    _, dead = await store.people_by_mark([], marks, now=NOW)

    assert dead == {mark("nobody")}


async def test_nobody(store: SQLiteStore):
    """Asked about nobody, it knows nobody."""
    assert await store.people_by_mark([], [], now=NOW) == ({}, set())
