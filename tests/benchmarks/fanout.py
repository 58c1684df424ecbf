"""
Many notices to many recipients, signed and durable: how many a second, beside Celery,
Redis and requests doing the same in the same run.

Everybody's notices fall due in one moment (the end of a service, announced long
enough ago), so that what is measured is the sending: from the first arrival to
the last. Afterwards each notice is verified by the gateway's public key, and each
recipient must have each of its own exactly once.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from gateway.recipient import verify_notice
from gateway.testing.builders import Only, a_manifest, a_token, write_yaml
from gateway.testing.client import GatewayClient
from gateway.testing.keys import PartnerKeys
from gateway.testing.ports import PortLease
from gateway.testing.server import GatewayProcess
from tests.benchmarks.share_path import CheckFailed
from tests.homes import a_home

Say = Callable[[str], None]

ROOT = Path(__file__).resolve().parents[2]
PEER = Path(__file__).with_name("celery_peer.py")
VERIFIED = {"method": "system", "reference": "end-of-service", "at": "2026-01-01T10:00:00Z"}
SCOPES = ("share", "subject:write", "case:write", "case:read")
ANNOUNCED_DAYS = 30
LONGEST_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is sent."""

    notices: int = 20_000
    recipients: int = 50
    many: int = 200
    """Recipients of one person, of whom `dead` never answer."""
    dead: int = 20
    rounds: int = 5
    celery: int = 20_000
    """Notices of the peer; 0: it is left out."""


QUICK = Size(notices=60, recipients=6, many=12, dead=2, rounds=1, celery=0)


@dataclass(frozen=True, slots=True)
class Served:
    """Recipients that run."""

    process: asyncio.subprocess.Process
    desk: str
    ports: Sequence[int]
    kept: Path

    async def came(self) -> int:
        """How many notices have come."""
        async with aiohttp.ClientSession() as session, session.get(self.desk) as answer:
            return int((await answer.json())["came"])

    async def all(self) -> list[dict[str, Any]]:
        """End them; everything that came, in its order."""
        self.process.send_signal(signal.SIGTERM)
        await self.process.wait()
        return [json.loads(line) for line in self.kept.read_text().splitlines()]


