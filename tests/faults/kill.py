"""
Kill a real gateway under load again and again, and look at what is left.

    python -m tests.faults.kill --times 20
    python -m tests.faults.kill --times 20 --json > kills.json

One line for each kill; exit code 1 if anything did not hold. Only kills of a
gateway with at least 8 intents open and one received share unanswered count
towards `--times`; others are shown as such and made up for.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.faults.aftermath import Kill, kill_once
from tests.faults.killing import ENOUGH_OPEN, Scene

# How many more kills than asked for are made, until enough of them count.
SPARE = 10


async def kills(times: int, folder: Path, *, seed: int) -> list[Kill]:
    """So many kills that count, and those between them that do not."""
    made: list[Kill] = []
    async with Scene.open(folder, seed=seed) as scene:
        while sum(kill.counts for kill in made) < times and len(made) < times + SPARE:
            made.append(await kill_once(scene))
            print(_line(made, times), file=sys.stderr, flush=True)
    return made


def _line(made: list[Kill], times: int) -> str:
    kill = made[-1]
    number = f"{sum(one.counts for one in made):2}/{times}" if kill.counts else " does not count"
    state = "holds" if not kill.broken else f"BROKEN: {'; '.join(kill.broken)}"
    return (
        f"kill {number}: {kill.open_intents:2} intents open, {kill.unanswered:2} received and "
        f"unanswered | {kill.arrived:3} shares had arrived | unknown {kill.closed}/"
        f"{kill.open_intents} | {kill.repeated} asked again | {kill.leaves} leaves verified | "
        f"{kill.seconds:.1f} s | {state}"
    )


def _summary(made: list[Kill], times: int) -> dict[str, object]:
    counted = [kill for kill in made if kill.counts]
    broken = [what for kill in made for what in kill.broken]
    return {
        "asked_for": times,
        "counted": len(counted),
        "made": len(made),
        "fewest_open": min((kill.open_intents for kill in counted), default=0),
        "fewest_unanswered": min((kill.unanswered for kill in counted), default=0),
        "arrived": sum(kill.arrived for kill in made),
        "open_intents": sum(kill.open_intents for kill in made),
        "closed_as_unknown": sum(kill.closed for kill in made),
        "broken": broken,
        "holds": len(counted) >= times and not broken,
    }


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="kills that count (default: 20)")
    parser.add_argument("--seed", type=int, default=1, help="of the traffic (default: 1)")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-kill-") as folder:
        made = asyncio.run(kills(chosen.times, Path(folder), seed=chosen.seed))
    summary = _summary(made, chosen.times)
    if chosen.json:
        print(json.dumps({"kills": [kill.told() for kill in made], **summary}, indent=1))
    else:
        print(
            f"{summary['counted']} kills with at least {ENOUGH_OPEN} intents open and a received "
            f"share unanswered: {summary['arrived']} shares arrived, all in the ledger; "
            f"{summary['closed_as_unknown']} of {summary['open_intents']} open intents became "
            "unknown and count as disclosed"
            if summary["holds"]
            else "it does not hold"
        )
    return 0 if summary["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
