"""What `gateway.ports.LedgerStore` promises."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.errors import Fenced, KeyTaken, LedgerContradiction, Stale, StoreFailed
from gateway.ports import LedgerHead, PartnerState, Store
from tests.conformance.builders import (
    NOW,
    Plant,
    a_leaf,
    a_row,
    a_slot,
    an_entry,
    an_intent,
    an_outcome,
    every_leaf,
    known,
    lookup,
    mark,
    stored,
)

Reopen = Callable[[], Awaitable[Store]]


class AppendSuite:
    """Leaves: in order, all or none, durable."""

    async def test_leaves_keep_the_order_in_which_they_came(self, store: Store):
        """Leaves of one call lie together, and calls one after another."""
        await store.append([a_leaf("a"), a_leaf("b")])
        await store.append([a_leaf("c")])

        assert await store.leaves(0, 10) == [a_leaf("a"), a_leaf("b"), a_leaf("c")]
        assert await store.size() == 3

    async def test_leaves_are_read_from_an_index_and_so_many(self, store: Store):
        """A part of the ledger is read without the rest; past the end there is nothing."""
        await store.append([a_leaf(str(n)) for n in range(5)])

        assert await store.leaves(1, 2) == [a_leaf("1"), a_leaf("2")]
        assert await store.leaves(5, 2) == []

    async def test_append_stores_all_or_none(self, store: Store):
        """Of a call that cannot be stored as a whole nothing is stored."""
        with pytest.raises((ValueError, StoreFailed)):
            await store.append([a_leaf("a"), b"\xff is no text", a_leaf("b")])

        assert await store.size() == 0

    async def test_what_was_appended_survives_a_crash(self, store: Store, reopen: Reopen):
        """When append returns, the leaves are on the disk."""
        await store.append([a_leaf("a")])

        assert await (await reopen()).leaves(0, 10) == [a_leaf("a")]

    async def test_many_append_at_once_and_each_once(self, store: Store):
        """Callers that come together all get their leaves in, none twice, none lost."""
        await asyncio.gather(*(store.append([a_leaf(str(n))]) for n in range(50)))

        leaves = await store.leaves(0, 100)
        assert sorted(leaves) == sorted(a_leaf(str(n)) for n in range(50))

    async def test_cancelling_one_caller_leaves_others_alone(self, store: Store):
        """A caller that gives up takes nobody along."""
        calls = [asyncio.ensure_future(store.append([a_leaf(str(n))])) for n in range(9)]
        await asyncio.sleep(0)
        calls[4].cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)

        leaves = await store.leaves(0, 100)
        assert isinstance(ended[4], asyncio.CancelledError)
        assert [one for n, one in enumerate(ended) if n != 4] == [None] * 8
        assert set(leaves) - {a_leaf("4")} == {a_leaf(str(n)) for n in range(9) if n != 4}

    async def test_cancelled_readers_leave_the_store_readable(self, store: Store):
        """However far a read came before its caller gave up, the next read works."""
        await store.append([a_leaf("a")])
        for steps in range(12):
            for _ in range(6):
                reading = asyncio.ensure_future(store.head())
                for _ in range(steps):
                    await asyncio.sleep(0)
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
            assert await store.leaves(0, 10) == [a_leaf("a")]


class IntentSuite:
    """Intents: durable before anything leaves, and only of the person that was decided on."""

    async def test_an_intent_is_where_it_says(self, store: Store):
        """Whoever stores an intent learns its place and the number of its person."""
        await store.append([a_leaf("before")])
        (recorded,) = await store.intend(an_intent())

        assert await store.leaves(recorded.seq - 1, 1) == [a_leaf("leaf_1")]
        assert recorded.subject == (await known(store)).row.no
        assert await store.find_share("shr_1") == [recorded.seq - 1]
        assert await store.open_intents() == 1

    async def test_an_intent_survives_a_crash(self, store: Store, reopen: Reopen):
        """When intend returns, leaf, person and open outcome are on the disk."""
        await store.intend(an_intent())
        after = await reopen()

        assert await after.leaves(0, 10) == [a_leaf("leaf_1")]
        assert await after.open_intents() == 1
        assert (await known(after)).row.key == a_row().key

    async def test_a_share_without_a_person_has_a_leaf_all_the_same(self, store: Store):
        """Routes that concern nobody are in the ledger and in nobody's account."""
        (recorded,) = await store.intend(an_intent(an_entry(None)))

        assert recorded.subject is None
        assert await store.size() == 1

    async def test_a_new_person_is_stored_once(self, store: Store):
        """Two shares of a new person, decided with the same key, belong to one row."""
        first, second = await asyncio.gather(
            store.intend(an_intent(share="shr_1")), store.intend(an_intent(share="shr_2"))
        )

        assert first[0].subject == second[0].subject
        assert len((await known(store)).aliases) == 0

    async def test_two_keys_for_one_new_person(self, store: Store):
        """Of two shares that each made a key for the same new person, one must decide again."""
        ended = await asyncio.gather(
            store.intend(an_intent(an_entry(a_row(key=b"one"), "a"))),
            store.intend(an_intent(an_entry(a_row(key=b"two"), "b"), share="shr_2")),
            return_exceptions=True,
        )

        assert [type(one) for one in ended].count(Stale) == 1
        assert await store.size() == 1
        assert (await known(store)).row.key == (b"one" if isinstance(ended[1], Stale) else b"two")

    async def test_a_person_who_changed_is_decided_again(self, store: Store):
        """An intent that rests on older facts is refused and leaves nothing."""
        (row,) = await stored(store, "ming")
        await store.add_consents([(row, mark("ming"), "con_1", b"sealed")])

        with pytest.raises(Stale):
            await store.intend(an_intent(an_entry(row)))
        assert await store.size() == 0
        assert await store.open_intents() == 0

    async def test_a_row_that_is_gone_is_decided_again(self, store: Store):
        """A person who was stored when it was decided and is not any more is no new person."""
        (row,) = await stored(store, "ming")
        gone = replace(a_row("li"), no=row.no)

        with pytest.raises(Stale):
            await store.intend(an_intent(an_entry(gone)))
        assert await store.subject(gone.lookup) is None

    async def test_a_partner_that_changed_is_decided_again(self, store: Store):
        """An intent that rests on an older state of its partner is refused and leaves nothing."""
        await store.put_partner_state(
            PartnerState(partner="swift-parcel", suspended=True, epoch=1), None
        )

        with pytest.raises(Stale):
            await store.intend(an_intent(partner_epoch=0))
        assert await store.size() == 0
        assert await store.subject(lookup("ming")) is None
        await store.intend(an_intent(partner_epoch=1))
        assert await store.size() == 1

    async def test_nobody_comes_back_from_behind_a_tombstone(self, store: Store, plant: Plant):
        """A person who was erased does not become a new person."""
        await plant.tombstone(mark("ming"))

        with pytest.raises(Fenced):
            await store.intend(an_intent())
        assert await store.size() == 0
        assert await store.subject(lookup("ming")) is None

    async def test_nothing_leaves_of_a_person_who_is_being_erased(self, store: Store, plant: Plant):
        """From the fence on no intent of the person enters the ledger."""
        (row,) = await stored(store, "ming")
        assert row.person is not None
        await plant.erased(row.person)

        with pytest.raises(Fenced):
            await store.intend(an_intent(an_entry(row)))
        assert await store.size() == 0

    async def test_a_share_of_several_people_has_a_leaf_each(self, store: Store):
        """Everybody in a share has their own leaf, in the order of the share."""
        recorded = await store.intend(
            an_intent(
                an_entry(a_row("ming"), "a", name="ming"), an_entry(a_row("li"), "b", name="li")
            )
        )

        assert [one.seq - recorded[0].seq for one in recorded] == [0, 1]
        assert [one.subject for one in recorded] == [
            (await known(store, name)).row.no for name in ("ming", "li")
        ]
        assert await store.find_share("shr_1") == [one.seq - 1 for one in recorded]

    async def test_one_fenced_person_stops_the_whole_share(self, store: Store, plant: Plant):
        """Where one of several may not be shared, nobody of them is recorded."""
        await plant.tombstone(mark("li"))

        with pytest.raises(Fenced):
            await store.intend(
                an_intent(
                    an_entry(a_row("ming"), "a", name="ming"), an_entry(a_row("li"), "b", name="li")
                )
            )
        assert await store.size() == 0
        assert await store.subject(lookup("ming")) is None


