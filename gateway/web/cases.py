"""The endpoints of cases and notices (contract §9), and server-sent events."""

import asyncio
import json
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from gateway.access import scopes
from gateway.cases import certificate
from gateway.errors import CallerError, Reason
from gateway.flows import cases as flow
from gateway.flows import listing, refusing, settling
from gateway.flows.cases import CaseRequest
from gateway.flows.gateway import Gateway
from gateway.flows.ledger import head_over_all
from gateway.model.cases import (
    Case,
    CaseScope,
    CaseState,
    Exemption,
)
from gateway.model.ids import CategoryId, PartnerId, PurposeId
from gateway.seal.jwk import load_private_jwk
from gateway.seal.jws import sign_jws
from gateway.web.api import Call, Endpoint
from gateway.web.bodies import Id, Moment, OneLine, Subject, subject_id
from gateway.web.listing import ENDPOINTS as LISTING_ENDPOINTS
from gateway.web.mass import ENDPOINTS as MASS_ENDPOINTS
from gateway.web.mass_certificates import ENDPOINTS as MASS_CERTIFICATE_ENDPOINTS
from gateway.web.notices import ENDPOINTS as NOTICE_ENDPOINTS
from gateway.web.notices import AttachmentBody
from gateway.web.replies import ENDPOINTS as REPLY_ENDPOINTS
from gateway.web.replies import certificate_text, wants_page
from gateway.web.requests import Strict, json_response, parsed, query_of
from gateway.web.streams import html_page

HEARTBEAT_SECONDS = 15.0

Scalar = Annotated[str, Field(max_length=2000)] | bool | int | float | None
"""One new value of a correction."""


class ScopeBody(Strict):
    """What a case is about; left out: the whole person."""

    partners: list[Id] = Field(default_factory=list)
    purposes: list[Id] = Field(default_factory=list)
    categories: list[Id] = Field(default_factory=list)

    def scope(self) -> CaseScope:
        """For the flow."""
        return CaseScope(
            partners=frozenset(PartnerId(one) for one in self.partners),
            purposes=frozenset(PurposeId(one) for one in self.purposes),
            categories=frozenset(CategoryId(one) for one in self.categories),
        )


class VerifiedBody(Strict):
    """How the person's identity was verified (R6)."""

    method: Literal["app-session", "customer-service", "guardian", "system"]
    reference: Annotated[str, Field(min_length=1, max_length=2000)]
    at: Moment


class ExemptBody(Strict):
    """A recipient that need not be told (R3)."""

    partner: Id
    reason: OneLine
    evidence: Annotated[str, Field(min_length=1, max_length=2000)]
    until: Moment | None = None


class CaseBody(Strict):
    """`POST /v1/cases`."""

    action: Literal["erase", "rectify", "restrict", "unrestrict", "withdraw"]
    subject: Subject
    reason: Annotated[str, Field(max_length=100)]
    scope: ScopeBody | None = None
    verified: VerifiedBody
    changes: dict[Annotated[str, Field(max_length=500)], Scalar] | None = None
    exempt: Annotated[list[ExemptBody], Field(max_length=1000)] = Field(default_factory=list)
    announced_at: Moment | None = None
    refuse: Annotated[str, Field(min_length=1, max_length=100)] | None = None

    def request(self) -> CaseRequest:
        """For the flow. Raises `REQUEST_INVALID` where a scope is given and names nothing."""
        scope = self.scope.scope() if self.scope else CaseScope()
        if self.scope is not None and scope.whole:
            # Fail closed: an empty scope must never be read as the whole person.
            raise CallerError(
                Reason.REQUEST_INVALID,
                "scope names nothing: leave it out for the whole person, or name what is inside",
            )
        return CaseRequest(
            action=self.action,
            subject=subject_id(self.subject),
            reason=self.reason,
            scope=scope,
            method=self.verified.method,
            reference=self.verified.reference,
            verified_at=self.verified.at,
            exemptions=tuple(
                Exemption(
                    partner=PartnerId(one.partner),
                    reason=one.reason,
                    evidence=one.evidence,
                    until=one.until,
                )
                for one in self.exempt
            ),
            announced_at=self.announced_at,
            changes=self.changes,
            ground=self.refuse,
        )


class RefuseBody(Strict):
    """`POST /v1/cases/{id}/refuse`."""

    ground: Annotated[str, Field(min_length=1, max_length=100)]


class ResolveBody(Strict):
    """`POST /v1/notices/{id}/resolve`."""

    status: Literal["completed", "partial", "refused", "exempt", "failed"]
    reason: OneLine
    evidence: Annotated[str, Field(min_length=1, max_length=2000)]
    attachment: AttachmentBody | None = None


async def post_case(here: Call) -> web.Response:
    """Open a case, or preview one."""
    body: CaseBody = await parsed(here.request, CaseBody)
    request = body.request()
    if _previewed(here.request):
        return json_response(await flow.preview(here.gateway, request))
    key = here.request.headers.get("Idempotency-Key", "").strip()
    slot = None
    if key:
        text = body.model_dump_json().encode()
        slot = flow.slot_for(here.gateway, here.service.issuer, here.service.name, key, text)
    return json_response(await flow.open_once(here.gateway, request, slot), 202)


