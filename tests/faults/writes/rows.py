"""What rows of the table of writes are made of: leaves that verify, shares, cases."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from gateway.ledger.checkpoint import Checkpoint, sign
from gateway.ledger.encode import canonical
from gateway.model.cases import Case, Notice, NoticeState
from gateway.model.ids import CaseId, NoticeId, PartnerId
from gateway.ports import (
    EpochRow,
    IntentEntry,
    NewNotice,
    OutcomeWrite,
    Recorded,
    SubjectRow,
)
from gateway.stores.sqlite import SQLiteStore
from tests.conformance.builders import (
    NOW,
    UNTIL,
    a_case,
    a_row,
    an_entry,
    an_intent,
    known,
)
from tests.unit.ledger.builders import KEY, ORIGIN
from tests.unit.ledger.builders import an_intent as intent_leaf
from tests.unit.ledger.builders import an_outcome as outcome_leaf

Call = Callable[[], Awaitable[Any]]
Write = Callable[[SQLiteStore], Awaitable[Call]]

WRITES: dict[str, Write] = {}
COURIER = PartnerId("swift-parcel")
TOKEN = sha256(b"token").digest()


def write(row: Write) -> Write:
    """A row of the table, under its function's name."""
    WRITES[row.__name__] = row
    return row


def leaf(name: str, kind: str = "read", **members: Any) -> bytes:
    """A leaf of that id; by default one that no other has to do with."""
    known_members = {"service": "orders", "record": "account"} if kind == "read" else {}
    at = "2026-03-01T12:00:00.123Z"
    return canonical({"kind": kind, "id": name, "at": at, **known_members, **members})


def case_leaf(name: str, state: str = "open") -> bytes:
    """What the ledger says of a case."""
    return leaf(name, "case", case="case_1", action="erase", state=state)


def opening(share: str, number: int = 1) -> bytes:
    """The leaf of an intent."""
    return canonical(intent_leaf(number, share=share, id=f"intent of {share}"))


def ending(share: str, outcome: str = "delivered") -> bytes:
    """The leaf of its outcome."""
    return canonical(outcome_leaf(1, share=share, id=f"outcome of {share}", outcome=outcome))


def entry(who: SubjectRow | None, share: str = "shr_1", **changes: Any) -> IntentEntry:
    """One entry of a share."""
    return replace(an_entry(who), leaf=opening(share), **changes)


async def shared(store: SQLiteStore, share: str = "shr_1", **changes: Any) -> tuple[Recorded, ...]:
    """A share about `ming` on its way."""
    return await store.intend(an_intent(entry(a_row(), share), share=share, **changes))


def outcome_of(recorded: tuple[Recorded, ...], outcome: str = "delivered") -> OutcomeWrite:
    """What became of it."""
    (one,) = recorded
    return OutcomeWrite(
        share="shr_1",
        outcome=outcome,
        leaves=((one.seq, ending("shr_1", outcome)),),
        references=((one.subject or 0, b"sealed reference"),),
        idempotency_key=b"key",
        idempotency_answer=b"sealed answer",
    )


async def carried(store: SQLiteStore) -> tuple[Recorded, ...]:
    """A share about `ming` that has ended."""
    recorded = await shared(store)
    store.settle(outcome_of(recorded))
    await store.flush()
    return recorded


def a_notice(name: str = "ntc_1", **changes: Any) -> NewNotice:
    """A notice of the case, with its escrow."""
    notice = Notice(
        id=NoticeId(name),
        case=CaseId("case_1"),
        partner=COURIER,
        state=NoticeState.QUEUED,
        deadline=UNTIL,
        next_at=NOW,
    )
    return NewNotice(notice=replace(notice, **changes), escrow_key=bytes(61), escrow=b"escrow")


async def begun(store: SQLiteStore, *, whole: bool = False) -> None:
    """A case about `ming`, to whom one share went."""
    await carried(store)
    new = replace(a_case((await known(store)).row), leaves=(case_leaf("case opened"),), whole=whole)
    await store.begin_case(new)


async def planned(store: SQLiteStore, *notices: NewNotice, whole: bool = False) -> None:
    """The same, with its notices."""
    await begun(store, whole=whole)
    await store.plan_case("case_1", notices or [a_notice()], [case_leaf("case planned")], None)


def closes(case: Case) -> bytes:
    """The leaf of a case that closes."""
    return case_leaf("case closed", "closed")


def an_epoch(number: int) -> EpochRow:
    """An epoch's row."""
    return EpochRow(number=number, fingerprint=f"{number:064x}")


def note_of(size: int, root: bytes) -> str:
    """A signed checkpoint."""
    return sign(Checkpoint(origin=ORIGIN, size=size, root=root), ORIGIN, KEY)
