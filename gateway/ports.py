"""
What the shell needs of the outside world, as contracts in words.

Stores, the keyring and egress implement these; none of them knows another.
Every method that says "when this returns it is durable" means: synced to disk.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from gateway.ledger.pruning import Judge
from gateway.model.cases import Case, CaseScope, Notice
from gateway.model.ids import CaseId, PartnerId
from gateway.model.keys import PublishedKeys
from gateway.model.mass import Expected, MassCase, MassPlace, Reached
from gateway.reports.counts import HourOfReads, Reader, ReadSpread, RefusalCount, ShareCount
from gateway.reports.scorecard import PartnerCount
from gateway.seal.wrapping import EpochKey

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
class IdempotencyState:
    """What is known of an idempotency key."""

    fingerprint: bytes
    share: str
    subject: int | None
    answer: bytes | None
    """None: the first request has not ended."""


class DisclosureRow(NamedTuple):
    """
    One disclosure of a subject: the intent's leaf, its place, its outcome. A tuple,
    because an account may have many thousands of them.
    """

    place: int
    """Its index in the tree, once it is there."""
    leaf: str
    outcome: str | None
    untold: bool
    """The person must not learn of it (D2)."""


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
    snapshot: str = ""
    """What its manifest last said, for telling it after the manifest is gone."""


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
    """As the ledger signed it."""
    cosignatures: tuple[str, ...] = ()
    """The lines that witnesses gave for it."""

    @property
    def cosigned_note(self) -> str:
        """The note with these lines: what is shown, exported and proven with."""
        return self.note + "".join(f"{line}\n" for line in self.cosignatures)


class LedgerStore(Protocol):
    """
    The ledger and what must change with it, in one order.

    One process owns a SQLite store. All writes pass one writer, which commits
    what waits together. Each call is atomic: all of it or nothing. Cancelling
    one caller never affects another. Raises `StoreFailed` where the disk does
    not take it; then nothing of that call is on disk and the next call may
    succeed.
    """

    def append(self, leaves: Sequence[bytes]) -> Awaitable[None]:
        """Store leaves in this order. When the wait is over they are durable."""

    def intend(self, intent: Intent) -> Awaitable[tuple[Recorded, ...]]:
        """
        Make an intent durable; gives where each entry is. It begins with the
        call and not with the wait.

        Raises `Fenced` where a subject has a tombstone or is being erased, and
        `Stale` where a subject's or the partner's epoch is not the one given:
        nothing is stored then, and the caller decides again. `KeyTaken` where
        its idempotency key is another share's that may have left.
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
        """
        What is stored of a key that has not run out; None also where its share
        was given up before anything left and without an answer.
        """

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

    async def outcomes(self, share: str) -> list[str | None]:
        """What became of each intent of a share, in their order; None: open."""


class WitnessStore(Protocol):
    """Which checkpoints witnesses cosigned, and what is proven to outsiders."""

    async def keep_cosignature(
        self, head: LedgerHead, witness: str, line: str, quorum: int
    ) -> None:
        """
        Keep one witness's line for a checkpoint; `witness` is its key as text. Once
        `quorum` of them signed one, what is older is let go. Durable.
        """

    async def keep_witnesses(self, witnesses: Sequence[str]) -> dict[str, int]:
        """Forget every other witness; the largest size that each of these cosigned."""

    async def witnessed(self, quorum: int) -> LedgerHead | None:
        """The newest checkpoint that at least `quorum` witnesses cosigned, with their lines."""

    async def places_of_share(self, share: str) -> list[int]:
        """
        Indexes of the leaves of a share that the gateway carried: of every intent, and
        of its outcome where it is known. Empty for every other id.
        """


class SubjectStore(Protocol):
    """People: keys, facts, consents, fences. Everything about them can be erased."""

    async def subject(self, lookup: bytes) -> SubjectState | None:
        """All that is stored of the person with this look-up mark."""

    async def rows_by_mark(
        self, lookups: Sequence[bytes], marks: Sequence[bytes]
    ) -> tuple[dict[bytes, SubjectRow], set[bytes]]:
        """
        The rows of many people by their look-up marks, and which of these marks have
        a tombstone, run out or not; all as of one moment.
        """

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

    def disclosures(self, subject: int) -> AsyncGenerator[list[DisclosureRow], None]:
        """
        Every disclosure of a subject, intended, carried or declared, in order, some at
        a time and all as of one moment. The next are read while the last are used.
        """

    async def declare(
        self, entries: Sequence[tuple[IntentEntry, str, str]]
    ) -> tuple[Recorded, ...]:
        """Store declared disclosures: (entry, share id, partner)."""

    async def add_evidence(self, row: EvidenceRow) -> None:
        """Store a registered record."""

    async def evidence(self, id: str) -> EvidenceRow | None:
        """A registered record."""


class CrowdStore(Protocol):
    """Many people at once, for shares of many records."""

    async def people_by_mark(
        self, lookups: Sequence[bytes], marks: Sequence[bytes], *, now: datetime
    ) -> tuple[dict[bytes, SubjectState], set[bytes]]:
        """
        What `SubjectStore.subject` says of each of many look-up marks, by mark, and
        which of the tombstone marks keep somebody out; all as of one moment.
        """


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