class OutcomeSuite:
    """Outcomes: one for each intent, written soon, `unknown` after a crash."""

    async def test_an_outcome_closes_its_intent(self, store: Store, reopen: Reopen):
        """After flush the outcome has its leaf, and the intent is open no more."""
        recorded = await store.intend(an_intent())
        store.settle(an_outcome(recorded))
        await store.flush()
        after = await reopen()

        assert await after.leaves(1, 10) == [a_leaf("delivered-of-1")]
        assert await after.open_intents() == 0
        assert await after.outcomes("shr_1") == ["delivered"]

    async def test_each_person_of_a_share_gets_the_outcome(self, store: Store):
        """A share of several people ends for all of them."""
        recorded = await store.intend(
            an_intent(
                an_entry(a_row("ming"), "a", name="ming"), an_entry(a_row("li"), "b", name="li")
            )
        )
        store.settle(an_outcome(recorded, "timeout"))
        await store.flush()

        assert await store.outcomes("shr_1") == ["timeout", "timeout"]
        assert await store.size() == 4

    async def test_an_intent_has_one_outcome(self, store: Store):
        """What is said a second time changes nothing and has no leaf."""
        recorded = await store.intend(an_intent())
        store.settle(an_outcome(recorded, "delivered"))
        store.settle(an_outcome(recorded, "unknown"))

        assert await every_leaf(store) == [a_leaf("leaf_1"), a_leaf("delivered-of-1")]
        assert await store.outcomes("shr_1") == ["delivered"]

    async def test_each_attempt_has_its_own_outcome(self, store: Store):
        """A share that was tried again shows both tries in their order."""
        first = await store.intend(an_intent(an_entry(a_row(), "a")))
        store.settle(an_outcome(first, "not-sent"))
        await store.intend(an_intent(an_entry(a_row(), "b")))
        await store.flush()

        assert await store.outcomes("shr_1") == ["not-sent", None]
        assert await store.open_intents() == 1

    async def test_flush_with_nothing_to_wait_for(self, store: Store):
        """Flush returns where nothing was settled."""
        await asyncio.wait_for(store.flush(), 1)
        assert await store.size() == 0

    async def test_open_intents_of_a_dead_process_become_unknown(
        self, store: Store, reopen: Reopen
    ):
        """What a crash left open may have been received, and is recorded so, once."""
        ended = await store.intend(an_intent(share="shr_1"))
        store.settle(an_outcome(ended, share="shr_1"))
        await store.intend(an_intent(an_entry(a_row("ming"), "b"), share="shr_2", partner="acme"))
        await store.flush()
        after = await reopen()

        closed = await after.close_open_intents(lambda share, partner: a_leaf(f"{share}-{partner}"))
        assert closed == 1
        assert (await after.leaves(0, 10))[-1] == a_leaf("shr_2-acme")
        assert await after.outcomes("shr_2") == ["unknown"]
        assert await after.outcomes("shr_1") == ["delivered"]
        assert await after.close_open_intents(lambda share, partner: a_leaf("again")) == 0


