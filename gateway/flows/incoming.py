"""
A share as it comes in, read step by step in the contract's order.

Everything here is about form: whether what came can be understood at all. The
first thing that is wrong is answered.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from gateway.access.scopes import Service, may_share, may_use_ground
from gateway.errors import CallerError, Reason
from gateway.flows.answers import Trail
from gateway.flows.prepare import PreparedPartner, PreparedRoute, PreparedSet
from gateway.model.ids import GroundId, PartnerId, PurposeId, SubjectId
from gateway.model.payload import Private
from gateway.model.recipients import SubjectFrom
from gateway.model.shares import Ask, EvidenceClaim
from gateway.shape import FORM, Limits, decode_content, parse_form, parse_json, subjects_in

MAX_SUBJECT_BYTES = 256

JSON = "application/json"

# What the partner is told of a body's type. Of any other `+json` it is told JSON:
# a name that the caller makes up would leave unfiltered.
KEPT_TYPES = frozenset(
    {
        *(JSON, FORM, "application/ld+json", "application/vnd.api+json"),
        *("application/json-patch+json", "application/merge-patch+json"),
        *("application/fhir+json", "application/scim+json", "application/hal+json"),
    }
)

# RFC 6838 §4.2: the characters of a media type's name, and its length.
_JSON_TYPE = re.compile(r"application/(?:json|[a-z0-9][a-z0-9!#$&^_.+-]{0,120}\+json)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """
    One request to `/share/…`, as it came, after its token was verified.

    Header names are in lower case; `headers` holds what came once or more.
    """

    service: Service
    method: str
    partner: str
    path: str
    """Raw, with its leading slash, without the query."""
    query: str
    """Raw."""
    headers: Mapping[str, Sequence[str]] = field(repr=False)
    body: bytes | None = field(repr=False)
    share: str
    trail: Trail = field(default_factory=Trail)
    queued: bool = False
    """It was accepted for later, and this is a try of it."""

    def one(self, name: str) -> str | None:
        """A header that is set and not empty; several values are joined by a comma."""
        values = self.headers.get(name, ())
        if not values:
            return None
        return ", ".join([given for value in values if (given := value.strip())]) or None

    def prefers(self, preference: str) -> bool:
        """Whether `Prefer` names this preference (RFC 7240)."""
        values = self.headers.get("prefer")
        if not values:
            return False
        wanted = preference.replace(" ", "").lower()
        return any(
            part.partition(";")[0].replace(" ", "").replace('"', "").lower() == wanted
            for value in values
            for part in value.split(",")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A share that is understood: its route, its document, and what is asked."""

    incoming: Incoming
    partner: PreparedPartner
    candidates: tuple[PreparedRoute, ...]
    route: PreparedRoute | None
    """None: the path matched, but no route there is for this purpose."""
    params: Mapping[str, str] = field(repr=False)
    document: Any = field(repr=False)
    """None: no body came."""
    content_type: str | None
    ask: Ask = field(repr=False)
    policy: PreparedSet = field(repr=False)


def is_unicode(value: str) -> bool:
    """Whether a header's value came as UTF-8: bytes that are none are halves of pairs by now."""
    return value.isascii() or not any("\ud800" <= each <= "\udfff" for each in value)


def named_purpose(incoming: Incoming) -> tuple[PurposeId, int | None]:
    """`Sharing-Purpose`: an id, or `id@N`. Raises `PURPOSE_MISSING`."""
    text = incoming.one("sharing-purpose")
    if text is None:
        raise CallerError(Reason.PURPOSE_MISSING)
    name, at, version = text.partition("@")
    if at and not (version.isascii() and version.isdigit() and len(version) < 10):
        # Not a version at all: no purpose of the policy is called that.
        return PurposeId(text), None
    return PurposeId(name), int(version) if at else None


def content_type_of(incoming: Incoming) -> str | None:
    """The type that the partner is told, if the body can be filtered. Raises 415 otherwise."""
    text = incoming.one("content-type")
    if text is None:
        if incoming.body:
            raise CallerError(Reason.BODY_TYPE_UNSUPPORTED, "the body has no Content-Type")
        return None
    media, *parameters = text.split(";")
    media = media.strip().lower()
    if media != FORM and not _JSON_TYPE.fullmatch(media):
        raise CallerError(Reason.BODY_TYPE_UNSUPPORTED)
    check_charset(parameters)
    return media if media in KEPT_TYPES else JSON


