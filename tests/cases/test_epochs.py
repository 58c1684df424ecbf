"""
Epochs: a copy of the data forgets as well, once the key that wrapped its keys is gone (K2, A1).
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway import config as settings
from gateway import wiring
from gateway.errors import ConfigError, Stale
from gateway.flows import epochs, escrow, keys
from gateway.flows.gateway import Gateway
from gateway.flows.wrapping import unwrapped
from gateway.keyring import FileKeyring
from gateway.model.ids import SubjectId
from gateway.seal.storage import SealBroken, protect
from gateway.seal.wrapping import VERSION, EpochKey, epoch_of
from gateway.testing.clock import Clock
from gateway.testing.notices import acknowledge_only
from gateway.testing.search import Needles, search_tree
from gateway.workers.epochs import turn_epochs
from tests.cases.forgetting import read
from tests.cases.house import CaseHouse
from tests.marks import promise

ANNA, BEN = SubjectId("app-user-anna-7430"), SubjectId("app-user-ben-7431")
WRAPPED = "SELECT no, key FROM wrapped WHERE key <> zeroblob(length(key))"


async def known(house: CaseHouse, *people: str) -> dict[str, bytes]:
    """People of whom something was shared, and their keys."""
    for subject in people:
        assert (await house.share(subject=subject)).status == 200
    return {one: (await house.gateway.subjects.get(SubjectId(one))).key for one in people}


def copied(house: CaseHouse, to: Path) -> Path:
    """`data/` as a backup has it."""
    to.mkdir()
    with (
        closing(sqlite3.connect(house.folder / "data" / "gateway.db")) as source,
        closing(sqlite3.connect(to / "gateway.db")) as target,
    ):
        source.backup(target)
    return to / "gateway.db"


def opens(keyring: FileKeyring, database: Path) -> set[bytes]:
    """Every key that any wrap of a copy gives under any of the keys that are there."""
    found: set[bytes] = set()
    owners = [
        (no, key, b"subject-key|" + lookup)
        for no, key, lookup in read(
            database,
            "SELECT k.no, k.key, s.lookup FROM wrapped k JOIN subject s ON s.wrapped = k.no",
        )
    ] + [
        (no, key, b"escrow|" + id.encode())
        for no, key, id in read(
            database, "SELECT k.no, k.key, n.id FROM wrapped k JOIN notice n ON n.wrapped = k.no"
        )
    ]
    assert len(owners) == len(read(database, WRAPPED))
    for _, key, label in owners:
        # As it says, and as if it were of each epoch that is there.
        forged = [VERSION + one.number.to_bytes(4, "big") + key[5:] for one in keyring.epochs()]
        for blob in (key, b"\x01" + key[1:], *forged):
            try:
                found.add(unwrapped(keyring, label, blob))
            except SealBroken:
                continue
    return found


@promise("K2", "A1")
async def test_a_copy_from_before_an_erasure_gives_nobody_back(
    house: CaseHouse, tmp_path: Path
) -> None:
    """
    Somebody keeps a copy of the data; the person is erased, and the epoch is rotated. With
    every key that the home has then, no row of the copy gives the person's key any more.
    """
    people = await known(house, ANNA, BEN)
    backup = copied(house, tmp_path / "backup")
    assert people.keys() == {ANNA, BEN}
    assert opens(FileKeyring(house.folder / "keys"), backup) == set(people.values())
    secret = next(house.folder.glob("keys/epochs/*.key")).read_bytes()
    await house.until_closed((await house.opened_case(ANNA))["case"])
    assert people[ANNA] in opens(FileKeyring(house.folder / "keys"), backup)

    await epochs.rotate(house.gateway)
    assert await epochs.settle(house.gateway)
    needles = Needles({"old epoch": secret, "anna": people[ANNA], "ben": people[BEN]})
    assert opens(FileKeyring(house.folder / "keys"), backup) == set()
    assert search_tree([house.folder / "keys", house.folder / "data"], needles) == []
    assert (await house.share(subject=BEN)).status == 200
    house.gateway.subjects.forget_all()
    assert (await house.gateway.subjects.get(BEN)).key == people[BEN]


@promise("K2")
async def test_no_page_keeps_what_an_older_epoch_wrapped(house: CaseHouse) -> None:
    """After a rotation the old wraps are neither in the database nor in its log."""
    await known(house, *(f"somebody-{number}" for number in range(30)))
    database = house.folder / "data" / "gateway.db"
    old = {f"wrap {no}": key for no, key in read(database, WRAPPED)}
    await epochs.rotate(house.gateway)
    assert await epochs.settle(house.gateway)
    new = read(database, WRAPPED)

    assert len(old) == len(new) == 30
    assert {epoch_of(key) for _, key in new} == {2}
    assert search_tree([house.folder / "data"], Needles(old)) == []
    leaves = [leaf for leaf in await house.leaves("key") if leaf.get("use") == "epoch"]
    assert [(one["event"], one["kid"]) for one in leaves] == [
        ("rotated", "epoch-000002"),
        ("destroyed", "epoch-000001"),
    ]


async def test_what_is_still_to_be_told_is_told_after_a_rotation(house: CaseHouse) -> None:
    """An escrow goes over to the new epoch as a person's key does, and opens there."""
    for recipient in house.recipients.values():
        recipient.notices.plan = acknowledge_only()
    await known(house, ANNA)
    (notice,) = (await house.opened_case(ANNA))["notices"]
    before = await escrow.opened(house.gateway, notice["notice"])
    await epochs.rotate(house.gateway)
    assert await epochs.settle(house.gateway)

    assert await escrow.opened(house.gateway, notice["notice"]) == before
    assert await house.gateway.store.epochs() == {2: 1}