class IdempotencySuite:
    """Idempotency keys: one outcome for one request."""

    async def test_a_key_is_stored_with_its_intent(self, store: Store, reopen: Reopen):
        """From the intent on the key says that its request was begun, also after a crash."""
        (recorded,) = await store.intend(an_intent(idempotency=a_slot()))
        state = await (await reopen()).idempotency(b"key")

        assert state is not None
        assert (state.fingerprint, state.share) == (b"request", "shr_1")
        assert (state.subject, state.answer) == (recorded.subject, None)

    async def test_of_two_shares_with_one_key_one_is_stored(self, store: Store):
        """Where both were on their way to the disk, the second is told and nothing of it is kept."""
        ended = await asyncio.gather(
            store.intend(an_intent(share="shr_1", idempotency=a_slot())),
            store.intend(an_intent(share="shr_2", idempotency=a_slot())),
            return_exceptions=True,
        )
        assert [isinstance(one, KeyTaken) for one in ended] == [False, True]
        assert await store.find_share("shr_2") == []
        state = await store.idempotency(b"key")
        assert state is not None
        assert state.share == "shr_1"

    async def test_a_key_whose_share_never_left_is_free(self, store: Store):
        """What was given up before the first byte does not keep its key from the next request."""
        recorded = await store.intend(an_intent(share="shr_1", idempotency=a_slot()))
        store.settle(an_outcome(recorded, "not-sent"))
        await store.flush()

        await store.intend(an_intent(share="shr_2", idempotency=a_slot()))
        state = await store.idempotency(b"key")
        assert state is not None
        assert state.share == "shr_2"

    async def test_a_key_whose_intent_is_refused_is_not_stored(self, store: Store, plant: Plant):
        """Refusals before an intent are not kept."""
        await plant.tombstone(mark("ming"))
        with pytest.raises(Fenced):
            await store.intend(an_intent(idempotency=a_slot()))

        assert await store.idempotency(b"key") is None

    async def test_the_answer_comes_with_the_outcome(self, store: Store):
        """A repeat gets the answer as soon as the outcome is durable."""
        recorded = await store.intend(an_intent(idempotency=a_slot()))
        store.settle(an_outcome(recorded, key=b"key", answer=b"sealed answer"))
        await store.flush()
        state = await store.idempotency(b"key")

        assert state is not None
        assert state.answer == b"sealed answer"

    async def test_a_key_that_has_run_out_is_unknown(self, store: Store):
        """After its time a key may be used for something else."""
        await store.intend(an_intent(idempotency=a_slot(hours=-1)))
        assert await store.idempotency(b"key") is None
        assert await store.idempotency(b"another") is None

        await store.intend(
            an_intent(idempotency=a_slot(fingerprint=b"another request"), share="shr_2")
        )
        state = await store.idempotency(b"key")
        assert state is not None
        assert (state.fingerprint, state.share) == (b"another request", "shr_2")

    async def test_a_share_given_up_before_anything_left_frees_its_key(self, store: Store):
        """Where nothing was sent and nothing answered, the request may be made again."""
        recorded = await store.intend(an_intent(idempotency=a_slot()))
        store.settle(an_outcome(recorded, "not-sent"))
        await store.flush()

        assert await store.idempotency(b"key") is None

    async def test_a_share_that_was_not_sent_and_answered_keeps_its_key(self, store: Store):
        """A caller who was told that nothing was sent is told so again."""
        recorded = await store.intend(an_intent(idempotency=a_slot()))
        store.settle(an_outcome(recorded, "not-sent", key=b"key", answer=b"unreachable"))
        await store.flush()
        state = await store.idempotency(b"key")

        assert state is not None
        assert state.answer == b"unreachable"

    @pytest.mark.parametrize("outcome", ["unknown", "timeout", "delivered", None])
    async def test_a_share_that_may_have_left_keeps_its_key(
        self, store: Store, outcome: str | None
    ):
        """A key whose share may have been received is never free again, answer or not."""
        first = await store.intend(an_intent(an_entry(a_row(), "a"), idempotency=a_slot()))
        store.settle(an_outcome(first, "not-sent"))
        second = await store.intend(an_intent(an_entry(a_row(), "b"), idempotency=a_slot()))
        if outcome is not None:
            store.settle(an_outcome(second, outcome))
        await store.flush()
        state = await store.idempotency(b"key")

        assert state is not None
        assert state.answer is None

    async def test_keys_whose_time_is_over_are_thrown_away(self, store: Store):
        """Sweeping drops what has run out and nothing else, and says how much it was."""
        await store.intend(an_intent(idempotency=a_slot("old", hours=1)))
        await store.intend(an_intent(idempotency=a_slot("new", hours=30), share="shr_2"))

        assert await store.forget_old(NOW + timedelta(hours=2)) == 1
        assert await store.forget_old(NOW + timedelta(hours=2)) == 0
        assert await store.idempotency(b"old") is None
        assert await store.idempotency(b"new") is not None


