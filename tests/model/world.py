"""
The small world: one person, a few shares to a few recipients, one deletion, a
clock of three moments, and a process that may die at any of them.

What the product has as plain values and functions is the product's own here:
notices, the transition table and all that stands below it (`gateway.cases.states`),
and the plan (`gateway.cases.plan`). What the product does in its flows and its
store stands in `moves`, under the names of `Rule`, so that it can be taken away.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from gateway.cases.plan import GRANT_LIFETIME, PlannedNotice, plan
from gateway.model.cases import CaseScope, Notice, NoticeState, ToldShare
from gateway.model.ids import CaseId, NoticeId, PartnerId, PurposeId

START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEADLINE: Final = START + timedelta(days=30)
MOMENTS: Final = (
    START,
    # The grants of the first moment are over, and those of this one are not.
    START + GRANT_LIFETIME,
    DEADLINE + timedelta(days=1),
)
CASE: Final = CaseId("case")
BUDGET: Final = 1000


class Rule(Enum):
    """What keeps the promises. Without one of them the exploration finds a way to break one."""

    FENCE = "an intent behind its person's fence is refused"
    LAST_LOOK = "whoever sends looks once more, right before the first byte"
    HOLD = "a notice waits while its recipient has a share without outcome"
    ESCROW = "what a notice needs is kept until its recipient has settled"
    TOLD_AGAIN = "a recipient that may still get a share is told once more when the grant is over"
    UNKNOWN = "a share whose outcome died with the process may have been received"
    REPLAY = "a restored copy serves nobody before the erasures are replayed"


ALL: Final = frozenset(Rule)


class Stage(Enum):
    """How far one share has come."""

    NOT_YET = "not yet"
    DECIDED = "decided"
    RECORDED = "recorded"
    LEFT = "left"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Share:
    """One share, as the gateway and the network have it."""

    partner: str
    stage: Stage = Stage.NOT_YET
    moment: int = 0
    """When its intent was written."""
    outcome: str | None = None
    on_its_way: bool = False
    """Bytes of it are in the network, and may arrive as long as its grant holds."""
    held: bool = False
    """The recipient has it."""


@dataclass(frozen=True, slots=True)
class Disk:
    """What survives the process."""

    fenced: bool = False
    withdrawn: bool = False
    """The consent that the shares rest on is withdrawn."""
    key: bool = True
    planned: bool = False
    closed: bool = False
    notices: tuple[Notice, ...] = ()
    escrows: frozenset[str] = frozenset()
    known: frozenset[int] = frozenset()
    """The shares that this copy of the ledger holds."""


@dataclass(frozen=True, slots=True)
class World:
    """One state of everything."""

    shares: tuple[Share, ...]
    disk: Disk = field(default_factory=Disk)
    moment: int = 0
    running: bool = True
    asked: bool = False
    """The person was told 202: from here on nothing more may leave."""
    backups: bool = False
    """Whether a backup may be made."""
    copy: Disk | None = None
    """A backup."""
    restored: bool = False
    """The backup took the place of the disk, and no erasure was replayed since."""
    replays: int = 0
    crashes: int = 0
    told: frozenset[str] = frozenset()
    """Recipients that have heard of the deletion, ever."""
    receipts: frozenset[str] = frozenset()
    """Notices whose recipient has signed that it is done, and the letter is on its way."""
    broken: str | None = None
    """A promise that the last step broke."""

    @property
    def now(self) -> datetime:
        """The time."""
        return MOMENTS[self.moment]

    def with_share(self, number: int, **changes: object) -> "World":
        """The world with one share changed."""
        changed = replace(self.shares[number], **changes)  # type: ignore[arg-type]
        shares = (*self.shares[:number], changed, *self.shares[number + 1 :])
        return replace(self, shares=shares)

    def with_disk(self, **changes: object) -> "World":
        """The world with the disk changed."""
        return replace(self, disk=replace(self.disk, **changes))  # type: ignore[arg-type]

    def with_notice(self, number: int, notice: Notice) -> "World":
        """The world with one notice changed; a case whose notices are all settled is closed."""
        notices = (*self.disk.notices[:number], notice, *self.disk.notices[number + 1 :])
        return self.with_disk(notices=notices)


def began(partners: tuple[str, ...], *, backups: bool) -> World:
    """The world before anything happened: one share for each name, to that recipient."""
    return World(shares=tuple(Share(partner) for partner in partners), backups=backups)


def planned(world: World) -> tuple[PlannedNotice, ...]:
    """The notices that the ledger of this disk means, by the product's own plan."""
    told = [
        ToldShare(
            share=f"share-{number}",
            partner=PartnerId(share.partner),
            pseudonym=f"person-of-{share.partner}",
            purpose=PurposeId("order-fulfilment"),
            categories=(),
            at=MOMENTS[share.moment],
            outcome=share.outcome,
        )
        for number, share in enumerate(world.shares)
        if number in world.disk.known
    ]
    return plan(told, scope=CaseScope(), exemptions=(), now=world.now, budget=BUDGET)


def notice_of(one: PlannedNotice, world: World, *, held: bool) -> Notice:
    """A planned notice as it begins."""
    return Notice(
        # Whom a replay tells again hears of it as something new.
        id=NoticeId(f"notice-{one.partner}-{world.replays}"),
        case=CASE,
        partner=one.partner,
        state=NoticeState.QUEUED,
        deadline=DEADLINE,
        next_at=None if held else world.now,
        held=held,
        resend_at=one.resend_at,
    )
