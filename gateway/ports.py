"""
What the shell needs of the outside world, as contracts in words.

Stores, the keyring and egress implement these; none of them knows another.
Every method that says "when this returns it is durable" means: synced to disk.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from gateway.model.cases import Case, Notice
from gateway.model.ids import PartnerId
from gateway.model.keys import PublishedKeys
from gateway.reports.counts import HourOfReads, Reader, ReadSpread, RefusalCount, ShareCount

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


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureRow:
    """One disclosure of a subject: the intent's leaf, its place, its outcome."""

    index: int
    leaf: bytes
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
        self, now: datetime, limit: int, per_partner: int, without: Sequence[str] = ()
    ) -> list[Notice]:
        """
        Claim notices that are due, each with one more attempt; no recipient has
        more than `per_partner` claimed at once. Those of the recipients `without`
        stay where they are.
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
        self, partner: str, after: tuple[int, int], last: int, limit: int
    ) -> list[SharedRow]:
        """
        What `partner` got or may have got of people, by person and order: behind
        (person, seq), up to the person `last`.
        """

    async def shares_of_nobody(self, partner: str, after: int, last: int) -> list[SharedRow]:
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


class Store(
    LedgerStore,
    SubjectStore,
    CrowdStore,
    QueueStore,
    TokenStore,
    PartnerStore,
    CaseStore,
    TermsStore,
    EditionStore,
    HistoryStore,
    ReportStore,
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
