"""
The two listeners (contract §4): who may come, and what answers there.

Requests are dispatched on the raw path: nothing is normalised before a share's
route has been matched. What one listener serves, the other does not know.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from gateway.errors import CallerError, Reason, StoreFailed
from gateway.flows import proving, receipts, redemptions
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import stamp
from gateway.flows.gateway import Gateway
from gateway.flows.signatures import MAX_BYTES
from gateway.ports import LedgerHead
from gateway.web import (
    api,
    callbacks,
    cases,
    ddrf,
    keys,
    openapi,
    opendsr,
    problems,
    reports,
    share,
)
from gateway.web.requests import json_response, read_body, target
from gateway.web.server import SERVER

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

TEXT = "text/plain"
JOSE = "application/jose"


async def answered(
    request: web.BaseRequest, dispatch: Answer, gateway: Gateway
) -> web.StreamResponse:
    """What `dispatch` answers, or the problem that its error is; never a traceback."""
    try:
        response = await dispatch(request)
    except (CallerError, Declined) as error:
        response = problems.respond(problems.of(error))
    except StoreFailed:
        response = problems.respond(problem(Reason.LEDGER_UNAVAILABLE))
    except Exception:
        # Nobody foresaw it. What it says may hold values, so only its kind is logged.
        gateway.log.exception("request-failed")
        response = problems.crashed()
    # Which library answers, and in which version, is nobody's business.
    response.headers["Server"] = SERVER
    return response


class Internal:
    """For services and operators: `/share`, `/v1`, `/metrics`, health, documents."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        beside = (*reports.ENDPOINTS, *keys.ENDPOINTS, *opendsr.ENDPOINTS)
        served = (*api.ENDPOINTS, *cases.ENDPOINTS, *beside)
        self._table = _table(served)
        self._openapi = openapi.document()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever happens."""
        return await answered(request, self._dispatch, self._gateway)

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _ = target(request)
        if path.startswith(share.PREFIX):
            return await share.handle(request, self._gateway)
        if path.startswith("/v1/"):
            return await self._v1(request, path)
        if path.startswith("/problems/") and request.method in ("GET", "HEAD"):
            return problems.page(path.removeprefix("/problems/"))
        if request.method not in ("GET", "HEAD"):
            return problems.not_found()
        return self._plain(path)

    def _plain(self, path: str) -> web.StreamResponse:
        match path:
            case "/healthz":
                return web.Response(text="ok\n", content_type=TEXT)
            case "/readyz":
                return ready(self._gateway)
            case "/openapi.json":
                return json_response(self._openapi)
            case "/metrics":
                body, content_type = self._gateway.metrics.render()
                return web.Response(body=body, headers={"Content-Type": content_type})
            case _:
                return problems.not_found()

    async def _v1(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        segments = tuple(opendsr.canonical(path).split("/"))
        for endpoint, parts in self._table.get((request.method, len(segments)), ()):
            params = _params(parts, segments)
            if params is not None:
                return await api.call(endpoint, request, self._gateway, params)
        return problems.not_found()


class Public:
    """For partners: keys, receipts, redemptions and the checkpoint."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._pace = proving.Pace()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever happens."""
        return await answered(request, self._dispatch, self._gateway)

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _ = target(request)
        if path == "/receipts" and request.method == "POST":
            return await self._receipt(request)
        if path == "/tokens/redeem" and request.method == "POST":
            return await self._redemption(request)
        if path.startswith(callbacks.PREFIX) and request.method == "POST":
            return await callbacks.post(request, self._gateway, path)
        if path == ddrf.PATH and request.method == "POST":
            return await ddrf.post_request(request, self._gateway)
        if request.method not in ("GET", "HEAD"):
            return problems.not_found()
        match path:
            case "/.well-known/jwks.json":
                cache = {"Cache-Control": "public, max-age=300"}
                return json_response(self._gateway.keys.public_jwks(), headers=cache)
            case _ if path in ddrf.PATHS:
                return ddrf.get_document(self._gateway)
            case "/ledger/checkpoint":
                return self._checkpoint(await self._gateway.store.head())
            case "/ledger/checkpoint/witnessed":
                return self._checkpoint(await proving.witnessed(self._gateway))
            case _ if path.startswith("/ledger/proof/"):
                return await self._proof(path.removeprefix("/ledger/proof/"))
            case _:
                return problems.not_found()

    async def _proof(self, share: str) -> web.StreamResponse:
        self._pace.take()
        found = await proving.share(self._gateway, share)
        answer = {"share": share, "proofs": [one.shown() for one in found]}
        return json_response(answer, headers={"Cache-Control": "no-store"})

    async def _receipt(self, request: web.BaseRequest) -> web.StreamResponse:
        token = await signed_body(request, "receipt")
        notice = await receipts.accept(self._gateway, token)
        return json_response({"notice": notice.id, "state": notice.state.value})

    async def _redemption(self, request: web.BaseRequest) -> web.StreamResponse:
        token = await signed_body(request, "redemption")
        sealed = await redemptions.redeem(self._gateway, token)
        return web.Response(
            body=sealed.encode("ascii"), content_type=JOSE, headers={"Cache-Control": "no-store"}
        )

    def _checkpoint(self, head: LedgerHead | None) -> web.StreamResponse:
        if head is None or not head.note:
            return problems.not_found()
        headers = {"Cache-Control": "no-store"}
        if self._gateway.witnesses.all:
            headers["Sharing-Witnessed"] = _witnessed(head, self._gateway.witnesses.quorum)
        return web.Response(
            text=head.cosigned_note, content_type=TEXT, charset="utf-8", headers=headers
        )