class PartnerStore(Protocol):
    """What operators said of partners."""

    async def partner_states(self) -> dict[str, PartnerState]:
        """All that is stored."""

    async def put_partner_state(self, state: PartnerState, leaf: bytes | None) -> None:
        """
        Store a state (its epoch must be raised by the caller) with its leaf, in one
        go. That of `*` is everybody's: its epoch counts on top of each one's own.
        """

    async def published_keys(self) -> dict[PartnerId, PublishedKeys]:
        """What is known of the keys of recipients that publish them at a URL."""

    async def put_published_keys(self, keys: PublishedKeys, leaves: Sequence[bytes]) -> None:
        """Store what is known of one recipient's keys, with leaves, in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A case on its way into the store, with its fence."""

    case: Case
    subject: SubjectRow | None
    """The row that was decided on; None: nothing is stored of the person."""
    lookup: bytes
    tombstone: bytes
    tombstone_expires: str
    """Year and month."""
    fence: bytes | None
    """Sealed; None: the lasting fence of a whole person, or no fence."""
    whole: bool
    key: bytes
    """The case's own key, wrapped."""
    sealed: bytes
    """What the plan needs (salt, exemptions), under that key."""
    leaves: tuple[bytes, ...]
    idempotency: IdempotencyRow | None = None
    ended: tuple[int, ...] = ()
    """The shares whose end it tells, by seq; they are marked with it (P6, S4a)."""
    lifts: tuple[CaseId, ...] = ()
    """The restrictions whose fences it takes away."""
    answer: bytes | None = field(default=None, repr=False)
    """Of a request that is refused from the start, sealed: for whoever repeats it."""
    mass: MassPlace | None = None
    """Where its person waits, where it is part of a mass case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A stored case without its notices."""

    case: Case
    whole: bool
    stage: str
    """`planning`, `told` (its notices are there), `finished` (the keys are gone)."""
    person: int | None
    key: bytes | None
    sealed: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """A notice on its way into the store, with what it says in escrow."""

    notice: Notice
    escrow_key: bytes | None
    escrow: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One disclosure of a person, as the planner reads it."""

    share: str
    subject: int
    leaf: bytes
    outcome: str | None
    untold: bool = False
    """A demand of which the person may not be told (D2)."""
    told_by: str | None = None
    """The case that tells its end."""
    ends: bool = False
    """Its recipient has not been told of its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRow:
    """A recipient's own ids of a record, sealed under the subject's key."""

    share: str
    subject: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A notice that waits no longer: what it says now, and when it goes out."""

    notice: str
    escrow: bytes
    next_at: datetime | None
    resend_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What becomes of a notice: its new value, leaves, an accepted receipt."""

    notice: Notice
    leaves: tuple[bytes, ...] = ()
    receipt: tuple[str, str] | None = None
    """(jti, compact receipt)."""
    keep_claim: bool = False
    """Somebody is sending it at this moment, and goes on doing so."""
    memory: bytes | None = field(default=None, repr=False)
    """What its next steps need, sealed; empty: nothing any more; None: what was."""
    resolution: tuple[bytes, bytes] | None = field(default=None, repr=False)
    """What a person settles it on: its wrapped key and the text, sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEvent:
    """One thing that happened to a case."""

    id: int
    kind: str
    data: str


ChangeNotice = Callable[[Notice], Changed | None]
"""A plain function: what becomes of a notice; None: nothing."""

CloseLeaf = Callable[[Case], bytes]
"""The leaf of a case that closes now."""


class CaseStore(Protocol):
    """Cases, notices, receipts, escrow."""

    async def begin_case(self, new: NewCase) -> str | None:
        """
        Store a case with its fence; when this returns nothing behind the fence
        enters as an intent any more. Returns the id of the case that is erasing
        this person already, and stores nothing, where there is one. Raises
        `Stale` where the person is not as `new` says, or one of the `ended`
        shares was told by another case; `KeyTaken` where its idempotency key is
        another request's.
        """

    async def plan_rows(self, person: int) -> tuple[list[PlanRow], list[ReferenceRow]]:
        """Every disclosure of a person and the references, over all aliases, as of one moment."""

    async def rows_of_person(self, person: int) -> list[SubjectRow]:
        """A person's rows, all aliases."""

    async def plan_case(
        self,
        case: str,
        notices: Sequence[NewNotice],
        leaves: Sequence[bytes],
        answer: tuple[bytes, bytes] | None,
    ) -> bool:
        """
        Store a case's notices, and the answer (idempotency key, sealed) of its
        request. False, and nothing is stored, where it was planned already.
        """

    async def released(self) -> list[Notice]:
        """Held notices whose recipient has no intent of that person without outcome any more."""

    async def release(
        self, releases: Sequence[Release], more: Sequence[NewNotice], leaves: Sequence[bytes]
    ) -> None:
        """Let notices go out; `more` are further parts of them."""

    async def finish_case(
        self,
        case: str,
        tombstones: Sequence[bytes],
        expires: str,
        leaves: Sequence[bytes],
        close_leaf: CloseLeaf,
        now: datetime,
    ) -> bool:
        """
        Destroy everything of a case's person, keys first of all; true once it is
        done. False while an intent or a held notice is left, also one of another
        case of that person, or another case is not planned. A scoped case has
        nothing to destroy. Closes the case where nothing is left to be settled.
        """

    async def scrub(self) -> bool:
        """
        Overwrite what was destroyed (people, escrows, also by a process that
        died) in the log of the database too; true once nothing is left of it.
        False where somebody is reading: try again later.
        """

    async def case(self, id: str) -> Case | None:
        """A case with its notices and receipts."""

    async def case_row(self, id: str) -> CaseRow | None:
        """A case as it is stored."""

    async def unfinished_cases(self) -> list[CaseRow]:
        """Cases whose plan or keys are not done with."""

    async def cases(
        self, *, state: str | None, partner: str | None, due_before: datetime | None, limit: int
    ) -> list[Case]:
        """Cases with their notices, due first."""

    async def notice(self, id: str) -> Notice | None:
        """One notice."""

    async def claim_notices(
        self,
        now: datetime,
        limit: int,
        per_partner: int,
        without: Sequence[str] = (),
        probing: Sequence[str] = (),
    ) -> list[Notice]:
        """
        Claim notices that are due, each with one more attempt; no recipient has
        more than `per_partner` claimed at once. Recipients take turns, and so do the
        cases of one recipient. Those of the recipients `without` stay where they are;
        of those `probing` one at a time is claimed, also one that waits for another try.
        """

    async def next_notice_at(self) -> datetime | None:
        """When the next notice is due."""

    async def notices_to_look_at(self, now: datetime) -> list[str]:
        """Unsettled notices whose deadline or backups' date has come."""

    async def free_notices(self) -> None:
        """After a crash: every claimed notice is due again."""

    async def change_notice(
        self, id: str, change: ChangeNotice, close_leaf: CloseLeaf, now: datetime
    ) -> Notice | None:
        """
        Change a notice in one go with its leaves; destroy its escrow where it is
        settled, and close its case where nothing is left. Returns the notice as
        it is then; None where there is none such. A receipt that was accepted
        before changes nothing. What `change` raises is raised here, and nothing
        is changed.
        """

    async def receipt(self, partner: str, jti: str) -> str | None:
        """The notice for which this receipt was accepted."""

    async def escrow(self, notice: str) -> tuple[bytes, bytes] | None:
        """A notice's escrow: its wrapped key and what it says, sealed."""

    async def events(self, case: str, after: int) -> list[CaseEvent]:
        """What happened to a case after an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionRow:
    """A restriction that is in force, and what it is about."""

    case: CaseId
    scope: CaseScope


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCase:
    """What becomes of a case whose request is refused (R7)."""

    ground: str
    notices: tuple[Notice, ...]
    """All of them, settled: nobody is told."""
    leaves: tuple[bytes, ...]


RefuseCase = Callable[[Case, bool], RefusedCase]
"""A plain function of a case and whether it deletes the whole person; raises `CallerError`."""


class ActionStore(Protocol):
    """What corrections, restrictions and refusals need (R1, R2, R7)."""

    async def restrictions(self, person: int) -> list[RestrictionRow]:
        """What is restricted for a person, oldest first."""

    async def refuse_case(self, id: str, refuse: RefuseCase, now: datetime) -> bool:
        """
        Refuse the request of an open case in one go: its fence goes, and what its
        notices would have said. False where there is no such case. What `refuse`
        raises is raised here and nothing is changed; no notice can be claimed meanwhile.
        Raises `CallerError` (`notice-settled`) for a case that is over.
        """

    async def editions_of(self, number: str, before: datetime) -> "list[EditionRow]":
        """All documents that were in force under one number up to a moment, newest first."""

    async def sealed_tokens(self, person: int) -> list[StoredToken]:
        """The tokens of a person that still stand for a value, over all aliases."""

    async def reseal_tokens(self, changes: Sequence[tuple[bytes, bytes, bytes]]) -> None:
        """
        Put other values in place of those that were read: (mark, before, after). One
        that ended meanwhile stays as it is.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in an order by deadline and id; what follows it is asked for next."""

    deadline: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """A case with what is counted of it: a row of a long list."""

    case: str
    action: str
    state: str
    reason: str
    accepted_at: datetime
    deadline: datetime
    closed_at: datetime | None
    notices: int
    settled: int
    tasks: int
    """How many of its notices wait for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A notice that waits for a person, and of which case it is."""

    notice: Notice
    action: str
    case_reason: str
    accepted_at: datetime
    """The case's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCase:
    """An open case of which somebody is to be reminded."""

    case: str
    accepted_at: datetime
    deadline: datetime
    remind_at: datetime
    """The moment that has come; that of the epoch where nobody has looked yet."""
    unsettled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How many notices have not reached a recipient, and since when the first should have."""

    count: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDsrRow:
    """A request that was taken in OpenDSR. Names nobody."""

    mark: bytes
    """Keyed hash of who asked and of the request's id."""
    case: str
    received: datetime
    sealed: bytes = field(repr=False)
    """Where to call back, and of whom that is left to be done."""
    told: str
    """The status that all of them were told last."""
    tries: int = 0
    next_at: datetime | None = None
    """When there is something to tell at the earliest; None: nothing any more."""
    fingerprint: bytes | None = field(default=None, repr=False)
    """Keyed hash of what was asked; None once it was forgotten."""


