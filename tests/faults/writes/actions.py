"""Writes of corrections, restrictions and refusals."""

from gateway.cases.refusals import ended
from gateway.model.cases import Case
from gateway.ports import RefusedCase, TokenRow
from gateway.stores.sqlite import SQLiteStore
from tests.conformance.builders import NOW, UNTIL, an_intent, stored
from tests.faults.writes.rows import Call, begun, case_leaf, entry, planned, write

TOKEN = b"t" * 32


def refused(case: Case, whole: bool) -> RefusedCase:
    """Refused, whatever it is."""
    notices = tuple(ended(notice) for notice in case.notices)
    return RefusedCase(
        ground="bad-faith", notices=notices, leaves=(case_leaf("case refused", "refused"),)
    )


@write
async def refuse_case(store: SQLiteStore) -> Call:
    await planned(store)
    return lambda: store.refuse_case("case_1", refused, NOW)


@write
async def lift_fence(store: SQLiteStore) -> Call:
    await begun(store)
    return lambda: store.lift_fence("case_1")


@write
async def reseal_tokens(store: SQLiteStore) -> Call:
    (row,) = await stored(store, "ming")
    token = TokenRow(mark=TOKEN, sealed=b"value", ends=UNTIL)
    await store.intend(an_intent(entry(row), tokens=[token]))
    return lambda: store.reseal_tokens([(TOKEN, b"value", b"other")])
