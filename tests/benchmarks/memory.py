"""
The memory of the gateway while much passes through it: a bulk share of a million
lines, and a mixed load with recipients that are slow, dead, or answer hugely.

    python -m tests.benchmarks.memory --lines 1000000
    python -m tests.benchmarks.memory --lines 200000 --mixed 60 --json memory.json

The gateway is a process of its own; what is sampled is its resident memory.
Flat means: between the end of the warm-up, a fifth of the run, and its end the
memory grew by no more than `ROOM_MIB`.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import aiohttp

from gateway.testing.behaviour import Delay, Huge, Silence
from gateway.testing.builders import Only, a_manifest, a_token, write_manifest
from gateway.testing.partner import FakePartner
from gateway.testing.server import GatewayProcess
from tests.benchmarks import machine
from tests.benchmarks.recipients import Recipients
from tests.benchmarks.tables import table
from tests.homes import a_home

Say = Callable[[str], None]

ROOM_MIB = 24.0
"""What an allocator may keep for itself without anything having been kept on purpose."""

SAMPLE_SECONDS = 0.25
TOGETHER = 250
"""Lines that the app writes at once."""
RECORDS = 500
HUGE_BYTES = 64 * 1024 * 1024
SLOW_SECONDS = 2.0

NDJSON = "application/x-ndjson"
_STATUS = re.compile(rb'"status": (\d+)')


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment."""

    seconds: float
    mib: float
    done: int
    """Lines or requests that were answered by then."""


@dataclass(slots=True)
class Watch:
    """Samples a process while something runs."""

    pid: int
    done: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    started: float = field(default_factory=perf_counter)

    def look(self) -> None:
        """Take one sample."""
        seconds = perf_counter() - self.started
        self.samples.append(Sample(seconds, resident_mib(self.pid), self.done.total()))

    async def keep_looking(self) -> None:
        """Take samples until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(SAMPLE_SECONDS)

    def result(self) -> dict[str, Any]:
        """What a run came to, as JSON values."""
        self.look()
        seconds = self.samples[-1].seconds
        growth = grown(self.samples)
        return {
            "seconds": round(seconds, 1),
            "answered": dict(self.done),
            "per_second": round(self.done.total() / seconds, 1),
            "start_mib": round(self.samples[0].mib, 1),
            "peak_mib": round(max(one.mib for one in self.samples), 1),
            "grown_mib": round(growth, 1),
            "flat": growth <= ROOM_MIB,
            "samples": [[round(s.seconds, 1), round(s.mib, 1), s.done] for s in self.samples],
        }


def resident_mib(pid: int) -> float:
    """The resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the gateway is gone")


