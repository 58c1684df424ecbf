"""
Delete people while they are shared about, again and again, and look at what is left.

    python -m tests.faults.race --times 200
    python -m tests.faults.race --times 200 --json > races.json

One line for each repetition; exit code 1 if anything did not hold. Only those
with a share in flight at the fence count towards `--times`; others are shown as
such and made up for.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.faults.racing import Field, Race, served

# For each that is asked for, how many are made at most until enough of them count.
TRIES = 3


async def races(times: int, folder: Path, *, seed: int) -> list[Race]:
    """So many repetitions that count, and those between them that do not."""
    made: list[Race] = []
    async with Field.open(folder, seed=seed) as field, served(field, folder / "logs") as course:
        while sum(race.counts for race in made) < times and len(made) < times * TRIES:
            made.append(await course.run())
            print(_line(made, times), file=sys.stderr, flush=True)
    return made


def _line(made: list[Race], times: int) -> str:
    race = made[-1]
    number = f"{sum(one.counts for one in made):3}/{times}" if race.counts else " does not count"
    state = "holds" if not race.broken else f"BROKEN: {'; '.join(race.broken)}"
    return (
        f"race {number}: {race.in_flight:2} in flight at the fence, {race.withheld:2} withheld, "
        f"{race.refused:2} refused, {race.carried:2} carried, {race.told:2} recipients told | "
        f"{race.seconds:.1f} s | {state}"
    )


def summary(made: list[Race], times: int) -> dict[str, object]:
    """All repetitions in a few numbers."""
    counted = [race for race in made if race.counts]
    broken = [what for race in made for what in race.broken]
    return {
        "asked_for": times,
        "counted": len(counted),
        "made": len(made),
        "shares": sum(race.carried + race.refused for race in made),
        "carried": sum(race.carried for race in made),
        "refused": sum(race.refused for race in made),
        "in_flight": sum(race.in_flight for race in made),
        "withheld": sum(race.withheld for race in made),
        "told": sum(race.told for race in made),
        "broken": broken,
        "holds": len(counted) >= times and not broken,
    }


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.race", description=__doc__)
    parser.add_argument("--times", type=int, default=200, help="that count (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: 1)")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-race-") as folder:
        made = asyncio.run(races(chosen.times, Path(folder), seed=chosen.seed))
    found = summary(made, chosen.times)
    if chosen.json:
        print(json.dumps({"races": [race.summary() for race in made], **found}, indent=1))
    elif found["holds"]:
        print(
            f"{found['counted']} deletions amid 64 shares each, every one with shares in flight at "
            f"its fence ({found['in_flight']} in all): {found['carried']} shares carried, "
            f"{found['refused']} refused, {found['withheld']} recorded and withheld, "
            f"{found['told']} notices; nothing reached anybody who was not told, or was told before"
        )
    else:
        print("it does not hold")
    return 0 if found["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
