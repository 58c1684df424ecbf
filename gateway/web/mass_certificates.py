"""The endpoints of what is handed on of a mass case: certificate, list of cases, proof."""

from collections.abc import AsyncIterator

from aiohttp import web

from gateway.access import scopes
from gateway.flows import mass_certificates as flow
from gateway.flows.gateway import Gateway
from gateway.web.api import Call, Endpoint
from gateway.web.replies import mass_certificate_text, wants_page
from gateway.web.requests import json_response, query_of, switched
from gateway.web.server import SERVER
from gateway.web.streams import html_page


async def get_certificate(here: Call) -> web.Response:
    """What was decided about many people, and what it came to, signed."""
    query = query_of(here.request)
    page = wants_page(query, here.request.headers.get("Accept", ""))
    interim = switched(query, "interim")
    token = await flow.certified(here.gateway, here.params["id"], interim=interim)
    if page:
        return html_page(mass_certificate_text(here.gateway, token))
    return web.Response(
        body=token.encode(), content_type="application/jose", headers={"Vary": "Accept"}
    )


async def get_cases(here: Call) -> web.StreamResponse:
    """
    The ids of its cases, one a line, in ascending order. What goes wrong after the first
    byte cuts the connection: half a list is none.
    """
    mass = await flow.fixed(here.gateway, here.params["id"])
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "Server": SERVER})
    response.content_type, response.charset = "text/plain", "utf-8"
    await response.prepare(here.request)
    try:
        async for piece in _pieces(here.gateway, mass.no):
            await response.write(piece)
        await response.write_eof()
    except BaseException:
        if here.request.transport is not None:
            here.request.transport.abort()
        raise
    return response


async def _pieces(gateway: Gateway, no: int) -> AsyncIterator[bytes]:
    async for some in flow.pages(gateway, no):
        yield "".join(f"{id}\n" for id in some).encode()


async def get_proof(here: Call) -> web.Response:
    """That one case is part of it."""
    found = await flow.belonging(here.gateway, here.params["id"], here.params["case"])
    return json_response(found)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/mass-cases/{id}/certificate",
        scopes.CASE_READ,
        "Its certificate",
        get_certificate,
    ),
    Endpoint(
        "GET", "/v1/mass-cases/{id}/cases", scopes.CASE_READ, "The ids of its cases", get_cases
    ),
    Endpoint(
        "GET",
        "/v1/mass-cases/{id}/cases/{case}",
        scopes.CASE_READ,
        "The proof that a case is one of its",
        get_proof,
    ),
)