async def test_who_was_unknown_before_a_rotation_is_stored_after_it(house: CaseHouse) -> None:
    """
    A key that was made and wrapped, and not stored, before its epoch ended is not stored
    under it later: the share is decided again, and carried.
    """
    waiting = await house.gateway.subjects.get(ANNA)
    assert waiting.row is not None
    assert epoch_of(waiting.row.key) == 1
    await epochs.rotate(house.gateway)
    assert await epochs.settle(house.gateway)

    assert (await house.share(subject=ANNA)).status == 200
    assert await house.gateway.store.epochs() == {2: 1}
    with pytest.raises(Stale):
        await house.gateway.store.put_subject([waiting.row], tombstones=[b""], same_person=False)


async def test_a_row_that_is_destroyed_meanwhile_stays_destroyed(house: CaseHouse) -> None:
    """A wrap that was read, and whose person is erased before it is put back, is not put back."""
    await known(house, ANNA)
    store = house.gateway.store
    await epochs.rotate(house.gateway)
    (row,) = await store.wrapped_under(1, 10)
    await house.until_closed((await house.opened_case(ANNA))["case"])

    assert await store.rewrap([(row[0], row[1], b"x" * len(row[1]))]) == 0
    assert (await store.epochs()).keys() <= {2}


@promise("K2")
async def test_a_rotation_by_itself_leaves_a_copy_one_more_period(
    house: CaseHouse, clock: Clock, tmp_path: Path
) -> None:
    """
    The next epoch begins when `keys.epoch` is over. A copy from right before it opens for
    one more period, and one that is older than the last two rotations does not.
    """
    people = await known(house, ANNA)
    clock.advance(timedelta(days=30) - timedelta(minutes=1))
    backup = copied(house, tmp_path / "backup")
    assert not epochs.period_is_over(house.gateway)
    clock.advance(timedelta(minutes=2))
    assert epochs.period_is_over(house.gateway)
    await epochs.rotate(house.gateway, sooner=False)
    assert await epochs.settle(house.gateway)

    assert opens(FileKeyring(house.folder / "keys"), backup) == {people[ANNA]}
    clock.advance(timedelta(days=30))
    await epochs.rotate(house.gateway, sooner=False)
    assert await epochs.settle(house.gateway)
    assert opens(FileKeyring(house.folder / "keys"), backup) == set()


async def test_the_worker_turns_epochs_by_itself(house: CaseHouse, clock: Clock) -> None:
    """With nobody doing anything the next epoch begins, and one that was asked for at once."""
    await known(house, ANNA)
    clock.advance(timedelta(days=31))
    gateway = house.gateway
    worker = asyncio.create_task(turn_epochs(gateway))
    await _until(lambda: "gateway_rewraps_total 1.0" in gateway.metrics.render()[0].decode())
    assert [row.number for row in gateway.keys.epochs()] == [1, 2]
    await epochs.rotate(gateway)
    await _until(lambda: [row.number for row in gateway.keys.epochs()] == [3])
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)

    assert await gateway.store.epochs() == {3: 1}


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to hold")