@asynccontextmanager
async def recipients(folder: Path, number: int, silent: int = 0) -> AsyncIterator[Served]:
    """So many recipients in a process of their own."""
    kept = folder / f"came-{number}-{silent}.jsonl"
    arguments = ("--number", str(number), "--silent", str(silent), "--kept", str(kept))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.fanout_recipients",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        desk, *ports = json.loads(await process.stdout.readline())
        yield Served(process, f"http://127.0.0.1:{desk}/", ports, kept)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def run(size: Size, say: Say) -> dict[str, Any]:
    """The whole benchmark, as JSON values. Raises `CheckFailed` where one is not told rightly."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        folder = Path(name)
        sent = await _throughput(folder, size, say)
        peer = await _celery(folder, size, say)
        rounds: dict[int, list[float]] = {0: [], size.dead: []}
        for turn in range(size.rounds):
            for dead, measured in rounds.items():
                place = folder / f"many-{turn}-{dead}"
                place.mkdir()
                measured.append(await _last_of_many(place, size.many, dead, say))
    lanes = {str(dead): median(measured) for dead, measured in rounds.items()}
    ratio = round(sent["per_second"] / peer["per_second"], 1) if "per_second" in peer else None
    return {
        "notices": size.notices,
        "recipients": size.recipients,
        "gateway": sent,
        "celery": peer,
        "ratio": ratio,
        "many": size.many,
        "last_of_many_ms": lanes,
    }


async def _throughput(folder: Path, size: Size, say: Say) -> dict[str, Any]:
    async with recipients(folder, size.recipients) as served:
        home = await home_for(folder / "home", served.ports)
        people = size.notices // size.recipients
        async with (
            GatewayProcess(home, logs=folder / "logs") as gateway,
            gateway.client(a_token(home, scope=SCOPES), timeout_seconds=120) as app,
        ):
            await known(app, people, size.recipients)
            due = datetime.now(UTC) + timedelta(seconds=1 + people * 0.12)
            opened = time.time()
            await _cases(app, people, announced_at=due - timedelta(days=ANNOUNCED_DAYS))
            if datetime.now(UTC) >= due:
                raise CheckFailed("the cases took longer to open than their notices waited")
            took = time.time() - opened
            say(f"fan-out: {people} cases of {size.recipients} notices opened in {took:.1f} s")
            await _until(served, size.notices, say)
            jwks = (await _public(gateway.public_url)).json()
        came = await served.all()
    _check(came, jwks, size)
    return _rate(came) | {"cases_per_second": round(people / took, 1)}


async def _public(url: str) -> Any:
    async with GatewayClient(url) as anybody:
        return await anybody.get("/.well-known/jwks.json")


async def home_for(folder: Path, ports: Sequence[int]) -> Path:
    """A home whose recipients are at these ports."""
    home = await a_home(folder)
    route = {
        "match": "POST /parcels",
        "purpose": "order-fulfilment@1",
        "ground": "core-function",
        "retention": "30d",
        "send": {"/address": {"category": "basic.address"}},
    }
    for place, port in enumerate(ports):
        id = f"recipient-{place}"
        keys = home / "partners" / "keys" / f"{id}.jwks.json"
        keys.write_text(json.dumps(PartnerKeys.generate(id).public_jwks()), encoding="utf-8")
        base = f"http://127.0.0.1:{port}"
        write_yaml(
            home / "partners" / f"{id}.yaml",
            a_manifest(id, base_url=base, routes=Only({"parcels": route})),
        )
    return home


async def known(app: GatewayClient, people: int, partners: int) -> None:
    """Everybody's data went to everybody, before the gateway was there."""
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    for number in range(people):
        declared = [
            {
                "subject": f"person-{number}",
                "partner": f"recipient-{place}",
                "purpose": "order-fulfilment",
                "fields": ["/address"],
                "categories": ["basic.address"],
                "at": at,
            }
            for place in range(partners)
        ]
        reply = await app.post("/v1/disclosures", declared)
        if reply.status != 201:
            raise CheckFailed(f"a declaration was answered {reply.status} {reply.code}")


async def _cases(app: GatewayClient, people: int, announced_at: datetime) -> None:
    for number in range(people):
        body = {
            "action": "erase",
            "subject": f"person-{number}",
            "reason": "service-ended",
            "announced_at": announced_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "verified": VERIFIED,
        }
        reply = await app.post("/v1/cases", body)
        if reply.status != 202:
            raise CheckFailed(f"an erasure was answered {reply.status} {reply.code}")


async def _until(served: Served, number: int, say: Say) -> None:
    said = time.monotonic()
    async with asyncio.timeout(LONGEST_SECONDS):
        while (came := await served.came()) < number:
            await asyncio.sleep(0.5 if number > 1000 else 0.05)
            if time.monotonic() - said > 5:
                said = time.monotonic()
                say(f"fan-out: {came:,} of {number:,} notices have come")


def _check(came: Sequence[Mapping[str, Any]], jwks: Mapping[str, Any], size: Size) -> None:
    """Each notice verifies, and each recipient has one for each person."""
    each: Counter[int] = Counter()
    ids: set[str] = set()
    for one in came:
        head, body = b64decode(one["head"]), b64decode(one["body"])
        lines = head.decode().split("\r\n")[1:]
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        data = verify_notice(headers, body, dict(jwks), now=one["at"])
        if data["partner"] != f"recipient-{one['place']}":
            raise CheckFailed("a notice came to another recipient")
        ids.add(data["notice"])
        each[one["place"]] += 1
    people = size.notices // size.recipients
    if len(ids) != len(came) or set(each.values()) != {people} or len(each) != size.recipients:
        raise CheckFailed("not every recipient was told of everybody once")


