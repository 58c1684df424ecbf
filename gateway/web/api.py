"""The endpoints of `/v1`: scope, parse, one flow, render."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from gateway.access import scopes
from gateway.errors import CallerError, Reason
from gateway.flows import (
    consents,
    evidence,
    ledger,
    partners,
    people,
    proving,
    published,
    queue,
    withdrawals,
)
from gateway.flows.clockwork import stamp
from gateway.flows.gateway import EVERYBODY, Gateway
from gateway.flows.incoming import decode_subject
from gateway.model.ids import CategoryId, PartnerId, PurposeId, SubjectId
from gateway.model.policyset import PolicySet
from gateway.reports.account import account_page
from gateway.web.bodies import (
    ConsentBody,
    DisclosureBody,
    EvidenceBody,
    SubjectBody,
    WithdrawBody,
    subject_id,
)
from gateway.web.requests import (
    json_response,
    parsed,
    permitted,
    query_of,
    switched,
    whole_number,
)
from gateway.web.streams import html_page, json_pieces, prefers_html

MAX_BULK = 10_000


@dataclass(frozen=True, slots=True)
class Call:
    """One request to `/v1`, once its token has the scope."""

    request: web.BaseRequest
    gateway: Gateway
    service: scopes.Service
    params: Mapping[str, str]


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint: what routes to it, what it needs, what it is for."""

    method: str
    path: str
    scope: str
    summary: str
    handler: Handler
    body: Any = None
    also: tuple[str, ...] = ()
    """Further scopes that it needs."""


async def call(
    endpoint: Endpoint,
    request: web.BaseRequest,
    gateway: Gateway,
    params: Mapping[str, str],
) -> web.StreamResponse:
    """Check the scope, then run the endpoint."""
    service = await permitted(request, gateway, endpoint.scope)
    for scope in endpoint.also:
        scopes.permit(service, scope)
    return await endpoint.handler(Call(request, gateway, service, params))


async def _many(here: Call, kind: Any) -> list[Any]:
    body = await parsed(here.request, kind | list[kind])
    items = body if isinstance(body, list) else [body]
    if not 0 < len(items) <= MAX_BULK:
        raise CallerError(Reason.REQUEST_INVALID, f"send 1 to {MAX_BULK} at once")
    return items


async def post_consents(here: Call) -> web.Response:
    """Record one consent or many."""
    items = await _many(here, ConsentBody)
    ids = await consents.record(here.gateway, [item.new() for item in items])
    return json_response({"ids": ids}, 201)


async def withdraw_consent(here: Call) -> web.Response:
    """Withdraw a consent."""
    notify = False
    if here.request.body_exists:
        body: WithdrawBody = await parsed(here.request, WithdrawBody)
        notify = body.notify
    done = await withdrawals.withdraw(here.gateway, here.params["id"], notify=notify)
    return json_response({"withdrawn_at": stamp(done.at), "case": done.case})


async def get_consents(here: Call) -> web.Response:
    """A person's consents."""
    subject = decode_subject(here.params["subject"])
    found = await consents.listed(here.gateway, subject, here.service.name)
    return json_response({"consents": found})


async def put_subject(here: Call) -> web.Response:
    """Change what is known of a person."""
    subject = decode_subject(here.params["subject"])
    body = await parsed(here.request, SubjectBody)
    await people.change(here.gateway, subject, body.changes())
    return web.Response(status=204)


async def get_disclosures(here: Call) -> web.StreamResponse:
    """Who has this person's data."""
    subject = decode_subject(here.params["subject"])
    proofs = switched(query_of(here.request), "proofs")
    as_page = prefers_html(here.request.headers.get("Accept", ""))
    if not (as_page or proofs):
        return await _account(here, subject)
    found = await people.disclosures(here.gateway, subject, here.service.name)
    if as_page:
        policy, now = here.gateway.policy.policy, here.gateway.clock()
        # A long page takes long to write; others are answered meanwhile.
        page = await asyncio.to_thread(account_page, subject, found, policy, now=now)
        return html_page(page)
    found = await proving.with_proofs(here.gateway, found)
    return json_response({"disclosures": found}, headers={"Vary": "Accept"})