def grown(samples: Sequence[Sample]) -> float:
    """By how many MiB the last fifth of a run lies above the second."""
    fifth = max(1, len(samples) // 5)
    after = [one.mib for one in samples[fifth : 2 * fifth]] or [samples[0].mib]
    return median(one.mib for one in samples[-fifth:]) - median(after)


async def bulk(
    gateway: GatewayProcess, token: str, *, partner: str, lines: int, watch: Watch, name: str = ""
) -> None:
    """One bulk request of so many lines, each of a person of their own; all must be carried."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Sharing-Purpose": "order-fulfilment",
        "Content-Type": NDJSON,
    }
    before = watch.done.total()
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session,
        session.post(
            f"{gateway.internal_url}/share/{partner}/batch",
            data=_lines(lines, name),
            headers=headers,
        ) as response,
    ):
        if response.status != 200:
            raise RuntimeError(f"the bulk request was answered {response.status}")
        # Answers may be cut anywhere; what is left of a line waits for the rest.
        rest = b""
        async for part in response.content.iter_any():
            whole, _, rest = (rest + part).rpartition(b"\n")
            watch.done.update(found.decode() for found in _STATUS.findall(whole))
    if watch.done.total() - before < lines:
        raise RuntimeError("not every line was answered")


async def _lines(number: int, name: str) -> AsyncIterator[bytes]:
    for first in range(0, number, TOGETHER):
        yield b"".join(
            json.dumps(
                {
                    "account": f"u{name}-{place:08d}",
                    "name": "欧阳明",
                    "address": "四川省成都市锦江区春熙路一段一号三单元十二楼",
                    "order": f"LO-{place:08d}",
                    "internal": {"risk": 12, "segment": "A3"},
                }
            ).encode()
            + b"\n"
            for place in range(first, min(first + TOGETHER, number))
        )


def bulk_manifest(partner: str, base_url: str, records: int = RECORDS) -> dict[str, Any]:
    """A recipient of batches: pseudonym, masked name, address, order."""
    route = {
        "match": "POST /batch",
        "purpose": "order-fulfilment@1",
        "ground": "core-function",
        "retention": "30d",
        "bulk": {"records": records},
        "subject": {"from": "/account"},
        "send": {
            "/account": {"category": "network.account", "transform": "pseudonym"},
            "/name": {"category": "basic.name", "transform": "mask-name"},
            "/address": {"category": "basic.address"},
            "/order": {"category": "transaction.order", "type": "string"},
        },
    }
    return a_manifest(partner, base_url=base_url, routes=Only({"batch": route}))


async def run_bulk(lines: int, records: int, say: Say) -> dict[str, Any]:
    """The bulk share; samples and verdict as JSON values."""
    with tempfile.TemporaryDirectory(prefix="gateway-memory-") as folder:
        async with Recipients(1) as recipients:
            taker = recipients.all[0]
            home = await a_home(Path(folder) / "home")
            fake = FakePartner(taker.id)
            write_manifest(home, fake, bulk_manifest(taker.id, taker.base_url, records))
            async with GatewayProcess(home, logs=Path(folder) / "logs") as gateway:
                watch = Watch(gateway.pid)
                looking = asyncio.create_task(_told(watch, lines, say))
                try:
                    await bulk(gateway, a_token(home), partner=taker.id, lines=lines, watch=watch)
                finally:
                    looking.cancel()
                cpu = machine.cpu_seconds(gateway.pid)
                return watch.result() | {"lines": lines, "cpu_seconds": round(cpu, 1)}


async def _told(watch: Watch, lines: int, say: Say) -> None:
    looking = asyncio.create_task(watch.keep_looking())
    try:
        told = 0
        while True:
            await asyncio.sleep(1)
            if watch.done.total() * 10 // lines > told:
                told = watch.done.total() * 10 // lines
                say(f"memory: {watch.done.total():>9,} lines, {watch.samples[-1].mib:7.1f} MiB")
    finally:
        looking.cancel()


async def run_mixed(seconds: float, say: Say) -> dict[str, Any]:
    """Everything at once for so long: who is quick, slow, dead, answers hugely; and bulk."""
    ways: dict[str, tuple[Any, int]] = {
        "quick": (None, 4),
        "slow": (Delay(SLOW_SECONDS), 16),
        "dead": (Silence(), 16),
        "huge": (Huge(HUGE_BYTES, announced=False), 4),
    }
    with tempfile.TemporaryDirectory(prefix="gateway-memory-") as folder:
        async with AsyncExitStack() as stack:
            home = await a_home(Path(folder) / "home")
            for way, (behaviour, _) in ways.items():
                fake = await stack.enter_async_context(FakePartner(way, verify=False))
                fake.script.always(behaviour)
                write_manifest(home, fake, _single_manifest(way, fake.base_url))
                _forgetful(fake)
            taker = (await stack.enter_async_context(Recipients(1))).all[0]
            manifest = bulk_manifest(taker.id, taker.base_url)
            write_manifest(home, FakePartner(taker.id), manifest)
            gateway = await stack.enter_async_context(
                GatewayProcess(home, logs=Path(folder) / "logs")
            )
            watch, token = Watch(gateway.pid), a_token(home)
            until = perf_counter() + seconds
            tasks = [asyncio.create_task(watch.keep_looking())]
            callers = [
                asyncio.create_task(_caller(gateway, token, way, place, until, watch))
                for way, (_, number) in ways.items()
                for place in range(number)
            ]
            callers.append(asyncio.create_task(_bulks(gateway, token, taker.id, until, watch)))
            try:
                await asyncio.gather(*callers)
            finally:
                for task in (*tasks, *callers):
                    task.cancel()
            say(f"memory: mixed load, {watch.done.total():,} answers")
            return watch.result()


def _single_manifest(partner: str, base_url: str) -> dict[str, Any]:
    return a_manifest(partner, base_url=base_url, upstream={"timeout": "3s"})


def _forgetful(fake: FakePartner) -> None:
    """A fake keeps everything it was sent; over a long run that would slow down this process."""

    def respond(_: Any) -> dict[str, Any]:
        fake.received.clear()
        fake.arrivals.clear()
        fake.copies = type(fake.copies)()
        return {"tracking_number": "SP-1", "status": "created"}

    fake.respond = respond


async def _caller(
    gateway: GatewayProcess, token: str, way: str, place: int, until: float, watch: Watch
) -> None:
    body = {"recipient": {"name": "欧阳明", "address": "成都市锦江区1号"}}
    async with gateway.client(token, timeout_seconds=60) as app:
        number = 0
        while perf_counter() < until:
            number += 1
            subject = f"u-{way}-{place}-{number}"
            reply = await app.share(way, "/v2/shipments/LO-1", body, subject=subject)
            watch.done[f"{way} {reply.status}"] += 1
            if reply.status in (429, 502):
                await asyncio.sleep(0.05)


async def _bulks(
    gateway: GatewayProcess, token: str, partner: str, until: float, watch: Watch
) -> None:
    turn = 0
    while perf_counter() < until:
        turn += 1
        one = Watch(gateway.pid)
        await bulk(gateway, token, partner=partner, lines=2000, watch=one, name=str(turn))
        watch.done["bulk lines"] += one.done.total()


def render(result: dict[str, Any]) -> str:
    """What was measured, for a person."""
    return "\n\n".join(
        _run_table(name, result[name]) for name in ("bulk", "mixed") if name in result
    )


def _run_table(name: str, run: dict[str, Any]) -> str:
    samples = run["samples"]
    step = max(1, len(samples) // 10)
    chosen = [*samples[::step], samples[-1]]
    rows = [(f"{s:,.1f}", f"{mib:,.1f}", f"{done:,}") for s, mib, done in chosen]
    verdict = "flat" if run["flat"] else "NOT flat"
    told = (
        f"{run['grown_mib']:+.1f} MiB after the warm-up, peak {run['peak_mib']:.1f} MiB, "
        f"{run['per_second']:,.0f} answers a second"
    )
    return "\n".join(
        (
            f"{name}: {verdict}; {told}",
            f"answered: {', '.join(f'{n:,} x {w}' for w, n in sorted(run['answered'].items()))}",
            table(("seconds", "MiB", "answered"), rows),
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table. 0; 1 where the memory was not flat."""
    parser = argparse.ArgumentParser(prog="memory", description=__doc__.split("\n\n")[0])
    parser.add_argument("--lines", type=int, default=1_000_000, help="of the bulk share; 0: none")
    parser.add_argument("--records", type=int, default=RECORDS, help="in a batch")
    parser.add_argument("--mixed", type=float, default=60.0, metavar="SECONDS", help="0: none")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    options = parser.parse_args(arguments)
    result: dict[str, Any] = {"machine": machine.facts()}
    if options.lines:
        result["bulk"] = asyncio.run(run_bulk(options.lines, options.records, _say))
    if options.mixed:
        result["mixed"] = asyncio.run(run_mixed(options.mixed, _say))
    print(render(result))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if all(result[run]["flat"] for run in ("bulk", "mixed") if run in result) else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
