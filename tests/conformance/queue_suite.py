"""What `gateway.ports.QueueStore` and `PartnerStore` promise."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from gateway.errors import Fenced, KeyTaken, Stale
from gateway.ports import PartnerState, QueuedShare, Store
from tests.conformance.builders import (
    NOW,
    Plant,
    a_leaf,
    a_queued,
    a_row,
    a_slot,
    an_intent,
    known,
    lookup,
    mark,
    stored,
)

Reopen = Callable[[], Awaitable[Store]]


async def put(store: Store, *rows: QueuedShare) -> None:
    """Queue shares that are of nobody in particular."""
    for row in rows:
        await store.enqueue(row, None, None, None, None)


async def claimed(store: Store, *, limit: int = 100, per_partner: int = 100) -> list[str]:
    """Claim what is due now; the ids of the shares."""
    return [row.share for row in await store.claim_due(NOW, limit, per_partner)]


class EnqueueSuite:
    """Accepted to be sent later: durable, and of a person who may be shared."""

    async def test_a_queued_share_survives_a_crash(self, store: Store, reopen: Reopen):
        """When enqueue returns, the share is on the disk as it was given."""
        recorded = await store.enqueue(a_queued(), a_row(), mark("ming"), None, None)
        after = await reopen()
        row = await after.queued("shr_1")

        assert row is not None
        assert (row.partner, row.owner, row.state) == ("swift-parcel", b"owner", "queued")
        assert (row.due, row.expires) == (a_queued().due, a_queued().expires)
        assert (row.sealed, row.attempts) == (b"payload of shr_1", 0)
        assert row.subject == recorded.subject == (await known(after)).row.no
        assert await after.queued("shr_2") is None

    async def test_a_repeat_gets_its_answer_at_once(self, store: Store):
        """The answer to the request is stored with the share."""
        await store.enqueue(a_queued(), a_row(), mark("ming"), a_slot(), b"sealed 202")
        state = await store.idempotency(b"key")

        assert state is not None
        assert (state.share, state.answer) == ("shr_1", b"sealed 202")
        assert state.subject == (await known(store)).row.no

    async def test_a_request_is_queued_once(self, store: Store):
        """Of two requests with one key on their way to the disk, one is queued."""
        ended = await asyncio.gather(
            store.enqueue(a_queued("shr_1"), a_row(), mark("ming"), a_slot(), b"sealed 202"),
            store.enqueue(a_queued("shr_2"), a_row(), mark("ming"), a_slot(), b"sealed 202"),
            return_exceptions=True,
        )
        assert [isinstance(one, KeyTaken) for one in ended] == [False, True]
        assert await store.queued("shr_2") is None

    async def test_nothing_is_queued_of_who_was_erased(self, store: Store, plant: Plant):
        """Behind a tombstone nothing is accepted, and no key is taken."""
        await plant.tombstone(mark("ming"))

        with pytest.raises(Fenced):
            await store.enqueue(a_queued(), a_row(), mark("ming"), a_slot(), b"sealed 202")
        assert await store.queued("shr_1") is None
        assert await store.idempotency(b"key") is None
        assert await store.subject(lookup("ming")) is None

    async def test_a_queued_share_rests_on_todays_facts(self, store: Store):
        """A person who changed since the decision is decided again before anything is queued."""
        (row,) = await stored(store, "ming")
        await store.add_consents([(row, mark("ming"), "con_1", b"sealed")])

        with pytest.raises(Stale):
            await store.enqueue(a_queued(), row, mark("ming"), None, None)
        assert await store.queued("shr_1") is None


class ClaimSuite:
    """Claims: each share to one worker, every partner in turn."""

    async def test_only_what_is_due_is_claimed_and_the_earliest_first(self, store: Store):
        """Shares wait for their time and for those before them."""
        await put(
            store,
            a_queued("shr_late", due_seconds=-1),
            a_queued("shr_early", due_seconds=-5),
            a_queued("shr_future", due_seconds=60),
        )

        assert await claimed(store) == ["shr_early", "shr_late"]

    async def test_a_claimed_share_is_claimed_once(self, store: Store):
        """Two workers never have the same share."""
        await put(store, a_queued("shr_1"), a_queued("shr_2"))

        assert len(await claimed(store, limit=1)) == 1
        assert len(await claimed(store)) == 1
        assert await claimed(store) == []

    async def test_a_claim_hands_out_the_payload(self, store: Store):
        """Whoever claims a share gets all of it."""
        await put(store, a_queued())
        (row,) = await store.claim_due(NOW, 1, 1)

        assert row == a_queued()

    async def test_a_partner_with_many_leaves_room_for_others(self, store: Store):
        """No partner has more than its number claimed at once, however often one asks."""
        await put(
            store,
            *(a_queued(f"shr_{n}", due_seconds=n - 60) for n in range(9)),
            a_queued("shr_other", partner="acme"),
        )

        assert await claimed(store, per_partner=2) == ["shr_0", "shr_1", "shr_other"]
        assert await claimed(store, per_partner=2) == []
        await store.finish("shr_0", "delivered", 200, None)
        assert await claimed(store, per_partner=2) == ["shr_2"]

    async def test_a_share_is_given_another_time(self, store: Store):
        """A share that is put back waits for its new time and counts its tries."""
        await put(store, a_queued())
        await claimed(store)
        await store.requeue("shr_1", NOW + timedelta(seconds=30), 1)

        assert await claimed(store) == []
        (row,) = await store.claim_due(NOW + timedelta(seconds=31), 9, 9)
        assert (row.share, row.attempts) == ("shr_1", 1)

    async def test_an_ended_share_loses_its_payload(self, store: Store, reopen: Reopen):
        """How it ended stays to be asked for; what it held is destroyed."""
        await put(store, a_queued())
        await claimed(store)
        await store.finish("shr_1", "failed", None, "outcome-unknown")
        row = await (await reopen()).queued("shr_1")

        assert row is not None
        assert (row.state, row.status, row.code) == ("failed", None, "outcome-unknown")
        assert row.sealed == b""

    async def test_an_ended_share_stays_ended(self, store: Store):
        """A worker that comes late with another time does not bring a share back."""
        await put(store, a_queued())
        await claimed(store)
        await store.finish("shr_1", "delivered", 200, None)
        await store.requeue("shr_1", NOW, 1)

        assert await claimed(store) == []
        row = await store.queued("shr_1")
        assert row is not None
        assert (row.state, row.status) == ("delivered", 200)

    async def test_a_dead_workers_claims_are_freed(self, store: Store, reopen: Reopen):
        """After a crash a share that was being sent is due again."""
        await put(store, a_queued())
        await claimed(store)
        after = await reopen()

        assert await claimed(after) == []
        await after.free_claims()
        assert await claimed(after) == ["shr_1"]

    async def test_ended_shares_are_thrown_away_in_time(self, store: Store):
        """What has ended goes when its time is over; what still waits does not."""
        await put(
            store,
            a_queued("shr_ended", expires_hours=1),
            a_queued("shr_recent", expires_hours=48),
            a_queued("shr_waits", expires_hours=1),
        )
        for share in ("shr_ended", "shr_recent"):
            await store.finish(share, "delivered", 200, None)

        assert await store.forget_old(NOW + timedelta(hours=2)) == 1
        assert await store.queued("shr_ended") is None
        assert await store.queued("shr_recent") is not None
        assert await store.queued("shr_waits") is not None


class PartnerSuite:
    """What operators said of partners."""

    async def test_a_state_comes_with_its_leaf(self, store: Store, reopen: Reopen):
        """What was said of a partner, and that it was said, survive a crash together."""
        state = PartnerState(partner="acme", suspended=True, epoch=3, digest="digest")
        await store.put_partner_state(state, a_leaf("suspended"))
        after = await reopen()

        assert await after.partner_states() == {"acme": state}
        assert await after.leaves(0, 10) == [a_leaf("suspended")]

    async def test_the_last_word_counts(self, store: Store):
        """A later state replaces the one before, with a leaf or without."""
        await store.put_partner_state(PartnerState(partner="acme", suspended=True, epoch=1), None)
        last = PartnerState(partner="acme", suspended=False, epoch=2)
        await store.put_partner_state(last, None)

        assert await store.partner_states() == {"acme": last}
        assert await store.size() == 0

    async def test_an_intent_rests_on_the_state_of_its_partner(self, store: Store):
        """A share that was decided before a partner was suspended does not enter the ledger."""
        await store.put_partner_state(PartnerState(partner="acme", epoch=1), None)
        await store.intend(an_intent(partner="acme", partner_epoch=1))
        await store.put_partner_state(PartnerState(partner="acme", suspended=True, epoch=2), None)

        with pytest.raises(Stale):
            await store.intend(an_intent(partner="acme", partner_epoch=1, share="shr_2"))
        assert await store.find_share("shr_2") == []


class QueueSuite(EnqueueSuite, ClaimSuite, PartnerSuite):
    """All of it."""
