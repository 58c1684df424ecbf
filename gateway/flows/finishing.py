"""
How a case ends: the person is forgotten, and the case closes (contract §9; A1, K2).

Recipients have no say in the first; the second waits for each of them.
"""

from datetime import datetime

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.planning import plan_case, release_held
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.cases import Case, CaseState
from gateway.ports import CaseRow, SubjectRow


async def finish_case(gateway: Gateway, id: str) -> bool:
    """
    Destroy a person's keys and all that lies under them, as soon as plan,
    escrows and outcomes are durable; true once it is done. Recipients have no
    say in it.
    """
    row = await gateway.store.case_row(id)
    if row is None or row.stage == "finished":
        return row is not None
    now = gateway.clock()
    marks: list[bytes] = []
    leaves: list[bytes] = []
    rows: list[SubjectRow] = []
    if row.whole and row.person is not None:
        rows = await gateway.store.rows_of_person(row.person)
        marks = [gateway.subjects.mark(gateway.subjects.open_row(one)[1]["id"]) for one in rows]
        leaves = [_destroyed_leaf(gateway, id, now)]
    expires = tombstone_month(now, gateway.policy.policy.rights.tombstone_months)
    done = await gateway.store.finish_case(
        id, marks, expires, leaves, lambda case: closing_leaf(gateway, case), now
    )
    if done:
        for one in rows:
            gateway.subjects.forget_lookup(one.lookup)
        if not row.whole:
            await unfenced(gateway, id)
        gateway.case_changed()
    return done


async def unfenced(gateway: Gateway, id: str) -> None:
    """A scoped case that closed lifted its fence: look at its person anew."""
    row = await gateway.store.case_row(id)
    if row is None or row.whole or row.person is None or row.case.state is CaseState.OPEN:
        return
    for one in await gateway.store.rows_of_person(row.person):
        gateway.subjects.forget_lookup(one.lookup)


def _destroyed_leaf(gateway: Gateway, case: str, now: datetime) -> bytes:
    return canonical(
        entries.key(
            id=new_id("leaf", gateway.random),
            at=now,
            owner="subject",
            event="destroyed",
            case=case,
        )
    )


def closing_leaf(gateway: Gateway, case: Case) -> bytes:
    """The leaf of a case that closes: every notice is settled."""
    return canonical(
        entries.case(
            id=new_id("leaf", gateway.random),
            at=gateway.clock(),
            case=case.id,
            action=case.action.value,
            state=CaseState.CLOSED.value,
            reason=case.reason,
        )
    )


async def resume(gateway: Gateway) -> bool:
    """
    Bring every case that is not done with as far as it can go now; true if one
    is left that has to wait. One that nobody can bring further is logged, and
    holds no other back.
    """
    while await release_held(gateway):
        pass
    waiting = False
    for row in await gateway.store.unfinished_cases():
        if row.case.id in gateway.opening:
            # Who opened it plans it and goes on; twice would be for nothing.
            waiting = True
            continue
        try:
            waiting = not await _further(gateway, row) or waiting
        except (StoreFailed, LedgerContradiction):
            raise
        except Exception:
            gateway.log.exception("worker-failed", worker="closer", case=row.case.id)
    return waiting


async def _further(gateway: Gateway, row: CaseRow) -> bool:
    if row.stage == "planning":
        await plan_case(gateway, row)
        gateway.case_changed()
    return await finish_case(gateway, row.case.id)


def tombstone_month(now: datetime, months: int) -> str:
    """The last month in which a tombstone set now keeps somebody out."""
    total = now.year * 12 + now.month - 1 + months
    return f"{total // 12:04d}-{total % 12 + 1:02d}"
