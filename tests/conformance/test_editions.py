"""The store keeps editions whole, and says whose refusals are whose."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway.ports import EditionRow, RefusalEntry
from gateway.stores.sqlite import SQLiteStore
from tests.conformance.builders import NOW, a_leaf, a_row, an_entry, an_intent


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    """A started store."""
    store = SQLiteStore(tmp_path / "gateway.db")
    await store.start()
    yield store
    await store.close()


def an_edition(number: str = "2026-1", digest: str = "aa", **changes: object) -> EditionRow:
    """An edition with documents of its own."""
    row = EditionRow(
        number=number,
        digest=digest,
        published=date(2026, 1, 1),
        effective=NOW,
        adopted_at=NOW,
        widened="[]",
        documents=f"documents {digest}".encode(),
    )
    return replace(row, **changes)  # type: ignore[arg-type]


async def test_a_new_store_keeps_no_edition(store: SQLiteStore) -> None:
    """Nothing was in force yet."""
    assert await store.edition_in_force() is None
    assert await store.kept_edition("2026-1") is None
    assert await store.edition_numbers() == []


async def test_what_is_kept_comes_back_as_it_was(store: SQLiteStore) -> None:
    """An edition and its leaf, in one go."""
    await store.keep_edition(an_edition(), [a_leaf("policy")])

    assert await store.edition_in_force() == an_edition()
    assert await store.leaves(0, 10) == [a_leaf("policy")]


async def test_what_came_into_force_last_is_in_force(store: SQLiteStore) -> None:
    """Also when it was before: an edition that comes back is the last one again."""
    for number, digest in (("2026-1", "aa"), ("2026-2", "bb"), ("2026-1", "aa")):
        await store.keep_edition(an_edition(number, digest, widened=f'["{number}"]'), [])
    in_force = await store.edition_in_force()

    assert in_force is not None
    assert (in_force.number, in_force.widened) == ("2026-1", '["2026-1"]')
    assert await store.edition_numbers() == ["2026-2", "2026-1"]


async def test_a_number_stands_for_its_newest_documents(store: SQLiteStore) -> None:
    """A correction takes the place of what it corrects, which is kept all the same."""
    await store.keep_edition(an_edition(digest="aa"), [])
    await store.keep_edition(an_edition(digest="bb"), [])
    newest = await store.kept_edition("2026-1")
    await store.keep_edition(an_edition(digest="aa", documents=b"not stored again"), [])
    first = await store.kept_edition("2026-1")

    assert newest is not None
    assert first is not None
    assert (newest.documents, first.documents) == (b"documents bb", b"documents aa")


def a_refusal(leaf: str, subject: int | None, *, decided: bool = True) -> RefusalEntry:
    """A refusal that was asked on a ground of its own."""
    return RefusalEntry(
        leaf=a_leaf(leaf), decided=decided, subject=subject, ground="consent", evidence="claimed"
    )


async def test_refusals_and_shares_are_found_by_person(store: SQLiteStore) -> None:
    """Page by page, each once; what nobody is stored for stands by itself."""
    (ming,) = await store.intend(an_intent(an_entry(a_row("ming"), "share", name="ming")))
    await store.refuse(
        [
            a_refusal("one", ming.subject),
            a_refusal("two", ming.subject),
            a_refusal("early", ming.subject, decided=False),
            a_refusal("unknown", None),
            # Somebody whose row went while the refusal was on its way.
            a_refusal("gone", 99),
        ]
    )
    people = await store.people_after(0, 0, 10)
    first = await store.past_refusals(ming.subject, 0, 1)
    second = await store.past_refusals(ming.subject, first[0].seq, 10)
    shares = await store.past_shares(ming.subject, 0, 10)

    assert [one.row.no for one in people] == [ming.subject]
    assert await store.people_after(people[0].row.person or 0, ming.subject or 0, 10) == []
    assert [one.leaf for one in (*first, *second)] == [a_leaf("one"), a_leaf("two")]
    assert (first[0].ground, first[0].evidence) == ("consent", "claimed")
    nobody = await store.past_refusals(None, 0, 10)
    assert [one.leaf for one in nobody] == [a_leaf("unknown"), a_leaf("gone")]
    assert [one.leaf for one in shares] == [a_leaf("share")]
    assert await store.count_past() == 5
