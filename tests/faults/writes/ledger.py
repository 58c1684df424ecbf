"""Writes of the ledger, and of people."""

from dataclasses import replace
from typing import Any

from gateway.ledger import merkle
from gateway.ledger.encode import leaf_hash
from gateway.ports import (
    EvidenceRow,
    LedgerHead,
    PartnerState,
    TokenRow,
)
from gateway.stores.sqlite import SQLiteStore
from tests.conformance.builders import (
    UNTIL,
    a_row,
    a_slot,
    an_entry,
    an_intent,
    lookup,
    mark,
    stored,
)
from tests.faults.writes.rows import (
    COURIER,
    TOKEN,
    Call,
    ending,
    entry,
    leaf,
    note_of,
    outcome_of,
    shared,
    write,
)


@write
async def append(store: SQLiteStore) -> Call:
    return lambda: store.append([leaf("a"), leaf("b")])


@write
async def intend(store: SQLiteStore) -> Call:
    await store.put_partner_state(PartnerState(partner=COURIER, epoch=0), None)
    token = TokenRow(mark=TOKEN, sealed=b"value", ends=UNTIL)
    intent = an_intent(entry(a_row()), idempotency=a_slot(), tokens=[token])
    return lambda: store.intend(intent)


@write
async def settle(store: SQLiteStore) -> Call:
    recorded = await shared(store, idempotency=a_slot())

    async def call() -> None:
        store.settle(outcome_of(recorded))
        await store.flush()

    return call


@write
async def close_open_intents(store: SQLiteStore) -> Call:
    for share in ("shr_1", "shr_2"):
        await shared(store, share)
    return lambda: store.close_open_intents(lambda share, partner: ending(share, "unknown"))


@write
async def sequence(store: SQLiteStore) -> Call:
    # Beyond the end of a tile, so that there are tiles of two levels.
    await store.append([leaf(f"leaf {number}") for number in range(merkle.TILE_WIDTH)])
    return await sequenced(store)


async def sequenced(store: SQLiteStore) -> Call:
    """The call that takes up what is in no tree."""
    head = await store.head()
    leaves = await store.leaves(head.size, 1000)
    tiles = await store.tiles(merkle.edge(head.size))
    changed = merkle.extend(tiles, head.size, [leaf_hash(one) for one in leaves])
    size = head.size + len(leaves)
    root = merkle.root({**tiles, **changed}, size)
    newer = LedgerHead(size=size, root=root, note=note_of(size, root))
    return lambda: store.sequence(newer, changed, head.size)


@write
async def keep_cosignature(store: SQLiteStore) -> Call:
    head = await store.head()
    await store.keep_cosignature(head, "first", "— first line", 2)
    return lambda: store.keep_cosignature(head, "second", "— second line", 2)


@write
async def keep_witnesses(store: SQLiteStore) -> Call:
    await store.keep_cosignature(await store.head(), "first", "— first line", 2)
    return lambda: store.keep_witnesses(["second"])


@write
async def put_subject(store: SQLiteStore) -> Call:
    (row,) = await stored(store, "ming")
    rows = [replace(row, facts=b"newer facts"), a_row("alias")]
    marks = [mark("ming"), mark("alias")]
    return lambda: store.put_subject(rows, tombstones=marks, same_person=True)


@write
async def add_consents(store: SQLiteStore) -> Call:
    rows = await stored(store, "ming", "li")
    given = [(row, mark("x"), f"con_{number}", b"sealed") for number, row in enumerate(rows)]
    return lambda: store.add_consents(given)


@write
async def update_consent(store: SQLiteStore) -> Call:
    (row,) = await stored(store, "ming")
    await store.add_consents([(row, mark("ming"), "con_1", b"sealed")])
    found = await store.consent("con_1")
    assert found is not None
    return lambda: store.update_consent(replace(found[0], sealed=b"withdrawn"))


@write
async def declare(store: SQLiteStore) -> Call:
    members = {"share": "shr_d", "partner": COURIER, "purpose": "x", "service": "orders"}
    lists: dict[str, Any] = {"fields": [], "categories": [], "disclosed_at": "2026-03-01"}
    declared = leaf("declared", "declared", **members, **lists)
    new = replace(an_entry(a_row()), leaf=declared, references=b"sealed reference")
    return lambda: store.declare([(new, "shr_d", COURIER)])


@write
async def add_evidence(store: SQLiteStore) -> Call:
    row = EvidenceRow(id="ev_1", partner=COURIER, sealed=b"sealed", subjects=(lookup("ming"),))
    return lambda: store.add_evidence(row)
