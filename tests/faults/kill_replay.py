"""
Kill a replay of erasures at each of its writes, and run it again.

    python -m tests.faults.kill_replay

A copy is put back from before a day's deletions; the replay runs in a process of
its own, which gets SIGKILL in place of the write with this number, and then one that
lives. One line for each kill; exit code 1 if anything did not hold.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from gateway.testing.processes import gateway_environment
from tests.cases.forgetting import read
from tests.cases.restoring import SLOW, SWIFT, RestoredHouse
from tests.faults.replaying import (
    STATE,
    Loss,
    bundled,
    dying_at,
    leaves,
    lose,
    refused,
    state,
)
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE

SECONDS = 60


async def kills(folder: Path) -> list[str]:
    """Kill at every write; what did not hold."""
    clock = Clock(datetime.now(UTC).replace(microsecond=0))
    broken: list[str] = []
    async with RestoredHouse(empty_home(folder / "home"), clock) as house:
        assert isinstance(house, RestoredHouse)
        await house.open([a_manifest(id, base_url=NOWHERE) for id in (SWIFT, SLOW)])
        loss = await lose(house)
        await loss.put_back()
        await house.replay(loss.bundle)
        whole, number = state(house.database), 1
        while (code := await _kill(loss, number)) == -signal.SIGKILL:
            broken += await _looked(loss, number, whole)
            number += 1
        if code:
            broken.append(f"the replay ended with {code}")
    return broken


async def _kill(loss: Loss, number: int) -> int:
    """Run a replay that is killed at this write; how it ended."""
    await loss.put_back()
    line = [sys.executable, "-m", "tests.faults.kill_replay", str(number), str(loss.bundle)]
    environment = gateway_environment({**loss.house.settings, "KILL_HOME": str(loss.house.folder)})
    ended = await asyncio.to_thread(
        subprocess.run, line, env=environment, timeout=SECONDS, capture_output=True
    )
    return ended.returncode


async def _looked(loss: Loss, number: int, whole: object) -> list[str]:
    """Run it again, and look at what is there."""
    broken = []
    ended = read(loss.house.database, STATE["replay"]) == [(1, 0)]
    if not ended and not await refused(loss.house):
        broken.append(f"write {number}: a gateway started on what was left")
    await loss.house.replay(loss.bundle)
    theirs = bundled(loss.bundle)
    if leaves(loss.house.database)[: len(theirs)] != theirs:
        broken.append(f"write {number}: the ledger is another one")
    if state(loss.house.database) != whole:
        broken.append(f"write {number}: it came to another end")
    print(f"kill at write {number:2}: {'; '.join(broken) or 'holds'}", flush=True)
    return broken


def die() -> None:
    """The end of this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """The command; with a number and a bundle the process that is killed."""
    if len(sys.argv) == 3:
        from gateway.cli import cli

        with dying_at(int(sys.argv[1]), die):
            home = os.environ["KILL_HOME"]
            cli(["--home", home, "--json", "ledger", "replay-erasures", sys.argv[2]])
        return 0
    with tempfile.TemporaryDirectory(prefix="gateway-kill-replay-") as folder:
        broken = asyncio.run(kills(Path(folder)))
    print(json.dumps({"broken": broken, "holds": not broken}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
