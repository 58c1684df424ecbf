"""A home with a recipient of every sealing, for marked values to pass through or be kept out."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.keyring import FileKeyring
from gateway.testing.builders import (
    REMOVE,
    Only,
    a_manifest,
    a_route,
    a_token,
    write_manifest,
)
from gateway.testing.client import GatewayClient, Reply
from gateway.testing.partner import FakePartner
from gateway.testing.server import GatewayProcess
from tests.acceptance.sowing import Marks, RawServer, Written
from tests.homes import a_home

COURIER, COURT, MEDIA = "swift-parcel", "city-court", "bright-reach"
RAW, CLOSED = "raw-courier", "closed-post"
SECRET = "SOWN_COURIER_TOKEN"
BODY_LIMIT = 64 * 1024

SCOPES = (
    *("share", "consent:write", "evidence:write", "subject:read", "subject:write"),
    *("ledger:read", "partner:read", "partner:write", "case:write", "case:read"),
)
GROUNDS = ("core-function", "requested-service", "consent", "legal-obligation")
TEXT = {"category": "none", "max_length": 200}
PURPOSE = {"purpose": "order-fulfilment@1", "ground": "core-function", "retention": "30d"}


def courier_routes() -> dict[str, Any]:
    """Fields sealed, nothing sealed, everything sealed; the person named in each place."""
    address = {"/address": {"category": "basic.address"}}
    account = {"category": "network.account", "transform": "pseudonym"}
    routes = {
        "create-shipment": a_route(
            query={"note": TEXT}, headers={"x-app-note": TEXT}, receive_headers=["x-depot"]
        ),
        "plain": {
            "match": "POST /v2/plain",
            **PURPOSE,
            "send": {
                **address,
                "/account": account,
                "/device/id": {"category": "device.id", "transform": "hash"},
                "/phone": {"category": "basic.phone", "transform": "token"},
                "/nickname": {"category": "network.nickname", "transform": "mask-name"},
            },
            "receive": {"/verdict": {}, "/check": {"reference": True}},
        },
        "whole": {
            "match": "POST /v2/whole",
            **PURPOSE,
            "seal": "body",
            "send": {**address, "/phone": {"category": "basic.phone"}},
        },
        "person": {
            "match": "GET /v2/people/{person}",
            **PURPOSE,
            "subject": {"from": "path.person"},
            "path": {"person": account},
            "receive": {"/status": {}},
        },
        "many": {
            "match": "POST /v2/many",
            **PURPOSE,
            "subject": {"from": "/people/*/id"},
            "send": {"/people/*/id": account, "/people/*/address": {"category": "basic.address"}},
        },
        "batch": {
            "match": "POST /v2/batch",
            **PURPOSE,
            "bulk": {"records": 2},
            "subject": {"from": "/account"},
            "seal": "fields",
            "send": {
                **address,
                "/account": account,
                "/phone": {"category": "basic.phone", "sealed": True},
            },
            "receive": {"/id": {"reference": True}},
        },
        "label": {
            "match": "POST /v2/labels",
            **PURPOSE,
            "send": address,
            "receive": {"content": "application/pdf", "max": "1MB"},
        },
        "later": {
            "match": "POST /v2/later",
            **PURPOSE,
            "idempotency": "X-Request-Id",
            "seal": "fields",
            "send": {"/phone": {"category": "basic.phone", "sealed": True}},
        },
    }
    # Written out: a manifest repeats nothing by reference.
    return dict(json.loads(json.dumps(routes)))


def courier(url: str) -> dict[str, Any]:
    """A processor; its upstream wants a secret."""
    upstream = {"timeout": "1s", "auth": {"bearer": f"env:{SECRET}"}}
    return a_manifest(COURIER, base_url=url, upstream=upstream, routes=Only(courier_routes()))


def court(url: str) -> dict[str, Any]:
    """An authority: registered evidence, and the whole body sealed."""
    route = {
        "match": "POST /v1/disclosures",
        "purpose": "legal-demand@1",
        "ground": "legal-obligation",
        "seal": "body",
        "retention": "3650d",
        "send": {"/person/name": {"category": "basic.name"}},
    }
    routes = Only({"file-disclosure": route})
    return a_manifest(COURT, base_url=url, kind="authority", routes=routes, deletion=REMOVE)


def media(url: str) -> dict[str, Any]:
    """An affiliate that advertises: consent, and nothing sealed."""
    route = {
        "match": "POST /v3/events",
        "purpose": "advertising@1",
        "ground": "consent",
        "retention": "90d",
        "send": {"/device/id": {"category": "device.id", "transform": "pseudonym"}},
    }
    routes = Only({"report-event": route})
    return a_manifest(MEDIA, base_url=url, kind="affiliate", routes=routes)


def plain_courier(id: str, url: str) -> dict[str, Any]:
    """A courier that takes an address."""
    route = {
        "match": "POST /v2/shipments",
        **PURPOSE,
        "send": {"/address": {"category": "basic.address"}},
        "receive": {"/status": {}},
    }
    return a_manifest(id, base_url=url, upstream={"timeout": "2s"}, routes=Only({"send": route}))


@dataclass(slots=True)
class Sown:
    """A running gateway whose every word is kept, its recipients, and the marks."""

    marks: Marks
    written: Written
    gateway: GatewayProcess
    app: GatewayClient
    partners: dict[str, FakePartner]
    raw: RawServer

    @property
    def home(self) -> Path:
        """The gateway's home."""
        return self.gateway.home

    async def carried(self, *where: Any, status: int = 200, **what: Any) -> Reply:
        """A share to which a partner answers, or that is accepted for later."""
        reply = self.written.keep(await self.app.share(*where, **what))
        assert (reply.status, reply.code) == (status, None), reply.body
        return reply

    async def declined(self, code: str, *where: Any, **what: Any) -> Reply:
        """A share that the gateway answers itself, with this code."""
        reply = self.written.keep(await self.app.share(*where, **what))
        assert reply.code == code, (reply, reply.body)
        return reply

    async def called(self, method: str, path: str, body: Any = None, *, status: int) -> Reply:
        """A request that is no share."""
        reply = self.written.keep(await self.app.request(method, path, body))
        assert reply.status == status, (reply, reply.body)
        return reply


