"""
DDRF inwards: a company's own request tool, or a 1st party, asks for a deletion
(STANDARDS §1.3; docs/protocols/ddrf.md).

    request -> who asks -> signature -> times -> 1st party -> identifier -> case -> acknowledgement

Nothing is believed before a key of a configured requester has verified it, and a
request that counted once is answered with the very same words again. Dying at any
`await` loses nothing: a case is durable before it is acknowledged, and a requester
that heard nothing asks again.
"""

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.errors import CallerError, GatewayError, Reason
from gateway.flows import ddrf_keys
from gateway.flows.answers import Declined, problem
from gateway.flows.cases import CaseRequest, open_once, slot_for
from gateway.flows.gateway import Gateway
from gateway.model.cases import Action, CaseScope, EraseReason
from gateway.model.ids import SubjectId
from gateway.model.payload import Private
from gateway.model.settings import RequesterConfig
from gateway.notices.ddrf import NAME
from gateway.notices.ddrf_acknowledgements import claims_of, header_of, key_for, token_in
from gateway.notices.ddrf_words import (
    AHEAD_SECONDS,
    PLAIN,
    TYP,
    Asked,
    Code,
    DdrfRefused,
    Identifier,
    acknowledgement_claims,
    read_identity,
    read_request,
)
from gateway.ports import IdempotencyRow
from gateway.seal.es256 import sign_es256
from gateway.seal.jwk import KeyRefused
from gateway.seal.jws import SignatureRefused, verify_jws
from gateway.seal.keys import parse_partner_keys

MAX_SUBJECT_BYTES = 256

# While the very same request is under way.
LOOKS = 100
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What a requester is answered."""

    status: int
    """202, or 400 with a code other than 0."""
    token: str = field(repr=False)
    """The acJWT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What becomes of a request."""

    code: Code
    at: datetime
    why: str | None = None
    case: str | None = None
    name: str | None = None
    """What the settings call the requester, once it is known."""


async def receive(gateway: Gateway, body: bytes) -> Acknowledgement:
    """
    Take a request.

    Raises `CallerError`: `not-found` where nobody is configured to ask,
    `idempotency-in-progress` while the same one is under way; `Declined` where it
    cannot be judged or stored now. Then the requester asks again.
    """
    if not ddrf_keys.spoken(gateway):
        raise CallerError(Reason.NOT_FOUND)
    token = ""
    try:
        token = token_in(body)
        judged = await _judged(gateway, token)
    except DdrfRefused as refusal:
        judged = _Judged(code=refusal.result, at=gateway.clock(), why=str(refusal))
    status = 202 if judged.code is Code.RECEIVED else 400
    gateway.log.info(
        "deletion-asked",
        protocol=NAME,
        status=status,
        code=f"ddrf-{int(judged.code)}",
        service=judged.name or "unknown",
        case=judged.case or "none",
    )
    return Acknowledgement(status=status, token=_signed(gateway, token, judged))


async def _judged(gateway: Gateway, token: str) -> _Judged:
    header_of(token)
    requester = _requester(gateway, claims_of(token))
    claims = await _verified(gateway, requester.domain, token)
    now = gateway.clock()
    asked = read_request(claims, now=now, domain=ddrf_keys.domain(gateway), strict=requester.strict)
    first_party = _requester(gateway, claims_of(asked.id_jwt))
    identity = await _verified(gateway, first_party.domain, asked.id_jwt)
    since = read_identity(identity, now=now)
    subject = _subject(asked.sub, requester)
    case, at = await _opened(gateway, requester, asked, subject, since, token)
    return _Judged(code=Code.RECEIVED, at=at, case=case, name=requester.name)


def _requester(gateway: Gateway, claims: Mapping[str, Any]) -> RequesterConfig:
    """Who says to ask: only to find the keys, nothing is believed yet."""
    issuer = claims.get("iss")
    known = gateway.requesters.known.get(issuer) if isinstance(issuer, str) else None
    if known is None:
        # Whose keys are not trusted here, of that no signature is valid.
        raise DdrfRefused(Code.SIGNATURE, "its issuer is not known here")
    return known


async def _verified(gateway: Gateway, domain: str, token: str) -> Mapping[str, Any]:
    kid = header_of(token).get("kid")
    try:
        keys = await gateway.requesters.keys(domain, kid if isinstance(kid, str) else None)
    except GatewayError:
        detail = "the requester's keys cannot be had now"
        raise Declined(problem(Reason.PARTNER_UNREACHABLE, detail)) from None
    try:
        return verify_jws(token, parse_partner_keys(key_for(token, keys)).sig, TYP)
    except (SignatureRefused, KeyRefused) as error:
        raise DdrfRefused(Code.SIGNATURE, str(error)) from None


def _subject(sub: Identifier, requester: RequesterConfig) -> SubjectId:
    """The app's own id of the person: the only kind of identifier that names somebody here."""
    if sub.type not in requester.identifiers:
        raise DdrfRefused(Code.TYPE, "identifierType is not one of dsrdelete.json")
    if sub.format not in PLAIN:
        raise DdrfRefused(Code.FORMAT, f"identifierFormat is not {PLAIN[0]}")
    if len(sub.value.encode("utf-8", "surrogatepass")) > MAX_SUBJECT_BYTES:
        raise DdrfRefused(Code.FORMAT, f"identifierValue has over {MAX_SUBJECT_BYTES} bytes")
    return SubjectId(Private(sub.value))


