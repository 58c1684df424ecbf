"""What `gateway.ports.SubjectStore` promises."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.errors import Fenced, Stale
from gateway.ports import ConsentRow, DisclosureRow, EvidenceRow, Store, SubjectRow
from tests.conformance.builders import (
    Plant,
    a_case,
    a_leaf,
    a_row,
    an_entry,
    an_intent,
    an_outcome,
    known,
    lookup,
    mark,
    stored,
)

Reopen = Callable[[], Awaitable[Store]]


async def disclosed(store: Store, subject: int | None) -> list[DisclosureRow]:
    """The whole account."""
    return [row async for rows in store.disclosures(subject or 0) for row in rows]


async def joined(store: Store, *rows: SubjectRow) -> tuple[SubjectRow, ...]:
    """Make these rows aliases of one person; `ming` and `li` are theirs."""
    names = {lookup(name): mark(name) for name in ("ming", "li", "wei")}
    return await store.put_subject(
        rows, tombstones=[names[row.lookup] for row in rows], same_person=True
    )


class ManySuite:
    """Many people read at once, for what is written of many."""

    async def test_rows_are_found_by_many_marks(self, store: Store, plant: Plant):
        """Each that is stored as it is stored, and who is kept out; of others there is nothing."""
        ming, li = await stored(store, "ming", "li")
        await plant.tombstone(mark("wei"))
        names = ("ming", "nobody", "li", "wei")
        rows, kept_out = await store.rows_by_mark(
            [lookup(name) for name in names], [mark(name) for name in names]
        )

        assert rows == {ming.lookup: ming, li.lookup: li}
        assert kept_out == {mark("wei")}
        assert await store.rows_by_mark([], []) == ({}, set())


class FactsSuite:
    """Facts: replaced as a whole, and every change seen by the next share."""

    async def test_nobody_is_stored_before_something_is_said_of_them(self, store: Store):
        """Of a person who is unknown there is nothing, by look-up or number."""
        assert await store.subject(lookup("ming")) is None
        assert await store.subject_row(1) is None

    async def test_a_person_is_found_by_mark_and_by_number(self, store: Store, reopen: Reopen):
        """What is stored of a person is read again as it was given, also after a crash."""
        (row,) = await stored(store, "ming")
        after = await reopen()

        assert row.no is not None
        assert (row.key, row.facts) == (a_row().key, a_row().facts)
        assert (await known(after)).row == row
        assert await after.subject_row(row.no) == row

    async def test_a_change_raises_the_epoch(self, store: Store):
        """Shares that were decided before a change of facts are decided again."""
        (before,) = await stored(store, "ming")
        (after,) = await store.put_subject(
            [replace(before, facts=b"new")], tombstones=[mark("ming")], same_person=False
        )

        assert after.facts == b"new"
        assert after.epoch > before.epoch
        with pytest.raises(Stale):
            await store.intend(an_intent(an_entry(before)))

    async def test_a_change_on_older_facts_is_made_again(self, store: Store):
        """Who changes facts that somebody changed meanwhile changes nothing."""
        (row,) = await stored(store, "ming")
        await store.put_subject(
            [replace(row, facts=b"theirs")], tombstones=[mark("ming")], same_person=False
        )

        with pytest.raises(Stale):
            await store.put_subject(
                [replace(row, facts=b"ours")], tombstones=[mark("ming")], same_person=False
            )
        assert (await known(store)).row.facts == b"theirs"

    async def test_two_first_changes_of_a_person_do_not_lose_one(self, store: Store):
        """Of two changes that both found nobody there, one must be made again."""
        ended = await asyncio.gather(
            *(
                store.put_subject(
                    [a_row(facts=facts)], tombstones=[mark("ming")], same_person=False
                )
                for facts in (b"a minor", b"from abroad")
            ),
            return_exceptions=True,
        )

        assert [type(one) for one in ended].count(Stale) == 1
        assert (await known(store)).row.facts in (b"a minor", b"from abroad")

    async def test_a_person_with_another_key_is_read_again(self, store: Store):
        """Facts under a key that is not the stored one are not stored."""
        await stored(store, "ming")

        with pytest.raises(Stale):
            await store.put_subject(
                [a_row(key=b"another")], tombstones=[mark("ming")], same_person=False
            )
        assert (await known(store)).row.key == a_row().key

    async def test_nothing_is_stored_of_who_was_erased(self, store: Store, plant: Plant):
        """Behind a tombstone nobody becomes known again, nor anybody in the same call."""
        await plant.tombstone(mark("li"))

        with pytest.raises(Fenced):
            await store.put_subject(
                [a_row("ming"), a_row("li")],
                tombstones=[mark("ming"), mark("li")],
                same_person=False,
            )
        assert await store.subject(lookup("ming")) is None
        assert await store.subject(lookup("li")) is None

    async def test_nothing_changes_of_who_is_being_erased(self, store: Store, plant: Plant):
        """From the fence on the facts of a person stand still."""
        (row,) = await stored(store, "ming")
        assert row.person is not None
        await plant.erased(row.person)

        with pytest.raises(Fenced):
            await store.put_subject(
                [replace(row, facts=b"new")], tombstones=[mark("ming")], same_person=False
            )
        assert (await known(store)).row.erased
        assert (await known(store)).row.facts == row.facts

    async def test_a_tombstone_ends_with_its_month(self, store: Store, plant: Plant):
        """A tombstone keeps a person out up to the end of the month that it names."""
        await plant.tombstone(mark("ming"), "2030-06")

        assert await store.tombstoned(mark("ming"), now=datetime(2030, 6, 30, 23, tzinfo=UTC))
        assert not await store.tombstoned(mark("ming"), now=datetime(2030, 7, 1, tzinfo=UTC))
        assert not await store.tombstoned(mark("li"), now=datetime(2030, 6, 1, tzinfo=UTC))


class AliasSuite:
    """Aliases: several ids, one person."""

    async def test_aliases_are_one_person(self, store: Store):
        """Each id finds its own row first and the others beside it."""
        ming, li = await joined(store, *await stored(store, "ming", "li"))

        assert ming.person == li.person
        assert (await known(store, "ming")).row == ming
        assert (await known(store, "ming")).aliases == (li,)
        assert (await known(store, "li")).aliases == (ming,)

    async def test_joining_raises_the_epoch_above_both(self, store: Store):
        """What was decided on either id before they were one is decided again."""
        ming, li = await stored(store, "ming", "li")
        for n in range(3):
            await store.add_consents([(li, mark("li"), f"con_{n}", b"sealed")])
        li = (await known(store, "li")).row
        after = await joined(store, ming, li)

        assert {row.epoch for row in after} == {max(ming.epoch, li.epoch) + 1}
        for row in (ming, li):
            with pytest.raises(Stale):
                await store.intend(an_intent(an_entry(row)))

    async def test_new_ids_are_joined_as_they_are_stored(self, store: Store):
        """A person may come with all their ids at once."""
        rows = await joined(store, a_row("ming"), a_row("li"), a_row("wei"))

        assert len({row.person for row in rows}) == 1
        assert len((await known(store, "wei")).aliases) == 2

    async def test_joining_twice_changes_only_the_epoch(self, store: Store):
        """Saying again what is known already keeps one person."""
        once = await joined(store, *await stored(store, "ming", "li"))
        twice = await joined(store, *once)

        assert {row.person for row in twice} == {row.person for row in once}
        assert twice[0].epoch > once[0].epoch

    async def test_a_change_of_one_alias_counts_for_all(self, store: Store):
        """A consent of one id makes shares under the other id be decided again."""
        ming, li = await joined(store, *await stored(store, "ming", "li"))
        await store.add_consents([(ming, mark("ming"), "con_1", b"sealed")])

        with pytest.raises(Stale):
            await store.intend(an_intent(an_entry(li, name="li")))
        assert (await known(store, "li")).row.epoch > li.epoch

    async def test_consents_stay_with_the_id_that_gave_them(self, store: Store):
        """A consent is sealed under its own row's key and read with that row."""
        _, li = await joined(store, *await stored(store, "ming", "li"))
        await store.add_consents([(li, mark("li"), "con_1", b"sealed")])

        assert (await known(store, "ming")).consents == ()
        assert (await known(store, "li")).consents == (
            ConsentRow(id="con_1", subject=li.no or 0, sealed=b"sealed"),
        )

    async def test_fences_follow_into_the_joined_person(self, store: Store, plant: Plant):
        """What is kept in of one id is kept in of all."""
        ming, li = await stored(store, "ming", "li")
        assert ming.person is not None
        assert li.person is not None
        await plant.fence("case_1", ming.person)
        await plant.fence("case_2", li.person)
        await joined(store, ming, li)

        for name in ("ming", "li"):
            fences = (await known(store, name)).fences
            assert {fence.case for fence in fences} == {"case_1", "case_2"}

    async def test_a_case_that_fenced_both_still_fences_the_joined_person(
        self, store: Store, plant: Plant
    ):
        """Two fences of one case become one; joining does not stop the gateway."""
        ming, li = await stored(store, "ming", "li")
        assert ming.person is not None
        assert li.person is not None
        await plant.fence("case_1", ming.person)
        await plant.fence("case_1", li.person)
        await joined(store, ming, li)

        assert [fence.case for fence in (await known(store, "li")).fences] == ["case_1"]

    async def test_an_open_case_follows_into_the_joined_person(self, store: Store):
        """A case of one id that is not planned yet is about everything of the joined person."""
        ming, li = await stored(store, "ming", "li")
        await store.intend(an_intent(an_entry(li, "a", name="li")))
        await store.begin_case(a_case(li, "li"))
        li = (await known(store, "li")).row
        joined_ming, _ = await joined(store, ming, li)

        (case,) = await store.unfinished_cases()
        assert case.person == joined_ming.person
        rows, _ = await store.plan_rows(case.person or 0)
        assert [row.share for row in rows] == ["shr_1"]

    async def test_the_account_goes_over_all_aliases(self, store: Store):
        """What left under one id is in the account under every id of the person."""
        ming, li = await stored(store, "ming", "li")
        await store.intend(an_intent(an_entry(ming, "a"), share="shr_1"))
        await store.intend(an_intent(an_entry(li, "b", name="li"), share="shr_2"))
        await joined(store, ming, li)

        for row in (ming, li):
            rows = await disclosed(store, row.no)
            assert [one.leaf for one in rows] == [a_leaf("a").decode(), a_leaf("b").decode()]


