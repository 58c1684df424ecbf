"""
The whole share path beside a bare proxy: the same requests, the same partner,
one process each on the same processor, in interleaved rounds.

What must be true is checked and not assumed: everything was answered with 200,
what arrived is the declared minimum under a grant that verifies, what came back
is the declared response, and the partner counted exactly the shares that the
ledger calls delivered.
"""

import asyncio
import json
import sqlite3
import subprocess
import tempfile
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import jwt

from gateway.recipient import MemorySeen, receive_share
from gateway.testing.builders import a_token
from gateway.testing.ports import PortLease
from gateway.testing.processes import gateway_command, gateway_environment
from gateway.testing.server import GatewayProcess
from tests.benchmarks import machine, workload
from tests.benchmarks.home import Made, make, pinned, running, script
from tests.benchmarks.load import SUBJECT, Happened, Plan
from tests.benchmarks.upstream import ANSWER
from tests.benchmarks.wire import headers_of

Say = Callable[[str], None]

WAYS = (workload.BARE, workload.NONE, workload.BODY)
TITLES = {
    workload.BARE: "bare aiohttp proxy",
    workload.NONE: "gateway, seal: none",
    workload.BODY: "gateway, seal: body",
}


class CheckFailed(Exception):
    """The run measured something other than it claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How long and how often."""

    subjects: int = 10_000
    rounds: int = 3
    seconds: float = 5.0
    connections: tuple[int, ...] = (64, 4)
    settle_seconds: float = 1.0
    """CPU counts until so long after the last answer: outcomes and the tree follow a share."""


QUICK = Size(subjects=32, rounds=1, seconds=0.3, connections=(8,), settle_seconds=0.3)


@dataclass(slots=True, kw_only=True)
class Round:
    """One way, once."""

    happened: Happened
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.happened.requests / self.happened.seconds

    @property
    def per_cpu_second(self) -> float:
        """Requests answered for each CPU second of the process that is measured."""
        return self.happened.requests / max(self.cpu_seconds, 1 / machine.TICKS)


