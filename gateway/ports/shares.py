"""Shares on their way: intents, outcomes, repeats, what waits, and tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.ports.people import SubjectRow


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """One leaf on its way into the ledger: its canonical bytes."""

    leaf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentEntry:
    """One intent: its leaf, and whose it is. `subject` None on routes without one."""

    leaf: bytes
    subject: SubjectRow | None
    tombstone: bytes | None
    """The subject's tombstone mark, to be looked for when the row is new."""
    retention_until: datetime
    untold: bool = False
    """The person must not learn of it (D2): it stays out of their account."""
    references: bytes | None = None
    """Of a declared disclosure: the recipient's own ids of the record, sealed."""
    ends: bool = True
    """False: declared without a retention; it ends with the agreement and not before."""
    tokens: "tuple[TokenRow, ...]" = ()
    """In bulk: the tokens made for this entry's own record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRow:
    """A request that must have one outcome (contract §6, `Idempotency-Key`)."""

    key: bytes
    fingerprint: bytes
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A value kept here while the partner holds a token for it (S4c)."""

    mark: bytes
    """HMAC of the token, so that the table cannot be redeemed."""
    sealed: bytes
    purpose: str = ""
    category: str = ""
    ends: datetime | None = None
    """From when on it opens nothing; the value is destroyed then."""
    uses: int | None = None
    """How often it may be redeemed; None: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token that a recipient holds, as it is stored; its terms are sealed with the value."""

    mark: bytes
    share: str
    subject: int | None
    partner: str | None
    sealed: bytes = field(repr=False)
    """Empty once its time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """Everything that must be durable before a redeemed value leaves."""

    mark: bytes
    partner: str
    partner_epoch: int
    jti: str
    digest: bytes
    """SHA-256 of the recipient's compact JWS."""
    expires: datetime
    """Until when the very same JWS may come again."""
    subject: SubjectRow
    leaf: bytes


class Redeemed(StrEnum):
    """What became of a redemption."""

    GRANTED = "granted"
    """It counts, or it is the very same as one that counted."""
    USED_UP = "used-up"
    TAKEN = "taken"
    """Its id is that of another redemption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Everything that must be durable before the first byte of a share leaves."""

    share: str
    kind: str
    partner: str
    partner_epoch: int
    entries: tuple[IntentEntry, ...]
    idempotency: IdempotencyRow | None = None
    tokens: tuple[TokenRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Where an intent's leaf is, and the number of its subject."""

    seq: int
    subject: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeWrite:
    """What became of an attempt at a share. Written soon, awaited by nobody."""

    share: str
    outcome: str
    leaves: tuple[tuple[int, bytes], ...]
    """(seq of the intent, the outcome's leaf)."""
    references: tuple[tuple[int, bytes], ...] = ()
    """(subject number, sealed partner's own ids)."""
    idempotency_key: bytes | None = None
    idempotency_answer: bytes | None = None
    """The sealed answer that a repeat gets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRow:
    """A recipient's own ids of a record, sealed under the subject's key."""

    share: str
    subject: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyState:
    """What is known of an idempotency key."""

    fingerprint: bytes
    share: str
    subject: int | None
    answer: bytes | None
    """None: the first request has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedShare:
    """A share accepted with `Prefer: respond-async`, sealed under its subject's key."""

    share: str
    partner: str
    subject: int | None
    owner: bytes
    """HMAC of issuer and service: who may ask how it stands."""
    state: str
    due: datetime
    expires: datetime
    attempts: int = 0
    sealed: bytes = b""
    status: int | None = None
    code: str | None = None


class QueueStore(Protocol):
    """Shares that were accepted to be sent later."""

    async def enqueue(
        self,
        row: QueuedShare,
        subject: SubjectRow | None,
        tombstone: bytes | None,
        idempotency: IdempotencyRow | None,
        answer: bytes | None,
    ) -> Recorded:
        """
        Make a queued share durable, with the answer that a repeat of the same
        request gets. Raises `Fenced`, `Stale` and `KeyTaken` as `intend` does.
        `seq` is 0.
        """

    async def queued(self, share: str) -> QueuedShare | None:
        """How a queued share stands."""

    async def claim_due(
        self, now: datetime, limit: int, per_partner: int, without: Sequence[str] = ()
    ) -> list[QueuedShare]:
        """
        Claim shares that are due. No partner has more than `per_partner` claimed
        at once, so that a slow one leaves room for others. A claim lasts until
        `requeue` or `finish`, or until the owner restarts. Those of the partners
        `without` stay where they are.
        """

    async def requeue(self, share: str, due: datetime, attempts: int) -> None:
        """Give a claimed share another time."""

    async def finish(self, share: str, state: str, status: int | None, code: str | None) -> None:
        """End a queued share; its payload is destroyed."""

    async def free_claims(self) -> None:
        """After a crash: every claimed share is due again."""

    async def queue_state(self, now: datetime) -> tuple[int, float]:
        """How many shares wait, and for how many seconds the first has been due."""

    async def forget_old(self, now: datetime) -> int:
        """
        Drop idempotency keys, ended shares and tombstones whose time is over,
        some at a time; how many.
        """


class TokenStore(Protocol):
    """Values that stay here while recipients hold tokens for them (S4c)."""

    async def token(self, mark: bytes) -> StoredToken | None:
        """The token with this mark."""

    async def redeem(self, redemption: Redemption) -> Redeemed:
        """
        Count one use and append the leaf, all or none; `GRANTED` once it is durable.
        The very same redemption again is another leaf and no further use. Raises
        `Fenced` and `Stale` as `intend` does, `Stale` also where the token is gone.
        """
