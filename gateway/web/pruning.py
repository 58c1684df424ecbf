"""The endpoint that prunes the ledger (contract §10)."""

from datetime import date

from aiohttp import web

from gateway.access import scopes
from gateway.errors import CallerError, Reason
from gateway.flows import pruning
from gateway.web.api import Call, Endpoint
from gateway.web.requests import Strict, json_response, parsed


class PruneBody(Strict):
    """`POST /v1/ledger/prune`."""

    before: date | None = None


async def prune_ledger(here: Call) -> web.Response:
    """Prune some of what is past its term; asked again until it is `done`."""
    if not here.gateway.services.is_own(here.service):
        raise CallerError(
            Reason.SERVICE_NOT_PERMITTED,
            "the ledger is pruned with a token of the home's own issuer only",
            remedy="Run `gateway ledger prune` where the home is.",
        )
    before = None
    if here.request.body_exists:
        body: PruneBody = await parsed(here.request, PruneBody)
        before = body.before
    return json_response((await pruning.prune(here.gateway, before=before)).shown())


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/ledger/prune",
        scopes.PARTNER_WRITE,
        "Prune what is past its term",
        prune_ledger,
        PruneBody,
    ),
)
