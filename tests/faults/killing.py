"""
A real gateway under load, killed with SIGKILL at a moment that nobody chose.

    async with Scene.open(folder) as scene:
        wreck = await scene.kill()
        await scene.gateway.start()

Services share about many people at once with three recipients: one that answers
at once, one that takes its time, and one that receives and says nothing. So at
any moment some intents are being written, some requests are on their way, and
some were received and not answered. Some shares are asked for at once, some for
later (`Prefer: respond-async`). What must hold afterwards is in `aftermath`.
"""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gateway.keyring import FileKeyring
from gateway.testing import traffic
from gateway.testing.behaviour import Delay, Silence
from gateway.testing.builders import a_manifest, a_token, write_manifest
from gateway.testing.client import GatewayClient, Reply
from gateway.testing.listener import Listener
from gateway.testing.partner import FakePartner
from gateway.testing.people import Person, person
from gateway.testing.server import GatewayProcess
from tests.homes import a_home

QUICK, SLOW, MUTE = "swift-parcel", "slow-post", "mute-mail"
WORKERS = {QUICK: 8, SLOW: 6, MUTE: 12}
"""How many callers each recipient has; one of the mute one's waits until the kill."""

PARTNERS_OWN_KEY = "X-Request-Id"
"""The slow recipient tells repeats apart by this header; the others cannot."""

ENOUGH_OPEN = 8
"""A kill with fewer intents open does not count."""

LATER = 0.2
"""The part of all requests that is to be carried later."""

PEOPLE_AT_ONCE = 12
LONGEST_WAIT_SECONDS = 0.5
LOAD_SECONDS = 30.0


@dataclass(slots=True)
class Call:
    """One request of the app, and what it heard of it; None: the gateway died first."""

    partner: str
    reference: str
    """Unique; also the idempotency key, and in the path that the recipient sees."""
    person: Person
    body: dict[str, Any]
    later: bool
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """A request whose head reached a recipient."""

    partner: str
    reference: str
    share: str


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """An intent without an outcome, as the dead process left it."""

    index: int
    share: str
    partner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wreck:
    """What one kill left."""

    number: int
    home: Path
    """A copy of the home as it lay there; the restart has its own."""
    calls: list[Call]
    came: list[Came]
    """What reached recipients before the kill, since the load began."""
    opened: list[OpenIntent]
    unanswered: frozenset[str]
    """Shares that a recipient had received whole and not answered."""


class Watched(FakePartner):
    """A recipient that also notes which request each share answers to."""

    def __init__(self, partner: str, **options: Any) -> None:
        super().__init__(partner, **options)
        self.came: list[Came] = []

    async def _share(self, request: web.Request, running: Listener) -> web.StreamResponse:
        share = request.headers.get("Sharing-Id", "")
        self.came.append(Came(self.id, request.path.rpartition("/")[2], share))
        return await super()._share(request, running)


