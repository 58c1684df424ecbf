"""
How long a mass case takes: a service ends, and everybody's recipients are told.

    python -m tests.benchmarks.mass --people 10000 --recipients 3

A gateway of its own process, recipients that answer 200 at once in this one. Printed
are how many cases were opened and notices came a second, how much memory the gateway
took, how long a single person's own request took to reach its recipients meanwhile, and
how long the certificate of all of it takes then.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from gateway.testing.builders import Only, a_manifest, a_token, write_yaml
from gateway.testing.client import GatewayClient
from gateway.testing.keys import PartnerKeys
from gateway.testing.server import GatewayProcess
from tests.benchmarks.recipients import Recipient, Recipients
from tests.homes import a_home

SCOPES = ("share", "subject:write", "case:write", "case:read")
VERIFIED = {"method": "app-session", "reference": "session-17", "at": "2026-11-01T10:00:00Z"}
TOGETHER = 2000
SETTINGS = {
    "GATEWAY_CASES__SECOND_PERSON_ABOVE": "10000000",
    "GATEWAY_LOG__LEVEL": "warning",
}
OWN_SECONDS = 2.0


@dataclass(slots=True)
class Measured:
    """One run."""

    people: int
    recipients: int
    opened_seconds: float = 0.0
    told_seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_before: int = 0
    memory_most: int = 0
    own: list[float] | None = None
    certificate_seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        """For people and programs."""
        notices = self.people * self.recipients
        return {
            "people": self.people,
            "notices": notices,
            "cases_per_second": round(self.people / self.opened_seconds),
            "notices_per_second": round(notices / self.told_seconds),
            "opened_seconds": round(self.opened_seconds, 1),
            "told_seconds": round(self.told_seconds, 1),
            "cpu_ms_per_person": round(1000 * self.cpu_seconds / self.people, 2),
            "memory_mb": [self.memory_before // 1024, self.memory_most // 1024],
            "own_request_seconds": round(median(self.own), 3) if self.own else None,
            "own_request_worst": round(max(self.own), 3) if self.own else None,
            "certificate_seconds": round(self.certificate_seconds, 2),
        }


async def run(people: int, recipients: int, rate: int) -> dict[str, Any]:
    """The whole run."""
    settings = SETTINGS | {"GATEWAY_CASES__MASS_PER_SECOND": str(rate)}
    with tempfile.TemporaryDirectory(prefix="gateway-mass-") as folder:
        async with Recipients(recipients) as all_of:
            home = await home_of(Path(folder) / "home", all_of.all)
            async with (
                GatewayProcess(home, logs=Path(folder) / "logs", settings=settings) as gateway,
                gateway.client(a_token(home, scope=SCOPES), timeout_seconds=600) as app,
            ):
                await declared(app, people, all_of.all)
                return (await _measured(gateway, app, people, all_of.all)).summary()


async def home_of(folder: Path, recipients: list[Recipient]) -> Path:
    """A home whose recipients are these."""
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


async def declared(app: GatewayClient, people: int, recipients: list[Recipient]) -> None:
    """Everybody was shared with every recipient, before the gateway."""
    for first in range(0, people, TOGETHER):
        some = range(first, min(first + TOGETHER, people))
        body = [_disclosure(number, one.id) for number in some for one in recipients]
        reply = await app.post("/v1/disclosures", body)
        assert reply.status == 201, reply


def _disclosure(number: int, partner: str) -> dict[str, Any]:
    return {
        "subject": f"user-{number}",
        "partner": partner,
        "purpose": "order-fulfilment",
        "fields": ["/address"],
        "categories": ["basic.address"],
        "at": "2026-06-01T00:00:00Z",
    }


async def _measured(
    gateway: GatewayProcess, app: GatewayClient, people: int, recipients: list[Recipient]
) -> Measured:
    found = Measured(people=people, recipients=len(recipients), own=[])
    found.memory_before = found.memory_most = _memory(gateway)
    body = {"reason": "unlawful", "reference": "bench", "everybody": True}
    used, began = _cpu(gateway), perf_counter()
    reply = await app.post("/v1/mass-cases", body)
    assert reply.status == 202, reply
    id, own = reply.json()["mass"], 0
    while not (found.opened_seconds and _told(recipients) >= (people + own) * len(recipients)):
        if perf_counter() - began > OWN_SECONDS * (own + 1) and not found.opened_seconds:
            own += 1
            assert found.own is not None
            found.own.append(await _own_request(app, own, recipients))
        if not found.opened_seconds:
            seen = (await app.get(f"/v1/mass-cases/{id}")).json()
            if seen["state"] in ("opened", "closed"):
                found.opened_seconds = perf_counter() - began
        found.memory_most = max(found.memory_most, _memory(gateway))
        now = perf_counter() - began
        told, used_now = _told(recipients), _cpu(gateway) - used
        print(
            f"\r{now:6.1f} s: {told} notices came, {used_now:.1f} s of CPU, "
            f"{found.memory_most // 1024} MB ",
            end="",
            file=sys.stderr,
        )
        await asyncio.sleep(0.5)
    found.told_seconds = perf_counter() - began
    found.cpu_seconds = _cpu(gateway) - used
    began = perf_counter()
    reply = await app.get(f"/v1/mass-cases/{id}/certificate?interim=true")
    assert reply.status == 200, reply
    found.certificate_seconds = perf_counter() - began
    found.memory_most = max(found.memory_most, _memory(gateway))
    return found


def _told(recipients: list[Recipient]) -> int:
    return sum(len(one.came) for one in recipients)


async def _own_request(app: GatewayClient, number: int, recipients: list[Recipient]) -> float:
    """Somebody asks for their own deletion: seconds until the last recipient heard of it."""
    subject = f"own-{number}"
    body = [_disclosure(0, one.id) | {"subject": subject} for one in recipients]
    assert (await app.post("/v1/disclosures", body)).status == 201
    began = perf_counter()
    erase = {"action": "erase", "subject": subject, "reason": "user-request", "verified": VERIFIED}
    reply = await app.post("/v1/cases", erase)
    if reply.status == 409:
        # The mass case was faster.
        return 0.0
    notices = {one["partner"]: one["notice"] for one in reply.json()["notices"]}
    while not all(notices[one.id] in one.came for one in recipients if one.id in notices):
        await asyncio.sleep(0.005)
    return perf_counter() - began


def _memory(gateway: GatewayProcess) -> int:
    """Resident memory in KiB."""
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    (line,) = [one for one in status.splitlines() if one.startswith("VmRSS")]
    return int(line.split()[1])


def _cpu(gateway: GatewayProcess) -> float:
    """Seconds of CPU that the gateway used."""
    fields = Path(f"/proc/{gateway.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.mass", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--recipients", type=int, default=3)
    parser.add_argument("--rate", type=int, default=100_000, help="cases a second at most")
    chosen = parser.parse_args()
    found = asyncio.run(run(chosen.people, chosen.recipients, chosen.rate))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
