"""The public listener's side of DDRF: our dsrdelete.json, and where requests are taken."""

from aiohttp import web

from gateway.flows import ddrf, ddrf_keys
from gateway.flows.gateway import Gateway
from gateway.notices.ddrf import CONTENT_TYPE
from gateway.notices.ddrf_discovery import PATHS
from gateway.notices.ddrf_words import MAX_BYTES
from gateway.web import problems
from gateway.web.requests import json_response, read_body

__all__ = ["PATH", "PATHS", "get_document", "post_request"]

PATH = ddrf_keys.PATH

_DOCUMENT = {"Cache-Control": "public, max-age=3600"}


def get_document(gateway: Gateway) -> web.Response:
    """`GET /dsrdelete.json`; 404 where neither side of the protocol is set up."""
    if not ddrf_keys.spoken(gateway):
        return problems.not_found()
    return json_response(ddrf_keys.document(gateway), headers=_DOCUMENT)


async def post_request(request: web.BaseRequest, gateway: Gateway) -> web.Response:
    """`POST /ddrf`: an rqJWT, answered by an acJWT. The framework names no content type."""
    body = await read_body(request, MAX_BYTES) or b""
    answer = await ddrf.receive(gateway, body)
    return web.Response(
        status=answer.status,
        body=answer.token.encode("ascii"),
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store"},
    )
