"""
Durable appends: callers that each wait for their leaf to be on the disk, beside
`executemany` of the same bytes by a program that has them all at hand.
"""

import asyncio
import uuid
from pathlib import Path
from time import perf_counter

from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.stores.sqlite import SQLiteStore
from gateway.stores.sqlite.database import connect
from tests.benchmarks.steps import intent_members


async def appends(folder: Path, *, callers: int, number: int) -> tuple[float, float]:
    """Appends a second: of the store with so many callers, and of the peer in such batches."""
    leaves = [canonical(entries.intent(**intent_members(place))) for place in range(number)]
    ours = await _through_the_store(folder / f"{uuid.uuid4()}.db", leaves, callers)
    peer = _by_executemany(folder / f"{uuid.uuid4()}.db", leaves, callers)
    return number / ours, number / peer


async def _through_the_store(path: Path, leaves: list[bytes], callers: int) -> float:
    store = SQLiteStore(path)
    await store.start()
    try:
        started = perf_counter()
        await asyncio.gather(*(_caller(store, leaves[place::callers]) for place in range(callers)))
        seconds = perf_counter() - started
        if await store.size() != len(leaves):
            raise RuntimeError("the store lost an append")
        return seconds
    finally:
        await store.close()


async def _caller(store: SQLiteStore, leaves: list[bytes]) -> None:
    for leaf in leaves:
        await store.append([leaf])


def _by_executemany(path: Path, leaves: list[bytes], batch: int) -> float:
    # The same settings: WAL, and a commit returns when it is on the disk.
    db = connect(path)
    try:
        db.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, leaf TEXT NOT NULL) STRICT")
        rows = [(leaf.decode(),) for leaf in leaves]
        started = perf_counter()
        for first in range(0, len(rows), batch):
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO entry (leaf) VALUES (?)", rows[first : first + batch])
            db.execute("COMMIT")
        return perf_counter() - started
    finally:
        db.close()
