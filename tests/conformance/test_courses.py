"""Whose notice goes out next, who comes back, and lists of any length: what the store promises."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.model.cases import Case, Notice
from gateway.ports import Changed, Place
from gateway.stores.sqlite import SQLiteStore

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
COURIER, SLOW = "swift-parcel", "slow-parcel"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    """An empty one."""
    opened = SQLiteStore(tmp_path / "gateway.db")
    await opened.start()
    yield opened
    await opened.close()


def ms(moment: datetime) -> int:
    """As the database has it."""
    return int(moment.timestamp() * 1000)


async def fill(store: SQLiteStore, case: str, notices: Mapping[str, int], **columns: Any) -> None:
    """A case with so many queued notices by recipient, due now unless `columns` say otherwise."""
    values = {"next_at": ms(NOW), "since": ms(NOW), **columns}

    def operation(db: sqlite3.Connection) -> None:
        db.execute(
            "INSERT INTO cases (id, action, state, reason, scope, accepted_at, deadline,"
            " subject_hash, whole, stage) VALUES (?, 'erase', 'open', 'user-request', ?, ?, ?,"
            " '', 1, 'finished')",
            (
                case,
                '{"partners": [], "purposes": [], "categories": []}',
                ms(NOW),
                ms(NOW + 720 * HOUR),
            ),
        )
        rows = [(f"{case}_{to}_{n:05}", to) for to, count in notices.items() for n in range(count)]
        names = "".join(f", {name}" for name in values)
        marks = ", ?" * len(values)
        db.executemany(
            f"INSERT INTO notice (id, case_id, place, partner, state, deadline{names})"
            f" VALUES (?, '{case}', 0, ?, 'queued', {ms(NOW + 360 * HOUR)}{marks})",
            [(id, to, *values.values()) for id, to in rows],
        )

    await store.write(operation)


def told(notice: Notice) -> Changed:
    """It was taken."""
    return Changed(notice=replace(notice, next_at=None))


async def claim(
    store: SQLiteStore,
    limit: int,
    per_partner: int,
    probing: Sequence[str] = (),
    silent: Sequence[str] = (),
    now: datetime = NOW,
) -> list[Notice]:
    """What goes out in one claim."""
    found = await store.claim_notices(now, limit, per_partner, (), probing, silent)
    return [one.notice for one in found]


async def claimed(store: SQLiteStore, rounds: int, room: int = 4) -> list[Notice]:
    """What goes out in so many claims, each of which is over before the next."""
    found: list[Notice] = []
    for _ in range(rounds):
        some = await claim(store, 256, room)
        for one in some:
            await store.change_notice(one.id, told, closes, NOW)
        found += some
    return found


def closes(case: Case) -> bytes:
    """Nothing closes here."""
    return b"{}"


async def test_one_case_with_many_notices_starves_no_other(store: SQLiteStore) -> None:
    """Ten thousand notices of one case to a recipient keep two other cases' waiting one turn."""
    await fill(store, "case_m", {COURIER: 10_000})
    await fill(store, "case_a", {COURIER: 3}, next_at=ms(NOW))
    await fill(store, "case_z", {COURIER: 1}, next_at=ms(NOW))
    first = await claimed(store, 3, room=3)

    assert Counter(one.case for one in first[:3]) == {"case_a": 1, "case_m": 1, "case_z": 1}
    assert Counter(one.case for one in first) == {"case_a": 3, "case_m": 5, "case_z": 1}


async def test_many_cases_take_turns(store: SQLiteStore) -> None:
    """Each of a hundred cases is served once before any is served again."""
    for number in range(100):
        await fill(store, f"case_{number:03}", {COURIER: 2})
    found = await claimed(store, 25)

    assert len({one.case for one in found}) == len(found) == 100


async def test_recipients_take_turns_too(store: SQLiteStore) -> None:
    """Where not all fit, those that had to wait come first in the next claim."""
    partners = {f"partner-{number}": 5 for number in range(6)}
    await fill(store, "case_1", partners)
    first = await claim(store, 2, 2)
    second = await claim(store, 3, 2)

    twice = {"partner-0", "partner-1"}
    assert Counter(one.partner for one in first) == Counter([*partners, *twice])
    assert Counter(one.partner for one in second) == Counter(
        ["partner-2", "partner-3", "partner-4"]
    )
    assert all(one.attempts == 1 for one in (*first, *second))


