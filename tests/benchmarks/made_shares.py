"""
What the leaves of a made ledger say: shares of the default recipients with people
of whom few are shared often and most seldom, each with its outcome, and refusals
in between. Everything follows from the seed and the place.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Final

from gateway.ledger import entries, shares
from gateway.ledger.encode import canonical
from gateway.model.ids import SubjectId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, Route
from gateway.model.shares import Outcome
from gateway.stores.sqlite.base import seconds

CHUNK: Final = 10_000
"""Leaves that are made, stored and signed together."""

OFTEN, SELDOM = SubjectId("person-0000000"), SubjectId("person-0000001")
"""Two whose number of shares is known: 10,000 (a tenth of a small ledger) and 10."""

OFTEN_SHARES, SELDOM_SHARES = 10_000, 10

BEGIN: Final = datetime(2026, 3, 1, tzinfo=UTC)
END: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""All leaves are spread evenly over this time."""

# One in so many leaves is a refusal, and so many shares are under way at a time.
_REFUSALS = 50
_UNDER_WAY = 8
# One in so many people; the rest have some tens each, few of them hundreds.
_LEAVES_A_PERSON = 25

_OUTCOMES = (Outcome.DELIVERED,) * 97 + (Outcome.TIMEOUT, Outcome.UNKNOWN, Outcome.NOT_SENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A route of the policy, with what its shares let out."""

    partner: str
    route: str
    purpose: str
    purpose_version: int
    ground: str
    fields: tuple[str, ...]
    categories: tuple[str, ...]
    territory: str
    retention: timedelta


def ways_of(policy: PolicySet) -> list[Way]:
    """Every route of every recipient that lets something out."""
    return [
        _way(partner, route)
        for partner in policy.partners.values()
        for route in partner.routes
        if route.send
    ]


def _way(partner: Partner, route: Route) -> Way:
    return Way(
        partner=partner.id,
        route=route.id,
        purpose=route.purpose,
        purpose_version=route.purpose_version,
        ground=route.ground,
        fields=tuple(name for name, _ in route.named_fields()),
        categories=tuple(sorted({one.category for one in route.fields()})),
        territory=partner.territory,
        retention=route.retention,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One leaf, and what the erasable index has of it."""

    leaf: bytes
    way: Way
    share: str = ""
    """Empty: no intent."""
    person: int | None = None
    outcome: str | None = None
    until: int = 0
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many leaves follow on the `first` ones that a new home has, and what decides them."""

    leaves: int
    first: int
    seed: int
    edition: str

    @property
    def people(self) -> int:
        """How many people there are."""
        return max(self.leaves // _LEAVES_A_PERSON, 20)

    @property
    def shares(self) -> int:
        """How many shares there are about."""
        return (self.leaves - self.first) * (_REFUSALS - 1) // (2 * _REFUSALS)

    @property
    def chunks(self) -> int:
        """How many chunks there are, the last one perhaps a smaller one."""
        return -(-(self.leaves - self.first) // CHUNK)

    def size_of(self, chunk: int) -> int:
        """How many leaves a chunk has."""
        return min(CHUNK, self.leaves - self.first - chunk * CHUNK)

    def at(self, place: int) -> datetime:
        """The time of the leaf at a place behind the first ones."""
        return BEGIN + (END - BEGIN) * (place / self.leaves)

    def key(self, person: int) -> bytes:
        """A person's own key."""
        return hashlib.sha256(f"{self.seed}|key|{person}".encode()).digest()

    def whose(self, share: int, random: Random) -> int:
        """Whose share it is, by its number."""
        often = max(2, self.shares // min(OFTEN_SHARES, max(1, self.shares // 10)))
        seldom = often * (self.shares // often // SELDOM_SHARES) or often
        if share % often == 0 and share // often < OFTEN_SHARES:
            return 0
        if share % seldom == 1 and share // seldom < SELDOM_SHARES:
            return 1
        return 2 + int((self.people - 2) * random.random() ** 2)


def person_id(number: int) -> SubjectId:
    """The app's id of a person."""
    return SubjectId(f"person-{number:07d}")


def rows_of(plan: Plan, chunk: int, ways: Sequence[Way]) -> Iterator[Row]:
    """The leaves of one chunk, in order."""
    size = plan.size_of(chunk)
    refusals = size // _REFUSALS + (size - size // _REFUSALS) % 2
    number = (size - refusals) // 2
    random = Random(f"{plan.seed}|{chunk}")
    moments = map(plan.at, count(chunk * CHUNK))
    under_way: list[Row] = []
    # Chunks have the same number of shares, but for the last one.
    before = chunk * (CHUNK - CHUNK // _REFUSALS) // 2
    for place in range(number):
        intent = _intent(plan, before + place, next(moments), random, ways)
        yield intent
        under_way.append(intent)
        if place >= _UNDER_WAY:
            yield _outcome(under_way.pop(0), next(moments), random)
        if refusals and place % (_REFUSALS // 2) == 0:
            refusals -= 1
            yield _refusal(plan, next(moments), random, ways)
    for intent in under_way:
        yield _outcome(intent, next(moments), random)
    for _ in range(refusals):
        yield _refusal(plan, next(moments), random, ways)


def _intent(plan: Plan, share: int, at: datetime, random: Random, ways: Sequence[Way]) -> Row:
    drawn = random.randbytes(64).hex()
    id, name, grant = f"leaf_{drawn[:32]}", f"shr_{drawn[32:64]}", drawn[64:]
    person, way = plan.whose(share, random), random.choice(ways)
    until = at + way.retention
    # Of the two whose number of shares is known, every share counts.
    outcome = Outcome.DELIVERED if person < 2 else random.choice(_OUTCOMES)
    leaf = shares.intent(
        id=id,
        at=at,
        share=name,
        partner=way.partner,
        purpose=way.purpose,
        purpose_version=way.purpose_version,
        ground=way.ground,
        fields=way.fields,
        categories=way.categories,
        edition=plan.edition,
        service="order-service",
        grant=grant,
        retention_until=until,
        territory=way.territory,
        subject=entries.subject_mark(plan.key(person), id),
    )
    return Row(
        leaf=leaf,
        way=way,
        share=name,
        person=person,
        outcome=outcome.value,
        until=seconds(until),
    )


def _outcome(intent: Row, at: datetime, random: Random) -> Row:
    outcome = intent.outcome or ""
    leaf = shares.outcome(
        id=f"leaf_{random.randbytes(16).hex()}",
        at=at,
        share=intent.share,
        partner=intent.way.partner,
        outcome=outcome,
        status=200 if outcome == Outcome.DELIVERED else None,
    )
    return Row(leaf=leaf, way=intent.way)


def _refusal(plan: Plan, at: datetime, random: Random, ways: Sequence[Way]) -> Row:
    id, way = f"leaf_{random.randbytes(16).hex()}", random.choice(ways)
    person = plan.whose(-1, random)
    leaf = entries.refusal(
        id=id,
        at=at,
        service="order-service",
        code="consent-missing",
        clause=("S1",),
        partner=way.partner,
        route=way.route,
        purpose=way.purpose,
        subject=entries.subject_mark(plan.key(person), id),
    )
    return Row(leaf=canonical(leaf), way=way, person=person, refused=True)