class OpenDsrStore(Protocol):
    """Requests of OpenDSR, and who is called back of them."""

    async def opendsr_request(self, mark: bytes) -> OpenDsrRow | None:
        """One of them."""

    async def put_opendsr_request(self, row: OpenDsrRow) -> None:
        """Store it, or how far it was told; of one that is there the case stays. Durable."""

    async def opendsr_requests_to_tell(self, now: datetime, limit: int) -> list[OpenDsrRow]:
        """
        Those that are due and whose case stands otherwise than was told: `completed` for
        a closed one, `cancelled` for a refused one, else `in_progress` once a notice was
        tried or is settled, and `pending` before.
        """

    async def forget_opendsr_fingerprints(self, until: datetime) -> None:
        """Forget what was asked up to then: it names a person to whoever has the home's keys."""


class CourseStore(Protocol):
    """How cases and notices go on: what is looked at when, who must do what, how it went."""

    async def notices_to_look_at_again(self, now: datetime, limit: int) -> list[str]:
        """Unsettled notices whose `look_at` has come, oldest first."""

    async def hasten(self, partner: str, now: datetime, limit: int) -> int:
        """
        Notices to this recipient that wait for another try are due now, or when it
        asked to be left alone until; so many at most. How many there were.
        """

    async def cases_to_remind_of(self, now: datetime, limit: int) -> list[DueCase]:
        """Open cases of which somebody is to be reminded now."""

    async def cases_reminded_of(self, again: Mapping[str, datetime]) -> None:
        """When that is to be once more, by case."""

    async def waiting_notices(self, now: datetime) -> dict[str, Wait]:
        """Notices that should have gone out by now and reached nobody, by recipient."""

    async def task_counts(self) -> dict[str, int]:
        """How many notices wait for a person, by recipient."""

    async def overdue_cases(self, now: datetime) -> int:
        """How many open cases are past their deadline."""

    async def tasks_after(
        self, after: Place | None, *, partner: str | None, limit: int
    ) -> list[TaskRow]:
        """Notices that wait for a person, due first, behind a place."""

    async def case_lines(
        self,
        after: Place | None,
        *,
        state: str | None,
        partner: str | None,
        due_before: datetime | None,
        overdue_at: datetime | None,
        limit: int,
    ) -> list[CaseLine]:
        """Cases, due first, behind a place; `overdue_at`: only open ones that are late then."""

    async def scorecard(
        self, since: datetime | None, until: datetime | None, partner: str | None
    ) -> list[PartnerCount]:
        """What became of the notices that were to be told in a period, by recipient."""


