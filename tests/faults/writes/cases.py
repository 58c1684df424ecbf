"""Writes of cases and their notices."""

from dataclasses import replace

from gateway.model.cases import Notice, NoticeState
from gateway.ports import (
    Changed,
    Release,
)
from gateway.stores.sqlite import SQLiteStore
from tests.conformance.builders import (
    NOW,
    UNTIL,
    a_case,
    a_slot,
    known,
    mark,
)
from tests.faults.writes.rows import (
    COURIER,
    Call,
    a_notice,
    begun,
    carried,
    case_leaf,
    closes,
    leaf,
    planned,
    write,
)


@write
async def begin_case(store: SQLiteStore) -> Call:
    (recorded,) = await carried(store)
    row = (await known(store)).row
    new = replace(
        a_case(row),
        leaves=(case_leaf("case opened"), leaf("fence", "fence", whole=False)),
        idempotency=a_slot("another"),
        ended=(recorded.seq,),
    )
    return lambda: store.begin_case(new)


@write
async def plan_case(store: SQLiteStore) -> Call:
    await begun(store)
    notices = [a_notice("ntc_1"), a_notice("ntc_2")]
    leaves = [case_leaf("case planned")]
    return lambda: store.plan_case("case_1", notices, leaves, (b"key", b"sealed answer"))


@write
async def release(store: SQLiteStore) -> Call:
    await planned(store, a_notice(held=True, next_at=None))
    released = Release(notice="ntc_1", escrow=b"more", next_at=NOW, resend_at=UNTIL)
    return lambda: store.release([released], [a_notice("ntc_2")], [case_leaf("released")])


@write
async def finish_case(store: SQLiteStore) -> Call:
    await planned(store, a_notice(settled=True, state=NoticeState.EXEMPT), whole=True)
    marks, leaves = [mark("ming")], [leaf("destroyed", "key", owner="subject", event="destroyed")]
    return lambda: store.finish_case("case_1", marks, "2099-12", leaves, closes, NOW)


@write
async def claim_notices(store: SQLiteStore) -> Call:
    await planned(store)
    return lambda: store.claim_notices(NOW, 9, 9)


@write
async def free_notices(store: SQLiteStore) -> Call:
    await planned(store)
    assert len(await store.claim_notices(NOW, 9, 9)) == 1
    return store.free_notices


@write
async def change_notice(store: SQLiteStore) -> Call:
    await planned(store)
    await store.finish_case("case_1", [], "2099-12", [], closes, NOW)
    told = leaf("completed", "notice", notice="ntc_1", case="case_1", partner=COURIER, state="x")

    def change(notice: Notice) -> Changed:
        done = replace(notice, state=NoticeState.COMPLETED, settled=True, next_at=None)
        return Changed(
            notice=done, leaves=(told,), receipt=("jti", "jws"), resolution=(bytes(61), b"text")
        )

    return lambda: store.change_notice("ntc_1", change, closes, NOW)


@write
async def expect_callback(store: SQLiteStore) -> Call:
    await planned(store)
    return lambda: store.expect_callback(mark("callback"), "ntc_1")


@write
async def forget_resolution(store: SQLiteStore) -> Call:
    call = await change_notice(store)
    await call()
    return lambda: store.forget_resolution("ntc_1")
