"""Pruning as the store does it: the content is gone, also from the file, and every proof holds."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import LedgerContradiction
from gateway.ledger import entries, merkle
from gateway.ledger.continuity import stored_hash
from gateway.ledger.encode import canonical, leaf_hash
from gateway.ledger.proofs import verify_inclusion
from gateway.ledger.pruning import judging, terms
from gateway.ledger.verify import Checker
from gateway.ports import LedgerHead, Prunable
from gateway.stores.sqlite import SQLiteStore, pruning
from gateway.stores.sqlite.base import seconds
from gateway.stores.sqlite.database import migrate
from gateway.stores.sqlite.ledger import append_leaf
from gateway.stores.sqlite.statements import SQL
from tests.conformance.builders import a_case, stored
from tests.unit.ledger.builders import a_checkpoint, an_intent, an_outcome, digest_of

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OLD = NOW - timedelta(days=1200)
TERMS = terms(NOW, records_months=36, tombstone_months=36)
JUDGE = judging(TERMS, now=NOW)


@dataclass(frozen=True)
class Made:
    """One share as it is stored: its attempt, and the outcome behind it."""

    number: int
    at: datetime = OLD
    until: datetime = OLD
    outcome: str | None = "delivered"
    ends: int | None = None
    subject: int | None = None

    def leaves(self) -> list[bytes]:
        """The leaves, of which each says something that no other does."""
        given = {"at": self.at, "service": self.said()}
        leaves = [an_intent(self.number, **given, retention_until=self.until)]
        if self.outcome:
            leaves.append(an_outcome(self.number, at=self.at, outcome=self.outcome))
        return [canonical(leaf) for leaf in leaves]

    def said(self) -> str:
        """What only this share's leaf says."""
        return f"service-{self.number:05d}-said"


