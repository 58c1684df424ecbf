"""
Tombstones: what keeps an erased person out for its months, and tells nothing else (K2, A1).
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from random import Random

import pytest
from ruamel.yaml import YAML

from gateway.flows import epochs
from gateway.stores.sqlite.database import connect, migrate
from gateway.stores.sqlite.tombstones import put_tombstone
from gateway.testing.clock import Clock
from tests.cases.forgetting import read
from tests.cases.house import CaseHouse
from tests.marks import promise

EVERY = "SELECT mark, expires FROM tombstone"


async def tombstoned(house: CaseHouse, subject: str) -> str:
    """Erase somebody; the last month in which they are kept out."""
    await house.until_closed((await house.opened_case(subject))["case"])
    mark = house.gateway.subjects.mark(subject)
    database = house.folder / "data" / "gateway.db"
    ((month,),) = read(database, "SELECT expires FROM tombstone WHERE mark = ?", mark)
    return str(month)


def months_later(now: datetime, months: int) -> str:
    """Year and month, so many months after."""
    total = now.year * 12 + now.month - 1 + months
    return f"{total // 12}-{total % 12 + 1:02d}"


@promise("A1")
async def test_a_person_is_kept_out_for_its_months_and_not_longer(
    house: CaseHouse, clock: Clock
) -> None:
    """
    Up to the end of the last month late shares are refused; after it the sweeper takes the
    tombstone away, and the person may come again as somebody new.
    """
    assert (await house.share()).status == 200
    month = await tombstoned(house, "u-1")
    assert month == months_later(clock(), 36)
    year, number = map(int, month.split("-"))
    over = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    clock.set(over - timedelta(seconds=1))
    house.gateway.subjects.forget_all()
    # Their agreement is over by then: a person is kept out before that counts.
    refused = await house.share(token=house.token())
    assert (refused.status, refused.headers["Sharing-Refused"]) == (403, "subject-erased")
    assert await house.gateway.store.forget_old(clock()) == 0
    clock.advance(timedelta(seconds=1))

    assert await house.gateway.store.forget_old(clock()) == 1
    assert read(house.folder / "data" / "gateway.db", EVERY) == []
    house.gateway.subjects.forget_all()
    again = await house.share(token=house.token())
    assert again.headers["Sharing-Refused"] == "agreement-expired"


async def test_a_new_edition_changes_the_term_of_new_tombstones_only(
    house: CaseHouse, clock: Clock
) -> None:
    """Who was erased under the old one is kept out for the months that it said."""
    before = await tombstoned(house, "u-1")
    rights = house.folder / "policies" / "rights.yaml"
    yaml = YAML()
    document = yaml.load(rights.read_text(encoding="utf-8"))
    document["tombstone_months"] = 12
    with rights.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)
    assert await house.reload()
    assert (await house.share(subject="u-3")).status == 200
    after = [await tombstoned(house, subject) for subject in ("u-2", "u-3")]

    assert before == months_later(clock(), 36)
    assert after == [months_later(clock(), 12)] * 2
    assert await tombstoned(house, "u-1") == before


@promise("A1")
async def test_a_person_is_kept_out_across_epochs(house: CaseHouse) -> None:
    """The mark does not depend on any key that dies: after rotations it is recognised as before."""
    await tombstoned(house, "u-1")
    for _ in range(2):
        await epochs.rotate(house.gateway)
        assert await epochs.settle(house.gateway)
    await house.restart()

    assert (await house.share()).headers["Sharing-Refused"] == "subject-erased"


def as_they_lie(database: Path) -> list[bytes]:
    """The marks in the order in which their bytes stand in the file, page by page."""
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        marks = [mark for (mark,) in db.execute("SELECT mark FROM tombstone")]
    content = database.read_bytes()
    assert all(content.count(mark) == 1 for mark in marks)
    return sorted(marks, key=content.index)


def alike(one: Sequence[bytes], other: Sequence[bytes]) -> float:
    """How much two orders of the same marks have in common: 1 all, 0 nothing, -1 the reverse."""
    places = {mark: place for place, mark in enumerate(other)}
    pairs = list(combinations([places[mark] for mark in one], 2))
    return sum(1 if a < b else -1 for a, b in pairs) / len(pairs)


def in_pages(database: Path, erased: Sequence[bytes]) -> float:
    """How much of the order of erasures shows in the order on a page, over all pages."""
    content = database.read_bytes()
    pages: dict[int, list[bytes]] = {}
    for mark in as_they_lie(database):
        pages.setdefault(content.index(mark) // 4096, []).append(mark)
    many = [marks for marks in pages.values() if len(marks) > 5]
    return sum(alike(marks, erased) for marks in many) / len(many)


@promise("K2")
def test_the_order_in_which_people_were_erased_is_not_in_the_file(tmp_path: Path) -> None:
    """
    Neither the rows' order, nor a row id, nor where the bytes lie on a page tells who was
    erased before whom: so nothing joins a tombstone to a case and its time. Without that it
    would show.
    """
    random = Random(7430)
    # On one page, where the order shows best.
    erased = [random.randbytes(32) for _ in range(70)]
    found = {}
    for name, put in (("plainly", _plainly), ("as it is", put_tombstone)):
        path = tmp_path / name
        migrate(path)
        with closing(connect(path)) as db:
            db.execute("BEGIN")
            for mark in erased:
                put(db, mark, "2029-11")
            db.execute("COMMIT")
            assert db.execute(EVERY).fetchall() == [(one, "2029-11") for one in sorted(erased)]
            with pytest.raises(sqlite3.OperationalError, match="rowid"):
                db.execute("SELECT rowid FROM tombstone")
        found[name] = abs(in_pages(path, erased))

    # Of seventy in any order, more than a quarter happens once in a thousand.
    assert found["plainly"] > 0.9
    assert found["as it is"] < 0.25


def _plainly(db: sqlite3.Connection, mark: bytes, expires: str) -> None:
    db.execute("INSERT INTO tombstone (mark, expires) VALUES (?, ?)", (mark, expires))
