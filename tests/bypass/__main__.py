"""`python -m tests.bypass [CLASS…]`: every trick against the real server, as a table."""

import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.bypass.judging import verdicts
from tests.bypass.reading import Case, all_cases
from tests.bypass.world import apart, opened_world


async def played(cases: list[Case], folder: Path) -> dict[str, list[str]]:
    """The verdicts on each case, by its id."""
    found: dict[str, list[str]] = {}
    for number, some in enumerate(apart(cases)):
        if some:
            async with opened_world(folder / str(number), some) as world:
                for case in some:
                    found[case.id] = verdicts(case, await world.play(case), world.declared)
    return found


def table(cases: list[Case], found: dict[str, list[str]]) -> list[str]:
    """A row for each class, then what did not hold."""
    tried = Counter(case.kind for case in cases)
    failed = Counter(case.kind for case in cases if found[case.id])
    rows = [f"{'class':<22}{'tricks':>8}{'held':>8}"]
    rows += [f"{kind:<22}{tried[kind]:>8}{tried[kind] - failed[kind]:>8}" for kind in sorted(tried)]
    rows.append(f"{'all':<22}{tried.total():>8}{tried.total() - failed.total():>8}")
    for case in cases:
        rows += [f"{case.id}: {verdict}" for verdict in found[case.id]]
    return rows


def main() -> int:
    """The exit code: 1 if any trick got through."""
    wanted = sys.argv[1:]
    cases = [case for case in all_cases() if not wanted or case.kind in wanted]
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(played(cases, Path(folder)))
    print("\n".join(table(cases, found)))
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
