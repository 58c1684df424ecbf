"""The endpoints of mass cases: one decision about many people (K3, S4a)."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field, ValidationError

from gateway.access import scopes
from gateway.errors import CallerError, Reason
from gateway.flows import mass as flow
from gateway.flows import mass_records as records
from gateway.flows.gateway import Gateway
from gateway.flows.mass import MassRequest
from gateway.flows.mass_lists import open_list, preview_list
from gateway.model.cases import CaseScope, Exemption
from gateway.model.ids import PartnerId, PurposeId, SubjectId
from gateway.model.mass import Chosen
from gateway.shape.lines import NDJSON
from gateway.web.api import Call, Endpoint, Handler
from gateway.web.bodies import Id, Moment, OneLine, subject_id
from gateway.web.requests import Strict, check_coding, json_response, parsed, places, query_of

MAX_LINE = 64 * 1024


class MassScopeBody(Strict):
    """What is meant of each person."""

    partners: list[Id] = Field(default_factory=list)
    purposes: list[Id] = Field(default_factory=list)


class MassExemptBody(Strict):
    """A recipient that need not be told of anybody (R3)."""

    partner: Id
    reason: OneLine
    evidence: Annotated[str, Field(min_length=1, max_length=2000)]
    until: Moment | None = None


class MassBody(Strict):
    """`POST /v1/mass-cases`; as NDJSON its first line, with an id on each further one."""

    reason: Annotated[str, Field(max_length=100)]
    reference: Annotated[str, Field(min_length=1, max_length=2000)]
    action: Literal["erase"] = "erase"
    everybody: bool = False
    scope: MassScopeBody | None = None
    announced_at: Moment | None = None
    exempt: Annotated[list[MassExemptBody], Field(max_length=1000)] = Field(default_factory=list)

    def request(self, *, listed: bool) -> MassRequest:
        """For the flow. Raises `REQUEST_INVALID` where it does not say who is meant."""
        scope = self.scope or MassScopeBody()
        named = bool(scope.partners or scope.purposes)
        if self.scope is not None and not named:
            # Fail closed: an empty scope must never be read as everything.
            raise CallerError(
                Reason.REQUEST_INVALID, "scope names nothing: leave it out, or fill it"
            )
        if listed and self.everybody:
            raise CallerError(Reason.REQUEST_INVALID, "everybody: the list says who is meant")
        chosen = Chosen.EVERYBODY if self.everybody else Chosen.SCOPE
        return MassRequest(
            action=self.action,
            reason=self.reason,
            scope=CaseScope(
                partners=frozenset(PartnerId(one) for one in scope.partners),
                purposes=frozenset(PurposeId(one) for one in scope.purposes),
            ),
            chosen=Chosen.LIST if listed else chosen,
            reference=self.reference,
            announced_at=self.announced_at,
            exemptions=tuple(
                Exemption(
                    partner=PartnerId(one.partner),
                    reason=one.reason,
                    evidence=one.evidence,
                    until=one.until,
                )
                for one in self.exempt
            ),
        )


async def post_mass(here: Call) -> web.Response:
    """Open a mass case, or preview one."""
    only_counted = _previewed(here.request)
    media = here.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media == NDJSON:
        return await _listed(here, only_counted)
    body: MassBody = await parsed(here.request, MassBody)
    request = body.request(listed=False)
    if only_counted:
        return json_response(await flow.preview(here.gateway, request))
    opened = await flow.open_mass(here.gateway, request, opener=here.service.name)
    return json_response(opened, 202)


async def _listed(here: Call, only_counted: bool) -> web.Response:
    check_coding(here.request)
    lines = _lines(here.request)
    first = await anext(lines, b"")
    try:
        request = MassBody.model_validate_json(first).request(listed=True)
    except ValidationError as error:
        raise CallerError(Reason.REQUEST_INVALID, f"line 1: {places(error)}") from None
    ids = _ids(lines)
    if only_counted:
        return json_response(await preview_list(here.gateway, request, ids))
    opened = await open_list(here.gateway, request, ids, opener=here.service.name)
    return json_response(opened, 202)


async def _lines(request: web.BaseRequest) -> AsyncIterator[bytes]:
    """Lines as they come, empty ones left out; never more than one of them is held."""
    rest = b""
    try:
        async for part in request.content.iter_any():
            *whole, rest = (rest + part).split(b"\n")
            for line in whole:
                if line.strip():
                    yield line
            if len(rest) > MAX_LINE:
                raise CallerError(Reason.BODY_TOO_LARGE, "a line is longer than 64 KiB")
    except web.RequestPayloadError:
        # Not chained: the error may quote the body.
        raise CallerError(Reason.BODY_MALFORMED, "the body is not framed as HTTP has it") from None
    if rest.strip():
        yield rest


async def _ids(lines: AsyncIterator[bytes]) -> AsyncIterator[SubjectId]:
    number = 1
    async for line in lines:
        number += 1
        yield read_id(line, number)


def read_id(line: bytes, number: int) -> SubjectId:
    """One line of a list: a JSON string. Raises `REQUEST_INVALID`, without what stands there."""
    try:
        text = json.loads(line)
    except (ValueError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise CallerError(Reason.REQUEST_INVALID, f"line {number}: write one id as a JSON string")
    try:
        return subject_id(text)
    except CallerError:
        raise CallerError(
            Reason.REQUEST_INVALID, f"line {number}: an id has 1 to 256 bytes of UTF-8"
        ) from None


def _previewed(request: web.BaseRequest) -> bool:
    """Whether to look only. A word that is misspelled must not delete a million people."""
    query = query_of(request)
    if not query.keys() <= {"preview"} or query.get("preview", "false") not in ("true", "false"):
        raise CallerError(
            Reason.REQUEST_INVALID, "the query: write preview=true, preview=false or nothing"
        )
    return query.get("preview") == "true"


async def list_masses(here: Call) -> web.Response:
    """Mass cases, newest first."""
    found = await here.gateway.store.masses(flow.MAX_LISTED)
    return json_response({"mass_cases": [mass.shown() for mass in found]})


async def get_mass(here: Call) -> web.Response:
    """One mass case: how far it is, and how each recipient stands."""
    mass = await records.found(here.gateway, here.params["id"])
    return json_response(await flow.shown(here.gateway, mass))


def _decided(decide: Callable[..., Awaitable[dict[str, Any]]]) -> Handler:
    """A decision about a mass case, by whoever the token names."""

    async def handler(here: Call) -> web.StreamResponse:
        gateway: Gateway = here.gateway
        return json_response(await decide(gateway, here.params["id"], by=here.service.name))

    return handler


ENDPOINTS = (
    Endpoint("POST", "/v1/mass-cases", scopes.CASE_WRITE, "Open a mass case", post_mass, MassBody),
    Endpoint("GET", "/v1/mass-cases", scopes.CASE_READ, "Mass cases", list_masses),
    Endpoint("GET", "/v1/mass-cases/{id}", scopes.CASE_READ, "One mass case", get_mass),
    Endpoint(
        "POST",
        "/v1/mass-cases/{id}/approve",
        scopes.CASE_WRITE,
        "Approve one, as a second person",
        _decided(flow.approve),
    ),
    Endpoint(
        "POST", "/v1/mass-cases/{id}/pause", scopes.CASE_WRITE, "Pause one", _decided(flow.pause)
    ),
    Endpoint(
        "POST", "/v1/mass-cases/{id}/resume", scopes.CASE_WRITE, "Go on", _decided(flow.resume)
    ),
    Endpoint(
        "POST",
        "/v1/mass-cases/{id}/cancel",
        scopes.CASE_WRITE,
        "Cancel what is not open yet",
        _decided(flow.cancel),
    ),
)