def _rate(came: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    times = sorted(one["at"] for one in came)
    seconds = times[-1] - times[0]
    return {
        "notices": len(times),
        "seconds": round(seconds, 3),
        "per_second": round((len(times) - 1) / seconds, 1) if seconds else 0.0,
    }


async def _last_of_many(folder: Path, many: int, dead: int, say: Say) -> float:
    """Milliseconds from the 202 to the first attempt at the last recipient that lives."""
    async with recipients(folder, many, dead) as served:
        home = await home_for(folder / "home", served.ports)
        async with (
            GatewayProcess(home, logs=folder / "logs") as gateway,
            gateway.client(a_token(home, scope=SCOPES), timeout_seconds=120) as app,
        ):
            await known(app, 1, many)
            body = {
                "action": "erase",
                "subject": "person-0",
                "reason": "user-request",
                "verified": VERIFIED,
            }
            reply = await app.post("/v1/cases", body)
            accepted = time.time()
            if reply.status != 202:
                raise CheckFailed(f"an erasure was answered {reply.status} {reply.code}")
            await _until(served, many, say)
            # An orderly end would wait for those that never answer.
            await gateway.kill()
        came = await served.all()
    first: dict[int, float] = {}
    for one in came:
        first.setdefault(one["place"], one["at"])
    living = [at for place, at in first.items() if place < many - dead]
    if len(living) != many - dead:
        raise CheckFailed("a recipient that lives was not told")
    last = 1000 * (max(living) - accepted)
    say(f"fan-out: the last of {many - dead} of {many}, {dead} dead: {last:.1f} ms after the 202")
    return round(last, 1)


async def _celery(folder: Path, size: Size, say: Say) -> dict[str, Any]:
    """The peer, where there is a redis-server and its packages can be installed."""
    if not size.celery:
        return {"absent": "not asked for"}
    redis = shutil.which("redis-server")
    if redis is None:
        return {"absent": "redis-server is not installed"}
    python = _peer_python(say)
    if python is None:
        return {"absent": "celery, redis, requests and pyjwt could not be installed"}
    lease = PortLease()
    port = lease.port
    lease.release()
    broker = subprocess.Popen(
        [redis, "--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    environment = {
        **os.environ,
        "PEER_BROKER": f"redis://127.0.0.1:{port}/0",
        "PEER_DATABASE": str(folder / "peer.db"),
        "PYTHONPATH": str(PEER.parent),
    }
    try:
        return await _celery_run(folder, size, python, environment, say)
    finally:
        broker.terminate()
        broker.wait()


async def _celery_run(
    folder: Path, size: Size, python: Path, environment: Mapping[str, str], say: Say
) -> dict[str, Any]:
    async with recipients(folder, size.recipients + 1) as served:
        ports = ",".join(str(port) for port in served.ports[: size.recipients])
        filling = await asyncio.create_subprocess_exec(
            str(python),
            str(PEER),
            "--number",
            str(size.celery),
            "--ports",
            ports,
            env=environment,
        )
        if await filling.wait():
            return {"absent": "the peer's queue could not be filled"}
        say(f"fan-out: {size.celery:,} notices are in the peer's queue")
        worker = await asyncio.create_subprocess_exec(
            str(python),
            *("-m", "celery", "-A", "celery_peer", "worker", "-c", "4", "-l", "ERROR"),
            cwd=folder,
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _until(served, size.celery, say)
        finally:
            worker.terminate()
            await worker.wait()
        return _rate(await served.all())


def _peer_python(say: Say) -> Path | None:
    """An environment with the peer's packages, made once."""
    folder = ROOT / "build" / "peers"
    python = folder / "bin" / "python"
    if not python.exists():
        say("fan-out: making an environment for celery, redis, requests and pyjwt")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    wanted = ["celery", "redis", "packaging", "requests", "pyjwt", "cryptography"]
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted],
        check=False,
        capture_output=True,
    )
    return python if done.returncode == 0 else None