class Stage:
    """Partner, bare proxy and gateway, all running."""

    def __init__(self, size: Size, say: Say) -> None:
        self.size = size
        self.say = say
        self.subject, self.others = machine.processors()
        self.leases = {name: PortLease() for name in ("upstream", workload.BARE)}
        self.pids: dict[str, int] = {}
        self.plans: dict[str, Plan] = {}
        self.answered: Counter[str] = Counter()
        self.jwks: dict[str, Any] = {}
        self.issuer = ""

    @property
    def base_url(self) -> str:
        """Of the partner."""
        return f"http://{self.leases['upstream'].address}"

    async def measure(self, way: str, **changes: Any) -> Round:
        """One load on one way, and the CPU time that it cost there."""
        pid = self.pids[way]
        before = machine.cpu_seconds(pid)
        happened = await _load(replace(self.plans[way], **changes), self.others)
        await asyncio.sleep(self.size.settle_seconds)
        if set(happened.statuses) != {"200"}:
            raise CheckFailed(f"{TITLES[way]}: not all answers are 200: {happened.statuses}")
        _check_answer(way, happened)
        self.answered[way] += happened.requests
        return Round(happened=happened, cpu_seconds=machine.cpu_seconds(pid) - before)

    async def told(self) -> dict[str, Any]:
        """What the partner counted and kept."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.base_url}/told") as answer,
        ):
            told: dict[str, Any] = await answer.json()
            return told


async def run(size: Size, say: Say) -> dict[str, Any]:
    """
    The whole benchmark: what it measured, as JSON values.

    Raises `CheckFailed` where what was measured is not what was meant.
    """
    stage = Stage(size, say)
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        try:
            return await _run(stage, Path(folder))
        finally:
            for lease in stage.leases.values():
                lease.release()


async def _run(stage: Stage, folder: Path) -> dict[str, Any]:
    made = await make(folder / "home", stage.base_url)
    async with AsyncExitStack() as stack:
        await _peers(stage, stack)
        async with _gateway(stage, made, folder) as gateway:
            await _know(stage, gateway, made)
            stage.say(f"share: {stage.size.subjects} people, each for the first time")
            first = await _warm_up(stage)
            rounds = await _rounds(stage)
        told = await stage.told()
    if stage.answered != told["counts"]:
        raise CheckFailed(f"answered were {stage.answered}, and the partner got {told['counts']}")
    checks = _check_arrivals(stage, made, told) | _check_ledger(made.home, told["counts"])
    return {"first": _numbers([first]), "ways": _medians(rounds), "checks": checks}


async def _peers(stage: Stage, stack: AsyncExitStack) -> None:
    upstream, bare = (stage.leases[name].port for name in ("upstream", workload.BARE))
    await stack.enter_async_context(
        running(script(stage.others, "upstream.py", str(upstream)), upstream)
    )
    command = script(stage.subject, "bare_proxy.py", str(bare), stage.base_url)
    stage.pids[workload.BARE] = await stack.enter_async_context(running(command, bare))


def _gateway(stage: Stage, made: Made, folder: Path) -> GatewayProcess:
    serve = gateway_command("--home", str(made.home), "serve")
    return GatewayProcess(made.home, command=pinned(stage.subject, *serve), logs=folder / "logs")


async def _know(stage: Stage, gateway: GatewayProcess, made: Made) -> None:
    stage.issuer = gateway.public_url
    async with (
        aiohttp.ClientSession() as session,
        session.get(gateway.jwks_url) as answer,
    ):
        stage.jwks = await answer.json()
    internal = int(gateway.internal_url.rpartition(":")[2])
    headers = {
        "Host": "gateway.example",
        "Authorization": f"Bearer {a_token(made.home)}",
        "Content-Type": "application/json",
        "Sharing-Purpose": workload.PURPOSE,
        "Sharing-Subject": SUBJECT,
    }
    for way in WAYS:
        bare = way == workload.BARE
        stage.pids[way] = stage.pids[way] if bare else gateway.pid
        stage.plans[way] = Plan(
            port=stage.leases[way].port if bare else internal,
            connections=64,
            target=f"/{way}/parcels" if bare else f"/share/{workload.PARTNER}/{way}/parcels",
            headers=headers,
            body=workload.body(),
            subjects=stage.size.subjects,
        )


async def _warm_up(stage: Stage) -> Round:
    """Every person once, then each way for a moment; the first is worth a number of its own."""
    first = await stage.measure(workload.NONE)
    for way in WAYS:
        await stage.measure(way, seconds=min(1.0, stage.size.seconds))
    return first


async def _rounds(stage: Stage) -> dict[int, dict[str, list[Round]]]:
    measured: dict[int, dict[str, list[Round]]] = {}
    for connections in stage.size.connections:
        ways = measured[connections] = {way: [] for way in WAYS}
        for number in range(1, stage.size.rounds + 1):
            for way in WAYS:
                one = await stage.measure(way, connections=connections, seconds=stage.size.seconds)
                ways[way].append(one)
                stage.say(
                    f"share: {connections:2} connections, round {number}, {TITLES[way]:20}"
                    f"{one.per_second:7.0f}/s  {one.per_cpu_second:7.0f}/CPU s"
                )
    return measured


async def _load(plan: Plan, processor: int) -> Happened:
    process = await asyncio.create_subprocess_exec(
        *script(processor, "load.py"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    if process.returncode != 0:
        raise CheckFailed("the load generator ended before its time, see above")
    return Happened(**json.loads(out))


def _medians(rounds: Mapping[int, Mapping[str, list[Round]]]) -> dict[str, Any]:
    return {
        str(connections): {
            way: _numbers(several) | {"ratio": _ratio(several, ways[workload.BARE])}
            for way, several in ways.items()
        }
        for connections, ways in rounds.items()
    }


def _ratio(ours: list[Round], bare: list[Round]) -> float:
    """
    Requests for each CPU second, beside the bare proxy in the same round: the
    median over the rounds. What else the machine did then met both.
    """
    pairs = zip(ours, bare, strict=True)
    return round(median(one.per_cpu_second / other.per_cpu_second for one, other in pairs), 3)


def _numbers(rounds: list[Round]) -> dict[str, float]:
    """The median of each number over the rounds, each by itself."""
    return {
        "requests": sum(one.happened.requests for one in rounds),
        "per_second": round(median(one.per_second for one in rounds), 1),
        "per_cpu_second": round(median(one.per_cpu_second for one in rounds), 1),
        "p50_ms": round(median(one.happened.p50_ms for one in rounds), 3),
        "p99_ms": round(median(one.happened.p99_ms for one in rounds), 3),
        "load_busy": round(median(one.happened.busy for one in rounds), 2),
    }


def _check_answer(way: str, happened: Happened) -> None:
    expected = ANSWER if way == workload.BARE else workload.COMES_BACK
    if json.loads(happened.body) != expected:
        raise CheckFailed(f"{TITLES[way]}: the answer to the app is not what the manifest lets in")


def _check_arrivals(stage: Stage, made: Made, told: dict[str, Any]) -> dict[str, Any]:
    """Open what the partner kept as a partner would, and compare it with what may leave."""
    checked: Counter[str] = Counter()
    for way in (workload.NONE, workload.BODY):
        for sample in told["samples"][way]:
            if json.loads(_opened(stage, made, sample)) != workload.LEAVES:
                raise CheckFailed(f"{TITLES[way]}: what arrived is not the declared minimum")
            checked[way] += 1
    return {"opened_and_compared": dict(checked)}


def _opened(stage: Stage, made: Made, sample: dict[str, str]) -> bytes:
    method, target, _ = sample["head"].split("\r\n", 1)[0].split(" ")
    headers = headers_of(sample["head"].encode("latin-1"))
    grant = next(value for name, value in headers.items() if name.lower() == "sharing-grant")
    # A long run outlives the grants of its first requests.
    issued = jwt.decode(grant, options={"verify_signature": False})["iat"]
    received = receive_share(
        method,
        stage.base_url + target,
        headers,
        b64decode(sample["body"]),
        keys=made.keys.private_jwks(),
        jwks=stage.jwks,
        partner=workload.PARTNER,
        issuer=stage.issuer,
        purpose=workload.PURPOSE,
        seen=MemorySeen(),
        now=issued,
    )
    return received.body


def _check_ledger(home: Path, counts: Mapping[str, int]) -> dict[str, Any]:
    """The shares that the partner counted are those that the ledger calls delivered."""
    arrived = counts[workload.NONE] + counts[workload.BODY]
    intents, delivered = _shares_of(home / "data" / "gateway.db")
    if not len(intents) == len(delivered) == arrived or intents != delivered:
        raise CheckFailed(
            f"the partner counted {arrived} shares, the ledger has {len(intents)} intents and "
            f"{len(delivered)} of them delivered"
        )
    verified = subprocess.run(
        gateway_command("--home", str(home), "ledger", "verify"),
        env=gateway_environment(),
        capture_output=True,
        check=False,
    )
    if verified.returncode != 0:
        said = (verified.stderr or verified.stdout).decode().strip().rpartition("\n")[2]
        raise CheckFailed(f"`gateway ledger verify` does not call the ledger sound: {said}")
    return {
        "arrived": arrived,
        "intents": len(intents),
        "delivered": len(delivered),
        "ledger_verified": True,
    }


def _shares_of(database: Path) -> tuple[set[str], set[str]]:
    """The ids of all shares that have an intent, and of those with the outcome delivered."""
    intents: set[str] = set()
    delivered: set[str] = set()
    db = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    try:
        for (text,) in db.execute("SELECT leaf FROM entry ORDER BY seq"):
            leaf = json.loads(text)
            if leaf["kind"] == "intent":
                intents.add(leaf["share"])
            elif leaf["kind"] == "outcome" and leaf["outcome"] == "delivered":
                delivered.add(leaf["share"])
    finally:
        db.close()
    return intents, delivered
