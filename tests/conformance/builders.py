"""Rows as a store is given them; what is sealed in them is of no interest to it."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.model.cases import Action, Case, CaseScope, CaseState, EraseReason
from gateway.model.ids import CaseId, PartnerId
from gateway.ports import (
    IdempotencyRow,
    Intent,
    IntentEntry,
    NewCase,
    OutcomeWrite,
    QueuedShare,
    Recorded,
    Store,
    SubjectRow,
    SubjectState,
    TokenRow,
)

NOW = datetime.now(UTC).replace(microsecond=0)
UNTIL = NOW + timedelta(days=30)


class Plant(Protocol):
    """Puts rows into a store that other parts of the product make."""

    async def tombstone(self, mark: bytes, expires: str = "2099-12") -> None:
        """Somebody was erased."""

    async def erased(self, person: int) -> None:
        """Somebody is being erased."""

    async def fence(self, case: str, person: int, sealed: bytes = b"fence") -> None:
        """A case keeps something of somebody in."""


def lookup(name: str) -> bytes:
    """The look-up mark of a person."""
    return hashlib.sha256(b"lookup" + name.encode()).digest()


def mark(name: str) -> bytes:
    """The tombstone mark of a person."""
    return hashlib.sha256(b"mark" + name.encode()).digest()


def a_row(name: str = "ming", *, key: bytes = b"", facts: bytes = b"") -> SubjectRow:
    """A person of whom nothing is stored yet."""
    return SubjectRow(
        lookup=lookup(name),
        key=key or b"key of " + name.encode(),
        facts=facts or b"facts of " + name.encode(),
    )


def a_leaf(name: str) -> bytes:
    """A leaf; to a store it is text."""
    return f'{{"id":"{name}"}}'.encode()


def an_entry(who: SubjectRow | None, leaf: str = "leaf_1", *, name: str = "ming") -> IntentEntry:
    """One leaf of one person."""
    return IntentEntry(
        leaf=a_leaf(leaf),
        subject=who,
        tombstone=mark(name) if who else None,
        retention_until=UNTIL,
    )


def an_intent(
    *entries: IntentEntry,
    share: str = "shr_1",
    partner: str = "swift-parcel",
    partner_epoch: int = 0,
    idempotency: IdempotencyRow | None = None,
    tokens: Sequence[TokenRow] = (),
) -> Intent:
    """One share of `ming`, of whom nothing is stored yet, unless `entries` say otherwise."""
    return Intent(
        share=share,
        kind="intent",
        partner=partner,
        partner_epoch=partner_epoch,
        entries=entries or (an_entry(a_row()),),
        idempotency=idempotency,
        tokens=tuple(tokens),
    )


def an_outcome(
    recorded: Sequence[Recorded],
    outcome: str = "delivered",
    *,
    share: str = "shr_1",
    key: bytes | None = None,
    answer: bytes | None = None,
) -> OutcomeWrite:
    """What became of a share."""
    return OutcomeWrite(
        share=share,
        outcome=outcome,
        leaves=tuple((one.seq, a_leaf(f"{outcome}-of-{one.seq}")) for one in recorded),
        idempotency_key=key,
        idempotency_answer=answer,
    )


def a_slot(
    key: str = "key", *, fingerprint: bytes = b"request", hours: float = 24
) -> IdempotencyRow:
    """An idempotency key."""
    return IdempotencyRow(
        key=key.encode(), fingerprint=fingerprint, expires=NOW + timedelta(hours=hours)
    )


def a_queued(
    share: str = "shr_1",
    *,
    partner: str = "swift-parcel",
    due_seconds: float = 0,
    expires_hours: float = 24,
) -> QueuedShare:
    """A share to be sent later."""
    return QueuedShare(
        share=share,
        partner=partner,
        subject=None,
        owner=b"owner",
        state="queued",
        due=NOW + timedelta(seconds=due_seconds),
        expires=NOW + timedelta(hours=expires_hours),
        sealed=b"payload of " + share.encode(),
    )


def a_case(row: SubjectRow, name: str = "ming") -> NewCase:
    """A case about what one partner has of a person."""
    return NewCase(
        case=Case(
            id=CaseId("case_1"),
            action=Action.ERASE,
            state=CaseState.OPEN,
            reason=EraseReason.USER_REQUEST,
            scope=CaseScope(partners=frozenset({PartnerId("swift-parcel")})),
            accepted_at=NOW,
            deadline=UNTIL,
            closed_at=None,
            subject_hash="salted",
        ),
        subject=row,
        lookup=row.lookup,
        tombstone=mark(name),
        tombstone_expires="2099-12",
        fence=b"fence",
        whole=False,
        key=bytes(61),
        sealed=b"plan",
        leaves=(a_leaf("case_1"),),
    )


async def known(store: Store, name: str = "ming") -> SubjectState:
    """What is stored of a person who is known."""
    state = await store.subject(lookup(name))
    assert state is not None
    return state


async def stored(store: Store, *names: str) -> list[SubjectRow]:
    """Store people, each as a person of their own; their rows."""
    return [
        (await store.put_subject([a_row(name)], tombstones=[mark(name)], same_person=False))[0]
        for name in names
    ]


async def every_leaf(store: Store) -> list[bytes]:
    """All leaves that are durable."""
    await store.flush()
    return await store.leaves(0, 100_000)
