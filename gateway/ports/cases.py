"""Cases and their notices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.model.cases import Action, Case, CaseScope, Notice
from gateway.model.ids import CaseId
from gateway.model.mass import MassPlace
from gateway.ports.people import SubjectRow
from gateway.ports.shares import IdempotencyRow, ReferenceRow, StoredToken
from gateway.ports.terms import EditionRow


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
class ToldRow:
    """What a notice is told with, sealed as it is kept."""

    action: Action
    created: datetime
    """When its case was accepted."""
    key: bytes | None
    """Its own key, wrapped; None, as `escrow`: destroyed, as its recipient has settled."""
    escrow: bytes | None
    memory: bytes | None
    """What earlier steps of its protocol kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A notice that goes out now, with what it says."""

    notice: Notice
    told: ToldRow


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
        silent: Sequence[str] = (),
    ) -> list[Claimed]:
        """
        Claim notices that are due, each with one more attempt. Every recipient may have
        one, and more while there are fewer than `limit` more in this claim, but never over
        `per_partner` claimed at once. Recipients take turns, and so do the cases of one
        recipient. Those of the recipients `without` stay where they are; of those
        `probing` one at a time is claimed, also one that waits for another try, and of
        those `silent` one at a time.
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

    async def count_receipts(self, notice: str) -> int:
        """How many receipts of a notice were accepted."""

    async def escrow(self, notice: str) -> tuple[bytes, bytes] | None:
        """A notice's escrow: its wrapped key and what it says, sealed."""

    async def told(self, notice: str) -> ToldRow | None:
        """What a notice is told with, as of one moment."""

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
    """All of them, settled: nobody is told any more."""
    leaves: tuple[bytes, ...]


RefuseCase = Callable[[Case, bool], RefusedCase]
"""A plain function of a case and whether it deletes the whole person; raises `CallerError`."""


class ActionStore(Protocol):
    """What corrections, restrictions and refusals need (R1, R2, R7)."""

    async def restrictions(self, person: int) -> list[RestrictionRow]:
        """What is restricted for a person, oldest first."""

    async def refuse_case(self, id: str, refuse: RefuseCase, now: datetime) -> bool:
        """
        Refuse the request of an open case in one go: its fence goes, but for that of a
        whole person, and what its notices would have said. False where there is no such
        case. What `refuse` raises is raised here and nothing is changed; no notice can be
        claimed meanwhile. Raises `CallerError`: `notice-settled` for a case that is over,
        `case-open` for that of a whole person while its plan is being made.
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
