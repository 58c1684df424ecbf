"""A home with the benchmark's partner, and the processes that stand around it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.testing.builders import write_yaml
from gateway.testing.keys import PartnerKeys
from tests.benchmarks import workload
from tests.homes import a_home

HERE = Path(__file__).parent
PINNED = str(HERE / "pinned.py")
START_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A home, and the private keys of its one partner."""

    home: Path
    keys: PartnerKeys


async def make(folder: Path, base_url: str) -> Made:
    """`gateway init`, with the benchmark's partner in place of the default ones."""
    home = await a_home(folder)
    keys = PartnerKeys.generate(workload.PARTNER)
    public = home / "partners" / "keys" / f"{workload.PARTNER}.jwks.json"
    public.write_text(json.dumps(keys.public_jwks()), encoding="utf-8")
    path = home / "partners" / f"{workload.PARTNER}.yaml"
    write_yaml(path, workload.manifest(base_url))
    return Made(home=home, keys=keys)


def pinned(processor: int, *command: str) -> list[str]:
    """`command`, on one processor."""
    return [sys.executable, PINNED, str(processor), *command]


def script(processor: int, name: str, *arguments: str) -> list[str]:
    """A script of this folder, on one processor."""
    return pinned(processor, sys.executable, str(HERE / name), *arguments)


@asynccontextmanager
async def running(command: Sequence[str], port: int) -> AsyncIterator[int]:
    """A process that listens on `port` while inside; its pid. Raises `TimeoutError`."""
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    try:
        await asyncio.wait_for(_listening(port), START_SECONDS)
        yield process.pid
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        await writer.wait_closed()
        return
