"""What ends by itself, as the store keeps it (P6, S4a)."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import Stale
from gateway.ports import IntentEntry
from gateway.stores.sqlite import SQLiteStore
from gateway.stores.sqlite.base import NEVER
from gateway.stores.sqlite.statements import SQL, migrations
from tests.conformance.builders import (
    UNTIL,
    a_case,
    a_row,
    an_entry,
    an_intent,
    an_outcome,
    known,
)

COURIER = "swift-parcel"
BEFORE = UNTIL - timedelta(seconds=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    """A started store that knows the courier."""
    store = SQLiteStore(tmp_path / "gateway.db")
    await store.start()
    await store.execute("put_partner", (COURIER, False, 0, "digest", ""))
    yield store
    await store.close()


async def shared(store: SQLiteStore, outcome: str = "delivered") -> int:
    """One share that has ended; its seq."""
    recorded = await store.intend(an_intent())
    store.settle(an_outcome(recorded, outcome=outcome))
    await store.flush()
    return recorded[0].seq


async def test_a_share_is_found_at_the_end_of_its_retention(store: SQLiteStore) -> None:
    """Recipient and person are found from the second at which the retention ends."""
    await shared(store)
    person = (await known(store)).row.person

    assert await store.recipients_with_ends(BEFORE) == []
    assert await store.recipients_with_ends(UNTIL) == [COURIER]
    assert await store.people_with_ends(COURIER, BEFORE, 9) == []
    assert await store.people_with_ends(COURIER, UNTIL, 9) == [person]
    assert await store.people_with_ends(COURIER, None, 9) == [person]


async def test_what_never_left_and_what_is_in_flight_is_not_found(store: SQLiteStore) -> None:
    """An open intent is waited for, and a share that never left has no end."""
    recorded = await store.intend(an_intent())
    in_flight = await store.recipients_with_ends(UNTIL)
    store.settle(an_outcome(recorded, outcome="not-sent"))
    await store.flush()

    assert in_flight == []
    assert await store.recipients_with_ends(UNTIL) == []
    assert await store.people_with_ends(COURIER, None, 9) == []


async def test_a_case_and_its_marks_are_one(store: SQLiteStore) -> None:
    """A case marks the shares whose end it tells; another case for one of them is refused whole."""
    seq = await shared(store)
    row = (await known(store)).row
    case = replace(a_case(row), fence=None, ended=(seq,))
    await store.begin_case(case)
    second = replace(case.case, id="case_2")
    with pytest.raises(Stale):
        await store.begin_case(replace(case, case=second))
    assert row.person is not None
    rows, _ = await store.plan_rows(row.person)

    assert [(one.told_by, one.ends) for one in rows] == [("case_1", False)]
    assert await store.recipients_with_ends(UNTIL) == []
    assert await store.ending(COURIER, row.person) == ([], [])
    assert await store.case("case_2") is None


async def test_what_waits_is_looked_at_again(store: SQLiteStore) -> None:
    """What is put off is not found before then, and its retention is what it was."""
    seq = await shared(store)
    later = UNTIL + timedelta(days=3)
    await store.look_again({seq: later})
    person = (await known(store)).row.person or 0
    rows, _ = await store.ending(COURIER, person)

    assert await store.recipients_with_ends(later - timedelta(seconds=1)) == []
    assert await store.recipients_with_ends(later) == [COURIER]
    assert [one.until for one in rows] == [UNTIL]


async def test_who_is_being_erased_is_left_out(store: SQLiteStore) -> None:
    """Of somebody who is being erased every recipient is told anyway."""
    await shared(store)
    row = (await known(store)).row
    await store.begin_case(replace(a_case(row), whole=True))

    assert await store.people_with_ends(COURIER, UNTIL, 9) == []
    assert await store.people_with_ends(COURIER, None, 9) == []


async def test_what_was_declared_without_a_retention_never_ends(store: SQLiteStore) -> None:
    """It is found with the agreement's end, and at no other time."""
    entry: IntentEntry = replace(an_entry(a_row()), ends=False)
    await store.declare([(entry, "shr_1", COURIER)])
    person = (await known(store)).row.person or 0
    rows, _ = await store.ending(COURIER, person)

    assert await store.recipients_with_ends(UNTIL + timedelta(days=9999)) == []
    assert await store.people_with_ends(COURIER, None, 9) == [person]
    assert [one.until for one in rows] == [None]


def test_shares_of_before_the_upgrade_end_too() -> None:
    """The shares that an older program recorded get their ends."""
    with closing(sqlite3.connect(":memory:")) as db:
        for number, script in migrations():
            if number == 5:
                _old_shares(db)
            db.executescript(script)
        ends = [row[0] for row in db.execute("SELECT ends FROM share ORDER BY seq")]

    assert ends == [100, None, None, NEVER, 100]


def _old_shares(db: sqlite3.Connection) -> None:
    asked = json.dumps({"disclosed_at": "then", "retention_until": "then"})
    given = json.dumps({"disclosed_at": "then", "retention_until": "later"})
    old = [
        ("{}", "intent", 1, "delivered"),
        ("{}", "intent", None, "delivered"),
        ("{}", "intent", 1, "not-sent"),
        (asked, "declared", 1, "delivered"),
        (given, "declared", 1, "delivered"),
    ]
    for leaf, kind, subject, outcome in old:
        db.execute("INSERT INTO entry (leaf) VALUES (?)", (leaf,))
        db.execute(
            "INSERT INTO share (seq, share, kind, partner, subject, outcome, retention_until)"
            " VALUES (last_insert_rowid(), 's', ?, 'p', ?, ?, 100)",
            (kind, subject, outcome),
        )


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("recipients_with_ends", "share_ends (partner=? AND ends<?)"),
        ("people_with_ends", "share_ends (partner=? AND ends<?)"),
        ("people_with_shares", "share_ends (partner=? AND ends>?)"),
        ("ending", "share_of_subject (subject=?)"),
        ("ending_references", "share_by_id (share=?)"),
        ("untried_notices", "notice_due (next_at<?)"),
    ],
)
def test_no_look_reads_more_than_it_must(statement: str, index: str) -> None:
    """Each question is answered by an index, so that nothing due costs next to nothing."""
    with closing(sqlite3.connect(":memory:")) as db:
        for _, script in migrations():
            db.executescript(script)
        count = SQL[statement].count("?")
        plan = db.execute(f"EXPLAIN QUERY PLAN {SQL[statement]}", (1,) * count).fetchall()
    steps = [row[3] for row in plan]

    assert any(index in step for step in steps), steps
    assert {step for step in steps if step.startswith("SCAN")} <= {"SCAN p"}