class ConsentSuite:
    """Consents: seen by the next share."""

    async def test_a_consent_makes_its_person_known(self, store: Store, reopen: Reopen):
        """Consents of new people are durable with the people themselves."""
        numbers = await store.add_consents(
            [
                (a_row("ming"), mark("ming"), "con_1", b"one"),
                (a_row("li"), mark("li"), "con_2", b"two"),
                (a_row("ming"), mark("ming"), "con_3", b"three"),
            ]
        )
        after = await reopen()

        ming = await known(after, "ming")
        assert numbers == [ming.row.no, (await known(after, "li")).row.no, ming.row.no]
        assert {one.id for one in ming.consents} == {"con_1", "con_3"}

    async def test_a_consent_raises_the_epoch(self, store: Store):
        """A share that was decided before a consent is decided again."""
        (row,) = await stored(store, "ming")
        await store.add_consents([(row, mark("ming"), "con_1", b"sealed")])

        assert (await known(store)).row.epoch > row.epoch

    async def test_consents_are_stored_all_or_none(self, store: Store, plant: Plant):
        """Where one of many consents is of an erased person, none is stored."""
        await plant.tombstone(mark("li"))

        with pytest.raises(Fenced):
            await store.add_consents(
                [
                    (a_row("ming"), mark("ming"), "con_1", b"one"),
                    (a_row("li"), mark("li"), "con_2", b"two"),
                ]
            )
        assert await store.consent("con_1") is None
        assert await store.subject(lookup("ming")) is None

    async def test_a_consent_is_found_with_its_person(self, store: Store):
        """A consent's id leads to it and to whose it is."""
        await store.add_consents([(a_row("ming"), mark("ming"), "con_1", b"sealed")])
        found = await store.consent("con_1")

        assert found is not None
        assert found[0].sealed == b"sealed"
        assert found[1] == (await known(store)).row
        assert await store.consent("con_2") is None

    async def test_a_withdrawn_consent_raises_the_epoch(self, store: Store):
        """A share that was decided before a withdrawal does not enter the ledger."""
        await store.add_consents([(a_row("ming"), mark("ming"), "con_1", b"given")])
        before = await known(store)
        await store.update_consent(replace(before.consents[0], sealed=b"withdrawn"))

        after = await known(store)
        assert after.consents[0].sealed == b"withdrawn"
        assert after.row.epoch > before.row.epoch
        with pytest.raises(Stale):
            await store.intend(an_intent(an_entry(before.row)))

    async def test_a_consent_of_nobody_is_not_stored(self, store: Store):
        """Where the person is gone, so is the consent."""
        with pytest.raises(Stale):
            await store.update_consent(ConsentRow(id="con_1", subject=77, sealed=b"sealed"))
        assert await store.consent("con_1") is None