class ProtocolStore(Protocol):
    """What the protocols of notices keep, and what people settled notices on."""

    async def memory(self, notice: str) -> bytes | None:
        """What earlier steps of a notice kept, sealed; None: nothing, or it is settled."""

    async def expect_callback(self, mark: bytes, notice: str) -> None:
        """From now on `mark` stands for this notice; nothing where it does already. Durable."""

    async def notice_called_back(self, mark: bytes) -> str | None:
        """The notice that a mark stands for."""

    async def resolution(self, notice: str) -> tuple[bytes, bytes] | None:
        """What a person settled a notice on: its wrapped key and the text, sealed."""

    async def forget_resolution(self, notice: str) -> bool:
        """Destroy it, key first; false where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """An epoch as the store knows it."""

    number: int
    fingerprint: str
    """Of its key: tells it from another of the same number."""
    due: datetime | None = None
    """From when on its key may be destroyed; None while it wraps."""
    destroyed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeWrapped:
    """A key that the first version wrapped, under the home's key alone, and whose it is."""

    no: int
    wrapped: bytes
    kind: str
    """`subject`, `escrow` or `case`."""
    owner: bytes


class EpochStore(Protocol):
    """Which epoch each wrapped key names, and which of the gateway's keys the ledger knows."""

    async def epochs(self) -> dict[int, int]:
        """How many wrapped keys name each epoch; 0: those under the home's key alone."""

    async def known_epochs(self) -> list[EpochRow]:
        """Every epoch that there was, by number."""

    async def begin_epoch(
        self, epoch: EpochRow, leaves: Sequence[bytes], *, due: datetime, sooner: bool
    ) -> None:
        """
        Note an epoch, with its leaves, in one go. Earlier ones that were in force are due
        then; with `sooner` also those that are due later.
        """

    async def wrapped_under(self, epoch: int, limit: int) -> list[tuple[int, bytes]]:
        """Some of the keys wrapped under an epoch: number and wrap."""

    async def wrapped_at_home(self, kind: str, after: bytes, limit: int) -> list[HomeWrapped]:
        """Keys under the home's key alone, by owner, behind `after` (empty: from the first)."""

    async def rewrap(self, changes: Sequence[tuple[int, bytes, bytes]]) -> int:
        """
        Put new wraps in place of those that were read: (number, before, after). One
        that is not as it was read, because it was destroyed, stays. Returns how many.
        """

    async def close_epoch(self, number: int) -> bool:
        """
        Whether no wrapped key names this epoch; then none ever will: what is to be
        stored under it raises `Stale`.
        """

    async def end_epoch(self, number: int, leaves: Sequence[bytes]) -> None:
        """Note that an epoch's key was destroyed, with its leaves, in one go."""

    async def give_up(self, epochs: Sequence[int], leaves: Sequence[bytes]) -> tuple[int, int]:
        """
        Destroy what is wrapped under these epochs: everything of these people, without
        a tombstone, and what escrows and cases say. How many people and escrows.
        """

    async def own_keys(self) -> dict[str, bool]:
        """Signing keys that the ledger knows, by kid, and whether as retired."""

    async def put_own_keys(self, keys: Mapping[str, bool], leaves: Sequence[bytes]) -> None:
        """Note what the ledger knows of them, with its leaves, in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingRow:
    """A share of whose end its recipient has not been told."""

    seq: int
    share: str
    subject: int
    leaf: bytes
    outcome: str | None
    until: datetime | None
    """The end of its retention; None: it was declared without one."""


class TermsStore(Protocol):
    """What ends by itself: retentions and agreements (P6, S4a)."""

    async def recipients_with_ends(self, now: datetime) -> list[str]:
        """To whom something was shared whose time to look has come; a cheap question."""

    async def people_with_ends(self, partner: str, now: datetime | None, limit: int) -> list[int]:
        """
        Numbers of people about whom something was shared with `partner` whose time
        to look has come; without `now` about whom it has anything of whose end it
        was not told. People who are being erased are left out.
        """

    async def ending(self, partner: str, person: int) -> tuple[list[EndingRow], list[ReferenceRow]]:
        """What `partner` has of a person and was not told to delete, and its own ids of that."""

    async def look_again(self, shares: Mapping[int, datetime]) -> None:
        """Look at these shares not before then."""

    async def untried_notices(self, now: datetime) -> dict[str, int]:
        """How many notices are due to each recipient that were never tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionRow:
    """An edition that was in force, with every document that it consisted of (N1)."""

    number: str
    digest: str
    """Of the documents: one number may have had several."""
    published: date
    effective: datetime
    adopted_at: datetime
    """When these documents first came into force."""
    widened: str
    """What consents must be newer than, as text."""
    documents: bytes
    """Compressed."""


