"""
A recipient, as its manifest declares it: who it is, what it may get by which
route, and how it is told to delete (contract §7).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from gateway.model.cases import Action
from gateway.model.ids import CategoryId, GroundId, PartnerId, PurposeId, RouteId
from gateway.model.policy import Kind


class State(StrEnum):
    """Where a recipient stands in its life cycle."""

    DRAFT = "draft"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Seal(StrEnum):
    """What of a share is sealed for the recipient (S4d, P1)."""

    NONE = "none"
    FIELDS = "fields"
    BODY = "body"


WARNING_DAYS: Final = (60, 30, 7)
"""How many days before the end of an agreement it is warned of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The confidentiality agreement on file (S4a)."""

    reference: str
    signed: date
    expires: date
    """The first UTC day that is not covered."""
    onward: tuple[PartnerId, ...] = ()
    """Who the recipient may pass data on to; empty = nobody."""

    def active(self, *, on: date) -> bool:
        """Whether the agreement covers the UTC day `on`."""
        return self.signed <= on < self.expires

    def days_left(self, *, on: date) -> int:
        """How many days it still covers, `on` included; 0 or less: it is over."""
        return (self.expires - on).days

    def warning(self, *, on: date) -> int | None:
        """
        The nearest of `WARNING_DAYS` that has been reached on the UTC day `on`; None
        where none has, and where the agreement is over.
        """
        left = self.days_left(on=on)
        reached = [days for days in WARNING_DAYS if left <= days]
        return min(reached, default=None) if left > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformCall:
    """A transform and its argument, as a manifest writes them (`mask-name`, `{truncate: 11}`)."""

    name: str
    argument: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTerms:
    """The argument of the transform `token`: how long and how often it may be redeemed (S4c)."""

    ttl: timedelta | None = None
    """From the share on; None = as long as the route keeps data, which it never outlasts."""
    uses: int | None = None
    """None = as often as its recipient likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    One declared value on its way out: a JSON selector, or a path, query or
    header parameter.
    """

    selector: str
    """RFC 6901 pointer with `*` for each element of an array; for a parameter its name."""
    category: CategoryId
    transform: TransformCall | None = None
    sealed: bool = False
    required: bool = False
    type: str | None = None
    """`string`, `number`, `integer` or `boolean`; None = any scalar."""
    pattern: str | None = None
    enum: tuple[Any, ...] | None = None
    max_length: int | None = None
    """In characters (Unicode code points) of a string."""
    scan: str | None = None
    """`block` or `mask`: look for personal data in free text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedField:
    """One declared value on its way back to the app (C5)."""

    selector: str
    reference: bool = False
    """The partner's own id of the record: kept, so that a notice can name it."""
    category: CategoryId | None = None
    max_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """A declared file response, let through whole up to a size (contract §6)."""

    content: str
    """Media type without parameters."""
    max_bytes: int


