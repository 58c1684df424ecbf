"""
A decision case: what one of them says.

    - it: is refused from the first second of the day on which the agreement expires
      now: 2028-03-01T00:00:00Z
      ask: {partner: swift-parcel, route: create-shipment, purpose: order-fulfilment}
      given: {partner: {agreement: {signed: 2026-03-01, expires: 2028-03-01}}}
      expect: {refused: agreement-expired, clause: S4a}

`ask` is the request: `partner route purpose ground evidence gpc subject`, where
`subject` names one person or a list of them. Names of people mean something
inside one case only.

`given` is what is known when it is decided; all of it may be left out:

- of the people (of each of them, or under `people: {NAME: …}` of one):
  `erased minor opt_outs`, `restricted: [{partners purposes categories reason
  until_consent_after}]`, `consents: [{granted purpose version partner method by
  scope expires withdrawn fields}]`; a consent is to the purpose of the case, at the
  route's version, explicit and by the subject where it says nothing else;
- `evidence: [{id type partner purposes people categories expires}]`, for the
  partner and purpose of the case where it says nothing else;
- `suspended`, and what the documents would have to say: `partner: {kind state
  agreement territory accepted_edition}` (`agreement: none` for none on file),
  `route: {purpose purpose_version}`, `policy: {purpose_version widened}`, where
  `widened` is since when an edition lets this recipient have more than before;
- what its manifest would say besides: `route: {send receive}` (fields that it
  would declare too), `route: {seal subject}` (in place of what it says).

`expect` is `{permitted: true}`, `{refused: CODE}`, or `{loads: false}` where a
manifest with such a route would not be accepted; each with the `clause` or
clauses that the case is about. A refusal must cite them all, and so must what
is wrong with the manifest. Clauses under `also` are shown without being cited.

Beside `permitted` may stand what carries the share (`ground evidence
categories`) and how it leaves: `leaves: {SELECTOR: how}` (a transform's name,
`sealed`, `as-it-is` or `nothing`), `returns: [SELECTOR]` (all that may come
back), `terms: {retention onward territory}`, and `leaf`, the kind of entry in
the ledger.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from gateway.decide.carriage import Carriage
from gateway.errors import Reason
from gateway.model.consent import By, Method, Scope
from gateway.model.policy import Kind
from gateway.model.recipients import Field, ReceivedField, Seal, State, SubjectFrom

SOMEBODY = "somebody"
"""The person of a case that names none."""

NOBODY = "none"
"""What `subject` says when a share is about nobody, and `agreement` when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven:
    """One consent record of a case; None is filled in from what the case asks for."""

    granted: datetime
    purpose: str | None = None
    version: int | None = None
    partner: str | None = None
    method: Method = Method.EXPLICIT
    by: By = By.SUBJECT
    scope: Scope | None = None
    expires: datetime | None = None
    withdrawn: datetime | None = None
    fields: tuple[str, ...] | None = None
    """Only to these, by selector (D1); None: to all that the route declares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceGiven:
    """One restriction of a case."""

    reason: str = "restrict"
    partners: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    until_consent_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonGiven:
    """What is known of a person in a case."""

    erased: bool = False
    minor: bool = False
    opt_outs: tuple[str, ...] = ()
    restricted: tuple[FenceGiven, ...] = ()
    consents: tuple[ConsentGiven, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceGiven:
    """One registered record of a case; None is filled in from what the case asks for."""

    id: str
    type: str = "record"
    partner: str | None = None
    purposes: tuple[str, ...] | None = None
    people: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerGiven:
    """What the manifest would say; None leaves it as it is."""

    kind: Kind | None = None
    state: State | None = None
    agreement: tuple[date, date] | None = None
    """Signed, and the first day not covered."""
    no_agreement: bool = False
    territory: str | None = None
    accepted_edition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteGiven:
    """What the route of the manifest would say; None and empty leave it as it is."""

    purpose: str | None = None
    version: int | None = None
    send: tuple[Field, ...] = ()
    """Declared besides, or in place of the fields with the same selectors."""
    receive: tuple[ReceivedField, ...] = ()
    seal: Seal | None = None
    subject: SubjectFrom | None = None

    @property
    def rewritten(self) -> bool:
        """Whether it is another manifest than the loaded one, and must be one that loads."""
        return bool(self.send or self.receive or self.seal or self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Everything that is known when a case is decided."""

    everybody: PersonGiven = PersonGiven()
    people: Mapping[str, PersonGiven] = field(default_factory=dict)
    evidence: tuple[EvidenceGiven, ...] = ()
    suspended: bool = False
    partner: PartnerGiven = PartnerGiven()
    route: RouteGiven = RouteGiven()
    policy_version: int | None = None
    widened: datetime | None = None
    """Since when an edition widened this sharing; consents from before do not carry it (N1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAsk:
    """The request of a case."""

    partner: str
    route: str
    purpose: str
    purpose_version: int | None = None
    ground: str | None = None
    evidence: str | None = None
    gpc: bool = False
    subjects: tuple[str, ...] | None = None
    """None: somebody, unless the route is about nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The answer that a case promises, and the clauses that it is about."""

    refused: Reason | None
    """None: permitted, or no manifest that loads."""
    clauses: tuple[str, ...]
    loads: bool = True
    """False: the manifest would not be accepted."""
    also: tuple[str, ...] = ()
    """Clauses that the case shows and the answer does not cite."""
    carriage: Carriage = field(default_factory=Carriage)
    ground: str | None = None
    evidence: str | None = None
    categories: tuple[str, ...] | None = None

    @property
    def about(self) -> tuple[str, ...]:
        """Every clause that the case shows."""
        return (*self.clauses, *self.also)

    @property
    def carried(self) -> bool:
        """Whether the case is of a share that leaves."""
        return self.refused is None and self.loads


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One decision as data, and where it stands."""

    file: str
    line: int
    column: int
    it: str
    now: datetime
    ask: CaseAsk
    given: Given
    expected: Expected
