"""
A recipient with an interface of its own: parcels, a way to delete one, and a way to
ask for the deletion of several. Written from its own documentation, which follows,
and from nothing of the gateway.

    POST   /v2/shipments/{order}     201 {"tracking_number": "SP-1"}
    DELETE /v2/records/{id}          204; 404 where there is none; 409 where the law keeps it
    POST   /v2/erasures              {"subject": …, "ids": […]} -> 202 {"job": {"id": 7}}
    GET    /v2/erasures/{id}         200 {"job": {"state": "queued" | "working" | "done" | "denied"}}

Every call but the first proves itself with the header `X-Key`; else 401.
"""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    body: Any

    def __repr__(self) -> str:
        return f"<Call {self.method}>"


def _lowered(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


@dataclass
class RestPartner:
    """
    The recipient, on loopback. `records` are its parcels by id; `kept` those that the
    law makes it keep; `failing` how many calls to answer 500 first.
    """

    key: str = "k-1"
    records: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    failing: int = 0
    broken: set[str] = field(default_factory=set)
    """Records of which a call is answered 500."""
    cutting: bool = False
    """Take a shipment, and cut the connection instead of an answer."""
    state: str = "queued"
    """How far every job is."""
    url: str = ""

    async def __aenter__(self) -> "RestPartner":
        app = web.Application()
        app.router.add_post("/v2/shipments/{order}", self._ship)
        app.router.add_delete("/v2/records/{id}", self._delete)
        app.router.add_post("/v2/erasures", self._erase)
        app.router.add_get("/v2/erasures/{id}", self._job)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _came(self, request: web.Request) -> None:
        body = await request.json() if request.body_exists else None
        self.calls.append(Call(request.method, request.raw_path, _lowered(request), body))
        if request.headers.get("X-Key") != self.key:
            raise web.HTTPUnauthorized
        if self.failing:
            self.failing -= 1
            raise web.HTTPInternalServerError

    async def _ship(self, request: web.Request) -> web.Response:
        if self.cutting and request.transport is not None:
            request.transport.abort()
        id = f"SP/{len(self.records) + 1}"
        self.records[id] = request.match_info["order"]
        return web.json_response({"tracking_number": id}, status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        await self._came(request)
        id = request.match_info["id"]
        if id in self.broken:
            return web.Response(status=500)
        if id in self.kept:
            return web.Response(status=409)
        return web.Response(status=204 if self.records.pop(id, None) else 404)

    async def _erase(self, request: web.Request) -> web.Response:
        await self._came(request)
        return web.json_response({"job": {"id": 7}}, status=202)

    async def _job(self, request: web.Request) -> web.Response:
        await self._came(request)
        if request.match_info["id"] != "7":
            return web.Response(status=404)
        return web.json_response({"job": {"id": 7, "state": self.state}})