class EditionStore(Protocol):
    """Editions, kept whole."""

    async def keep_edition(self, row: EditionRow, leaves: Sequence[bytes]) -> None:
        """
        Store an edition as the one in force from now on, with its leaves, in one
        go. Documents that are kept already are not stored twice.
        """

    async def edition_in_force(self) -> EditionRow | None:
        """What came into force last; None in a new home."""

    async def kept_edition(self, number: str) -> EditionRow | None:
        """The newest documents of one number."""

    async def edition_numbers(self) -> list[str]:
        """Which editions are kept, in the order in which they came into force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalEntry:
    """One refusal: its leaf, and what it takes to decide it again."""

    leaf: bytes
    decided: bool
    """False: it was refused before anything was decided."""
    subject: int | None
    ground: str | None
    """What the service named; None: the route's own."""
    evidence: str | None
    """`claimed` or `registered`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRow:
    """A share that left, or a refusal."""

    seq: int
    leaf: bytes
    ground: str | None = None
    evidence: str | None = None


class HistoryStore(Protocol):
    """What was decided, person by person, a page at a time."""

    async def refuse(self, entries: Sequence[RefusalEntry]) -> None:
        """Store refusals; when this returns they are durable. Who is erased loses theirs."""

    async def count_past(self) -> int:
        """How many shares and refusals there are at most to go through."""

    async def people_after(self, person: int, subject: int, limit: int) -> list[SubjectState]:
        """The next people who are not being erased, by person and row, aliases side by side."""

    async def past_shares(self, subject: int | None, after: int, limit: int) -> list[PastRow]:
        """
        What left about a person after a place in the ledger, or may have left.
        None: about nobody, or somebody who was erased since.
        """

    async def past_refusals(self, subject: int | None, after: int, limit: int) -> list[PastRow]:
        """What was refused about a person; None: about people of whom nothing is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRow:
    """One share as reports read it. `subject` None: about nobody, or erased since."""

    subject: int | None
    seq: int
    leaf: bytes
    outcome: str | None
    untold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonReadRow:
    """How often somebody read one person. `reader` None: everybody together."""

    subject: int
    reads: int
    reader: Reader | None = None
    last: str = ""
    readers: int = 1