async def _account(here: Call, subject: SubjectId) -> web.StreamResponse:
    first, *others = await people.account(here.gateway, subject, here.service.name) or [""]
    pieces = [f'{{"disclosures": [{first}', *(f", {rows}" for rows in others), "]}"]
    return await json_pieces(here.request, [one.encode() for one in pieces], {"Vary": "Accept"})


async def post_disclosures(here: Call) -> web.Response:
    """Declare what left before or beside the gateway."""
    items = await _many(here, DisclosureBody)
    declared = [item.declared(here.gateway) for item in items]
    shares = await people.declare(here.gateway, declared, here.service.name)
    return json_response({"shares": shares}, 201)


async def post_evidence(here: Call) -> web.Response:
    """Register a demand, a dispute, a right to protect."""
    body: EvidenceBody = await parsed(here.request, EvidenceBody)
    policy = here.gateway.policy.policy
    if PartnerId(body.partner) not in policy.partners:
        raise CallerError(Reason.REQUEST_INVALID, "partner has no manifest")
    if any(PurposeId(purpose) not in policy.purposes for purpose in body.purposes):
        raise CallerError(Reason.REQUEST_INVALID, "purposes holds one that is not known")
    if not all(_covers(category, policy) for category in body.categories or ()):
        raise CallerError(Reason.REQUEST_INVALID, "categories holds one that is not known")
    id = await evidence.register(
        here.gateway,
        type=body.type,
        reference=body.reference,
        partner=PartnerId(body.partner),
        purposes=tuple(PurposeId(purpose) for purpose in body.purposes),
        subjects=None
        if body.subjects is None
        else tuple(subject_id(subject) for subject in body.subjects),
        categories=None
        if body.categories is None
        else tuple(CategoryId(category) for category in body.categories),
        expires=body.expires,
        may_tell_subject=body.may_tell_subject,
    )
    return json_response({"evidence": id}, 201)


def _covers(name: str, policy: PolicySet) -> bool:
    """Whether a name is a category, or a tree with one below it (C1)."""
    return any(known == name or known.startswith(f"{name}.") for known in policy.categories)


async def get_share(here: Call) -> web.Response:
    """How a share that was accepted for later stands."""
    row = await here.gateway.store.queued(here.params["id"])
    if row is None or row.owner != queue.owner(here.gateway, here.service):
        raise CallerError(Reason.NOT_FOUND, "there is no such share of this service")
    answer: dict[str, Any] = {"share": row.share, "state": row.state}
    if row.status is not None:
        answer["status"] = row.status
    if row.code is not None:
        answer["code"] = row.code
    return json_response(answer)


async def get_partners(here: Call) -> web.Response:
    """All recipients."""
    return json_response(partners.overview(here.gateway))


async def get_partner(here: Call) -> web.Response:
    """One recipient."""
    id = PartnerId(here.params["id"])
    partner = here.gateway.policy.policy.partners.get(id)
    if partner is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such partner")
    return json_response(partners.described(here.gateway, partner))


async def suspend_partner(here: Call) -> web.Response:
    """Let nothing more leave to a recipient."""
    return await _suspend(here, suspended=True)


async def resume_partner(here: Call) -> web.Response:
    """Let shares leave to a recipient again."""
    return await _suspend(here, suspended=False)


async def _suspend(here: Call, *, suspended: bool) -> web.Response:
    id = PartnerId(here.params["id"])
    await partners.suspend(here.gateway, id, suspended=suspended, by=here.service.name)
    if id == EVERYBODY:
        return await get_partners(here)
    return await get_partner(here)


async def release_keys(here: Call) -> web.Response:
    """Let keys that a recipient publishes be used before their hold is over."""
    id = PartnerId(here.params["id"])
    name = unquote(here.params["kid"]) if "kid" in here.params else None
    released = await published.release(here.gateway, id, name, by=here.service.name)
    partner = here.gateway.policy.policy.partners[id]
    return json_response(
        {"released": list(released), "keys": published.described(here.gateway, partner)}
    )