class SubjectFrom(StrEnum):
    """Where the app names the person."""

    HEADER = "header"
    POINTER = "pointer"
    PATH = "path"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectPlace:
    """Where a route finds the subject: a header, a pointer, a path parameter, or nowhere."""

    source: SubjectFrom = SubjectFrom.HEADER
    name: str = ""
    """The pointer, or the path parameter's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One thing a recipient may get: method, path, purpose, and the closed list of fields."""

    id: RouteId
    partner: PartnerId
    method: str
    path: tuple[str, ...]
    """Segments of the template as written; `{x}` is a parameter."""
    purpose: PurposeId
    purpose_version: int
    ground: GroundId
    """The default ground."""
    retention: timedelta
    seal: Seal = Seal.NONE
    idempotency: str | None = None
    """The partner's own idempotency header; it gets the share id."""
    subject: SubjectPlace = SubjectPlace()
    send: tuple[Field, ...] = ()
    path_fields: Mapping[str, Field] = field(default_factory=dict)
    query_fields: Mapping[str, Field] = field(default_factory=dict)
    header_fields: Mapping[str, Field] = field(default_factory=dict)
    """Names in lower case."""
    receive: tuple[ReceivedField, ...] | ReceivedFile | None = None
    """None: nothing but the status comes back."""
    receive_headers: tuple[str, ...] = ()
    body_limit: int | None = None
    """Bytes; None = the home's limit."""
    bulk_records: int | None = None

    def fields(self) -> tuple[Field, ...]:
        """Every declared value that may leave, wherever it stands."""
        return (
            *self.send,
            *self.path_fields.values(),
            *self.query_fields.values(),
            *self.header_fields.values(),
        )

    def named_fields(self) -> Iterator[tuple[str, Field]]:
        """The same by the names that leaves and consents give them: `/phone`, `path.reference`."""
        yield from ((one.selector, one) for one in self.send)
        for place, fields in (
            ("path", self.path_fields),
            ("query", self.query_fields),
            ("header", self.header_fields),
        ):
            yield from ((f"{place}.{name}", one) for name, one in fields.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How the gateway proves itself to the partner. Secrets are references (`env:`, `file:`)."""

    scheme: str
    """`bearer`, `basic`, `header`, `oauth2` or `http_signature`."""
    settings: Mapping[str, str]
    """bearer {value}; basic {user, password}; header {name, value}; the rest as declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """TLS towards a partner. Values are `file:` references (P1)."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    pins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a partner's API is, and how it is reached."""

    base_url: str
    auth: Auth | None = None
    tls: Tls = Tls()
    timeout: timedelta = timedelta(seconds=10)
    """For the whole exchange."""
    connect_timeout: timedelta = timedelta(seconds=5)
    response_limit: int = 10 * 1024 * 1024
    """Bytes, after decompression."""
    first_byte_timeout: timedelta | None = None
    """From the request's first byte to the answer's head; None = bounded by `timeout` alone."""
    concurrency: int | None = None
    """Shares in flight to it at once; None = no limit of its own."""
    rate: float | None = None
    """Shares a second, on average; None = no limit of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestAnswers:
    """What the answers of a recipient's own interface mean (protocol `rest`)."""

    statuses: Mapping[str, str] = field(default_factory=dict)
    """By status, `204` or a whole class `2xx`: `acknowledged`, `in-progress`, `completed`,
    `not-found`, `refused` or `retry`."""
    pointer: str | None = None
    """RFC 6901 pointer to a value of the answer's JSON body; it counts before the status."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What each value there means, in the same words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestPoll:
    """How a recipient is asked how far it is (protocol `rest`)."""

    path: str
    """Template, as that of the request."""
    every: timedelta
    answers: RestAnswers


@dataclass(frozen=True, slots=True, kw_only=True)
class RestRequest:
    """One request of a recipient's own interface, for one action (protocol `rest`)."""

    method: str
    path: str
    """Template of path and query, joined to `url`; `{reference}` makes one request of each."""
    body: Any = None
    """Template: JSON in whose strings `{…}` stands for something; None: no body."""
    answers: RestAnswers = RestAnswers()
    keep: str | None = None
    """RFC 6901 pointer to a value of the answer's JSON body that the poll names as `{kept}`."""
    poll: RestPoll | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """How the recipient is told of a case (R3)."""

    protocol: str
    url: str | None = None
    secret: str | None = None
    fallback: str | None = None
    acknowledge_within: timedelta | None = None
    complete_within: timedelta | None = None
    response_completes: bool = False
    """`rest` manifests may opt in: a declared answer counts as completion."""
    requests: Mapping[Action, RestRequest] = field(default_factory=dict)
    """`rest` only: the request of each action that the recipient's interface carries."""
    domain: str | None = None
    """
    `ddrf`, `opendsr`: the domain that the recipient signs as; None: the host of `url`, of
    `ddrf` also one above.
    """
    identifiers: Mapping[str, str] = field(default_factory=dict)
    """
    `ddrf`, `opendsr`: what the recipient calls its `pseudonym` of a person and its own
    `reference`.
    """
    path: str | None = None
    """`opendsr` only: where under `url` requests go; None: `/requests`."""
    certificate: str | None = None
    """
    `opendsr` only: a file (a reference) with the recipient's own certificate, or that of
    its authority; None: the authorities that TLS trusts.
    """
    regulation: str | None = None
    """`opendsr` only: under which law is asked; None: `gdpr`."""
    fallback_to: "Deletion | None" = None
    """What a fallback that is not `manual` goes by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A recipient with its manifest. Immutable: suspension by an operator lies in the store."""

    id: PartnerId
    name: str
    owner: str
    kind: Kind
    territory: str
    contact: str
    state: State
    agreement: Agreement | None
    keys: str | None
    """Path of the JWKS file, resolved, or an `https:` URL."""
    jwks: Mapping[str, Any]
    """The public JWK Set that was read from the file; `{"keys": []}` when by URL."""
    upstream: Upstream | None
    routes: tuple[Route, ...]
    deletion: Deletion | None
    accepted_edition: str | None = None
    """Successor only: the edition it is bound by (T4)."""
    keys_hold: timedelta = timedelta(hours=24)
    """Keys by URL: how long one that was never seen before waits until it is used."""
    source: str = ""
    """The manifest's file name, for messages."""
    digest: str = ""
    """Hex SHA-256 of the manifest's bytes; a change raises the partner's epoch."""
