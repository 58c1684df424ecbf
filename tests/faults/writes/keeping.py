"""Writes about keys, pruning, and a store that was restored from a copy."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from gateway.ledger.pruning import Facts, Fate, Verdict
from gateway.model.cases import CaseState
from gateway.ports import (
    AdoptedCase,
    OwnedShare,
    ReplayState,
)
from gateway.stores.sqlite import SQLiteStore
from gateway.stores.sqlite.pruning import MARGIN, STRETCH
from gateway.stores.sqlite.statements import SQL
from tests.conformance.builders import (
    NOW,
    UNTIL,
    a_case,
    a_row,
    an_intent,
    mark,
    stored,
)
from tests.faults.writes.rows import (
    Call,
    a_notice,
    an_epoch,
    ending,
    entry,
    leaf,
    opening,
    planned,
    write,
)


def a_replay() -> ReplayState:
    return ReplayState(start=3, size=5, note="note")


@write
async def begin_replay(store: SQLiteStore) -> Call:
    return lambda: store.begin_replay(a_replay())


@write
async def end_replay(store: SQLiteStore) -> Call:
    await store.begin_replay(a_replay())
    return lambda: store.end_replay(2)


@write
async def append_past(store: SQLiteStore) -> Call:
    size = await store.size()
    return lambda: store.append_past(size, [opening("shr_1"), ending("shr_1"), leaf("read")])


@write
async def own_shares(store: SQLiteStore) -> Call:
    (row,) = await stored(store, "ming")
    size = await store.size()
    await store.append_past(size, [opening("shr_1")])
    owned = OwnedShare(seq=size + 1, subject=row.no or 0, untold=False, ends=True)
    return lambda: store.own_shares([owned])


@write
async def adopt_case(store: SQLiteStore) -> Call:
    (row,) = await stored(store, "ming")
    (recorded,) = await store.intend(an_intent(entry(row)))
    adopted = AdoptedCase(
        case=a_case(row).case,
        person=row.person or 0,
        tombstones=(mark("ming"),),
        tombstone_expires="2099-12",
        fence=b"fence",
        whole=False,
        key=bytes(61),
        sealed=b"plan",
        notices=(a_notice(),),
        told=(recorded.seq,),
    )
    return lambda: store.adopt_case(adopted)


@write
async def note_past(store: SQLiteStore) -> Call:
    await planned(store)
    return lambda: store.note_past("case_1", NOW, CaseState.CLOSED.value)


def prune_all(leaf: Mapping[str, Any], facts: Facts) -> Verdict:
    """Nothing is needed any more."""
    return Fate.PRUNED


def pruned_leaf(pruned: int, upto: int) -> bytes:
    """What the ledger says of it."""
    return leaf("pruned", "policy", edition="2026-1", digest="aa", event="pruned")


@write
async def prune_some(store: SQLiteStore) -> Call:
    return lambda: store.prune_some(prune_all, NOW, 2)


@write
async def say_pruned(store: SQLiteStore) -> Call:
    await store.prune_some(prune_all, NOW, 2)
    return lambda: store.say_pruned(pruned_leaf)


@write
async def tighten_some(store: SQLiteStore) -> Call:
    await loosened(store)
    return lambda: store.tighten_some(STRETCH)


@write
async def compact(store: SQLiteStore) -> Call:
    await loosened(store)
    return store.compact


async def loosened(store: SQLiteStore) -> None:
    """Pruned leaves that still take the room that they had."""
    await store.prune_some(prune_all, NOW, 3)

    def loosen(db: sqlite3.Connection) -> None:
        # As if a whole stretch and its margin had been gone through.
        db.execute(SQL["new_loose"], (0, 0))
        db.execute(SQL["put_pruning"], (STRETCH + MARGIN, 0, 3))

    await store.write(loosen)


@write
async def begin_epoch(store: SQLiteStore) -> Call:
    await store.begin_epoch(an_epoch(1), [], due=UNTIL, sooner=False)
    told = leaf("epoch", "key", owner="gateway", event="created")
    return lambda: store.begin_epoch(an_epoch(2), [told], due=UNTIL, sooner=True)


def wrapped(epoch: int, text: bytes) -> bytes:
    """A wrapped key that names its epoch."""
    return b"\x02" + epoch.to_bytes(4, "big") + text.ljust(56, b".")


@write
async def rewrap(store: SQLiteStore) -> Call:
    await store.put_subject(
        [a_row(name, key=wrapped(1, name.encode())) for name in ("ming", "li")],
        tombstones=[mark("ming"), mark("li")],
        same_person=False,
    )
    changes = [(no, key, wrapped(2, key)) for no, key in await store.wrapped_under(1, 9)]
    return lambda: store.rewrap(changes)


@write
async def close_epoch(store: SQLiteStore) -> Call:
    await store.begin_epoch(an_epoch(1), [], due=UNTIL, sooner=False)
    return lambda: store.close_epoch(1)


@write
async def end_epoch(store: SQLiteStore) -> Call:
    await store.begin_epoch(an_epoch(1), [], due=UNTIL, sooner=False)
    told = leaf("epoch", "key", owner="gateway", event="destroyed")
    return lambda: store.end_epoch(1, [told])


@write
async def give_up(store: SQLiteStore) -> Call:
    rows = [a_row(name, key=wrapped(1, name.encode())) for name in ("ming", "li")]
    await store.put_subject(rows, tombstones=[mark("ming"), mark("li")], same_person=False)
    told = leaf("given up", "key", owner="subject", event="given-up")
    return lambda: store.give_up([1], [told])


@write
async def put_own_keys(store: SQLiteStore) -> Call:
    told = leaf("retired", "key", owner="gateway", event="retired")
    return lambda: store.put_own_keys({"grant-1": True, "grant-2": False}, [told])
