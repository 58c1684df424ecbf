"""Writes of requests in OpenDSR: who asked, and how far they were told."""

from gateway.ports import OpenDsrRow
from gateway.stores.sqlite import SQLiteStore
from tests.conformance.builders import NOW
from tests.faults.writes.rows import Call, planned, write

REQUEST = OpenDsrRow(
    mark=b"request",
    case="case_1",
    received=NOW,
    sealed=b"sealed",
    told="",
    next_at=NOW,
    fingerprint=b"asked",
)


@write
async def put_opendsr_request(store: SQLiteStore) -> Call:
    await planned(store)
    return lambda: store.put_opendsr_request(REQUEST)


@write
async def forget_opendsr_fingerprints(store: SQLiteStore) -> Call:
    await planned(store)
    await store.put_opendsr_request(REQUEST)
    return lambda: store.forget_opendsr_fingerprints(NOW)
