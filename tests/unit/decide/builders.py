"""
A small policy with the ids of the default set, and a share that it permits.

Each builder gives something valid and takes what the test is about.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.decide import engine
from gateway.decide.explain import Explanation, explain
from gateway.decide.situation import Situation, situate
from gateway.model.consent import Consent, Evidence, Method, SubjectFacts
from gateway.model.ids import (
    CategoryId,
    ClauseId,
    ConsentId,
    EvidenceId,
    GroundId,
    PartnerId,
    PurposeId,
    RouteId,
    SubjectId,
)
from gateway.model.policy import (
    Category,
    Edition,
    Ground,
    Kind,
    KindRule,
    LeafKind,
    Purpose,
    Rights,
)
from gateway.model.policyset import PolicySet
from gateway.model.recipients import (
    Agreement,
    Field,
    Partner,
    Route,
    State,
    SubjectFrom,
    SubjectPlace,
    TransformCall,
)
from gateway.model.shares import Ask, Decision, EvidenceClaim

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
ZHANG = SubjectId("zhang")
LI = SubjectId("li")
RECORD = EvidenceId("record-1")

_SENSITIVE = {"basic.phone", "network.nickname", "location.precise", "transaction.payment"}
_CATEGORIES = (
    *("none", "statistics", "basic.name", "basic.address", "basic.phone", "network.account"),
    *("network.nickname", "device.id", "location.precise", "location.coarse"),
    *("transaction.order", "transaction.payment"),
)
_EVERYBODY = frozenset(Kind)


def a_category(name: str) -> Category:
    """One of the default set's categories, graded as the contract says."""
    about_a_person = name not in ("none", "statistics")
    return Category(
        id=CategoryId(name),
        title=name,
        sensitive=name in _SENSITIVE,
        personal=about_a_person,
        identifying=about_a_person,
    )


def a_purpose(name: str, *grounds: str, **changes: Any) -> Purpose:
    """A core purpose at version 1, open to all, on `grounds`."""
    settings = {"version": 1, "core": True, "kinds": _EVERYBODY} | changes
    return Purpose(
        id=PurposeId(name), title=name, grounds=tuple(map(GroundId, grounds)), **settings
    )


def a_ground(name: str, *, evidence: bool = True, **changes: Any) -> Ground:
    """A ground that needs claimed evidence."""
    return Ground(id=GroundId(name), title=name, evidence=evidence, **changes)


_PURPOSES = (
    a_purpose("order-fulfilment", "core-function", "consent", "legal-obligation"),
    a_purpose("account-login", "core-function", "consent"),
    a_purpose(
        "location-services", "consent", "requested-service", core=False, separate_consent=True
    ),
    a_purpose(
        "advertising",
        "consent",
        "rights-protection",
        core=False,
        commercial=True,
        active_choice=True,
        sale=True,
        kinds=frozenset({Kind.AFFILIATE, Kind.PARTNER}),
    ),
    a_purpose("fraud-prevention", "rights-protection", "minor-protection", "consent", core=False),
    a_purpose(
        "analytics",
        "research",
        "consent",
        core=False,
        deidentified=True,
        kinds=frozenset({Kind.RESEARCH, Kind.PROCESSOR}),
    ),
    a_purpose(
        "legal-demand",
        "legal-obligation",
        core=False,
        kinds=frozenset({Kind.AUTHORITY}),
    ),
    a_purpose(
        "business-transfer",
        "agreement",
        "consent",
        core=False,
        leaf=LeafKind.TRANSFER,
        kinds=frozenset({Kind.SUCCESSOR}),
    ),
    a_purpose(
        "public-display", "consent", "public-interest", core=False, leaf=LeafKind.PUBLIC_DISCLOSURE
    ),
)

_GROUNDS = (
    a_ground("consent", evidence=False),
    a_ground("core-function", evidence=False),
    a_ground("requested-service"),
    a_ground("agreement"),
    a_ground(
        "legal-obligation",
        minors=True,
        registered_kinds=frozenset({Kind.AUTHORITY}),
        clauses=(ClauseId("S1"),),
    ),
    a_ground(
        "rights-protection",
        registered=True,
        commercial=False,
        clauses=(ClauseId("S1"), ClauseId("S5")),
    ),
    a_ground("research"),
    a_ground("public-interest"),
    a_ground("minor-protection", minors=True, clauses=(ClauseId("M2"),)),
)

_KINDS = (
    KindRule(kind=Kind.AFFILIATE),
    KindRule(
        kind=Kind.PARTNER,
        categories_without_consent=(
            CategoryId("network"),
            CategoryId("device"),
            CategoryId("location"),
        ),
    ),
    KindRule(kind=Kind.PROCESSOR),
    KindRule(kind=Kind.BRANCH, agreement=False),
    KindRule(kind=Kind.AUTHORITY, agreement=False, sealed=True, registered_demand=True),
    KindRule(kind=Kind.RESEARCH, deidentified=True),
    KindRule(kind=Kind.SUCCESSOR, accepts_edition=True),
)


def a_policy(**changes: Any) -> PolicySet:
    """The small policy; `purposes`, `grounds` and `kinds` add to it or replace by id."""
    purposes = (*_PURPOSES, *changes.pop("purposes", ()))
    grounds = (*_GROUNDS, *changes.pop("grounds", ()))
    kinds = (*_KINDS, *changes.pop("kinds", ()))
    settings: dict[str, Any] = {
        "edition": Edition(
            number="2026-1",
            published=date(2026, 1, 1),
            effective=datetime(2026, 2, 1, tzinfo=UTC),
            title="First",
        ),
        "digest": "00",
        "home_territory": "CN",
        "territories": frozenset({"CN", "SG"}),
        "categories": {CategoryId(name): a_category(name) for name in _CATEGORIES},
        "purposes": {purpose.id: purpose for purpose in purposes},
        "grounds": {ground.id: ground for ground in grounds},
        "kinds": {rule.kind: rule for rule in kinds},
        "rights": Rights(
            default_days=30,
            days_by_reason={},
            scope_required=frozenset(),
            announced_days=30,
            tombstone_months=36,
            refusal_grounds=(),
        ),
        "promises": {},
        "partners": {},
    }
    return PolicySet(**(settings | changes))


