"""`POST /callbacks/{protocol}/{token}`: a recipient calls back (contract §4)."""

from typing import Final

from aiohttp import web

from gateway.flows import callbacks
from gateway.flows.gateway import Gateway
from gateway.web import problems
from gateway.web.requests import json_response, read_body

PREFIX: Final = "/callbacks/"


async def post(request: web.BaseRequest, gateway: Gateway, path: str) -> web.StreamResponse:
    """Hand the raw request to the protocol of its notice; 404 for any other address."""
    protocol, _, token = path.removeprefix(PREFIX).partition("/")
    if not protocol or not token:
        return problems.not_found()
    body = await read_body(request, callbacks.MAX_BYTES) or b""
    notice, status = await callbacks.hear(gateway, protocol, token, request.headers, bytes(body))
    return json_response({"notice": notice.id, "state": notice.state.value}, status)