class ReportStore(Protocol):
    """
    What reports ask. Times are as leaves write them, from the first up to the
    second. No call reads more than its bounds say, so that nobody waits for it.
    """

    async def append_read(self, leaf: bytes, lookup: bytes | None) -> None:
        """
        Store the leaf of a read and whose records were read, by look-up mark; None:
        no one person's. When this returns it is durable (P3).
        """

    async def last_subject(self) -> int:
        """The highest number of a person's row."""

    async def shares_of_people(
        self, partner: str | None, after: tuple[int, int], last: int, limit: int
    ) -> list[SharedRow]:
        """
        What `partner` (None: any) got or may have got of people, by person and order:
        behind (person, seq), up to the person `last`.
        """

    async def shares_of_nobody(self, partner: str | None, after: int, last: int) -> list[SharedRow]:
        """The same of the erased and of nobody, in that stretch of the ledger (by seq)."""

    async def rows_by_number(self, numbers: Sequence[int]) -> list[SubjectRow]:
        """People's rows by their numbers; those that are gone are left out."""

    async def consented(self, after: int, limit: int) -> list[SubjectState]:
        """The next people with consents, by number; without aliases and fences."""

    async def count_shares(self, after: int, last: int, since: str, until: str) -> list[ShareCount]:
        """Shares in that stretch of the ledger (by seq), those not sent too."""

    async def count_refusals(
        self, after: int, last: int, since: str, until: str, partners: Sequence[str]
    ) -> list[RefusalCount]:
        """Refusals of shares with these recipients in that stretch of the ledger (by seq)."""

    async def exempt_notices(
        self, reason: str, since: datetime | None, until: datetime | None
    ) -> dict[str, int]:
        """How many notices each recipient was not sent for a reason, in cases of that time."""

    async def evidence_after(self, id: str, limit: int) -> list[EvidenceRow]:
        """The next registered records by id, without whom they are about."""

    async def read_hours(self, until: str) -> list[HourOfReads]:
        """Reads by who, what and hour since the beginning."""

    async def read_spread(self, since: str, until: str) -> list[ReadSpread]:
        """How many people each reader read just so often."""

    async def reads_of_people(self, since: str, until: str, limit: int) -> list[PersonReadRow]:
        """Whom each reader read most often, most often first."""

    async def readers_of_people(
        self, since: str, until: str, more_than: int, limit: int
    ) -> list[PersonReadRow]:
        """Whom more than so many read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayState:
    """How far a store that was restored from a copy has been brought up to a bundle."""

    start: int
    """Leaves that the copy had."""
    size: int
    """Leaves of the bundle."""
    note: str
    """The bundle's checkpoint, as it was signed."""
    done: bool = False
    untried: int = 0
    """Shares whose person was not looked for among everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedShare:
    """A share whose person was found by the mark in its leaf."""

    seq: int
    subject: int
    untold: bool
    ends: bool
    """False: it has no end of its own (it was declared without one)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedCase:
    """A case that leaves tell of, on its way into a store that does not know it."""

    case: Case
    person: int
    tombstones: tuple[bytes, ...]
    """Of all aliases; only where it is the whole person."""
    tombstone_expires: str
    fence: bytes | None
    """Sealed; None: the lasting fence of a whole person, or none any more."""
    whole: bool
    key: bytes
    sealed: bytes
    notices: "tuple[NewNotice, ...]"
    told: tuple[int, ...] = ()
    """The shares whose end it tells, by seq (P6, S4a)."""
    leaves: tuple[bytes, ...] = ()
    """Of the notices that no leaf tells of yet."""


class RestoreStore(Protocol):
    """For a store that was restored from a copy: what happened after the copy."""

    async def replay_state(self) -> ReplayState | None:
        """The last replay; None where there was none."""

    async def begin_replay(self, state: ReplayState) -> None:
        """From now on, until `end_replay`, the store is not to be served. Durable."""

    async def end_replay(self, untried: int) -> None:
        """All of it is done, but for so many shares. Durable."""

    async def append_past(self, start: int, leaves: Sequence[bytes]) -> None:
        """
        Append leaves of the past exactly as they are, and what follows from them
        alone (shares nobody's yet, outcomes, reads), all or none. Raises
        `LedgerContradiction` where the ledger has not `start` leaves.
        """

    async def rows_from(self, after: int, limit: int) -> list[SubjectRow]:
        """The next people's rows by number, aliases and the erased included."""

    async def sharers(self, before: int, limit: int) -> list[tuple[int, int]]:
        """(seq, person's row) of shares before a place in the ledger, the latest first."""

    async def unowned_shares(self, start: int, after: int, size: int) -> list[tuple[int, bytes]]:
        """
        (seq, leaf) of shares that are nobody's while their leaf has a mark, behind
        `after` leaves, up to a place in the ledger; `size` at most.
        """

    async def own_shares(self, shares: Sequence[OwnedShare]) -> None:
        """Say whose shares these are, where they are nobody's."""

    async def adopt_case(self, adopted: AdoptedCase) -> bool:
        """
        Store a case of the past with its fence and notices; false, and nothing is
        stored, where there is one with its id. Raises `Stale` where the person is gone.
        """

    async def lift_fence(self, case: str) -> None:
        """Take the fence of a case away; nothing where there is none any more."""

    async def note_past(
        self, case: str, closed_at: datetime | None, state: str, ground: str | None = None
    ) -> None:
        """How a case that the store knows stood in the end; nothing where it is so already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneStep:
    """What one step of pruning did."""

    looked: int
    """Leaves that were looked at; 0: there is nothing more to do now."""
    pruned: int
    upto: int
    """Leaves of a lower index were looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prunable:
    """What a run would prune, and what it would leave because it is still needed."""

    pruned: int
    kept: int


