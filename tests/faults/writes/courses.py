"""Writes of what goes on by itself: what waits is brought forward, a case was told of."""

from dataclasses import replace
from datetime import timedelta

from gateway.model.cases import Notice
from gateway.ports import Changed
from gateway.stores.sqlite import SQLiteStore
from tests.conformance.builders import NOW
from tests.faults.writes.rows import COURIER, Call, a_notice, closes, planned, write


@write
async def hasten(store: SQLiteStore) -> Call:
    await planned(store, a_notice(), a_notice("ntc_2", next_at=NOW + timedelta(hours=6)))
    await store.claim_notices(NOW, 9, 9)
    await store.change_notice("ntc_1", _later, closes, NOW)
    return lambda: store.hasten(COURIER, NOW, 9)


def _later(notice: Notice) -> Changed:
    """It was not taken."""
    return Changed(notice=replace(notice, attempts=1, next_at=NOW + timedelta(hours=3)))


@write
async def cases_reminded_of(store: SQLiteStore) -> Call:
    await planned(store)
    return lambda: store.cases_reminded_of({"case_1": NOW + timedelta(days=1)})