async def get_entries(here: Call) -> web.Response:
    """Leaves of the ledger."""
    query = query_of(here.request)
    start = whole_number(query, "start") or 0
    limit = whole_number(query, "limit")
    return json_response(await ledger.listed(here.gateway, start, limit))


async def get_inclusion(here: Call) -> web.Response:
    """Prove that a leaf is in the tree."""
    query = query_of(here.request)
    index = whole_number(query, "index")
    if index is None:
        raise CallerError(Reason.REQUEST_INVALID, "index: write a whole number")
    size = whole_number(query, "size")
    return json_response(await ledger.inclusion(here.gateway, index, size))


async def get_consistency(here: Call) -> web.Response:
    """Prove that one tree is the beginning of another."""
    query = query_of(here.request)
    old = whole_number(query, "from")
    if old is None:
        raise CallerError(Reason.REQUEST_INVALID, "from: write a whole number")
    return json_response(await ledger.consistency(here.gateway, old, whole_number(query, "to")))


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/consents",
        scopes.CONSENT_WRITE,
        "Record consents",
        post_consents,
        ConsentBody | list[ConsentBody],
    ),
    Endpoint(
        "POST",
        "/v1/consents/{id}/withdraw",
        scopes.CONSENT_WRITE,
        "Withdraw a consent",
        withdraw_consent,
        WithdrawBody,
    ),
    Endpoint(
        "GET",
        "/v1/subjects/{subject}/consents",
        scopes.SUBJECT_READ,
        "A person's consents",
        get_consents,
    ),
    Endpoint(
        "PUT",
        "/v1/subjects/{subject}",
        scopes.SUBJECT_WRITE,
        "Change a person's facts",
        put_subject,
        SubjectBody,
    ),
    Endpoint(
        "GET",
        "/v1/subjects/{subject}/disclosures",
        scopes.SUBJECT_READ,
        "Who has this person's data",
        get_disclosures,
    ),
    Endpoint(
        "POST",
        "/v1/disclosures",
        scopes.SUBJECT_WRITE,
        "Declare disclosures",
        post_disclosures,
        DisclosureBody | list[DisclosureBody],
    ),
    Endpoint(
        "POST",
        "/v1/evidence",
        scopes.EVIDENCE_WRITE,
        "Register evidence",
        post_evidence,
        EvidenceBody,
    ),
    Endpoint("GET", "/v1/shares/{id}", scopes.SHARE, "How a queued share stands", get_share),
    Endpoint("GET", "/v1/partners", scopes.PARTNER_READ, "All recipients", get_partners),
    Endpoint("GET", "/v1/partners/{id}", scopes.PARTNER_READ, "One recipient", get_partner),
    Endpoint(
        "POST",
        "/v1/partners/{id}/suspend",
        scopes.PARTNER_WRITE,
        "Suspend a recipient",
        suspend_partner,
    ),
    Endpoint(
        "POST",
        "/v1/partners/{id}/resume",
        scopes.PARTNER_WRITE,
        "Resume a recipient",
        resume_partner,
    ),
    Endpoint(
        "POST",
        "/v1/partners/{id}/keys/release",
        scopes.PARTNER_WRITE,
        "Use a recipient's new keys now",
        release_keys,
    ),
    Endpoint(
        "POST",
        "/v1/partners/{id}/keys/{kid}/release",
        scopes.PARTNER_WRITE,
        "Use one of a recipient's new keys now",
        release_keys,
    ),
    Endpoint("GET", "/v1/ledger/entries", scopes.LEDGER_READ, "Leaves of the ledger", get_entries),
    Endpoint(
        "GET", "/v1/ledger/proof/inclusion", scopes.LEDGER_READ, "Prove a leaf", get_inclusion
    ),
    Endpoint(
        "GET",
        "/v1/ledger/proof/consistency",
        scopes.LEDGER_READ,
        "Prove two trees",
        get_consistency,
    ),
)