class Scene:
    """A home, its gateway and the recipients, over any number of kills."""

    def __init__(
        self, folder: Path, home: Path, partners: dict[str, Watched], rng: random.Random
    ) -> None:
        self.folder, self.home, self.partners = folder, home, partners
        self.gateway = GatewayProcess(home, logs=folder / "logs")
        self.rng = rng
        self.kills = 0
        self.token = a_token(
            home, scope=("share", "subject:read", "ledger:read"), service="order-service"
        )
        for partner in partners.values():
            keys = FileKeyring(home / "keys").public_jwks()
            partner.trust(issuer=self.gateway.public_url, jwks=keys)

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, *, seed: int = 1) -> AsyncIterator["Scene"]:
        """A running gateway on a new home, and everybody it shares with."""
        async with AsyncExitStack() as stack:
            partners = {
                QUICK: Watched(QUICK),
                SLOW: Watched(SLOW, idempotency=PARTNERS_OWN_KEY),
                MUTE: Watched(MUTE),
            }
            for partner in partners.values():
                await stack.enter_async_context(partner)
            home = await a_home(folder / "home")
            for partner in partners.values():
                write_manifest(home, partner, _manifest(partner))
            scene = cls(folder, home, partners, random.Random(seed))
            await stack.enter_async_context(scene.gateway)
            yield scene

    def client(self) -> GatewayClient:
        """The app's side; patient, since a mute recipient keeps it waiting."""
        return self.gateway.client(self.token, timeout_seconds=60)

    def came(self) -> list[Came]:
        """Everything that reached recipients since the load began."""
        return [one for partner in self.partners.values() for one in partner.came]

    async def kill(self) -> Wreck:
        """Load the gateway, kill it, and see what is left. Nobody restarts it here."""
        self.kills += 1
        for partner in self.partners.values():
            partner.came.clear()
        calls = await self._loaded_and_killed()
        came = self.came()
        unanswered = {raw.share for p in self.partners.values() for raw in p.unanswered}
        home = self.folder / f"dead-{self.kills}"
        shutil.copytree(self.home, home)
        for partner in self.partners.values():
            partner.script.always(None)
        return Wreck(
            number=self.kills,
            home=home,
            calls=calls,
            came=came,
            opened=list(open_intents(home / "data" / "gateway.db")),
            unanswered=frozenset(unanswered & {one.share for one in came}),
        )

    async def _loaded_and_killed(self) -> list[Call]:
        self.partners[SLOW].script.always(Delay(0.15))
        self.partners[MUTE].script.always(Silence())
        calls: list[Call] = []
        async with self.client() as app, asyncio.timeout(LOAD_SECONDS), asyncio.TaskGroup() as load:
            for partner, workers in WORKERS.items():
                for _ in range(workers):
                    load.create_task(self._keep_asking(app, partner, calls))
            while len(self.partners[MUTE].came) < WORKERS[MUTE] // 2:
                await asyncio.sleep(0.005)
            await asyncio.sleep(self.rng.uniform(0, LONGEST_WAIT_SECONDS))
            await self.gateway.kill()
        return calls

    async def _keep_asking(self, app: GatewayClient, partner: str, calls: list[Call]) -> None:
        """One caller: a request after the other, until there is no gateway."""
        while True:
            call = self.next_call(partner, len(calls), later=self.rng.random() < LATER)
            calls.append(call)
            try:
                call.reply = await self.ask(app, call)
            except aiohttp.ClientError:
                return
            if call.reply.status not in (200, 202):
                raise RuntimeError(f"{partner}: {call.reply} before anything was killed")

    def next_call(self, partner: str, number: int, *, later: bool) -> Call:
        """A request of the app about one of a few people."""
        first = self.kills * PEOPLE_AT_ONCE // 2
        whom = person(first + self.rng.randrange(PEOPLE_AT_ONCE))
        return Call(
            partner=partner,
            reference=f"K{self.kills}-{number}",
            person=whom,
            body=traffic.order(self.rng, whom),
            later=later,
        )

    async def ask(self, app: GatewayClient, call: Call) -> Reply:
        """Send a request of the app, or send it again."""
        return await app.share(
            call.partner,
            f"/v2/shipments/{call.reference}",
            call.body,
            subject=call.person.account,
            idempotency_key=call.reference,
            prefer="respond-async" if call.later else None,
        )


def open_intents(database: Path) -> Iterator[OpenIntent]:
    """Intents without an outcome in a copy of a database, its write-ahead log included."""
    db = sqlite3.connect(database)
    try:
        query = "SELECT seq - 1, share, partner FROM share WHERE outcome IS NULL ORDER BY seq"
        for row in db.execute(query):
            yield OpenIntent(*row)
    finally:
        db.close()


def _manifest(partner: FakePartner) -> dict[str, Any]:
    # Long enough that no call of the mute recipient ends before the kill.
    upstream = {"base_url": partner.base_url, "timeout": "30s"}
    changes = {"idempotency": PARTNERS_OWN_KEY} if partner.id == SLOW else {}
    return a_manifest(
        partner.id,
        base_url=partner.base_url,
        upstream=upstream,
        routes={"create-shipment": changes},
    )