class PruneStore(Protocol):
    """Taking the content out of leaves whose term is over; their hashes stay (contract §10)."""

    async def prune_some(self, judge: Judge, now: datetime, limit: int) -> PruneStep:
        """
        Look at some of the leaves that a checkpoint covers, in order, and at those whose
        time to be looked at again has come; prune what `judge` says, all or none. With a
        leaf goes its erasable index.

        Dying between two steps loses nothing. Raises `LedgerContradiction` where a leaf is
        not the one that the tree has, and prunes nothing.
        """

    async def prunable(self, judge: Judge, now: datetime, tell: Callable[[int], None]) -> Prunable:
        """What all steps together would do. Changes nothing, and needs no owner."""

    async def say_pruned(self, leaf_of: Callable[[int, int], bytes]) -> int:
        """
        Append the leaf that tells how many were pruned since the last such leaf, also by
        a process that died, made by `leaf_of(pruned, upto)`; none where none were. How many.
        """

    async def tighten_some(self, limit: int) -> bool:
        """Give back the room of some pruned leaves; false where there is none to be given."""

    async def compact(self) -> None:
        """
        Write the store anew, without any room that nothing takes. Needs as much room again
        and some time, in which nobody else may use it. Raises `StoreFailed`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMass:
    """A mass case on its way into the store, with what each of its cases needs."""

    mass: MassCase
    key: bytes
    """Its own key, wrapped."""
    sealed: bytes
    """Reference and exemptions, under that key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPerson:
    """One id of a list: whose it is, where they are known, and the id, sealed."""

    person: int | None
    mark: bytes
    """Tells repeats apart within this list."""
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MassPerson:
    """One of those whose case is not open yet."""

    place: int
    person: int | None
    sealed: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedMass:
    """What becomes of a mass case, with its leaves."""

    mass: MassCase
    leaves: tuple[bytes, ...] = ()
    destroy: bool = False
    """Nothing of its list is to be opened any more."""


ChangeMass = Callable[[MassCase], ChangedMass]
"""A plain function: what becomes of a mass case."""


class MassStore(Protocol):
    """Mass cases, and who waits for the case of their own (K3, S4a)."""

    async def new_mass(self, new: NewMass, leaves: Sequence[bytes]) -> MassCase:
        """Store a mass case with its leaves, durably; as it is stored, with its number."""

    async def mass(self, id: str) -> MassCase | None:
        """One of them."""

    async def masses(self, limit: int) -> list[MassCase]:
        """Those that anybody may see, newest first."""

    async def unfinished_masses(self) -> list[MassCase]:
        """Those with which anything is left to be done, oldest first."""

    async def mass_details(self, no: int) -> tuple[bytes, bytes] | None:
        """Its wrapped key and what each of its cases needs, sealed; None: both are gone."""

    async def change_mass(self, id: str, change: ChangeMass) -> MassCase | None:
        """
        Change one in one go with its leaves; as it is then, None where there is none.
        What `change` raises is raised here, and nothing is changed.
        """

    async def list_people(self, no: int, people: Sequence[ListedPerson]) -> int:
        """Put some of a list behind those that wait; how many of them were new."""

    async def people_chosen(
        self, mass: MassCase, after: int, limit: int, *, ending: bool
    ) -> tuple[list[int], int | None]:
        """
        Look at so many living people behind a number: those whom the mass case means,
        and the last one looked at, None where nobody is left. `ending`: only of whom
        a recipient was not told the end yet.
        """

    async def gather_people(
        self, mass: MassCase, people: Sequence[int], gathered: int | None
    ) -> int:
        """
        Let people wait, and note up to whom was looked; how many of them were new.
        Nothing, and 0, where the mass case is not as it was read.
        """

    async def mass_people(self, no: int, limit: int) -> list[MassPerson]:
        """The first of those who wait."""

    async def count_mass_people(self, no: int) -> int:
        """How many wait."""

    async def pass_mass_person(self, at: MassPlace) -> None:
        """There is nothing left to be told of somebody: they wait no longer."""

    async def forget_mass_people(self, mass: MassCase, limit: int) -> bool:
        """
        Destroy so many of those who wait; true while there may be more. After the last
        of them the key and the details are destroyed, and one that was dropped is gone.
        """

    async def drop_unreceived(self) -> None:
        """After a crash: no list is on its way in any more."""

    async def recipient_behind(self, now: datetime, most: int, without: Sequence[str]) -> bool:
        """Whether a recipient, but for those `without`, has so many notices due, or more."""

    async def expected_of_mass(self, mass: MassCase, *, ending: bool) -> list[Expected]:
        """What each recipient would be told, as the ledger stands."""

    async def reached_by_mass(self, no: int) -> list[Reached]:
        """How its notices stand, by recipient and state."""

    async def mass_is_over(self, no: int) -> bool:
        """Whether every case of it that was opened is over."""


class Store(
    LedgerStore,
    SubjectStore,
    CrowdStore,
    QueueStore,
    TokenStore,
    PartnerStore,
    CaseStore,
    TermsStore,
    ActionStore,
    MassStore,
    EditionStore,
    HistoryStore,
    ReportStore,
    ProtocolStore,
    CourseStore,
    OpenDsrStore,
    WitnessStore,
    RestoreStore,
    PruneStore,
    EpochStore,
    Protocol,
):
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
    first_byte_timeout_seconds: float | None = None
    """From the request's first byte to the answer's head; None: the whole alone is bounded."""

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


class Use(StrEnum):
    """What a recipient is called for; it may take one and not the other."""

    SHARES = "shares"
    NOTICES = "notices"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    """A recipient is not called now. Nothing was tried, and nothing failed."""

    seconds: float
    """After which it is worth trying again."""
    why: str
    """In fixed words."""


