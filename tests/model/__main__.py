"""
    python -m tests.model                     # one and two recipients; and each rule taken away
    python -m tests.model --shares acme,bravo --backups

Explores every state of a deletion in a small world, and shows for each rule of the
gateway what happens without it.
"""

import argparse
import json
import sys
import time

from tests.model.explore import Explored, explore
from tests.model.world import ALL, Rule

# Shares, and whether a backup is made and restored.
WORLDS = ((("acme",), True), (("acme", "acme"), False), (("acme", "bravo"), False))


def main() -> int:
    """0: every promise holds, and no rule can be left out."""
    parser = argparse.ArgumentParser(prog="python -m tests.model")
    parser.add_argument("--shares", help="recipients of the shares, comma-separated")
    parser.add_argument("--backups", action="store_true", help="a backup may be restored")
    parser.add_argument("--json", action="store_true", help="the result for a program")
    asked = parser.parse_args()
    one = (tuple(asked.shares.split(",")) if asked.shares else (), asked.backups)
    worlds = (one,) if asked.shares else WORLDS
    results = [_told(*world, quiet=asked.json) for world in worlds]
    holds = all(one["holds"] for one in results)
    missing = [] if asked.shares else [_without(rule, asked.json) for rule in Rule]
    if asked.json:
        print(json.dumps({"worlds": results, "without": missing}, indent=1))
    return 0 if holds and all(one["noticed"] for one in missing) else 1


def _told(partners: tuple[str, ...], backups: bool, *, quiet: bool) -> dict[str, object]:
    began = time.perf_counter()
    seen = explore(partners, backups=backups)
    seconds = time.perf_counter() - began
    if not quiet:
        says = "every promise holds" if seen.story is None else f"broken:\n{seen.story}"
        shares = " and ".join(partners) + (", a backup" if backups else "")
        print(
            f"shares to {shares}: {seen.states:,} states, {seen.steps:,} steps, "
            f"{seconds:.1f} s: {says}",
            flush=True,
        )
    return {
        "shares": partners,
        "backups": backups,
        "states": seen.states,
        "steps": seen.steps,
        "holds": seen.story is None,
    }


def _without(rule: Rule, quiet: bool) -> dict[str, object]:
    seen = found_without(rule)
    if not quiet:
        says = f"nothing is broken in {seen.states:,} states" if seen.story is None else seen.story
        print(f"\nwithout “{rule.value}”:\n{says}", flush=True)
    story = None if seen.story is None else {"broken": seen.story.broken, "steps": seen.story.steps}
    return {"rule": rule.value, "noticed": story is not None, "story": story}


def found_without(rule: Rule) -> Explored:
    """What happens in the smallest world without a rule."""
    partners, backups = WORLDS[0]
    return explore(partners, ALL - {rule}, backups=backups)


if __name__ == "__main__":
    sys.exit(main())