@promise("K2")
async def test_a_process_that_dies_anywhere_in_a_rotation_loses_nobody(
    house: CaseHouse, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The home as it lies there between each two steps, started anew: everybody opens,
    the rotation comes to its end, and the ledger has each of its steps once.
    """
    people = await known(house, ANNA, BEN)
    died = _Deaths(house.folder, tmp_path)
    gateway = house.gateway
    monkeypatch.setattr(epochs, "BATCH", 1)
    for where, name in (
        *((gateway.keys, "begin_epoch"), (gateway.store, "begin_epoch")),
        *((gateway.store, "rewrap"), (gateway.store, "close_epoch"), (gateway.store, "scrub")),
        *((gateway.keys, "destroy_epoch"), (gateway.store, "end_epoch")),
    ):
        monkeypatch.setattr(where, name, died.around(getattr(where, name), name))
    await epochs.rotate(gateway)
    assert await epochs.settle(gateway)

    assert len(died.homes) == 9
    for name, home in died.homes:
        config = settings.load(home, {})
        async with wiring.opened(config, clock=clock) as again:
            await _whole(again, people, name)


async def _whole(gateway: Gateway, people: dict[str, bytes], name: str) -> None:
    for subject, key in people.items():
        assert (await gateway.subjects.get(SubjectId(subject))).key == key, name
    if [row.number for row in gateway.keys.epochs()] == [1]:
        # Nothing of the rotation was durable.
        await epochs.rotate(gateway)
    for row in await gateway.store.known_epochs():
        # One that was begun and not noted was noted as if it had come by itself.
        assert row.number > 1 or row.due is not None, name
    gateway.clock.advance(timedelta(days=31))  # type: ignore[attr-defined]
    assert await epochs.settle(gateway), name
    assert [row.number for row in gateway.keys.epochs()] == [2], name
    assert await gateway.store.epochs() == {2: 2}, name
    leaves = [leaf for leaf in await gateway.store.leaves(0, 1000) if b'"use":"epoch"' in leaf]
    assert [b'"destroyed"' in leaf for leaf in leaves] == [False, True], name


class _Deaths:
    """Copies of a home from right after each call of some steps, and from before the first."""

    def __init__(self, home: Path, to: Path) -> None:
        self._home, self._to = home, to
        self.homes: list[tuple[str, Path]] = []
        self._die("before all")

    def around(self, step: Callable[..., Any], name: str) -> Callable[..., Any]:
        def plain(*values: Any, **more: Any) -> Any:
            done = step(*values, **more)
            self._die(f"after {name}")
            return done

        async def waiting(*values: Any, **more: Any) -> Any:
            done = await step(*values, **more)
            self._die(f"after {name}")
            return done

        asynchronous = name not in ("destroy_epoch",) and "FileKeyring" not in repr(step)
        return waiting if asynchronous else plain

    def _die(self, name: str) -> None:
        copy = self._to / f"death-{len(self.homes)}"
        shutil.copytree(self._home, copy, ignore=shutil.ignore_patterns("*-shm", "*.owner"))
        self.homes.append((name, copy))


async def test_keys_of_the_version_before_come_under_an_epoch(house: CaseHouse) -> None:
    """A home from before there were epochs starts, opens, and is wrapped anew."""
    people = await known(house, ANNA, BEN)
    await _as_before(house, people)
    await house.restart()
    assert [row.number for row in house.gateway.keys.epochs()] == [1]
    assert await house.gateway.store.epochs() == {0: 2}
    assert (await house.gateway.subjects.get(ANNA)).key == people[ANNA]
    assert await epochs.settle(house.gateway)

    assert await house.gateway.store.epochs() == {1: 2}
    house.gateway.subjects.forget_all()
    assert (await house.gateway.subjects.get(BEN)).key == people[BEN]
    assert (await house.share(subject=BEN)).status == 200


async def _as_before(house: CaseHouse, people: dict[str, bytes]) -> None:
    """As the first version left a home: wrapped under its key alone, without epochs."""
    subjects, secret = house.gateway.subjects, house.gateway.secret("wrap")
    for subject, key in people.items():
        lookup = subjects.lookup(subject)
        blob = protect(secret, key, b"subject-key|" + lookup, random=house.gateway.random)
        await house._sql(
            "UPDATE wrapped SET key = ? WHERE no = (SELECT wrapped FROM subject WHERE lookup = ?)",
            (blob, lookup),
        )
    await house._sql("DELETE FROM epoch", ())
    await house.stop()
    shutil.rmtree(house.folder / "keys" / "epochs")


async def test_a_home_whose_keys_are_missing_does_not_serve(
    house: CaseHouse, tmp_path: Path
) -> None:
    """
    Data from before a rotation with the keys of after it: the start says how many rows, of
    which epoch, and what to do; after the people are given up it starts, and knows nobody.
    """
    await known(house, ANNA, BEN)
    await house.stop()
    shutil.copytree(house.folder, tmp_path / "old")
    for path in (tmp_path / "old" / "keys" / "epochs").glob("*.key"):
        path.unlink()
    other = EpochKey.of(1, bytes(32))
    config = settings.load(tmp_path / "old", {})
    for number in (2, 1):
        # Another epoch's key, and another key of the same number.
        name = f"{number:06d}-20261122T100000Z.key"
        (tmp_path / "old" / "keys" / "epochs" / name).write_bytes(bytes(32))
        with pytest.raises(ConfigError, match=r"2 of epoch 1 .*Restore keys/.*replay-erasures"):
            async with wiring.opened(config):
                pass
    assert FileKeyring(tmp_path / "old" / "keys").epoch(1).fingerprint == other.fingerprint

    async with wiring.opened(config, locked=True) as gateway:
        assert await epochs.locked_out(gateway.store, gateway.keys) == {1: 2}
        assert await epochs.give_up(gateway, 1, by="operator") == (2, 0)
        with pytest.raises(LookupError):
            await epochs.give_up(gateway, 1, by="operator")
    async with wiring.opened(config) as gateway:
        assert not (await gateway.subjects.get(ANNA)).facts.known
        listed = await keys.listed(gateway.store, gateway.keys)
        states = {one["kid"]: one["state"] for one in listed if one["use"] == "epoch"}
        assert states == {"epoch-000001": "retired", "epoch-000002": "active"}
    await house.start()