def _previewed(request: web.BaseRequest) -> bool:
    """Whether to look only. A word that is misspelled must not delete a person."""
    query = query_of(request)
    if not query.keys() <= {"preview"} or query.get("preview", "false") not in ("true", "false"):
        raise CallerError(
            Reason.REQUEST_INVALID, "the query: write preview=true, preview=false or nothing"
        )
    return query.get("preview") == "true"


async def get_case(here: Call) -> web.Response:
    """One case, and how each of its notices stands."""
    return json_response(listing.shown_case(here.gateway, await _case(here)))


async def get_certificate(here: Call) -> web.Response:
    """What was told to whom and what they answered, signed."""
    case = await _case(here)
    query = query_of(here.request)
    interim = query.get("interim", "false")
    if interim not in ("true", "false"):
        raise CallerError(Reason.REQUEST_INVALID, "interim: write true or false")
    if case.state is CaseState.OPEN and interim == "false":
        raise CallerError(Reason.CASE_OPEN)
    page = wants_page(query, here.request.headers.get("Accept", ""))
    token = await certified(here.gateway, case)
    if page:
        return html_page(certificate_text(here.gateway, token))
    return web.Response(
        body=token.encode(), content_type="application/jose", headers={"Vary": "Accept"}
    )


async def certified(gateway: Gateway, case: Case) -> str:
    """A case's certificate as it stands now."""
    head = await head_over_all(gateway)
    claims = certificate.claims(
        case, issuer=gateway.issuer, now=gateway.clock(), checkpoint_note=head.cosigned_note
    )
    signer = load_private_jwk(gateway.keys.signing("certificate").private_jwk)
    return sign_jws(claims, signer, certificate.CERTIFICATE_TYPE)


async def refuse_case(here: Call) -> web.Response:
    """Refuse a request on a stated ground, before anybody was told (R7)."""
    body: RefuseBody = await parsed(here.request, RefuseBody)
    case = await refusing.refuse(
        here.gateway, here.params["id"], body.ground, service=here.service.name
    )
    return json_response(case.shown())


async def resolve_notice(here: Call) -> web.Response:
    """A person settles what no receipt did, with evidence."""
    body: ResolveBody = await parsed(here.request, ResolveBody)
    settled = await settling.settle(
        here.gateway,
        here.params["id"],
        status=body.status,
        reason=body.reason,
        evidence=body.evidence,
        attached=body.attachment.attachment() if body.attachment else None,
        actor=here.service.name,
    )
    return json_response({**settled.shown(), "case": settled.case})


async def retry_notice(here: Call) -> web.Response:
    """Tell a recipient once more, now."""
    told = await settling.tell_again(here.gateway, here.params["id"], actor=here.service.name)
    return json_response({**told.shown(), "case": told.case})


async def _case(here: Call) -> Case:
    case = await here.gateway.store.case(here.params["id"])
    if case is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such case")
    return case


async def get_events(here: Call) -> web.StreamResponse:
    """
    What happens to a case, as server-sent events with ids; from `Last-Event-ID`
    on where one is sent. Ends when the case is closed.
    """
    case = await _case(here)
    over = case.state is not CaseState.OPEN
    gateway = here.gateway
    last = here.request.headers.get("Last-Event-ID", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 18 else 0
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(here.request)
    watcher = asyncio.Event()
    gateway.watchers.add(watcher)
    try:
        while not gateway.stopping.is_set():
            watcher.clear()
            closed = False
            events = await gateway.store.events(case.id, after)
            for event in events:
                text = f"id: {event.id}\nevent: {event.kind}\ndata: {event.data}\n\n"
                await response.write(text.encode())
                after = event.id
                closed = closed or _closes(event.kind, event.data)
            # Who comes back to a case that is over has heard its end already.
            if closed or (over and not events):
                break
            if events:
                continue
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await watcher.wait()
            except TimeoutError:
                await response.write(b": still here\n\n")
    finally:
        gateway.watchers.discard(watcher)
    await response.write_eof()
    return response


def _closes(kind: str, data: str) -> bool:
    return kind == "case" and json.loads(data)["state"] != CaseState.OPEN.value


ENDPOINTS = (
    Endpoint("POST", "/v1/cases", scopes.CASE_WRITE, "Open a case", post_case, CaseBody),
    *LISTING_ENDPOINTS,
    Endpoint("GET", "/v1/cases/{id}", scopes.CASE_READ, "One case", get_case),
    Endpoint("GET", "/v1/cases/{id}/events", scopes.CASE_READ, "What happens to it", get_events),
    Endpoint(
        "GET", "/v1/cases/{id}/certificate", scopes.CASE_READ, "Its certificate", get_certificate
    ),
    Endpoint(
        "POST",
        "/v1/cases/{id}/refuse",
        scopes.CASE_WRITE,
        "Refuse a request",
        refuse_case,
        RefuseBody,
    ),
    Endpoint(
        "POST",
        "/v1/notices/{id}/resolve",
        scopes.CASE_WRITE,
        "Settle a notice by hand",
        resolve_notice,
        ResolveBody,
    ),
    Endpoint("POST", "/v1/notices/{id}/retry", scopes.CASE_WRITE, "Tell once more", retry_notice),
    *REPLY_ENDPOINTS,
    *NOTICE_ENDPOINTS,
    *MASS_ENDPOINTS,
    *MASS_CERTIFICATE_ENDPOINTS,
)
