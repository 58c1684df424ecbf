"""
A person is deleted while they are shared about from all sides at once.

    async with Field.open(folder) as field, served(field) as course:
        race = await course.run()
        assert race.counts and not race.broken

Sixty-four shares of one person leave at the same time for sixteen recipients: to
some on a slow line, by some answered slowly, and to half of them only one share
goes, so that a recipient can be missed. Somewhere in the middle of it the person
is deleted. What must hold then:

1. Whoever received a share, or had it on the line, is among those who are told.
2. Nothing of the person reaches a recipient after its notice.
3. Every intent stands before the fence, and each has an outcome.
4. A share that was refused for the deletion reached nobody.
5. Nobody has a copy when the case is closed.

Each breach is one line in `Race.broken`.
"""

import asyncio
import json
import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from aiohttp import web

from gateway import config as settings
from gateway import wiring
from gateway.flows.gateway import Gateway
from gateway.keyring import FileKeyring
from gateway.testing import traffic
from gateway.testing.behaviour import Delay
from gateway.testing.builders import a_manifest, a_token, write_manifest
from gateway.testing.client import GatewayClient, Reply
from gateway.testing.listener import Listener
from gateway.testing.partner import FakePartner
from gateway.testing.people import Person, person
from gateway.testing.ports import HOST, PortLease
from gateway.testing.processes import LOOPBACK
from gateway.testing.server import GatewayProcess
from gateway.web.listeners import Internal, Public
from gateway.web.server import Server
from gateway.workers.lanes import close, tell
from gateway.workers.sequencer import sequence
from tests.homes import a_home

SHARES = {
    **dict.fromkeys((f"busy-{n}" for n in range(4)), 10),
    **dict.fromkeys((f"calm-{n}" for n in range(4)), 4),
    **dict.fromkeys((f"rare-{n}" for n in range(8)), 1),
}
"""How many of the 64 shares go to each recipient."""

LINES = {"busy-0": 0.15, "busy-1": 0.05, "calm-0": 0.15, "rare-0": 0.1, "rare-1": 0.15}
"""On whose line a request takes so many seconds; a notice takes another way, without delay."""

ANSWERS = {"busy-2": 0.05, "calm-1": 0.08, "rare-2": 0.1}
"""Who takes so many seconds to answer a share."""

SHORTEST_SECONDS, LONGEST_SECONDS = 0.04, 0.2
"""From the first share to the last, at least and at most."""

CLOSED_SECONDS = 20.0
SCOPES = ("share", "case:write", "case:read")
VERIFIED = {"method": "app-session", "reference": "session-17", "at": "2026-11-01T10:00:00Z"}


@dataclass(frozen=True, slots=True)
class Came:
    """A share's request, as soon as its head was there."""

    order: int
    """Its place among everything that reached this recipient, notices included."""
    reference: str
    share: str


class Courier(FakePartner):
    """A recipient that notes what came, and in which order."""

    def __init__(self, partner: str) -> None:
        super().__init__(partner)
        self.came: list[Came] = []

    async def _share(self, request: web.Request, running: Listener) -> web.StreamResponse:
        reference = request.path.rpartition("/")[2]
        self.came.append(Came(self._next_order(), reference, request.headers.get("Sharing-Id", "")))
        return await super()._share(request, running)


