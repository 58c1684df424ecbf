"""
One difference between two editions as a value, and how it is judged (N1, N2).

A change widens when more may leave, to more, for longer, or with less
protection; it narrows when less may; it is neutral when sharing stays as it is.
What cannot be put into an order counts as widening, whichever way it goes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from gateway.model.ids import PartnerId, PurposeId, RouteId

Pair = tuple[PartnerId, PurposeId]
"""A recipient and what it gets data for: what a consent is about."""


class Direction(StrEnum):
    """What a change does to sharing."""

    WIDENS = "widens"
    NARROWS = "narrows"
    NEUTRAL = "neutral"


class What(StrEnum):
    """What a change is about, in the words of the policy."""

    RECIPIENT = "recipient"
    PURPOSE = "purpose"
    CATEGORY = "category"
    TERRITORY = "territory"
    RETENTION = "retention"
    FIELD = "field"
    TRANSFORM = "transform"
    SEAL = "seal"
    LIMIT = "limit"
    ROUTE = "route"
    RECEIVED = "received"
    ONWARD = "onward"
    GROUND = "ground"
    EVIDENCE = "evidence"
    MARK = "mark"
    KIND = "kind"
    MINORS = "minors"
    GRADE = "grade"
    AGREEMENT = "agreement"
    SUCCESSOR = "successor"
    DELETION = "deletion"
    CONNECTION = "connection"
    RIGHTS = "rights"
    PROMISE = "promise"
    DETAIL = "detail"


CLAUSES: dict[What, tuple[str, ...]] = {
    What.RECIPIENT: ("N2", "S1"),
    What.PURPOSE: ("N2", "S2", "C6"),
    What.CATEGORY: ("N2", "C1", "S3"),
    What.TERRITORY: ("N2", "K1"),
    What.RETENTION: ("N2", "P6"),
    What.FIELD: ("S3",),
    What.TRANSFORM: ("C6", "S4d"),
    What.SEAL: ("S4d",),
    What.LIMIT: ("P6",),
    What.ROUTE: ("S3",),
    What.RECEIVED: ("C5",),
    What.ONWARD: ("S4b",),
    What.GROUND: ("S1",),
    What.EVIDENCE: ("S1", "S5", "D2"),
    What.MARK: ("C3", "C6", "R5"),
    What.KIND: ("S2", "S3"),
    What.MINORS: ("M2",),
    What.GRADE: ("C2",),
    What.AGREEMENT: ("S4a",),
    What.SUCCESSOR: ("T4",),
    What.DELETION: ("R3",),
    What.CONNECTION: ("P1",),
    What.RIGHTS: ("R6", "R7", "K3"),
    What.PROMISE: (),
    What.DETAIL: (),
}
"""The promises that a change of each kind touches; N1 comes before them where it widens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one value of a thing relates to the one before."""

    direction: Direction
    ordered: bool = True
    """False: the two cannot be compared, so the way back widens too."""


WIDER = Step(direction=Direction.WIDENS)
NARROWER = Step(direction=Direction.NARROWS)
UNKNOWN = Step(direction=Direction.WIDENS, ordered=False)
LEVEL = Step(direction=Direction.NEUTRAL)


def by_size(before: Any, after: Any) -> Step:
    """More is wider."""
    return WIDER if after > before else NARROWER


def by_limit(before: Any, after: Any) -> Step:
    """More is wider, and None is without limit."""
    if before is None or after is None:
        return WIDER if after is None else NARROWER
    return by_size(before, after)


def by_set(before: Any, after: Any) -> Step:
    """A larger set is wider, None is everything, and two that overlap cannot be compared."""
    if before is None or after is None:
        return WIDER if after is None else NARROWER
    if set(before) < set(after):
        return WIDER
    return NARROWER if set(after) < set(before) else UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One change from an old edition to a new one."""

    what: What
    direction: Direction
    name: str
    """Which one: a field's selector, a ground, a territory, a mark; may be empty."""
    before: str | None
    """None: there was none."""
    after: str | None
    partner: PartnerId | None = None
    purpose: PurposeId | None = None
    route: RouteId | None = None
    ordered: bool = True
    pairs: frozenset[Pair] = frozenset()
    """Whose shares in the new edition it touches."""

    @property
    def clauses(self) -> tuple[str, ...]:
        """The promises it touches, the first one first."""
        first = ("N1",) if self.direction is Direction.WIDENS else ()
        return (*first, *CLAUSES[self.what])

    def __str__(self) -> str:
        subject = f"{self.what} {self.name}".strip()
        if self.before is None:
            return f"{subject}: new, {self.after}" if self.after else f"{subject}: new"
        if self.after is None:
            return f"{subject}: gone, was {self.before}" if self.before else f"{subject}: gone"
        return f"{subject}: {self.before} becomes {self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where changes stand: at a partner, a purpose, a route, or in the policy as a whole."""

    pairs: frozenset[Pair] = frozenset()
    partner: PartnerId | None = None
    purpose: PurposeId | None = None
    route: RouteId | None = None

    def at(self, **where: Any) -> "Site":
        """A place further inside."""
        return replace(self, **where)

    def change(
        self, what: What, name: str, before: str | None, after: str | None, step: Step
    ) -> Difference:
        """A change here."""
        return Difference(
            what=what,
            direction=step.direction,
            ordered=step.ordered,
            name=name,
            before=before,
            after=after,
            partner=self.partner,
            purpose=self.purpose,
            route=self.route,
            pairs=self.pairs,
        )

    def value(
        self, what: What, name: str, before: Any, after: Any, judge: Any
    ) -> Iterator[Difference]:
        """The change of a value, if there is one; `judge` is a `Step`, or gives it for the two."""
        if before != after:
            step = judge if isinstance(judge, Step) else judge(before, after)
            yield self.change(what, name, shown(before), shown(after), step)

    def flag(
        self, what: What, name: str, before: bool, after: bool, *, wide: bool
    ) -> Iterator[Difference]:
        """The change of a yes or no, of which `wide` lets more out."""
        return self.value(what, name, before, after, WIDER if after is wide else NARROWER)

    def members(self, what: What, before: Any, after: Any) -> Iterator[Difference]:
        """What came into a list and what went out of it; one more is wider."""
        for name in sorted(set(after) - set(before)):
            yield self.change(what, str(name), None, "", WIDER)
        for name in sorted(set(before) - set(after)):
            yield self.change(what, str(name), "", None, NARROWER)


def shown(value: Any) -> str:
    """A value as a reader of the policy would write it."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case timedelta():
            return f"{value.days}d" if value == timedelta(days=value.days) else str(value)
        case tuple() | frozenset() | list():
            return ", ".join(sorted(map(str, value))) or "none"
        case _:
            return str(value)