@asynccontextmanager
async def sown(folder: Path, marks: Marks, *, raw_answers: list[bytes]) -> AsyncIterator[Sown]:
    """
    A gateway with four kinds of recipients. `raw_answers`: what the recipient
    answers that speaks no HTTP, one for each request.
    """
    async with AsyncExitStack() as stack:
        raw = await stack.enter_async_context(RawServer(raw_answers))
        partners = {
            COURIER: FakePartner(COURIER),
            COURT: FakePartner(COURT, purpose="legal-demand"),
            MEDIA: FakePartner(MEDIA, purpose="advertising"),
        }
        for partner in partners.values():
            await stack.enter_async_context(partner)
        home = await a_home(folder / "home")
        write_manifest(home, partners[COURIER], courier(partners[COURIER].base_url))
        write_manifest(home, partners[COURT], court(partners[COURT].base_url))
        write_manifest(home, partners[MEDIA], media(partners[MEDIA].base_url))
        write_manifest(home, FakePartner(RAW), plain_courier(RAW, raw.url))
        write_manifest(home, FakePartner(CLOSED), plain_courier(CLOSED, "http://127.0.0.1:9"))
        written = Written(folder / "written", home)
        settings = {
            **written.settings(),
            "GATEWAY_LIMITS__BODY": str(BODY_LIMIT),
            SECRET: marks.word("secret: of the courier's upstream", leaves=True),
        }
        gateway = GatewayProcess(home, settings=settings, logs=written.logs)
        for partner in partners.values():
            keys = FileKeyring(home / "keys").public_jwks()
            partner.trust(issuer=gateway.public_url, jwks=keys)
        await stack.enter_async_context(gateway)
        claims = {label: marks.word(f"token: {label}") for label in ("jti", "name", "email")}
        token = a_token(home, scope=SCOPES, grounds=GROUNDS, **claims)
        marks.derived("token: its signature", token.rpartition(".")[2])
        app = await stack.enter_async_context(gateway.client(token))
        yield Sown(marks, written, gateway, app, partners, raw)