async def test_silent_recipients_take_no_place_of_others(store: SQLiteStore) -> None:
    """Each recipient has a place of its own; who is silent has no other, however many are free."""
    await fill(store, "case_1", {f"partner-{number}": 5 for number in range(5)})
    silent = ["partner-1", "partner-3"]
    first = await claim(store, 0, 4)
    none_left = await claim(store, 0, 4)
    then = await claim(store, 99, 4, silent=silent)

    assert Counter(one.partner for one in first) == {f"partner-{n}": 1 for n in range(5)}
    assert none_left == []
    assert Counter(one.partner for one in then) == {"partner-0": 3, "partner-2": 3, "partner-4": 3}


async def test_who_is_probed_gets_one_that_only_waits(store: SQLiteStore) -> None:
    """One try at a time, also of a notice that is due later; never one that may not leave yet."""
    later = ms(NOW + 6 * HOUR)
    await fill(store, "case_1", {COURIER: 3}, next_at=later, attempts=2)
    # The end of a service is not announced long enough (K3).
    await fill(store, "case_2", {SLOW: 1}, next_at=later)
    none = await claim(store, 9, 9)
    both = await claim(store, 9, 9, (COURIER, SLOW))
    again = await claim(store, 9, 9, (COURIER, SLOW))

    assert (none, again) == ([], [])
    assert [(one.partner, one.attempts) for one in both] == [(COURIER, 3)]


async def test_what_waited_for_a_retry_is_brought_forward(store: SQLiteStore) -> None:
    """Once a recipient is back; but not before it asked to be called (`Retry-After`)."""
    later = ms(NOW + 6 * HOUR)
    await fill(store, "case_1", {COURIER: 3, SLOW: 1}, next_at=later, attempts=2)
    await fill(store, "case_2", {COURIER: 1}, next_at=later, attempts=1, not_before=ms(NOW + HOUR))
    await fill(store, "case_3", {COURIER: 1}, next_at=later)
    counts = [await store.hasten(COURIER, NOW, 2) for _ in range(4)]
    due = await claim(store, 99, 99)
    put_off = await claim(store, 99, 99, now=NOW + HOUR)

    assert counts[0] == 2
    assert {one.case for one in due} == {"case_1"} and len(due) == 3
    assert [one.case for one in put_off] == ["case_2"]


async def test_a_long_list_is_read_page_by_page(store: SQLiteStore) -> None:
    """Every case once, due first, however many have the same deadline."""
    for number in range(7):
        await fill(store, f"case_{number}", {COURIER: 1} if number % 2 else {SLOW: 1})
    wanted: dict[str, Any] = {
        "state": "open",
        "partner": None,
        "due_before": None,
        "overdue_at": None,
    }
    found: list[str] = []
    after: Place | None = None
    while page := await store.case_lines(after, **wanted, limit=3):
        found += [row.case for row in page]
        after = Place(deadline=page[-1].deadline, id=page[-1].case)
    some = await store.case_lines(None, **wanted | {"partner": SLOW}, limit=9)
    late = await store.case_lines(None, **wanted | {"overdue_at": NOW + 721 * HOUR}, limit=9)

    assert found == [f"case_{number}" for number in range(7)]
    assert (len(some), len(late)) == (4, 7)


async def test_times_are_counted_by_rank(store: SQLiteStore) -> None:
    """Of a hundred times the median is the fiftieth, p99 the ninety-ninth; some have none."""
    await fill(store, "case_1", {COURIER: 100, SLOW: 2})

    def operation(db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT id FROM notice WHERE partner = ? ORDER BY id", (COURIER,))
        for place, (id,) in enumerate(rows.fetchall(), start=1):
            db.execute(
                "UPDATE notice SET reached_at = ?, acknowledged_at = ? WHERE id = ?",
                (ms(NOW), ms(NOW) + place * 1000, id),
            )

    await store.write(operation)
    cards = {one.partner: one for one in await store.scorecard(None, None, None)}
    later = await store.scorecard(NOW + HOUR, None, None)

    assert (cards[COURIER].to_acknowledge.median, cards[COURIER].to_acknowledge.p99) == (50, 99)
    assert (cards[COURIER].told, cards[SLOW].told) == (100, 0)
    assert cards[SLOW].to_acknowledge.median is None
    assert later == []
