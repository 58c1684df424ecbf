"""
Everything one decision looks at, gathered once, and how a refusal is worded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from gateway.errors import REASONS, Reason
from gateway.model.consent import Evidence, SubjectFacts
from gateway.model.ids import CategoryId, GroundId
from gateway.model.policy import Ground, KindRule, LeafKind, Purpose
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, Route
from gateway.model.shares import Ask, Refused

CONSENT = GroundId("consent")
"""The ground that the person's own word carries (S1)."""

# The transform that lets nothing of its field out.
_DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the share goes by, once its route, purpose and ground all exist."""

    route: Route
    purpose: Purpose
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """
    One share as it is asked for, and all that is known when it is decided.

    `purpose` is None when the policy has none of that name, `terms` when
    route, purpose or ground are not all there.
    """

    ask: Ask
    policy: PolicySet
    partner: Partner
    rule: KindRule
    route: Route | None
    suspended: bool
    facts: Sequence[SubjectFacts]
    evidence: Evidence | None
    now: datetime
    purpose: Purpose | None
    terms: Terms | None

    @property
    def day(self) -> date:
        """The UTC day of `now`, which agreements are measured in."""
        return self.now.astimezone(UTC).date()

    def settled(self) -> Terms:
        """
        The terms, for the checks that stand after the one of the ground.

        Raises `LookupError` if there are none: such a check was asked too
        early, and a share that cannot be judged does not leave.
        """
        if self.terms is None:
            raise LookupError("route, purpose and ground are checked before this")
        return self.terms


def situate(
    ask: Ask,
    *,
    policy: PolicySet,
    partner: Partner,
    route: Route | None,
    suspended: bool,
    facts: Sequence[SubjectFacts],
    evidence: Evidence | None,
    now: datetime,
) -> Situation:
    """
    Gather one decision. Arguments as in `engine.decide`.

    Raises `ValueError` when `now` names no time zone, or when there are not as
    many facts as subjects: whose facts are missing, nobody could tell.
    """
    if now.tzinfo is None:
        raise ValueError("now must name its time zone")
    if len(facts) != len(ask.subjects):
        raise ValueError("there must be facts for every subject, in the same order")
    purpose = policy.purposes.get(ask.purpose)
    return Situation(
        ask=ask,
        policy=policy,
        partner=partner,
        # A kind that the policy is silent about gets the strictest defaults.
        rule=policy.kinds.get(partner.kind) or KindRule(kind=partner.kind),
        route=route,
        suspended=suspended,
        facts=facts,
        evidence=evidence,
        now=now,
        purpose=purpose,
        terms=_terms(ask, policy, route, purpose),
    )


def _terms(
    ask: Ask, policy: PolicySet, route: Route | None, purpose: Purpose | None
) -> Terms | None:
    if route is None or purpose is None:
        return None
    ground = policy.grounds.get(ask.ground or route.ground)
    return None if ground is None else Terms(route=route, purpose=purpose, ground=ground)


def refuse(
    situation: Situation,
    reason: Reason,
    why: str,
    *,
    clauses: Iterable[str] | None = None,
    remedy: str | None = None,
) -> Refused:
    """
    Word a refusal: `why`, then what it is about.

    Names partner, route, purpose and ground where the policy knows them. What
    the caller wrote and the policy does not have is never repeated: it could
    be anything, a person's data included (P2).
    """
    info = REASONS[reason]
    about = [f"partner {situation.partner.id}"]
    if situation.route is not None:
        about.append(f"route {situation.route.id}")
    if situation.purpose is not None:
        about.append(f"purpose {situation.purpose.id}")
    if situation.terms is not None:
        about.append(f"ground {situation.terms.ground.id}")
    return Refused(
        reason=reason,
        detail=f"{why} ({', '.join(about)})",
        clauses=info.clauses if clauses is None else tuple(dict.fromkeys(clauses)),
        remedy=info.remedy if remedy is None else remedy,
    )


def inside(category: CategoryId, trees: Iterable[CategoryId]) -> bool:
    """Whether `category` is one of `trees` or below one: `basic` covers `basic.phone` (C1)."""
    return any(category == tree or category.startswith(f"{tree}.") for tree in trees)


def leaving(route: Route) -> frozenset[CategoryId]:
    """Categories of what `route` can let out: every declared field but those it drops."""
    return frozenset(
        field.category
        for field in route.fields()
        if field.transform is None or field.transform.name != _DROP
    )


def personal(policy: PolicySet, category: CategoryId) -> bool:
    """Whether `category` is about a person; one that the policy does not know is taken to be."""
    known = policy.categories.get(category)
    return known is None or known.personal


def special_clauses(purpose: Purpose) -> tuple[str, ...]:
    """The clauses of the operation itself, where it is more than sharing (T1-3, D1)."""
    match purpose.leaf:
        case LeafKind.TRANSFER:
            return ("T1-3",)
        case LeafKind.PUBLIC_DISCLOSURE:
            return ("D1",)
        case LeafKind.INTENT:
            return ()
