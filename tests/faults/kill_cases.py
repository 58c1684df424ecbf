"""
Kill a real gateway while people are being deleted, again and again, and look at what is left.

    python -m tests.faults.kill_cases --times 20
    python -m tests.faults.kill_cases --times 20 --json > kills.json

One line for each kill; exit code 1 if anything did not hold. Only kills between
the 202 and the close of a case count towards `--times`; others are made up for.
Every fifth kill also meets shares on their way, whose recipients are told once
more when those cannot arrive any more: that takes five minutes, once, at the end.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.faults.erasing import Blow, Scene

# For each that is asked for, how many are made at most until enough of them count.
TRIES = 2
REFUSALS = 3


async def blows(times: int, folder: Path, *, seed: int, waiting: bool) -> list[Blow]:
    """So many kills that count, and those between them that do not."""
    made: list[Blow] = []
    async with Scene.open(folder, seed=seed, refusals=REFUSALS) as scene:
        while sum(blow.counts for blow in made) < times and len(made) < times * TRIES:
            made.append(await scene.blow(in_flight=waiting and len(made) % 5 == 4))
            print(_line(made, times), file=sys.stderr, flush=True)
        if waiting:
            print("waiting for the grants of shares on their way", file=sys.stderr, flush=True)
        await scene.last_look()
    return made


def _line(made: list[Blow], times: int) -> str:
    blow = made[-1]
    number = f"{sum(one.counts for one in made):2}/{times}" if blow.counts else " does not count"
    state = "holds" if not blow.broken else f"BROKEN: {'; '.join(blow.broken)}"
    stages = " ".join(f"{stage} {count}" for stage, count in sorted(blow.stages.items()))
    return (
        f"kill {number}: {blow.open_cases} cases after their 202 ({stages}), {blow.unsettled:2} "
        f"notices unsettled, {blow.sending} on their way, {blow.in_flight} shares too | told "
        f"{blow.told}, {blow.repeated} of them again | {blow.seconds:.1f} s | {state}"
    )


def summary(made: list[Blow], times: int) -> dict[str, object]:
    """All kills in a few numbers."""
    counted = [blow for blow in made if blow.counts]
    broken = [what for blow in made for what in blow.broken]
    return {
        "asked_for": times,
        "counted": len(counted),
        "made": len(made),
        "open_cases": sum(blow.open_cases for blow in made),
        "in_planning": sum(blow.stages.get("planning", 0) for blow in made),
        "unsettled": sum(blow.unsettled for blow in made),
        "sending": sum(blow.sending for blow in made),
        "in_flight": sum(blow.in_flight for blow in made),
        "told": sum(blow.told for blow in made),
        "repeated": sum(blow.repeated for blow in made),
        "broken": broken,
        "holds": len(counted) >= times and not broken,
    }


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_cases", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="kills that count (default: 20)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: 1)")
    parser.add_argument("--quick", action="store_true", help="no shares on their way, no waiting")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-kill-cases-") as folder:
        made = asyncio.run(
            blows(chosen.times, Path(folder), seed=chosen.seed, waiting=not chosen.quick)
        )
    found = summary(made, chosen.times)
    if chosen.json:
        print(json.dumps({"kills": [blow.summary() for blow in made], **found}, indent=1))
    elif found["holds"]:
        print(
            f"{found['counted']} kills between 202 and close: every case closed after the restart, "
            f"{found['told']} notices came, {found['repeated']} of them a second time and none as "
            f"if it were new"
        )
    else:
        print("it does not hold")
        print("\n".join(str(what) for what in made for what in what.broken))
    return 0 if found["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