class Permit(AbstractContextManager["Permit"], Protocol):
    """Leave to call a recipient once; leaving the block gives it back."""

    def begin(self) -> NotNow | None:
        """
        Ask right before anything is recorded of the call: None, or that the recipient
        is left alone for a while because it failed every time.
        """


class Egress(Protocol):
    """Ways to all partners."""

    def partner(self, partner: Any, use: Use = Use.SHARES) -> PartnerPort:
        """The way to this partner as its manifest now stands."""

    def admit(self, partner: Any, use: Use = Use.SHARES) -> Permit | NotNow:
        """
        Leave to call a partner, or that it is too much at once for it as its manifest
        says (`concurrency`, `rate`); these bound shares and no notices.
        """

    def resting(self, use: Use) -> tuple[PartnerId, ...]:
        """Who is left alone now."""

    def failing(self) -> tuple[PartnerId, ...]:
        """Who failed every time, and is asked by single calls until it answers."""

    async def published_keys(
        self, partner: Any, *, anew: bool = False
    ) -> tuple[Mapping[str, Any], float]:
        """
        The JWK Set at a partner's `keys` URL, and how many seconds ago it was fetched.
        It is asked for once in five minutes; with `anew` now, unless that was tried a
        moment ago.

        Raises `GatewayError` where none can be had, nor was in the last day.
        """

    def secret(self, reference: str) -> str:
        """The value of a reference in a manifest. Raises `GatewayError` where there is none."""

    def authorities(self) -> Sequence[bytes]:
        """The authorities whose certificates count where nothing else is said, in DER."""

    async def ask(self, request: Outgoing) -> Answer:
        """
        Ask somebody who is no recipient, such as a witness, under the same rules for
        addresses; nothing personal may be in it. Raises as `PartnerPort.send`.
        """

    def keep(self, partners: Iterable[Any]) -> None:
        """After a reload: only these partners count; other ways end with their requests."""

    async def close(self) -> None:
        """Close every connection when its request has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRow:
    """One of the gateway's own signing keys; of a retired one only the public half is left."""

    use: str
    kid: str
    private_jwk: Mapping[str, Any] = field(repr=False)
    retired: bool = False
    since: datetime | None = None
    retired_at: datetime | None = None
    counts_until: datetime | None = None
    """Until when it verifies something; None: for good, or as long as it signs."""

    def counts(self, *, at: datetime) -> bool:
        """Whether anything signed by it is to be believed."""
        return self.counts_until is None or at < self.counts_until


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochKeyRow:
    """One epoch's key, as a file of the home has it; the key itself is not in here."""

    number: int
    fingerprint: str
    since: datetime


class KeptHead(Protocol):
    """
    The last checkpoint that was signed, kept outside the store.

    A store that is put back from a copy agrees with itself; this one does not go
    back with it.
    """

    def read(self) -> str | None:
        """The note that was kept; None where there is none. Raises `StoreFailed`."""

    async def keep(self, note: str, size: int) -> None:
        """
        Keep a checkpoint's note in place of the one before. When this returns it is
        durable, and only then may anybody be given the note. Raises `StoreFailed`
        where the disk does not take it, and `LedgerContradiction` where it is of
        fewer leaves than the one that this process kept before.
        """


class Keyring(Protocol):
    """The gateway's own keys."""

    def signing(self, use: str) -> SigningKeyRow:
        """The key in force: `grant`, `notice`, `checkpoint`, `certificate`, `issuer`."""

    def signing_keys(self) -> list[SigningKeyRow]:
        """Every signing key, retired ones too, by use and age."""

    def rotate(self, use: str, random: Random, *, at_once: bool = False) -> SigningKeyRow:
        """
        A new key signs from now on, durable on return; the one before keeps its public
        half, and counts until nothing signed by it is live, or no more (`at_once`).
        """

    def public_jwks(self) -> dict[str, Any]:
        """Public halves of all keys that partners may need now; never `issuer`."""

    def issuer_jwks(self) -> dict[str, Any]:
        """Public halves of the home's own issuer keys, for the gateway itself only."""

    def epoch(self, number: int) -> EpochKey:
        """The key of an epoch; of one in use without a look at the disk. Raises
        `EpochKeyMissing`."""

    def newest_epoch(self) -> EpochKey | None:
        """The key that wraps now; None in a home that has none yet."""

    def epochs(self) -> list[EpochKeyRow]:
        """Which epochs' keys are there, oldest first."""

    def begin_epoch(self, number: int, random: Random) -> EpochKeyRow:
        """Make the key of the next epoch: durable on return, and what wraps from then on."""

    def destroy_epoch(self, number: int) -> None:
        """
        Destroy an epoch's key on the disk; durable on return, nothing where it is gone.
        What was read a moment ago opens until `forget_epochs`.
        """

    def forget_epochs(self) -> None:
        """Let go of destroyed epochs' keys in memory."""

    def finish(self) -> None:
        """Finish what a process that died had begun to write or destroy. For the owner only."""

    def secret(self, label: str) -> bytes:
        """32 bytes for one use (`bind`, `lookup`, `tombstone`, `hash`, `idempotency`), stable."""
