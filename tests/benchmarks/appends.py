"""
Durable appends: callers that each wait for theirs to be on the disk, beside
`executemany` of the same rows by a program that has them all at hand, with the
same settings, in commits of the very sizes that the store made of its callers.

Leaves alone, and whole intents: a leaf and its row of the erasable index, decided
anew at the moment of writing (is the person still the same, may the recipient
still have it), beside raw inserts into the same two tables with the same indexes.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from time import perf_counter

from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.ports import Intent, IntentEntry, SubjectRow
from gateway.stores.sqlite import SQLiteStore
from gateway.stores.sqlite.base import seconds
from gateway.stores.sqlite.database import connect, migrate
from gateway.stores.sqlite.statements import SQL
from tests.benchmarks import workload
from tests.benchmarks.steps import NOW, intent_members

PEOPLE = 200
UNTIL = NOW + timedelta(days=30)

Once = Callable[[SQLiteStore, int], Awaitable[object]]


@dataclass(slots=True)
class Batches:
    """How many shared each commit."""

    sizes: list[int] = field(default_factory=list)

    def committed(self, *, seconds: float, entries: int) -> None:
        """One commit."""
        self.sizes.append(entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Of one turn: appends a second, and how many shared a commit."""

    ours: float
    peer: float
    batch: float


async def leaves(folder: Path, *, callers: int, number: int) -> Rates:
    """Leaves alone."""
    texts = [canonical(entries.intent(**intent_members(place))) for place in range(number)]

    async def ready(store: SQLiteStore) -> None:
        await store.append([texts[0]])

    def once(store: SQLiteStore, place: int) -> Awaitable[object]:
        return store.append([texts[place]])

    rows = [(text.decode(),) for text in texts]
    return await _beside(folder, ready, once, {SQL["append"]: rows}, callers)


async def intents(folder: Path, *, callers: int, number: int) -> Rates:
    """Whole intents of people who are known."""
    texts = [canonical(entries.intent(**intent_members(place))) for place in range(number)]
    people: list[SubjectRow] = []

    async def ready(store: SQLiteStore) -> None:
        people[:] = [await _known(store, number) for number in range(PEOPLE)]

    def once(store: SQLiteStore, place: int) -> Awaitable[object]:
        return store.intend(_intent(texts[place], f"shr_{place:032d}", people[place % PEOPLE]))

    end = seconds(UNTIL)
    rows = [
        (seq, f"shr_{seq:032d}", "intent", workload.PARTNER, 1 + seq % PEOPLE, None, end, 0, end)
        for seq in range(1, number + 1)
    ]
    inserts = {SQL["append"]: [(text.decode(),) for text in texts], SQL["new_share"]: rows}
    return await _beside(folder, ready, once, inserts, callers)


async def _known(store: SQLiteStore, number: int) -> SubjectRow:
    """A person with whom something was shared once."""
    lookup = sha256(f"person {number}".encode()).digest()
    new = SubjectRow(lookup=lookup, key=bytes(61), facts=bytes(60))
    await store.intend(_intent(b'{"first":%d}' % number, f"first_{number}", new))
    state = await store.subject(lookup)
    if state is None:
        raise RuntimeError("the store lost a person")
    return state.row


def _intent(leaf: bytes, share: str, person: SubjectRow) -> Intent:
    entry = IntentEntry(leaf=leaf, subject=person, tombstone=bytes(32), retention_until=UNTIL)
    return Intent(
        share=share, kind="intent", partner=workload.PARTNER, partner_epoch=0, entries=(entry,)
    )


async def _beside(
    folder: Path,
    ready: Callable[[SQLiteStore], Awaitable[None]],
    once: Once,
    inserts: dict[str, Sequence[tuple[object, ...]]],
    callers: int,
) -> Rates:
    number = len(next(iter(inserts.values())))
    batches = Batches()
    store = SQLiteStore(folder / f"{uuid.uuid4()}.db", meter=batches)
    await store.start()
    try:
        await ready(store)
        batches.sizes.clear()
        before = await store.size()
        started = perf_counter()
        await asyncio.gather(
            *(_caller(store, once, range(place, number, callers)) for place in range(callers))
        )
        ours = perf_counter() - started
        if await store.size() != before + number:
            raise RuntimeError("the store lost an append")
    finally:
        await store.close()
    peer = _raw(folder / f"{uuid.uuid4()}.db", inserts, batches.sizes)
    return Rates(ours=number / ours, peer=number / peer, batch=number / len(batches.sizes))


async def _caller(store: SQLiteStore, once: Once, places: range) -> None:
    for place in places:
        await once(store, place)


def _raw(
    path: Path, inserts: dict[str, Sequence[tuple[object, ...]]], sizes: Sequence[int]
) -> float:
    """Seconds for the same rows in the same file, with the same settings, in such commits."""
    migrate(path)
    db = connect(path)
    try:
        first, started = 0, perf_counter()
        for size in sizes:
            db.execute("BEGIN IMMEDIATE")
            for statement, rows in inserts.items():
                db.executemany(statement, rows[first : first + size])
            db.execute("COMMIT")
            first += size
        return perf_counter() - started
    finally:
        db.close()