class AccountSuite:
    """The account of a person: everything that left, or may have."""

    async def test_the_account_shows_each_share_and_what_became_of_it(self, store: Store):
        """Ended, open and declared shares stand in the order of the ledger."""
        ended = await store.intend(an_intent(an_entry(a_row(), "a"), share="shr_1"))
        store.settle(an_outcome(ended, "timeout"))
        await store.flush()
        await store.intend(an_intent(an_entry(a_row(), "b"), share="shr_2"))
        (declared,) = await store.declare([(an_entry(a_row(), "c"), "shr_3", "acme")])

        rows = await disclosed(store, ended[0].subject)
        assert [(one.leaf, one.outcome) for one in rows] == [
            (a_leaf("a").decode(), "timeout"),
            (a_leaf("b").decode(), None),
            (a_leaf("c").decode(), "delivered"),
        ]
        assert [one.place for one in rows] == [0, 2, declared.seq - 1]
        assert await store.leaves(rows[2].place, 1) == [a_leaf("c")]

    async def test_an_account_holds_nobody_else(self, store: Store):
        """Shares of others, or of nobody, are not in a person's account."""
        (mine,) = await store.intend(an_intent(an_entry(a_row(), "a")))
        await store.intend(an_intent(an_entry(a_row("li"), "b", name="li"), share="shr_2"))
        await store.intend(an_intent(an_entry(None, "c"), share="shr_3"))

        rows = await disclosed(store, mine.subject)
        assert [one.leaf for one in rows] == [a_leaf("a").decode()]
        assert await disclosed(store, 77) == []

    async def test_a_long_account_is_whole_and_in_order(self, store: Store):
        """However many shares there are, each is told once, with what became of it."""
        entries = [replace(an_entry(a_row(), f"leaf_{n}"), untold=n % 7 == 0) for n in range(1234)]
        recorded = await store.intend(an_intent(*entries))
        store.settle(an_outcome(recorded[1:], "delivered"))
        await store.flush()

        rows = await disclosed(store, recorded[0].subject)
        assert [row.place for row in rows] == [one.seq - 1 for one in recorded]
        assert [row.leaf for row in rows] == [entry.leaf.decode() for entry in entries]
        assert [row.untold for row in rows] == [entry.untold for entry in entries]
        assert [row.outcome for row in rows] == [None, *["delivered"] * 1233]

    async def test_declared_disclosures_are_stored_all_or_none(self, store: Store, plant: Plant):
        """Where one of many cannot be declared, none is."""
        await plant.tombstone(mark("li"))

        with pytest.raises(Fenced):
            await store.declare(
                [
                    (an_entry(a_row("ming"), "a", name="ming"), "shr_1", "acme"),
                    (an_entry(a_row("li"), "b", name="li"), "shr_2", "acme"),
                ]
            )
        assert await store.size() == 0

    async def test_a_declared_disclosure_is_not_open(self, store: Store):
        """What left elsewhere waits for no outcome."""
        await store.declare([(an_entry(a_row()), "shr_1", "acme")])

        assert await store.open_intents() == 0
        assert await store.outcomes("shr_1") == ["delivered"]

    async def test_a_declared_disclosure_keeps_the_recipients_own_ids(self, store: Store):
        """What a recipient calls the record is there for the notice, as for a carried share."""
        entry = replace(an_entry(a_row()), references=b"sealed")
        (declared,) = await store.declare([(entry, "shr_1", "acme")])
        state = await store.subject(a_row().lookup)
        assert state is not None
        _, references = await store.plan_rows(state.row.person or 0)

        assert [(one.share, one.subject, one.sealed) for one in references] == [
            ("shr_1", declared.subject, b"sealed")
        ]


class EvidenceSuite:
    """Registered records."""

    @pytest.mark.parametrize("subjects", [None, (), (b"\x01", b"\x02")])
    async def test_a_record_is_read_as_it_was_registered(
        self, store: Store, reopen: Reopen, subjects: tuple[bytes, ...] | None
    ):
        """A record about anybody, about nobody and about some is what it was, after a crash too."""
        row = EvidenceRow(id="ev_1", partner="court", sealed=b"sealed", subjects=subjects)
        await store.add_evidence(row)

        assert await (await reopen()).evidence("ev_1") == row
        assert await store.evidence("ev_2") is None

    async def test_a_record_that_names_somebody_twice(self, store: Store):
        """A person who is named twice in one record is in it once; the gateway goes on."""
        await store.add_evidence(
            EvidenceRow(id="ev_1", partner="court", sealed=b"", subjects=(b"\x01", b"\x01"))
        )
        found = await store.evidence("ev_1")

        assert found is not None
        assert found.subjects == (b"\x01",)


class PeopleSuite(ManySuite, FactsSuite, AliasSuite, ConsentSuite, AccountSuite, EvidenceSuite):
    """All of it."""
