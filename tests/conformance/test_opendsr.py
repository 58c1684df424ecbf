"""Requests of OpenDSR, as `gateway.ports.OpenDsrStore` promises."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.flows.opendsr import status_of
from gateway.notices.opendsr_words import Status
from gateway.ports import OpenDsrRow
from gateway.stores.sqlite import SQLiteStore

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CASES = {
    "nobody": ("open", ()),
    "waits": ("open", ((0, 0),)),
    "tried": ("open", ((0, 0), (1, 0))),
    "exempt": ("open", ((0, 1),)),
    "closed": ("closed", ((1, 1),)),
    "refused": ("refused", ((0, 0),)),
}
"""State of each case, and of each of its notices how often it was tried and whether it is settled."""

_CASE = """INSERT INTO cases (id, action, state, reason, scope, accepted_at, deadline, subject_hash,
whole, stage) VALUES (?, 'erase', ?, 'user-request',
'{"partners": [], "purposes": [], "categories": []}', 0, 0, '', 1, 'finished')"""
_NOTICE = """INSERT INTO notice (id, case_id, place, partner, state, deadline, attempts, settled)
VALUES (?, ?, 0, 'courier', 'queued', 0, ?, ?)"""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    """A store of its own."""
    store = SQLiteStore(tmp_path / "gateway.db")
    await store.start()
    yield store
    await store.close()


def put_cases(db: sqlite3.Connection) -> None:
    """All cases, with their notices."""
    for case, (state, notices) in CASES.items():
        db.execute(_CASE, (case, state))
        for number, (attempts, settled) in enumerate(notices):
            db.execute(_NOTICE, (f"{case}-{number}", case, attempts, settled))


def a_row(case: str, told: str = "", **changes: Any) -> OpenDsrRow:
    """A request of this case."""
    row = OpenDsrRow(
        mark=case.encode(),
        case=case,
        received=NOW,
        sealed=b"sealed",
        told=told,
        next_at=NOW,
        fingerprint=b"f",
    )
    return replace(row, **changes)


async def test_who_is_to_be_told_is_found_by_what_the_case_is(store: SQLiteStore) -> None:
    """
    The store and the flow mean the same by each status: what was told is found no more,
    and everything else is, once it is due.
    """
    await store.write(put_cases)
    found = {}
    for case in CASES:
        stored = await store.case(case)
        assert stored is not None
        found[case] = status_of(stored)
        await store.put_opendsr_request(a_row(case, found[case].value))
    told = await store.opendsr_requests_to_tell(NOW, 10)
    for case in CASES:
        await store.put_opendsr_request(a_row(case, "another"))
    untold = await store.opendsr_requests_to_tell(NOW, 10)
    early = await store.opendsr_requests_to_tell(NOW - timedelta(seconds=1), 10)

    assert found == {
        "nobody": Status.PENDING,
        "waits": Status.PENDING,
        "tried": Status.IN_PROGRESS,
        "exempt": Status.IN_PROGRESS,
        "closed": Status.COMPLETED,
        "refused": Status.CANCELLED,
    }
    assert (told, early) == ([], [])
    assert {row.case for row in untold} == set(CASES)


async def test_a_request_keeps_its_case_and_forgets_what_was_asked(store: SQLiteStore) -> None:
    """Who came first keeps the case; after its time no hash tells what was asked."""
    await store.put_opendsr_request(a_row("first"))
    await store.put_opendsr_request(replace(a_row("first", "pending", next_at=None), case="second"))
    kept = await store.opendsr_request(b"first")
    await store.forget_opendsr_fingerprints(NOW - timedelta(seconds=1))
    early = await store.opendsr_request(b"first")
    await store.forget_opendsr_fingerprints(NOW)
    late = await store.opendsr_request(b"first")
    nobody = await store.opendsr_request(b"nobody")

    assert kept == early == a_row("first", "pending", next_at=None)
    assert late == a_row("first", "pending", next_at=None, fingerprint=None)
    assert nobody is None