def a_field(category: str, transform: str | None = None) -> Field:
    """One declared field of a category."""
    return Field(
        selector=f"/{category}",
        category=CategoryId(category),
        transform=None if transform is None else TransformCall(name=transform),
    )


def a_route(*categories: str, **changes: Any) -> Route:
    """A route that lets these categories out, for order-fulfilment on core-function."""
    settings: dict[str, Any] = {
        "id": RouteId("create-shipment"),
        "partner": PartnerId("swift-parcel"),
        "method": "POST",
        "path": ("v2", "shipments", "{reference}"),
        "purpose": PurposeId("order-fulfilment"),
        "purpose_version": 1,
        "ground": GroundId("core-function"),
        "retention": timedelta(days=30),
        "send": tuple(a_field(category) for category in categories or ("basic.name", "none")),
    }
    return Route(**(settings | changes))


NOBODY = SubjectPlace(source=SubjectFrom.NONE)


def a_partner(*routes: Route, **changes: Any) -> Partner:
    """A processor at home with a running agreement."""
    settings: dict[str, Any] = {
        "id": PartnerId("swift-parcel"),
        "name": "Swift Parcel Co.",
        "owner": "logistics",
        "kind": Kind.PROCESSOR,
        "territory": "CN",
        "contact": "privacy@swift-parcel.example",
        "state": State.ACTIVE,
        "agreement": Agreement(
            reference="DPA-2026-014", signed=date(2026, 3, 1), expires=date(2028, 3, 1)
        ),
        "keys": None,
        "jwks": {"keys": []},
        "upstream": None,
        "routes": routes,
        "deletion": None,
    }
    return Partner(**(settings | changes))


def a_consent(purpose: str = "order-fulfilment", **changes: Any) -> Consent:
    """An explicit consent of the person, a day old, to every recipient of the purpose."""
    settings: dict[str, Any] = {
        "id": ConsentId("consent-1"),
        "purpose": PurposeId(purpose),
        "purpose_version": 1,
        "partner": None,
        "granted_at": NOW - DAY,
        "method": Method.EXPLICIT,
    }
    return Consent(**(settings | changes))


def some_facts(*consents: Consent, **changes: Any) -> SubjectFacts:
    """An adult with these consents and nothing else on record."""
    return SubjectFacts(known=True, consents=consents, **changes)


def a_record(**changes: Any) -> Evidence:
    """A registered record for the usual partner and purpose, about anyone and anything."""
    settings: dict[str, Any] = {
        "id": RECORD,
        "type": "dispute",
        "reference": "case 2026-77",
        "partner": PartnerId("swift-parcel"),
        "purposes": (PurposeId("order-fulfilment"),),
        "subjects": None,
        "categories": None,
        "expires": None,
        "may_tell_subject": True,
    }
    return Evidence(**(settings | changes))


@dataclass(frozen=True, kw_only=True)
class Share:
    """One share and everything known about it; permitted unless a test changes it."""

    route: Route | None = field(default_factory=a_route)
    partner: Partner = field(default_factory=a_partner)
    policy: PolicySet = field(default_factory=a_policy)
    facts: tuple[SubjectFacts, ...] = (SubjectFacts(),)
    subjects: tuple[SubjectId, ...] = (ZHANG,)
    purpose: str = "order-fulfilment"
    purpose_version: int | None = None
    ground: str | None = None
    claim: str | None = None
    evidence: Evidence | None = None
    gpc: bool = False
    suspended: bool = False
    now: datetime = NOW

    def but(self, **changes: Any) -> "Share":
        """The same share with one thing changed."""
        return replace(self, **changes)

    @property
    def ask(self) -> Ask:
        """What the service asks for."""
        return Ask(
            partner=self.partner.id,
            purpose=PurposeId(self.purpose),
            purpose_version=self.purpose_version,
            ground=None if self.ground is None else GroundId(self.ground),
            evidence=None if self.claim is None else EvidenceClaim(text=self.claim),
            gpc=self.gpc,
            subjects=self.subjects,
        )

    def decided(self) -> Decision:
        """What the engine answers."""
        return engine.decide(self.ask, **self._known())

    def explained(self) -> Explanation:
        """What the engine answers, check by check."""
        return explain(self.ask, **self._known())

    def situation(self) -> Situation:
        """What the checks look at."""
        return situate(self.ask, **self._known())

    def _known(self) -> Mapping[str, Any]:
        return {
            "policy": self.policy,
            "partner": self.partner,
            "route": self.route,
            "suspended": self.suspended,
            "facts": self.facts,
            "evidence": self.evidence,
            "now": self.now,
        }


def a_share(
    purpose: str = "order-fulfilment",
    ground: str = "core-function",
    *categories: str,
    kind: Kind = Kind.PROCESSOR,
    about: SubjectFacts | None = None,
    **changes: Any,
) -> Share:
    """A share for `purpose` on the route's default `ground`, of one person."""
    route = a_route(*categories, purpose=PurposeId(purpose), ground=GroundId(ground))
    share = Share(
        route=route,
        partner=a_partner(route, kind=kind),
        purpose=purpose,
        facts=(about or SubjectFacts(),),
    )
    return share.but(**changes)
