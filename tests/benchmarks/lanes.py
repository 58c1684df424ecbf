"""
One dead recipient among ten, and how long the other nine wait for their notices.

A person was shared with all ten. One of them dies: it accepts and never answers,
or it refuses to be connected to. Then the person is erased. What counts is the
time until the first attempt has arrived at the last of the other nine, beside
the same nine with all ten alive, in the same run and in turns.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from gateway.testing.builders import Only, a_manifest, a_token, write_yaml
from gateway.testing.client import GatewayClient
from gateway.testing.keys import PartnerKeys
from gateway.testing.server import GatewayProcess
from tests.benchmarks.recipients import ALIVE, CLOSED, SILENT, Recipient, Recipients
from tests.benchmarks.share_path import CheckFailed
from tests.homes import a_home

Say = Callable[[str], None]

RECIPIENTS = 10
WAYS = (ALIVE, SILENT, CLOSED)
TITLES = {
    ALIVE: "all ten alive",
    SILENT: "one accepts and never answers",
    CLOSED: "one refuses connections",
}
ARRIVED_SECONDS = 30.0
SCOPES = ("share", "case:write", "case:read")
VERIFIED = {"method": "app-session", "reference": "session-17", "at": "2026-11-01T10:00:00Z"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasure: seconds until the last of those that live was reached."""

    after_request: float
    after_accepted: float
    """After the 202 was read; below nothing where the notice was faster than that."""


async def run(*, quick: bool, say: Say) -> dict[str, Any]:
    """
    The whole benchmark, as JSON values.

    Raises `CheckFailed` where a dead recipient was not dead, or a living one not told.
    """
    rounds = 1 if quick else 30
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        async with Recipients(RECIPIENTS) as recipients:
            home = await _home(Path(folder) / "home", recipients.all)
            async with (
                GatewayProcess(home, logs=Path(folder) / "logs") as gateway,
                gateway.client(a_token(home, scope=SCOPES), timeout_seconds=60) as app,
            ):
                await _erased("warm-up", ALIVE, recipients.all, app)
                measured = await _rounds(rounds, recipients.all, app, say)
    alive = measured[ALIVE]
    return {
        "recipients": RECIPIENTS,
        "rounds": rounds,
        "ways": {way: _numbers(measured[way], alive) for way in WAYS},
    }


async def _rounds(
    number: int, recipients: list[Recipient], app: GatewayClient, say: Say
) -> dict[str, list[Erasure]]:
    measured: dict[str, list[Erasure]] = {way: [] for way in WAYS}
    for turn in range(1, number + 1):
        # Each way comes first as often as the others: what it leaves behind meets all.
        for way in WAYS[turn % len(WAYS) :] + WAYS[: turn % len(WAYS)]:
            one = await _erased(f"user-{turn}-{way}", way, recipients, app)
            measured[way].append(one)
            say(f"lanes: round {turn:2}, {TITLES[way]:30}{one.after_request * 1000:7.1f} ms")
    return measured


async def _home(folder: Path, recipients: list[Recipient]) -> Path:
    home = await a_home(folder)
    route = {
        "match": "POST /parcels",
        "purpose": "order-fulfilment@1",
        "ground": "core-function",
        "retention": "30d",
        "send": {"/address": {"category": "basic.address"}},
    }
    for one in recipients:
        keys = home / "partners" / "keys" / f"{one.id}.jwks.json"
        keys.write_text(json.dumps(PartnerKeys.generate(one.id).public_jwks()), encoding="utf-8")
        manifest = a_manifest(one.id, base_url=one.base_url, routes=Only({"parcels": route}))
        write_yaml(home / "partners" / f"{one.id}.yaml", manifest)
    return home


async def _erased(
    subject: str, way: str, recipients: list[Recipient], app: GatewayClient
) -> Erasure:
    """Share somebody with all, let one die, erase; it lives again afterwards."""
    dead, *others = recipients
    await _shared(subject, recipients, app)
    if way != ALIVE:
        await dead.become(way)
    body = {"action": "erase", "subject": subject, "reason": "user-request", "verified": VERIFIED}
    asked = perf_counter()
    reply = await app.post("/v1/cases", body)
    accepted = perf_counter()
    if reply.status != 202:
        raise CheckFailed(f"an erasure was answered {reply.status} {reply.code}")
    case = reply.json()
    notices = {one["partner"]: one["notice"] for one in case["notices"]}
    last = await _arrived([(one, notices[one.id]) for one in others])
    if way != ALIVE:
        await _check_dead(app, case["case"], dead)
        await dead.become(ALIVE)
    return Erasure(after_request=last - asked, after_accepted=last - accepted)


async def _shared(subject: str, recipients: list[Recipient], app: GatewayClient) -> None:
    replies = await asyncio.gather(
        *(app.share(one.id, "/parcels", {"address": "x"}, subject=subject) for one in recipients)
    )
    if {reply.status for reply in replies} != {200}:
        raise CheckFailed("not every share was carried")


async def _arrived(expected: list[tuple[Recipient, str]]) -> float:
    """When the last of these notices came."""
    async with asyncio.timeout(ARRIVED_SECONDS):
        while not all(notice in one.came for one, notice in expected):
            await asyncio.sleep(0.001)
    return max(one.came[notice] for one, notice in expected)


async def _check_dead(app: GatewayClient, case: str, dead: Recipient) -> None:
    """The dead one took nothing, and was tried; of the others nobody knows what it has to say."""
    async with asyncio.timeout(ARRIVED_SECONDS):
        while True:
            notices = (await app.get(f"/v1/cases/{case}")).json()["notices"]
            states = {one["partner"]: one["state"] for one in notices}
            (tries,) = [one["attempts"] for one in notices if one["partner"] == dead.id]
            if states.pop(dead.id) != "queued":
                raise CheckFailed("the dead recipient answered")
            if tries and set(states.values()) == {"sent"}:
                return
            await asyncio.sleep(0.01)


def _numbers(erasures: list[Erasure], alive: list[Erasure]) -> dict[str, float]:
    ratios = [
        one.after_request / other.after_request for one, other in zip(erasures, alive, strict=True)
    ]
    return {
        "after_request_ms": round(1000 * median(one.after_request for one in erasures), 2),
        "after_accepted_ms": round(1000 * median(one.after_accepted for one in erasures), 2),
        "worst_ms": round(1000 * max(one.after_request for one in erasures), 2),
        "ratio": round(median(ratios), 3),
    }