class TreeSuite:
    """Checkpoints and tiles: the newest, all or none, one after another."""

    async def test_a_store_begins_without_a_checkpoint(self, store: Store):
        """Nothing is signed before something is in the tree."""
        assert await store.head() == LedgerHead()
        assert await store.tiles([(0, 0)]) == {}

    async def test_a_checkpoint_comes_with_its_tiles(self, store: Store, reopen: Reopen):
        """Checkpoint and tiles are stored together and survive a crash."""
        head = LedgerHead(size=2, root=b"root", note="signed note")
        await store.append([a_leaf("a"), a_leaf("b")])
        await store.sequence(head, {(0, 0): b"hashes", (1, 0): b"above"}, 0)
        after = await reopen()

        assert await after.head() == head
        found = await after.tiles([(0, 0), (1, 0), (7, 7)])
        assert found == {(0, 0): b"hashes", (1, 0): b"above"}

    async def test_a_tile_grows(self, store: Store):
        """A later checkpoint replaces the tiles that grew."""
        await store.sequence(LedgerHead(size=1, root=b"1", note="1"), {(0, 0): b"one"}, 0)
        await store.sequence(LedgerHead(size=2, root=b"2", note="2"), {(0, 0): b"two"}, 1)

        assert await store.tiles([(0, 0)]) == {(0, 0): b"two"}
        assert (await store.head()).size == 2

    async def test_a_checkpoint_on_another_size_is_a_contradiction(self, store: Store):
        """Who extends a tree that somebody else extended meanwhile changes nothing of it."""
        first = LedgerHead(size=3, root=b"3", note="3")
        await store.sequence(first, {(0, 0): b"three"}, 0)

        for before in (0, 2, 4):
            with pytest.raises(LedgerContradiction):
                await store.sequence(
                    LedgerHead(size=5, root=b"5", note="5"), {(0, 0): b"five"}, before
                )
        assert await store.head() == first
        assert await store.tiles([(0, 0)]) == {(0, 0): b"three"}


class LedgerSuite(AppendSuite, IntentSuite, OutcomeSuite, IdempotencySuite, TreeSuite):
    """All of it."""