def check_charset(parameters: Sequence[str]) -> None:
    """Raise 415 where one of a media type's parameters names another charset than UTF-8."""
    if any(_other_charset(parameter) for parameter in parameters):
        raise CallerError(Reason.BODY_TYPE_UNSUPPORTED, "the body must be UTF-8")


def _other_charset(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    charset = value.strip().strip('"').lower()
    return name.strip().lower() == "charset" and charset not in ("utf-8", "utf8")


def read_document(incoming: Incoming, limits: Limits) -> tuple[str | None, Any]:
    """Content type and document. Raises the body's codes (400, 413, 415)."""
    media = content_type_of(incoming)
    if media is None:
        return None, None
    encoding = incoming.one("content-encoding") or "identity"
    body = decode_content(incoming.body or b"", encoding, limits.bytes)
    return media, parse_form(body, limits) if media == FORM else parse_json(body, limits)


def header_subject(incoming: Incoming) -> SubjectId:
    """`Sharing-Subject`, decoded once. Raises `SUBJECT_MISSING`, `SUBJECT_MALFORMED`."""
    values = [value.strip() for value in incoming.headers.get("sharing-subject", ())]
    if len(values) > 1:
        raise CallerError(Reason.SUBJECT_MALFORMED, "Sharing-Subject came more than once")
    if not values or not values[0]:
        raise CallerError(Reason.SUBJECT_MISSING)
    return decode_subject(values[0])


def decode_subject(text: str) -> SubjectId:
    """A percent-encoded id, decoded once. Raises `SUBJECT_MALFORMED`."""
    if not text.isascii() or _broken_percent(text):
        raise CallerError(Reason.SUBJECT_MALFORMED)
    try:
        decoded = unquote_to_bytes(text).decode("utf-8") if "%" in text else text
    except UnicodeDecodeError:
        # Not chained: the error would hold the bytes.
        raise CallerError(Reason.SUBJECT_MALFORMED) from None
    if not decoded or len(decoded.encode()) > MAX_SUBJECT_BYTES:
        raise CallerError(Reason.SUBJECT_MALFORMED)
    return SubjectId(Private(decoded))


def _broken_percent(text: str) -> bool:
    if "%" not in text:
        return False
    parts = text.split("%")[1:]
    return any(len(part) < 2 or not _is_hex(part[:2]) for part in parts)


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdefABCDEF" for character in text)


def subjects_of(
    incoming: Incoming, route: PreparedRoute, params: Mapping[str, str], document: Any
) -> tuple[SubjectId, ...]:
    """Whom this share is about, found where the route says."""
    place = route.route.subject
    match place.source:
        case SubjectFrom.NONE:
            return ()
        case SubjectFrom.HEADER:
            return (header_subject(incoming),)
        case SubjectFrom.PATH:
            value = params[place.name]
            if len(value.encode()) > MAX_SUBJECT_BYTES:
                raise CallerError(Reason.SUBJECT_MALFORMED)
            return (SubjectId(Private(value)),)
        case SubjectFrom.POINTER:
            if document is None:
                raise CallerError(Reason.SUBJECT_MISSING)
            found = dict.fromkeys(subjects_in(document, place.name))
            return tuple(SubjectId(Private(one)) for one in found)


def evidence_of(incoming: Incoming) -> EvidenceClaim | None:
    """
    `Sharing-Evidence`: an RFC 9651 string, optional `;type=…`; a bare token is
    taken as it stands. Raises `EVIDENCE_NOT_VALID` where it cannot be read.
    """
    text = incoming.one("sharing-evidence")
    if text is None:
        return None
    if not is_unicode(text):
        raise CallerError(Reason.EVIDENCE_NOT_VALID, "Sharing-Evidence is not UTF-8")
    if not text.startswith('"'):
        value, _, rest = text.partition(";")
        return _claim(value.strip(), rest)
    value, rest = _quoted(text)
    return _claim(value, rest)


def _claim(value: str, rest: str) -> EvidenceClaim | None:
    kind = None
    for parameter in rest.split(";"):
        name, _, given = parameter.strip().partition("=")
        if name.strip() == "type":
            kind = given.strip().strip('"') or None
    return EvidenceClaim(text=Private(value), type=kind) if value else None


def _quoted(text: str) -> tuple[str, str]:
    """An RFC 9651 string at the start of `text`, and what follows it."""
    out: list[str] = []
    place = 1
    while place < len(text):
        character = text[place]
        if character == "\\" and text[place + 1 : place + 2] in ('"', "\\"):
            out.append(text[place + 1])
            place += 2
            continue
        if character == '"':
            return "".join(out), text[place + 1 :]
        if character == "\\" or not " " <= character <= "~":
            break
        out.append(character)
        place += 1
    raise CallerError(Reason.EVIDENCE_NOT_VALID, "Sharing-Evidence is not a string of RFC 9651")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a request says before its body: for what, to whom, by which route."""

    incoming: Incoming
    partner: PreparedPartner
    candidates: tuple[PreparedRoute, ...]
    route: PreparedRoute | None
    """None: the path matched, but no route there is for this purpose."""
    params: Mapping[str, str] = field(repr=False)
    purpose: PurposeId
    purpose_version: int | None
    ground: GroundId | None
    policy: PreparedSet = field(repr=False)

    @property
    def standing(self) -> PreparedRoute:
        """The route, or one of those that the path matched: its form is what counts."""
        return self.route or self.candidates[0]

    def ask(self, subjects: tuple[SubjectId, ...], evidence: EvidenceClaim | None) -> Ask:
        """What is asked about these people."""
        return Ask(
            partner=self.partner.partner.id,
            purpose=self.purpose,
            purpose_version=self.purpose_version,
            ground=self.ground,
            evidence=evidence,
            gpc=any(value.strip() == "1" for value in self.incoming.headers.get("sec-gpc", ())),
            subjects=subjects,
        )


def read_head(incoming: Incoming, policy: PreparedSet) -> Head:
    """
    Purpose, service and route of a share, in this order; the first that is wrong
    is raised as `CallerError`.
    """
    purpose, version = named_purpose(incoming)
    service = incoming.service
    may_share(service, partner=PartnerId(incoming.partner), purpose=purpose)
    asked = incoming.one("sharing-ground")
    if asked is not None and service.grounds is not None:
        may_use_ground(service, GroundId(asked), default=GroundId(asked))
    partner = policy.partners.get(PartnerId(incoming.partner))
    if partner is None:
        raise CallerError(Reason.PARTNER_UNKNOWN)
    matched = partner.router.match(incoming.method, incoming.path)
    if matched is None:
        raise CallerError(
            Reason.ROUTE_NOT_DECLARED, f"{incoming.partner} declares no route like this"
        )
    candidates = tuple(partner.routes[route.id] for route in matched.routes)
    route = next((one for one in candidates if one.route.purpose == purpose), None)
    default = (route or candidates[0]).route.ground
    may_use_ground(service, GroundId(asked) if asked else default, default=default)
    return Head(
        incoming=incoming,
        partner=partner,
        candidates=candidates,
        route=route,
        params=matched.params,
        purpose=purpose,
        purpose_version=version,
        ground=GroundId(asked) if asked else None,
        policy=policy,
    )


def read_draft(incoming: Incoming, policy: PreparedSet, limits: Limits) -> Draft:
    """
    Understand a share: purpose, service, route, subject's form, body's form, in
    this order; the first that is wrong is raised as `CallerError`.
    """
    head = read_head(incoming, policy)
    standing = head.standing
    in_header = standing.route.subject.source in (SubjectFrom.HEADER, SubjectFrom.PATH)
    subjects = subjects_of(incoming, standing, head.params, None) if in_header else ()
    content_type, document = read_document(incoming, standing.limits(limits))
    if not in_header:
        subjects = subjects_of(incoming, standing, head.params, document)
    return Draft(
        incoming=incoming,
        partner=head.partner,
        candidates=head.candidates,
        route=head.route,
        params=head.params,
        document=document,
        content_type=content_type,
        ask=head.ask(subjects, evidence_or_later(incoming)),
        policy=policy,
    )


def evidence_or_later(incoming: Incoming) -> EvidenceClaim | None:
    """
    Evidence that cannot be read is judged in its place of the order, as evidence
    that nobody registered: it is empty here and then never valid.
    """
    try:
        return evidence_of(incoming)
    except CallerError:
        return EvidenceClaim(text=Private(""), type="unreadable")


def before_body(incoming: Incoming, policy: PreparedSet, limits: Limits) -> CallerError | None:
    """What is wrong with a request whose body nobody will read, apart from its size."""
    try:
        read_draft(incoming, policy, limits)
    except CallerError as error:
        if error.reason is not Reason.BODY_MALFORMED:
            return error
    return None