@cache
def empty() -> bytes:
    """A store that was just made: twelve migrations take longer than what is tested here."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.db"
        migrate(path)
        return path.read_bytes()


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SQLiteStore]:
    """A started store."""
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(empty())
    store = SQLiteStore(path)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


async def put(store: SQLiteStore, *made: Made) -> list[bytes]:
    """Store shares, and take them under the checkpoint; every leaf."""

    def operation(db: sqlite3.Connection) -> None:
        for one in made:
            places = [append_leaf(db, leaf) for leaf in one.leaves()]
            row = (f"share_{one.number}", "intent", "swift-parcel", one.subject, one.outcome)
            db.execute(SQL["new_share"], (places[0], *row, seconds(one.until), 0, one.ends))

    await store.write(operation)
    return await sequenced(store)


async def sequenced(store: SQLiteStore) -> list[bytes]:
    """Take every leaf under the checkpoint; all of them."""
    leaves = await store.leaves(0, 100_000)
    head = await store.head()
    hashes = [digest_of(leaf) for leaf in leaves]
    tiles = merkle.extend({}, 0, hashes)
    root = merkle.root(tiles, len(leaves))
    await store.sequence(LedgerHead(size=len(leaves), root=root, note="x"), tiles, head.size)
    return leaves


async def pruned(store: SQLiteStore, step: int = 1000) -> int:
    """Prune everything that may go; how many leaves."""
    total = 0
    while (done := await store.prune_some(JUDGE, NOW, step)).looked:
        total += done.pruned
    return total


async def check(store: SQLiteStore, before: list[bytes], gone: set[int]) -> None:
    """Every leaf has the hash that it had and its proof; the content of `gone` alone is gone."""
    head, leaves = await store.head(), await store.leaves(0, 100_000)
    checker = Checker()
    for index, (was, leaf) in enumerate(zip(before, leaves, strict=True)):
        if head.size < 100 or index % 97 == 0:
            tiles = await store.tiles(merkle.inclusion_tiles(index, head.size))
            proof = merkle.inclusion(tiles, index, head.size)
            verify_inclusion(stored_hash(leaf), index, head.size, proof, head.root)
        assert (leaf != was) == (index in gone), index
        assert stored_hash(leaf) == leaf_hash(was)
        checker.add(leaf)
    assert checker.finish(a_checkpoint(before)).pruned == len(gone)


@given(st.integers(0, 2**32))
@settings(max_examples=12)
def test_every_proof_holds_whatever_is_pruned_and_wherever_it_is_killed(seed: int) -> None:
    """Old shares that nothing needs go whole, nothing else does, and no kill loses or undoes it."""
    random = Random(seed)
    made = sorted(
        (
            Made(
                number=number,
                at=OLD + timedelta(days=random.choice([0, 50, 300])),
                until=OLD + timedelta(days=random.choice([30, 9000])),
                outcome=random.choice(["delivered", "unknown", None]),
                ends=random.choice([None, None, 7]),
            )
            for number in range(12)
        ),
        key=lambda one: one.at,
    )
    asyncio.run(_killed_anywhere(made, random))


async def _killed_anywhere(made: list[Made], random: Random) -> None:
    gone: set[int] = set()
    index = 0
    for one in made:
        count = len(one.leaves())
        over = one.at < TERMS.records and one.until <= NOW
        if over and one.outcome is not None and one.ends is None:
            gone |= {index, index + 1}
        index += count
    with TemporaryDirectory() as folder:
        path = Path(folder) / "0" / "gateway.db"
        async with opened(path) as store:
            before = await put(store, *made)
            assert (await store.prunable(JUDGE, NOW, lambda _: None)).pruned == len(gone)
            await store.prune_some(JUDGE, NOW, random.randint(1, 9))
            copy = path.parent.parent / "1" / path.name
            copy.parent.mkdir()
            for file in path.parent.glob("gateway.db*"):
                shutil.copy(file, copy.parent)
        async with opened(copy) as store:
            await pruned(store, random.randint(1, 9))
            await check(store, before, gone)


def bytes_of(store: SQLiteStore) -> bytes:
    """Everything that lies on the disk of a store."""
    return b"".join(path.read_bytes() for path in store.path.parent.glob("gateway.db*"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    """A started store."""
    async with opened(tmp_path / "gateway.db") as store:
        yield store


async def test_the_content_is_gone_from_the_file_and_from_its_log(store: SQLiteStore) -> None:
    """No byte of what a pruned leaf said is left on the disk; what is needed is there."""
    made = [Made(number, until=NOW + timedelta(days=number % 5)) for number in range(400)]
    await put(store, *made)
    await store.scrub()
    assert await pruned(store, 16) == 160
    assert await store.scrub()

    there = bytes_of(store)
    for one in made:
        assert (one.said().encode() in there) == (one.until > NOW), one.number


async def test_the_room_is_given_back_and_nothing_is_left_in_it(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is needed any more the file shrinks into itself, and a stretch with more to go waits."""
    monkeypatch.setattr(pruning, "STRETCH", 256)
    made = [Made(number) for number in range(1500)]
    made[1000] = replace(made[1000], until=NOW + timedelta(days=400))
    before = await put(store, *made)
    assert await pruned(store) == 2998
    while await store.tighten_some(100):
        pass
    await store.scrub()
    with closing(sqlite3.connect(store.path)) as db:
        (wide,) = db.execute("SELECT count(*) FROM entry WHERE leaf LIKE '% '").fetchone()
        (free,) = db.execute("PRAGMA freelist_count").fetchone()

    # The stretches near the one leaf that goes later keep their room; so does the last one.
    assert 500 <= wide <= 1500
    assert free > 100, (wide, free)
    await check(store, before, set(range(3000)) - {2000, 2001})
    await store.compact()
    await store.scrub()
    await check(store, before, set(range(3000)) - {2000, 2001})
    there = bytes_of(store)
    assert [one.number for one in made if one.said().encode() in there] == [1000]


async def test_what_was_needed_goes_when_its_time_has_come(store: SQLiteStore) -> None:
    """A leaf whose retention ran longer is looked at when that ends, and goes then."""
    ends = NOW + timedelta(days=30)
    before = await put(store, Made(1), Made(2, until=ends), Made(3))
    assert await pruned(store) == 4
    later = ends + timedelta(seconds=1)
    judge = judging(terms(later, records_months=36, tombstone_months=36), now=later)

    assert (await store.prune_some(judge, later, 100)).pruned == 2
    await check(store, before, set(range(6)))


