"""People in memory: found again, thrown out by every change, never too many."""

import asyncio
import gc
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import StoreFailed
from gateway.flows.subjects import Subjects
from gateway.model.ids import PartnerId, SubjectId
from gateway.seal.pseudonym import pseudonym
from gateway.stores.sqlite import SQLiteStore
from tests.marks import promise

ANNA, BEN = SubjectId("user-anna"), SubjectId("user-ben")


class Keys:
    """The secrets of a home."""

    def secret(self, label: str) -> bytes:
        return hashlib.sha256(label.encode()).digest()

    def newest_epoch(self) -> None:
        return None


@pytest.fixture
async def subjects(tmp_path: Path) -> AsyncIterator[Subjects]:
    """Memory for two people."""
    store = SQLiteStore(tmp_path / "test.db")
    await store.start()
    yield Subjects(store, Keys(), os.urandom, lambda: datetime.now(UTC), capacity=2)
    await store.close()


async def test_who_comes_again_is_the_same_person(subjects: Subjects) -> None:
    """Whoever speaks of a person at the moment speaks of one and the same."""
    first = await subjects.get(ANNA)

    assert await subjects.get(ANNA) is first
    assert await subjects.get(BEN) is not first


@promise("A1")
async def test_a_change_reaches_whoever_holds_the_person(subjects: Subjects) -> None:
    """After a change the person is read anew, and what was read before is stale."""
    for forget in (subjects.forget, lambda person: subjects.forget_lookup(person.lookup)):
        before = await subjects.get(ANNA)
        forget(before)
        after = await subjects.get(ANNA)

        assert before.stale
        assert not after.stale
        assert after is not before


@promise("K2")
async def test_who_is_forgotten_is_not_kept_by_name(subjects: Subjects) -> None:
    """Nothing in memory finds a person by id once they are forgotten."""
    subjects.forget(await subjects.get(ANNA))
    await subjects.get(BEN)
    subjects.forget_all()

    assert list(subjects._recent) == []
    assert dict(subjects._live) == {}


async def test_memory_holds_so_many_and_no_more(subjects: Subjects) -> None:
    """Beyond its size the one who was away longest makes room."""
    for name in ("one", "two", "one", "three"):
        await subjects.get(SubjectId(name))

    assert list(subjects._recent) == ["one", "three"]


async def test_a_kept_pseudonym_is_the_one_that_is_made(subjects: Subjects) -> None:
    """A person is called the same towards a recipient every time, and otherwise towards another."""
    person = await subjects.get(ANNA)
    swift, other = PartnerId("swift-parcel"), PartnerId("other")

    assert person.pseudonym(swift) == person.pseudonym(swift) == pseudonym(person.key, swift)
    assert person.pseudonym(other) == pseudonym(person.key, other) != person.pseudonym(swift)
    assert person.pseudonym(swift) not in repr(person)


async def test_many_are_loaded_as_one_would_be(subjects: Subjects) -> None:
    """A crowd is found as each of its people would be, and each only once."""
    known = await subjects.get(ANNA)
    anna, ben, again = await subjects.crowd([ANNA, BEN, ANNA])

    assert anna is again is known
    assert (await subjects.crowd([BEN]))[0] is ben
    assert not ben.facts.known


async def test_who_passes_by_in_a_crowd_drives_nobody_out(subjects: Subjects) -> None:
    """People of a crowd are in memory as long as somebody holds them, and no longer."""
    await subjects.get(ANNA)
    crowd = await subjects.crowd([SubjectId(f"user-{n}") for n in range(20)])

    assert list(subjects._recent) == [ANNA]
    assert len(subjects._live) == 21
    del crowd
    await asyncio.sleep(0)
    gc.collect()
    assert len(subjects._live) == 1


@promise("A1")
async def test_a_change_reaches_a_crowd_that_is_being_loaded(subjects: Subjects) -> None:
    """Who changes while many are read is not taken as they were before."""
    loading = asyncio.ensure_future(subjects.crowd([ANNA, BEN]))
    await asyncio.sleep(0)
    subjects.forget_lookup(subjects.lookup(ANNA))
    anna, ben = await loading
    subjects.forget(ben)

    assert not anna.stale
    assert anna is await subjects.get(ANNA)
    assert ben.stale


async def test_two_crowds_at_once_share_what_they_load(subjects: Subjects) -> None:
    """Who is in two crowds at the same time is one person, also when one of them gives up."""
    first = asyncio.ensure_future(subjects.crowd([ANNA, BEN]))
    second = asyncio.ensure_future(subjects.crowd([BEN, ANNA]))
    third = asyncio.ensure_future(subjects.get(BEN))
    await asyncio.sleep(0)
    first.cancel()
    ben, anna = await second

    assert await third is ben
    assert anna is not ben
    assert subjects._loading == {}


async def test_a_store_that_fails_fails_the_crowd(
    subjects: Subjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read is an error for whoever asked, and can be asked again."""

    async def fail(*_: object, **__: object) -> None:
        raise StoreFailed("no disk")

    with monkeypatch.context() as patch:
        patch.setattr(SQLiteStore, "people_by_mark", fail)
        with pytest.raises(StoreFailed):
            await subjects.crowd([ANNA, BEN])
    assert len(await subjects.crowd([ANNA, BEN])) == 2
