"""Writes about shares for later, recipients, editions, and what is asked."""

from dataclasses import replace
from datetime import date, timedelta

from gateway.model.keys import PublishedKeys, SeenKey
from gateway.ports import (
    EditionRow,
    PartnerState,
    Redemption,
    RefusalEntry,
    TokenRow,
)
from gateway.stores.sqlite import SQLiteStore
from tests.conformance.builders import (
    NOW,
    UNTIL,
    a_queued,
    a_row,
    a_slot,
    an_intent,
    lookup,
    mark,
    stored,
)
from tests.faults.writes.rows import (
    COURIER,
    TOKEN,
    Call,
    carried,
    entry,
    leaf,
    write,
)


@write
async def enqueue(store: SQLiteStore) -> Call:
    return lambda: store.enqueue(a_queued(), a_row(), mark("ming"), a_slot(), b"sealed 202")


async def waiting(store: SQLiteStore, *, claimed: bool = False) -> None:
    """A share for later."""
    await store.enqueue(a_queued(), a_row(), mark("ming"), None, None)
    if claimed:
        assert len(await store.claim_due(NOW, 9, 9)) == 1


@write
async def claim_due(store: SQLiteStore) -> Call:
    await waiting(store)
    return lambda: store.claim_due(NOW, 9, 9)


@write
async def requeue(store: SQLiteStore) -> Call:
    await waiting(store, claimed=True)
    return lambda: store.requeue("shr_1", UNTIL, 2)


@write
async def finish(store: SQLiteStore) -> Call:
    await waiting(store, claimed=True)
    return lambda: store.finish("shr_1", "delivered", 200, None)


@write
async def free_claims(store: SQLiteStore) -> Call:
    await waiting(store, claimed=True)
    return store.free_claims


@write
async def forget_old(store: SQLiteStore) -> Call:
    slot = replace(a_slot(), expires=NOW - timedelta(days=1))
    await store.enqueue(a_queued(expires_hours=-48), a_row(), mark("ming"), slot, b"answer")
    await store.finish("shr_1", "delivered", 200, None)
    return lambda: store.forget_old(NOW + timedelta(days=60))


@write
async def redeem(store: SQLiteStore) -> Call:
    (row,) = await stored(store, "ming")
    token = TokenRow(mark=TOKEN, sealed=b"value", ends=UNTIL, uses=2)
    await store.intend(an_intent(entry(row), tokens=[token]))
    redemption = Redemption(
        mark=TOKEN,
        partner=COURIER,
        partner_epoch=0,
        jti="r-1",
        digest=b"jws",
        expires=UNTIL,
        subject=row,
        leaf=leaf("redeemed", "redemption", partner=COURIER, result="opened"),
    )
    return lambda: store.redeem(redemption)


@write
async def put_partner_state(store: SQLiteStore) -> Call:
    suspended = PartnerState(partner=COURIER, suspended=True, epoch=1)
    told = leaf("suspended", "partner", partner=COURIER, event="suspended")
    return lambda: store.put_partner_state(suspended, told)


@write
async def put_published_keys(store: SQLiteStore) -> Call:
    keys = PublishedKeys(
        partner=COURIER,
        url="https://swift-parcel.example/keys.json",
        fetched_at=NOW,
        jwks={"keys": []},
        seen={"a": SeenKey(seen_at=NOW), "b": SeenKey(seen_at=NOW)},
    )
    told = leaf("seen", "key", owner=COURIER, event="seen")
    return lambda: store.put_published_keys(keys, [told])


@write
async def keep_edition(store: SQLiteStore) -> Call:
    row = EditionRow(
        number="2026-1",
        digest="aa",
        published=date(2026, 1, 1),
        effective=NOW,
        adopted_at=NOW,
        widened="[]",
        documents=b"documents",
    )
    told = leaf("adopted", "policy", edition="2026-1", digest="aa", event="adopted")
    return lambda: store.keep_edition(row, [told])


@write
async def refuse(store: SQLiteStore) -> Call:
    entries = [
        RefusalEntry(
            leaf=leaf(f"refused {number}", "refusal", service="s", code="c", clause=["S1"]),
            decided=True,
            subject=None,
            ground=None,
            evidence=None,
        )
        for number in range(2)
    ]
    return lambda: store.refuse(entries)


@write
async def append_read(store: SQLiteStore) -> Call:
    await stored(store, "ming")
    return lambda: store.append_read(leaf("read"), lookup("ming"))


@write
async def look_again(store: SQLiteStore) -> Call:
    (recorded,) = await carried(store)
    return lambda: store.look_again({recorded.seq: NOW})