@pytest.mark.parametrize("what", ["case", "told", "token", "queued", "restricted"])
async def test_a_share_that_something_is_open_about_is_not_pruned(
    store: SQLiteStore, what: str
) -> None:
    """An open case of its person, or that told its end, a live token, a queued try, a restriction."""
    (row,) = await stored(store, "ming")
    assert row.no is not None
    await put(store, Made(1, subject=row.no), Made(2))

    def plant(db: sqlite3.Connection) -> None:
        match what:
            case "told":
                db.execute("UPDATE share SET told_by = 'case_1' WHERE seq = 1")
            case "token":
                token = (b"mark", "share_1", row.no, b"value", None, None, None, None, None)
                db.execute(SQL["new_token"], token)
            case "queued":
                values = ("share_1", "swift-parcel", row.no, b"o", 0, 0, b"sealed")
                db.execute(SQL["enqueue"], values)
            case "restricted":
                db.execute("UPDATE cases SET action = 'restrict', state = 'closed'")
                db.execute("UPDATE cases SET stage = 'finished'")

    if what in ("case", "told", "restricted"):
        await store.begin_case(a_case(row))
    await store.write(plant)
    assert await store.prunable(JUDGE, NOW, lambda _: None) == Prunable(pruned=2, kept=2)
    assert await pruned(store) == 2
    assert len(await store.find_share("share_1")) == 1


async def test_what_belongs_to_the_leaf_goes_with_it(store: SQLiteStore) -> None:
    """The erasable index and the recipient's own ids go with a share; those of others stay."""
    (row,) = await stored(store, "ming")
    assert row.no is not None
    await put(store, Made(1, subject=row.no), Made(2, subject=row.no, until=NOW + timedelta(1)))

    def references(db: sqlite3.Connection) -> None:
        for share in ("share_1", "share_2"):
            db.execute(SQL["new_reference"], (share, share.encode(), row.no))

    await store.write(references)
    await pruned(store)
    rows, kept = await store.plan_rows(1)

    assert [one.share for one in rows] == [one.share for one in kept] == ["share_2"]
    assert await store.find_share("share_1") == []


async def test_a_leaf_that_was_changed_is_kept_as_evidence(store: SQLiteStore) -> None:
    """What is not what the tree has is not replaced by a hash; the ledger contradicts itself."""
    before = await put(store, Made(1), Made(2))

    def tamper(db: sqlite3.Connection) -> None:
        db.execute("UPDATE entry SET leaf = replace(leaf, 'orders', 'others')")
        db.execute("UPDATE entry SET leaf = replace(leaf, 'said', 'held') WHERE seq = 3")

    await store.write(tamper)
    with pytest.raises(LedgerContradiction, match="leaf 2 is not the one that the tree has"):
        await store.prune_some(JUDGE, NOW, 100)
    assert (await store.leaves(0, 1)) == before[:1]


async def test_one_leaf_says_what_was_pruned_also_after_a_crash(store: SQLiteStore) -> None:
    """What a process pruned that died before it said so is in the next leaf that says so."""
    await put(store, *map(Made, range(4)))
    digest = "0" * 64

    def leaf_of(count: int, upto: int) -> bytes:
        given = {"event": "pruned", "count": count, "upto": upto, "before": TERMS.records}
        leaf = entries.policy(id=f"p{count}", at=NOW, edition="1", digest=digest, **given)
        return canonical(leaf)

    await store.prune_some(JUDGE, NOW, 3)
    await store.prune_some(JUDGE, NOW, 3)
    assert await store.say_pruned(leaf_of) == 6
    assert await store.say_pruned(leaf_of) == 0
    (said,) = await store.leaves(8, 9)
    assert b'"event":"pruned"' in said
    assert b'"count":6' in said
    assert b'"upto":6' in said


async def test_leaves_without_a_checkpoint_are_not_pruned(store: SQLiteStore) -> None:
    """Only what was signed can be known by its hash alone."""
    await put(store, Made(1))
    await store.append(Made(2).leaves())

    assert await pruned(store) == 2
    assert (await store.leaves(2, 9)) == Made(2).leaves()
