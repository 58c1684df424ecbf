"""
What a share and a leaf take in bytes, and how fast they are exported and pruned.

    python -m tests.benchmarks.sizes --leaves 200000

A home with so many leaves is made (see `many_leaves`), measured table by table
with SQLite's own count (`dbstat`), exported plain and compressed, then pruned
as a running gateway would a few years later, and measured again.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from click.testing import CliRunner

from gateway.cli import cli
from gateway.cli.output import table
from gateway.flows import pruning
from gateway.wiring import load_config, opened
from tests.benchmarks import many_leaves

YEARS_LATER = datetime(2045, 1, 1, tzinfo=UTC)
ALL = 1 << 40

_PAGES = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
_COUNTS = """SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM share),
    (SELECT avg(length(CAST(leaf AS BLOB))) FROM entry WHERE leaf LIKE '%"kind":"intent"%'),
    (SELECT avg(length(CAST(leaf AS BLOB))) FROM entry WHERE leaf LIKE '%"kind":"outcome"%')"""
# What the ledger takes, whoever its leaves are about; in the order of the table.
PARTS = {
    "entry": "leaves",
    "tile": "tiles",
    "share": "index: rows",
    "share_by_id": "index: by share",
    "share_of_subject": "index: by person",
    "share_open": "index: open",
    "share_ends": "index: ends",
}


def measure(home: Path, *, step: int = pruning.STEP) -> dict[str, Any]:
    """Measure a home that `many_leaves` made, then prune it and measure it again."""
    database = load_config(home).database
    whole, bundles = _stored(database), _exported(home, "whole")
    pruned, seconds = asyncio.run(_prune(home, step))
    return {
        "stored": whole,
        "exported": bundles,
        "pruned": {"leaves": pruned, "stored": _stored(database)},
        "exported_pruned": _exported(home, "pruned"),
        "leaves_per_cpu_second": {
            **{name: round(whole["leaves"] / one["seconds"]) for name, one in bundles.items()},
            "prune": round(pruned / seconds),
        },
    }


def _stored(database: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(database)) as db:
        pages = dict(db.execute(_PAGES))
        leaves, shares, intent, outcome = db.execute(_COUNTS).fetchone()
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
    return {
        "leaves": leaves,
        "shares": shares,
        "bytes": {name: pages.get(name, 0) for name in PARTS},
        "intent": round(intent or 0),
        "outcome": round(outcome or 0),
        "free": free * 4096,
    }


def _exported(home: Path, name: str) -> dict[str, dict[str, float]]:
    found = {}
    for kind in ("jsonl", "jsonl.gz"):
        file, since = home / f"{name}.{kind}", process_time()
        done = CliRunner().invoke(cli, ["--home", str(home), "ledger", "export", str(file)])
        if done.exit_code:
            raise RuntimeError(done.output)
        found[kind] = {"bytes": file.stat().st_size, "seconds": process_time() - since}
        file.unlink()
    return found


async def _prune(home: Path, step: int) -> tuple[int, float]:
    async with opened(load_config(home), clock=lambda: YEARS_LATER) as gateway:
        since = process_time()
        run = await pruning.prune(gateway, most=ALL, step_of=step, pause=0)
        return run.pruned, process_time() - since


def render(result: Mapping[str, Any]) -> str:
    """The result as a table for a person: bytes for each share and for each leaf."""
    whole, later = result["stored"], result["pruned"]["stored"]
    shares, leaves = whole["shares"], whole["leaves"]
    rows = [
        (title, f"{whole['bytes'][name] / shares:,.0f}", f"{later['bytes'][name] / shares:,.0f}")
        for name, title in PARTS.items()
    ]
    sums = [sum(one["bytes"].values()) / shares for one in (whole, later)]
    rows.append(("together", *(f"{one:,.0f}" for one in sums)))
    both = ("exported", "exported_pruned")
    exported = [
        (kind, *(f"{result[name][kind]['bytes'] / leaves:,.0f}" for name in both))
        for kind in ("jsonl", "jsonl.gz")
    ]
    speeds = [(name, f"{count:,}") for name, count in result["leaves_per_cpu_second"].items()]
    what = (
        f"{leaves:,} leaves, {shares:,} shares; an intent's leaf has {whole['intent']} bytes, an "
        f"outcome's {whole['outcome']}; {result['pruned']['leaves']:,} leaves were pruned"
    )
    return "\n\n".join(
        [
            what,
            table(("bytes a share, in the database", "before", "pruned"), rows),
            table(("bytes a leaf, exported", "before", "pruned"), exported),
            table(("leaves for each CPU second", ""), speeds),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a home, measure it, print the tables."""
    parser = argparse.ArgumentParser(description="What a share and a leaf take in bytes.")
    parser.add_argument("--leaves", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        asyncio.run(many_leaves.make(home, options.leaves))
        result = measure(home)
    print(json.dumps(result) if options.json else render(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
