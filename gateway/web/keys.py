"""The endpoint of the gateway's own keys: only for who holds the home's issuer key anyway."""

from aiohttp import web

from gateway.access import scopes
from gateway.errors import CallerError, Reason
from gateway.flows import keys
from gateway.web.api import Call, Endpoint
from gateway.web.requests import Strict, json_response, parsed


class RotateBody(Strict):
    """`POST /v1/keys/{use}/rotate`; may be absent."""

    at_once: bool = False


async def rotate_key(here: Call) -> web.Response:
    """Put a new key of the gateway's own in the place of one."""
    if not here.gateway.services.is_own(here.service):
        raise CallerError(
            Reason.SERVICE_NOT_PERMITTED,
            "the gateway's keys are changed with a token of the home's own issuer only",
            remedy="Run `gateway keys rotate` where the home is.",
        )
    at_once = False
    if here.request.body_exists:
        body: RotateBody = await parsed(here.request, RotateBody)
        at_once = body.at_once
    done = await keys.rotate(
        here.gateway, here.params["use"], at_once=at_once, by=here.service.name
    )
    return json_response(done)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/keys/{use}/rotate",
        scopes.PARTNER_WRITE,
        "Rotate one of the gateway's own keys",
        rotate_key,
        RotateBody,
    ),
)