def _witnessed(head: LedgerHead, quorum: int) -> str:
    """Whether enough witnesses cosigned (RFC 9651: a boolean with parameters)."""
    count = len(head.cosignatures)
    return f"?{int(count >= quorum)}; cosignatures={count}; quorum={quorum}"


async def signed_body(request: web.BaseRequest, what: str) -> str:
    """A compact JWS as it was sent. Raises `CallerError` for another type or other characters."""
    media = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media != JOSE:
        raise CallerError(
            Reason.BODY_TYPE_UNSUPPORTED,
            f"a {what} is {JOSE}",
            remedy=f"Send the compact JWS with Content-Type: {JOSE}.",
        )
    body = await read_body(request, MAX_BYTES) or b""
    try:
        return body.decode("ascii").strip()
    except UnicodeDecodeError:
        raise CallerError(Reason.TOKEN_INVALID, f"the {what} is not a compact JWS") from None


def ready(gateway: Gateway) -> web.Response:
    """`/readyz`: whether shares can be carried, and how the last load went."""
    status = gateway.status
    able = not gateway.stopping.is_set()
    policy: dict[str, Any] = {
        "edition": status.edition,
        "digest": status.digest,
        "error": status.error,
    }
    if status.next is not None:
        number, effective = status.next
        policy["next"] = {"edition": number, "effective": stamp(effective)}
    answer: dict[str, Any] = {"ready": able, "policy": policy}
    if gateway.partners.stopped:
        # Not unready: refusals, notices and everything else go on.
        answer["stopped"] = True
    if gateway.witnesses.all:
        answer["witnesses"] = gateway.witnesses.described()
    return json_response(answer, 200 if able else 503)


_Table = dict[tuple[str, int], list[tuple[api.Endpoint, tuple[str, ...]]]]


def _table(endpoints: tuple[api.Endpoint, ...]) -> _Table:
    table: _Table = {}
    for endpoint in endpoints:
        parts = tuple(endpoint.path.split("/"))
        table.setdefault((endpoint.method, len(parts)), []).append((endpoint, parts))
    return table


def _params(parts: tuple[str, ...], segments: tuple[str, ...]) -> Mapping[str, str] | None:
    params: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{"):
            if not segment:
                return None
            params[part[1:-1]] = segment
        elif part != segment:
            return None
    return params