class SlowLine:
    """A way to a port on which what is sent takes its time; what comes back does not."""

    def __init__(self, port: int, seconds: float) -> None:
        self._target, self._seconds = port, seconds
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> "SlowLine":
        self._server = await asyncio.start_server(self._connected, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(near, back))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        answers, far = await asyncio.open_connection(HOST, self._target)
        loop = asyncio.get_running_loop()
        slow: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def take() -> None:
            while data := await near.read(65536):
                slow.put_nowait((loop.time() + self._seconds, data))
            slow.put_nowait((0.0, b""))

        async def give() -> None:
            while True:
                due, data = await slow.get()
                if not data:
                    return
                await asyncio.sleep(due - loop.time())
                far.write(data)

        async def answer() -> None:
            while data := await answers.read(65536):
                back.write(data)

        ways = [asyncio.create_task(way) for way in (take(), give(), answer())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far.close()
            back.close()


@dataclass(slots=True)
class Race:
    """One repetition: what was going on at the fence, and what was broken."""

    number: int
    carried: int = 0
    """Shares that the app was told were delivered."""
    refused: int = 0
    """Shares refused because the person is being deleted."""
    in_flight: int = 0
    """Intents open at the fence that reached their recipient."""
    withheld: int = 0
    """Intents open at the fence that were not sent."""
    told: int = 0
    """Recipients that were told."""
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Whether anything was in flight when the fence went up."""
        return self.in_flight > 0

    def summary(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "counts": self.counts}


class Field:
    """A home and its recipients; gateways come and go."""

    def __init__(self, home: Path, couriers: Mapping[str, Courier], seed: int) -> None:
        self.home, self.couriers = home, couriers
        self.rng = random.Random(seed)
        self.races = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, *, seed: int = 1) -> AsyncIterator["Field"]:
        """A new home, and its recipients running."""
        async with AsyncExitStack() as stack:
            home = await a_home(folder / "home")
            couriers = {name: Courier(name) for name in SHARES}
            for name, courier in couriers.items():
                await stack.enter_async_context(courier)
                base_url = courier.base_url
                if name in LINES:
                    line = SlowLine(int(base_url.rpartition(":")[2]), LINES[name])
                    await stack.enter_async_context(line)
                    base_url = f"http://{HOST}:{line.port}"
                if name in ANSWERS:
                    courier.script.always(Delay(ANSWERS[name]))
                write_manifest(home, courier, _manifest(courier, base_url))
            yield cls(home, couriers, seed)

    def trust(self, issuer: str) -> None:
        """Let the recipients know who issues grants."""
        keys = FileKeyring(self.home / "keys").public_jwks()
        for courier in self.couriers.values():
            courier.trust(issuer=issuer, jwks=keys)


def _manifest(courier: Courier, base_url: str) -> dict[str, Any]:
    manifest = a_manifest(courier.id, base_url=base_url)
    manifest["deletion"]["url"] = courier.notices_url
    return manifest


@asynccontextmanager
async def served(field: Field, logs: Path) -> AsyncIterator["Course"]:
    """The real gateway, as a process of its own."""
    async with GatewayProcess(field.home, logs=logs) as gateway:
        field.trust(gateway.public_url)
        async with gateway.client(_token(field.home), timeout_seconds=60) as app:
            yield Course(field, app)


@asynccontextmanager
async def embedded(field: Field) -> AsyncIterator[tuple["Course", Gateway]]:
    """The same gateway in this process, where a test can take a part out of it."""
    async with AsyncExitStack() as stack:
        ports = PortLease(), PortLease()
        for port in ports:
            stack.callback(port.release)
        config = settings.load(
            field.home,
            {
                "GATEWAY_LISTEN__INTERNAL": ports[0].address,
                "GATEWAY_LISTEN__PUBLIC": ports[1].address,
                "GATEWAY_EGRESS__ALLOW": LOOPBACK,
                "GATEWAY_EGRESS__PLAINTEXT": LOOPBACK,
            },
        )
        gateway = await stack.enter_async_context(wiring.opened(config))
        workers = await stack.enter_async_context(asyncio.TaskGroup())
        for port, handler in zip(ports, (Internal(gateway), Public(gateway)), strict=True):
            runner = web.ServerRunner(Server(handler), shutdown_timeout=2)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, HOST, port.port).start()
        for worker in (sequence, tell, close):
            workers.create_task(worker(gateway))
        stack.callback(gateway.stopping.set)
        field.trust(f"http://{ports[1].address}")
        app = GatewayClient(f"http://{ports[0].address}", _token(field.home), timeout_seconds=60)
        stack.push_async_callback(app.close)
        yield Course(field, app), gateway


def _token(home: Path) -> str:
    return a_token(home, service="order-service", scope=SCOPES)


class Course:
    """Where races are run: a field with a gateway that serves it."""

    def __init__(self, field: Field, app: GatewayClient) -> None:
        self.field, self.app = field, app

    async def run(self) -> Race:
        """One race, with a person of its own."""
        started = perf_counter()
        race = Race(self.field.races)
        self.field.races += 1
        before = _size(self.field.home)
        whom = person(race.number)
        erased, replies = await self._raced(race, whom)
        if erased.status != 202:
            race.broken.append(f"the deletion was answered {erased}")
            return race
        case = erased.json()
        await self._closed(case["case"], race)
        told = Told(self.field.couriers, race.number, case)
        _compare(told, replies, race)
        _read(_leaves(self.field.home, before), case["case"], race)
        race.seconds = perf_counter() - started
        return race

    async def _raced(self, race: Race, whom: Person) -> tuple[Reply, Sequence[Reply]]:
        """
        All shares within a moment, and the deletion among them: some have left by
        then, some are being decided or recorded, and some come after it.
        """
        rng = self.field.rng
        names = [name for name, times in SHARES.items() for _ in range(times)]
        rng.shuffle(names)
        window = rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)
        shares = [
            asyncio.create_task(
                self._share(name, f"R{race.number}-{place}", whom, window * rng.random())
            )
            for place, name in enumerate(names)
        ]
        wanted = rng.randrange(1, 16)
        while self._arrived(race) < wanted and not all(share.done() for share in shares):
            await asyncio.sleep(0.001)
        erased = await self.app.post("/v1/cases", _erasure(whom))
        return erased, await asyncio.gather(*shares)

    def _arrived(self, race: Race) -> int:
        couriers = self.field.couriers.values()
        return sum(1 for courier in couriers for _ in _of(race.number, courier.came))

    async def _share(self, partner: str, reference: str, whom: Person, after: float) -> Reply:
        body = traffic.order(random.Random(reference), whom)
        await asyncio.sleep(after)
        return await self.app.share(
            partner, f"/v2/shipments/{reference}", body, subject=whom.account
        )

    async def _closed(self, case: str, race: Race) -> None:
        try:
            async with asyncio.timeout(CLOSED_SECONDS):
                while (await self.app.get(f"/v1/cases/{case}")).json()["state"] != "closed":
                    await asyncio.sleep(0.03)
        except TimeoutError:
            race.broken.append("the case does not close")


def _erasure(whom: Person) -> dict[str, Any]:
    return {
        "action": "erase",
        "subject": whom.account,
        "reason": "user-request",
        "verified": VERIFIED,
    }


class Told:
    """What reached the recipients in one race."""

    def __init__(
        self, couriers: Mapping[str, Courier], number: int, case: Mapping[str, Any]
    ) -> None:
        self.notices = {one["notice"]: one["partner"] for one in case["notices"]}
        self.came = {name: list(_of(number, one.came)) for name, one in couriers.items()}
        self.heard: dict[str, list[int]] = {
            name: [n.order for n in one.notices.received if n.notice in self.notices]
            for name, one in couriers.items()
        }
        self.kept = {
            name: {copy.share for copy in one.copies} & {came.share for came in self.came[name]}
            for name, one in couriers.items()
        }

    @property
    def shares(self) -> set[str]:
        """Share ids that reached anybody."""
        return {one.share for came in self.came.values() for one in came}


def _of(number: int, came: Iterable[Came]) -> Iterable[Came]:
    return (one for one in came if one.reference.startswith(f"R{number}-"))


def _compare(told: Told, replies: Sequence[Reply], race: Race) -> None:
    """What the recipients saw, with what the app was told."""
    named = set(told.notices.values())
    race.told = len(named)
    race.carried = sum(reply.status == 200 for reply in replies)
    refused = [reply.share for reply in replies if reply.code == "subject-erased"]
    race.refused = len(refused)
    for name, came in told.came.items():
        if came and name not in named:
            race.broken.append(f"{name} received {len(came)} shares and is not in the case")
        after = [one.share for one in came if told.heard[name] and one.order > told.heard[name][0]]
        if after:
            race.broken.append(f"{name} received {len(after)} shares after its notice")
        if named and name in named and not told.heard[name]:
            race.broken.append(f"{name} is in the case and heard of nothing")
        if told.kept[name]:
            race.broken.append(f"{name} still has {len(told.kept[name])} copies")
    for share in told.shares & set(refused):
        race.broken.append(f"{share} was refused and reached a recipient")
    other = Counter(
        f"{reply.status} {reply.code}"
        for reply in replies
        if reply.status != 200 and reply.code != "subject-erased"
    )
    race.broken += [f"{count} shares were answered {what}" for what, count in other.items()]


def _read(leaves: Sequence[Mapping[str, Any]], case: str, race: Race) -> None:
    """What the ledger says of this race: nothing else was going on."""
    fence = next((place for place, leaf in enumerate(leaves) if _fences(leaf, case)), len(leaves))
    ended: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for place, leaf in enumerate(leaves):
        if leaf["kind"] == "outcome":
            ended[leaf["share"]].append((place, leaf["outcome"]))
    for place, leaf in enumerate(leaves):
        if leaf["kind"] != "intent":
            continue
        if place > fence:
            race.broken.append(f"{leaf['share']} stands behind the fence")
        outcomes = ended[leaf["share"]]
        if not outcomes:
            race.broken.append(f"{leaf['share']} has no outcome")
        elif place < fence < outcomes[0][0]:
            race.withheld += outcomes[0][1] == "not-sent"
            race.in_flight += outcomes[0][1] != "not-sent"


def _fences(leaf: Mapping[str, Any], case: str) -> bool:
    return leaf["kind"] == "fence" and leaf["case"] == case


def _size(home: Path) -> int:
    with closing(_database(home)) as db:
        (size,) = db.execute("SELECT coalesce(max(seq), 0) FROM entry").fetchone()
    return int(size)


def _leaves(home: Path, after: int) -> list[dict[str, Any]]:
    """Leaves that are durable, signed or not."""
    with closing(_database(home)) as db:
        rows = db.execute("SELECT leaf FROM entry WHERE seq > ? ORDER BY seq", (after,))
        return [json.loads(leaf) for (leaf,) in rows]


def _database(home: Path) -> sqlite3.Connection:
    path = home / "data" / "gateway.db"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
