"""
What the shell needs of the outside world, as contracts in words.

Stores, the keyring and egress implement these; none of them knows another.
Every method that says "when this returns it is durable" means: synced to disk.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

Clock = Callable[[], datetime]
"""Now, aware, in UTC."""

Random = Callable[[int], bytes]
"""So many unpredictable bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRow:
    """
    A person's row as the store keeps it: nothing in the clear.

    `lookup` is HMAC(lookup key, subject id); `key` the subject's own key, wrapped;
    `facts` its facts, sealed under that key. `no` is None until it is stored.
    """

    lookup: bytes
    key: bytes
    facts: bytes
    no: int | None = None
    person: int | None = None
    """The group of aliases it belongs to."""
    epoch: int = 0
    """Of the person."""
    erased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One consent, sealed under its subject's key."""

    id: str
    subject: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceRow:
    """One fence of a person, sealed under the home's key."""

    case: str
    person: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectState:
    """All that is stored of one person, read in one go."""

    row: SubjectRow
    aliases: tuple[SubjectRow, ...] = ()
    """The other rows of the same person."""
    consents: tuple[ConsentRow, ...] = ()
    fences: tuple[FenceRow, ...] = ()


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
class IdempotencyState:
    """What is known of an idempotency key."""

    fingerprint: bytes
    share: str
    subject: int | None
    answer: bytes | None
    """None: the first request has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureRow:
    """One disclosure of a subject: the intent's leaf, its place, its outcome."""

    index: int
    leaf: bytes
    outcome: str | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerState:
    """What an operator said of a partner, and its epoch."""

    partner: str
    suspended: bool = False
    epoch: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """A registered record (contract §7), sealed under the home's key."""

    id: str
    partner: str
    sealed: bytes
    subjects: tuple[bytes, ...] | None
    """Look-up marks; None: any subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHead:
    """The newest checkpoint: size, root and the signed note."""

    size: int = 0
    root: bytes = b""
    note: str = ""


class LedgerStore(Protocol):
    """
    The ledger and what must change with it, in one order.

    One process owns a SQLite store. All writes pass one writer, which commits
    what waits together. Each call is atomic: all of it or nothing. Cancelling
    one caller never affects another. Raises `StoreFailed` where the disk does
    not take it; then nothing of that call is on disk and the next call may
    succeed.
    """

    async def append(self, leaves: Sequence[bytes]) -> None:
        """Store leaves in this order. When this returns they are durable."""

    async def intend(self, intent: Intent) -> tuple[Recorded, ...]:
        """
        Make an intent durable; returns where each entry is.

        Raises `Fenced` where a subject has a tombstone or is being erased, and
        `Stale` where a subject's or the partner's epoch is not the one given:
        nothing is stored then, and the caller decides again.
        """

    def settle(self, outcome: OutcomeWrite) -> None:
        """
        Note what became of a share. Returns at once; the write follows, and is
        tried again while the disk refuses it. Dying before it is written leaves
        the intent open, which reads "may have received".
        """

    async def flush(self) -> None:
        """Return when every earlier `settle` is durable or known to be refused by the disk."""

    async def idempotency(self, key: bytes) -> IdempotencyState | None:
        """What is stored of a key that has not run out."""

    async def close_open_intents(self, leaf_of: Callable[[str, str], bytes]) -> int:
        """
        After a crash: give every open intent the outcome `unknown`.

        `leaf_of(share, partner)` makes the outcome's leaf. Returns how many.
        Only the store's one owner may call it, before it serves.
        """

    async def open_intents(self) -> int:
        """How many intents have no outcome."""

    async def head(self) -> LedgerHead:
        """The newest checkpoint."""

    async def size(self) -> int:
        """How many leaves are durable, sequenced or not."""

    async def leaves(self, start: int, limit: int) -> list[bytes]:
        """Sequenced and unsequenced leaves from index `start` on."""

    async def tiles(self, ids: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Tiles of the tree, as they are stored; absent ones are left out."""

    async def sequence(
        self, head: LedgerHead, tiles: Mapping[tuple[int, int], bytes], size_before: int
    ) -> None:
        """
        Store a checkpoint and the tiles that go with it, all or none. Raises
        `LedgerContradiction` where the stored head is not at `size_before`.
        """

    async def find_share(self, share: str) -> list[int]:
        """Indexes of a share's intent leaves."""