async def _opened(
    gateway: Gateway,
    requester: RequesterConfig,
    asked: Asked,
    subject: SubjectId,
    since: datetime,
    token: str,
) -> tuple[str | None, datetime]:
    """The case of a request, and when it was accepted; the same ones again for a repetition."""
    slot = slot_for(gateway, NAME, requester.domain, asked.jti, token.encode("ascii"))
    # As long as the request itself is good, and its `iat` may be ahead.
    slot = replace(slot, expires=slot.expires + timedelta(seconds=AHEAD_SECONDS))
    request = CaseRequest(
        action=Action.ERASE.value,
        subject=subject,
        reason=EraseReason.USER_REQUEST.value,
        scope=CaseScope(),
        method=requester.method,
        reference=asked.jti,
        verified_at=since,
    )
    id = await _opened_once(gateway, request, slot)
    case = await gateway.store.case(id) if id is not None else None
    return id, case.accepted_at if case else gateway.clock()


async def _opened_once(gateway: Gateway, request: CaseRequest, slot: IdempotencyRow) -> str | None:
    """The id of its case; None where the person is being erased already."""
    for _ in range(LOOKS):
        try:
            answer = await open_once(gateway, request, slot)
        except CallerError as error:
            match error.reason:
                case Reason.IDEMPOTENCY_IN_PROGRESS:
                    await asyncio.sleep(LOOK_SECONDS)
                    continue
                case Reason.CASE_OPEN:
                    return None
                case Reason.IDEMPOTENCY_MISMATCH:
                    raise DdrfRefused(Code.TOKEN, "jti is that of another request") from None
            raise
        return str(answer["case"])
    raise CallerError(Reason.IDEMPOTENCY_IN_PROGRESS)


def _signed(gateway: Gateway, token: str, judged: _Judged) -> str:
    """
    The acJWT. Its id is made of the request, so that a repetition gets the same one:
    what names a person is kept nowhere for that.
    """
    mark = hmac.digest(gateway.secret("ddrf-acknowledgement"), token.encode("ascii"), "sha256")
    claims = acknowledgement_claims(
        jti=mark[:16].hex(),
        iss=ddrf_keys.domain(gateway),
        request=token,
        now=judged.at,
        code=judged.code,
        text=judged.why,
    )
    return sign_es256(claims, ddrf_keys.own_key(gateway), TYP)
