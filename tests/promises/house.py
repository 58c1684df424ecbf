"""
A whole gateway over real HTTP, with its recipients, in the test's own loop.

It is the gateway that `serve` runs, made by the same wiring, on two listeners of
its own, with a clock that stands still until a test moves it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web

from gateway import config as settings
from gateway import wiring
from gateway.cli.start import make_home
from gateway.flows import policies
from gateway.flows.gateway import Gateway
from gateway.ports import FenceRow
from gateway.testing.authority import IssuedCertificate
from gateway.testing.builders import a_manifest, a_token, merged, write_manifest
from gateway.testing.client import GatewayClient, Reply
from gateway.testing.clock import Clock
from gateway.testing.keys import PartnerKeys
from gateway.testing.partner import FakePartner
from gateway.testing.ports import PortLease
from gateway.testing.processes import LOOPBACK
from gateway.web.listeners import Internal, Public
from gateway.web.server import Server
from gateway.workers.courier import carry_queued
from gateway.workers.sequencer import catch_up

SCOPES = (
    "share",
    "explain",
    "consent:write",
    "evidence:write",
    "subject:read",
    "subject:write",
    "case:write",
    "case:read",
    "ledger:read",
    "partner:read",
    "partner:write",
    "report:read",
)
GROUNDS = (
    "consent",
    "core-function",
    "requested-service",
    "agreement",
    "legal-obligation",
    "dispute",
    "rights-protection",
    "research",
    "public-interest",
    "minor-protection",
)
ORDER = {
    "recipient": {"name": "欧阳明", "phone": "13800138000", "address": "成都市锦江区1号"},
    "items": [{"sku": "TEA-01", "quantity": 2}],
}
PATH = "/v2/shipments/LO-1"


def empty_home(folder: Path) -> Path:
    """A home as `gateway init` makes it, without the default manifests and their cases."""
    make_home(folder)
    for path in [*(folder / "partners").glob("*.yaml"), *(folder / "policies/cases").glob("*")]:
        path.unlink()
    return folder


class House:
    """A running gateway. Made by `opened`, or by the fixtures `gateway` and `open_house`."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.recipients: dict[str, FakePartner] = {}
        self._ports = PortLease(), PortLease()
        self._stack = AsyncExitStack()
        self._running: Gateway | None = None
        self._settings: dict[str, str] = {}

    @property
    def gateway(self) -> Gateway:
        """The gateway itself, for what has no way in over HTTP."""
        assert self._running is not None
        return self._running

    @property
    def internal_url(self) -> str:
        """Of the listener that services call."""
        return f"http://{self._ports[0].address}"

    @property
    def public_url(self) -> str:
        """Of the listener that partners reach; the issuer of grants."""
        return self._settings.get("GATEWAY_PUBLIC__URL", f"http://{self._ports[1].address}")

    async def open(
        self,
        manifests: Iterable[Mapping[str, Any]],
        *,
        keys: Mapping[str, PartnerKeys] | None = None,
        tls: Mapping[str, IssuedCertificate] | None = None,
        client_ca: Path | None = None,
        settings: Mapping[str, str] | None = None,
        edit: Callable[[Path], None] | None = None,
    ) -> None:
        """
        Start the recipients of these manifests, then the gateway.

        `keys` and `tls` are by recipient; `client_ca` is whom callers of those with
        TLS must be certified by. `edit` changes the home.
        """
        self._settings = {
            "GATEWAY_LISTEN__INTERNAL": self._ports[0].address,
            "GATEWAY_LISTEN__PUBLIC": self._ports[1].address,
            "GATEWAY_EGRESS__ALLOW": LOOPBACK,
            "GATEWAY_EGRESS__PLAINTEXT": LOOPBACK,
            **(settings or {}),
        }
        for manifest in manifests:
            id = manifest["partner"]
            certificate = (tls or {}).get(id)
            partner = FakePartner(
                id,
                purpose=purpose_by_route(manifest),
                keys=(keys or {}).get(id),
                reference_names=frozenset({"tracking_number"}),
                tls=certificate,
                client_ca=client_ca if certificate else None,
                clock=self.clock,
            )
            await self._recipient(partner, manifest)
        if edit is not None:
            edit(self.folder)
        await self.start()

    async def _recipient(self, partner: FakePartner, manifest: Mapping[str, Any]) -> None:
        await self._stack.enter_async_context(partner)
        self.recipients[partner.id] = partner
        write_manifest(self.folder, partner, at_home(manifest, partner.base_url))

    async def start(self) -> None:
        """Start the gateway, at the same two addresses each time."""
        self._life = AsyncExitStack()
        config = settings.load(self.folder, self._settings)
        self._running = await self._life.enter_async_context(
            wiring.opened(config, clock=self.clock)
        )
        for lease, handler in (
            (self._ports[0], Internal(self._running)),
            (self._ports[1], Public(self._running)),
        ):
            runner = web.ServerRunner(Server(handler), shutdown_timeout=2)
            await runner.setup()
            self._life.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", lease.port).start()
        self._client = GatewayClient(self.internal_url)
        self._partner = GatewayClient(f"http://{self._ports[1].address}")
        self._life.push_async_callback(self._client.close)
        self._life.push_async_callback(self._partner.close)
        for partner in self.recipients.values():
            partner.trust(issuer=self.public_url, jwks=self._running.keys.public_jwks())

    async def stop(self) -> None:
        """End the gateway as SIGTERM does; the recipients stay."""
        if self._running is not None:
            self._running.stopping.set()
            self._running = None
            await self._life.aclose()

    async def restart(self) -> None:
        """Stop, and start again on the same home."""
        await self.stop()
        await self.start()

    async def reload(self) -> bool:
        """Read the documents anew, as SIGHUP does."""
        return await policies.reload(self.gateway, wiring.reloader(self.gateway))

    async def close(self) -> None:
        """Stop everything."""
        try:
            await self.stop()
        finally:
            await self._stack.aclose()
            for lease in self._ports:
                lease.release()

    async def __aenter__(self) -> "House":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def token(self, **changes: Any) -> str:
        """A service's token: every scope, partner and purpose, unless the test says less."""
        return a_token(self.folder, **{"scope": SCOPES, "now": self.clock(), **changes})

    def _authorised(self, headers: Mapping[str, str] | None, token: str | None) -> dict[str, str]:
        """`token`: None for one that may do everything, empty for none at all."""
        if token == "":
            return dict(headers or {})
        return {"Authorization": f"Bearer {token or self.token()}"} | dict(headers or {})

    async def share(
        self,
        partner: str = "swift-parcel",
        path: str = PATH,
        body: Any = ORDER,
        *,
        subject: str | None = "u-1",
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Reply:
        """One share; by default a whole order for the courier. Options as `GatewayClient.share`."""
        if options.get("ground") is not None and token is None:
            token = self.token(grounds=GROUNDS)
        return await self._client.share(
            partner,
            path,
            body,
            subject=subject,
            headers=self._authorised(headers, token),
            **options,
        )

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Any request to the internal listener, with a token."""
        return await self._client.request(
            method, path, body, headers=self._authorised(headers, token)
        )

    async def public(self, path: str, *, method: str = "GET", body: Any = None) -> Reply:
        """Any request to the public listener, as a partner sends it."""
        return await self._partner.request(method, path, body)

    async def consent(self, subject: str = "u-1", **changes: Any) -> str:
        """Record a consent; its id."""
        body = a_consent(self.clock(), subject=subject, **changes)
        reply = await self.ask("POST", "/v1/consents", body)
        assert reply.status == 201, reply.json()
        id: str = reply.json()["ids"][0]
        return id

    async def withdraw(self, id: str) -> None:
        """Withdraw a consent."""
        reply = await self.ask("POST", f"/v1/consents/{id}/withdraw", {"notify": False})
        assert reply.status == 200

    async def evidence(self, **changes: Any) -> str:
        """Register evidence; its id, as a whole value of `Sharing-Evidence`."""
        body: dict[str, Any] = {
            "type": "case-file",
            "reference": "CASE-2026-7",
            "partner": "swift-parcel",
            "purposes": ["order-fulfilment"],
            "expires": "2030-01-01T00:00:00Z",
            "may_tell_subject": True,
            **changes,
        }
        reply = await self.ask("POST", "/v1/evidence", body)
        assert reply.status == 201, reply.json()
        return f'"{reply.json()["evidence"]}"'

    async def facts(self, subject: str = "u-1", **facts: Any) -> None:
        """Change what is known of a person."""
        reply = await self.ask("PUT", f"/v1/subjects/{subject}", facts)
        assert reply.status < 300, reply.json()

    async def disclosures(self, subject: str = "u-1") -> list[dict[str, Any]]:
        """A person's account."""
        reply = await self.ask("GET", f"/v1/subjects/{subject}/disclosures")
        assert reply.status == 200
        rows: list[dict[str, Any]] = reply.json()["disclosures"]
        return rows

    async def leaves(self, *kinds: str) -> list[dict[str, Any]]:
        """The leaves that are durable now, of these kinds or all."""
        await self.gateway.store.flush()
        every = [json.loads(leaf) for leaf in await self.gateway.store.leaves(0, 100_000)]
        return [leaf for leaf in every if not kinds or leaf["kind"] in kinds]

    async def sequenced(self) -> None:
        """Take every durable leaf into the signed tree."""
        await self.gateway.store.flush()
        await catch_up(self.gateway)

    @asynccontextmanager
    async def courier_at_work(self) -> AsyncIterator[None]:
        """Inside, queued shares are sent."""
        task = asyncio.create_task(carry_queued(self.gateway))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def state_of(self, reply: Reply, *, beyond: str = "queued") -> dict[str, Any]:
        """How a queued share stands once it is no longer `beyond`; five seconds at most."""
        answer: dict[str, Any] = {}
        for _ in range(500):
            answer = (await self.ask("GET", f"/v1/shares/{reply.share}")).json()
            if answer["state"] != beyond:
                return answer
            self.gateway.queue_grew.set()
            await asyncio.sleep(0.01)
        return answer

    async def erase(self, subject: str) -> None:
        """
        Leave what an erasure leaves: a tombstone and nothing else; of somebody who
        is known, what is there while it is under way.
        """
        subjects = self.gateway.subjects
        state = await self.gateway.store.subject(subjects.lookup(subject))
        if state is None:
            mark = subjects.mark(subject)
            await self._sql("INSERT INTO tombstone (mark, expires) VALUES (?, '2099-01')", (mark,))
        else:
            await self._sql("UPDATE person SET erased = 1 WHERE no = ?", (state.row.person,))
        subjects.forget_all()

    async def fence(self, subject: str, **scope: Any) -> None:
        """Put up a fence of a person who is known, as a case does."""
        subjects = self.gateway.subjects
        state = await self.gateway.store.subject(subjects.lookup(subject))
        assert state is not None
        assert state.row.person is not None
        row = FenceRow(
            case="case_test",
            person=state.row.person,
            sealed=subjects.seal_fence({"reason": "restrict", **scope}),
        )
        await self._sql("INSERT INTO fence VALUES (?, ?, ?)", (row.case, row.person, row.sealed))
        subjects.forget_all()

    async def _sql(self, statement: str, values: tuple[Any, ...]) -> None:
        store: Any = self.gateway.store
        await store.write(lambda db: db.execute(statement, values) and None)


OpenHouse = Callable[..., Awaitable[House]]


@asynccontextmanager
async def opening(tmp_path: Path, clock: Clock) -> AsyncIterator[OpenHouse]:
    """Open a gateway with manifests of the test's own. Arguments as `House.open`."""
    async with AsyncExitStack() as stack:

        async def open_one(*manifests: Mapping[str, Any], **options: Any) -> House:
            folder = empty_home(tmp_path / f"home-{len(list(tmp_path.iterdir()))}")
            house = await stack.enter_async_context(House(folder, clock))
            await house.open(manifests, **options)
            return house

        yield open_one


def a_consent(at: datetime, **changes: Any) -> dict[str, Any]:
    """A consent as an app records it."""
    return {
        "subject": "u-1",
        "purpose": "advertising",
        "purpose_version": 1,
        "granted_at": stamp(at),
        "method": "explicit",
        "evidence": "screen 4, box 2",
        **changes,
    }


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def at_home(manifest: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """The manifest with its upstream and notices at this address."""
    there = {"upstream": {"base_url": base_url}}
    if (manifest.get("deletion") or {}).get("url"):
        there["deletion"] = {"url": f"{base_url}/privacy/notices"}
    return merged(manifest, there)


def purpose_by_route(manifest: Mapping[str, Any]) -> Callable[[str, str], str]:
    """Which purpose the recipient expects of a method and target."""
    table = [
        (route["match"].partition(" ")[0], _segments(route["match"]), route["purpose"])
        for route in manifest.get("routes", {}).values()
    ]

    def purpose(method: str, target: str) -> str:
        asked = target.partition("?")[0].split("/")[1:]
        fitting = [
            (sum(one.startswith("{") for one in parts), wanted.partition("@")[0])
            for verb, parts, wanted in table
            if verb == method
            and len(parts) == len(asked)
            and all(a == b or a.startswith("{") for a, b in zip(parts, asked, strict=True))
        ]
        return min(fitting)[1] if fitting else "none-of-mine"

    return purpose


def _segments(match: str) -> list[str]:
    return match.partition(" ")[2].split("/")[1:]


def a_courier(**changes: Any) -> dict[str, Any]:
    """The courier's manifest, with changes merged in; its address is filled in later."""
    return a_manifest("swift-parcel", base_url="http://127.0.0.1:1", **changes)


def problem_of(reply: Reply) -> dict[str, Any]:
    """A refusal's document, once it has everything that the contract asks of one."""
    assert reply.headers["Content-Type"].partition(";")[0] == "application/problem+json"
    document: dict[str, Any] = reply.json()
    code = document["code"]
    assert reply.headers["Sharing-Refused"] == code
    assert document["type"] == f"/problems/{code}"
    assert document["status"] == reply.status
    assert document["disclosed"] in ("yes", "no", "maybe")
    assert isinstance(document["clause"], list)
    for member in ("title", "detail", "remedy"):
        assert isinstance(document[member], str)
        assert document[member]
    wanted = {"type", "title", "status", "detail", "code", "clause", "remedy", "disclosed"}
    assert wanted <= set(document) <= wanted | {"share"}
    return document