class SubjectStore(Protocol):
    """People: keys, facts, consents, fences. Everything about them can be erased."""

    async def subject(self, lookup: bytes) -> SubjectState | None:
        """All that is stored of the person with this look-up mark."""

    async def subject_row(self, no: int) -> SubjectRow | None:
        """A person's row by its number."""

    async def tombstoned(self, mark: bytes, *, now: datetime) -> bool:
        """Whether a tombstone keeps this person out."""

    async def put_subject(
        self, rows: Sequence[SubjectRow], *, tombstones: Sequence[bytes], same_person: bool
    ) -> tuple[SubjectRow, ...]:
        """
        Store new facts of rows (new ones are inserted) and raise the person's
        epoch; with `same_person` they become aliases of one person. Raises
        `Fenced` where a tombstone keeps one of them out, `Stale` where a row
        meanwhile has another key.
        """

    async def add_consents(self, rows: Sequence[tuple[SubjectRow, bytes, str, bytes]]) -> list[int]:
        """
        Store consents as (subject row, tombstone mark, consent id, sealed) and
        raise each subject's epoch. All or none. Returns subject numbers.
        """

    async def consent(self, id: str) -> tuple[ConsentRow, SubjectRow] | None:
        """A consent and whose it is."""

    async def update_consent(self, row: ConsentRow) -> None:
        """Replace a consent and raise its subject's epoch."""

    async def disclosures(self, subject: int) -> list[DisclosureRow]:
        """Every disclosure of a subject, intended, carried or declared, in order."""

    async def declare(
        self, entries: Sequence[tuple[IntentEntry, str, str]]
    ) -> tuple[Recorded, ...]:
        """Store declared disclosures: (entry, share id, partner)."""

    async def add_evidence(self, row: EvidenceRow) -> None:
        """Store a registered record."""

    async def evidence(self, id: str) -> EvidenceRow | None:
        """A registered record."""


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
        request gets. Raises `Fenced` and `Stale` as `intend` does. `seq` is 0.
        """

    async def queued(self, share: str) -> QueuedShare | None:
        """How a queued share stands."""

    async def claim_due(self, now: datetime, limit: int, per_partner: int) -> list[QueuedShare]:
        """
        Claim shares that are due, at most `per_partner` for each partner. A
        claim lasts until `requeue` or `finish`, or until the owner restarts.
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
        """Drop idempotency keys and ended shares whose time is over, some at a time; how many."""


class PartnerStore(Protocol):
    """What operators said of partners."""

    async def partner_states(self) -> dict[str, PartnerState]:
        """All that is stored."""

    async def put_partner_state(self, state: PartnerState, leaf: bytes | None) -> None:
        """Store a state (its epoch must be raised by the caller) with its leaf, in one go."""


class Store(LedgerStore, SubjectStore, QueueStore, PartnerStore, Protocol):
    """One store for all of it, so that what must change together does."""

    async def start(self) -> None:
        """Open, migrate, and become the one owner. Raises `SchemaTooNew`, `StoreFailed`."""

    async def close(self) -> None:
        """Write what is queued, then close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request to a partner, exactly as it will be sent."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    timeout_seconds: float
    connect_timeout_seconds: float
    response_limit: int

    def __repr__(self) -> str:
        return f"<Outgoing {self.method}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A partner's answer, decompressed within bounds."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"<Answer {self.status}>"


class PartnerPort(Protocol):
    """A way to one partner."""

    async def send(self, request: Outgoing, *, last_look: Callable[[], None]) -> Answer:
        """
        Send one request and read the whole answer.

        `last_look` is called right before the first byte leaves on an
        established connection; what it raises is raised here, and nothing was
        sent. Raises `PartnerUnreachable` (nothing was sent), `PartnerTimeout`,
        `PartnerCut` (it may have arrived), `PartnerResponseRefused` (it did).
        """


class Egress(Protocol):
    """Ways to all partners."""

    def partner(self, partner: Any) -> PartnerPort:
        """The way to this partner as its manifest now stands."""

    def keep(self, partners: Iterable[Any]) -> None:
        """After a reload: only these partners count; other ways end with their requests."""

    async def close(self) -> None:
        """Close every connection when its request has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRow:
    """One of the gateway's own signing keys."""

    use: str
    kid: str
    private_jwk: Mapping[str, Any] = field(repr=False)
    retired: bool = False


class Keyring(Protocol):
    """The gateway's own keys."""

    def signing(self, use: str) -> SigningKeyRow:
        """The key in force: `grant`, `notice`, `checkpoint`, `certificate`, `issuer`."""

    def public_jwks(self) -> dict[str, Any]:
        """Public halves of all keys that partners may need; never `issuer`."""

    def secret(self, label: str) -> bytes:
        """32 bytes for one use (`wrap`, `lookup`, `tombstone`, `hash`, `idempotency`), stable."""
