"""The command line of the benchmarks."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import fanout, lanes, ledger, machine, micro, queued, share_path, tables
from tests.benchmarks.share_path import CheckFailed

SHARE = "share"
LANES = "lanes"
LEDGER = "ledger"
FANOUT = "fanout"
QUEUED = "queued"
NAMES = (SHARE, *micro.NAMES, LANES, FANOUT, QUEUED, LEDGER)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named, print the tables. 0, or 1 where a check failed."""
    options = _parser().parse_args(arguments)
    names = options.names or NAMES
    result: dict[str, Any] = {"machine": machine.facts()}
    try:
        _measure(names, options, result)
    except CheckFailed as failed:
        _say(f"bench: {failed}")
        return 1
    print(tables.render(result))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py", description="How fast the gateway is, beside peers in the same run."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", type=_name, help=f"of {', '.join(NAMES)}; default: all"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    parser.add_argument(
        "--quick", action="store_true", help="seconds instead of minutes; the numbers mean little"
    )
    parser.add_argument(
        "--leaves", type=int, metavar="N", help=f"of the ledger; default: {ledger.LEAVES:,}"
    )
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="where the ledger's home is made, and stays"
    )
    return parser


def _name(text: str) -> str:
    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"write one of {', '.join(NAMES)}")
    return text


def _measure(names: Sequence[str], options: argparse.Namespace, result: dict[str, Any]) -> None:
    quick = options.quick
    if SHARE in names:
        size = share_path.QUICK if quick else share_path.Size()
        result[SHARE] = asyncio.run(share_path.run(size, _say))
    wanted = [name for name in micro.NAMES if name in names]
    if wanted:
        result["micro"] = asyncio.run(micro.run(wanted, quick=quick, say=_say))
    if LANES in names:
        result[LANES] = asyncio.run(lanes.run(quick=quick, say=_say))
    if FANOUT in names:
        many = fanout.QUICK if quick else fanout.Size()
        result[FANOUT] = asyncio.run(fanout.run(many, _say))
    if QUEUED in names:
        waiting, seconds = queued.QUICK if quick else queued.WHOLE
        result[QUEUED] = asyncio.run(queued.run(waiting, seconds, _say))
    if LEDGER in names:
        leaves = options.leaves or (ledger.QUICK_LEAVES if quick else ledger.LEAVES)
        done = ledger.run(leaves=leaves, home=options.home, quick=quick, say=_say)
        result[LEDGER] = asyncio.run(done)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
