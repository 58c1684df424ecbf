"""
Single steps, each beside a peer that does the bare minimum of the same work.

A step is timed in short turns with its peer, ours, peer, ours …, and the median
turn of each counts; what else runs on the machine meets both.
"""

import gc
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from tests.benchmarks.appends import Rates, intents, leaves
from tests.benchmarks.home import make
from tests.benchmarks.steps import Step, steps_of

APPEND = "append"
NAMES = ("decide", "filter", "answer", "grant", "seal", "leaf", "token", APPEND)
"""What can be asked for, in the order of the table."""

Append = Callable[..., Awaitable[Rates]]
APPENDS: tuple[tuple[str, Append, int], ...] = (
    *(("leaves", leaves, callers) for callers in (1, 64, 256)),
    *(("intents", intents, callers) for callers in (64, 256)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How often."""

    turns: int
    turn_seconds: float
    appends: int


FULL = Effort(turns=9, turn_seconds=0.1, appends=20_000)
QUICK = Effort(turns=2, turn_seconds=0.005, appends=500)


async def run(names: Sequence[str], *, quick: bool, say: Callable[[str], None]) -> list[Any]:
    """The rows of the table, as JSON values."""
    effort = QUICK if quick else FULL
    rows: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        made = await make(Path(folder) / "home", "http://127.0.0.1:9")
        for step in steps_of(made.home):
            if step.name in names:
                say(f"micro: {step.title}")
                rows.append(_row(step, effort))
        if APPEND in names:
            for what, append, callers in APPENDS:
                say(f"micro: durable {what}, {callers} waiting at once")
                rows.append(await _appended(Path(folder), what, append, callers, effort))
    return rows


def _row(step: Step, effort: Effort) -> dict[str, Any]:
    ours, peer = _alternate(step.ours, step.peer, effort)
    return {
        "name": step.name,
        "title": step.title,
        "peer": step.peer_title,
        "ours_per_second": round(1 / ours),
        "peer_per_second": round(1 / peer),
        "ours_us": round(ours * 1e6, 2),
        "peer_us": round(peer * 1e6, 2),
        "ratio": round(peer / ours, 3),
    }


def _alternate(
    ours: Callable[[], object], peer: Callable[[], object], effort: Effort
) -> tuple[float, float]:
    """Seconds for one call of each: medians of interleaved turns."""
    counts = [_calls_in(one, effort.turn_seconds) for one in (ours, peer)]
    turns: list[tuple[float, float]] = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(effort.turns):
            turns.append((_turn(ours, counts[0]), _turn(peer, counts[1])))
    finally:
        gc.enable()
    return median(one for one, _ in turns), median(other for _, other in turns)


def _calls_in(call: Callable[[], object], seconds: float) -> int:
    for _ in range(3):
        call()
    return max(1, int(seconds / max(_turn(call, 3), 1e-7)))


def _turn(call: Callable[[], object], times: int) -> float:
    started = perf_counter()
    for _ in range(times):
        call()
    return (perf_counter() - started) / times


async def _appended(
    folder: Path, what: str, append: Append, callers: int, effort: Effort
) -> dict[str, Any]:
    number = max(callers, min(effort.appends, callers * 2_000))
    turns = [
        await append(folder, callers=callers, number=number)
        for _ in range(max(1, effort.turns // 3))
    ]
    ours, peer = median(one.ours for one in turns), median(one.peer for one in turns)
    batch = round(median(one.batch for one in turns))
    return {
        "name": APPEND,
        "title": f"durable {what}, {callers} waiting",
        "peer": f"raw SQLite inserts, {batch} a commit",
        "ours_per_second": round(ours),
        "peer_per_second": round(peer),
        "ours_us": round(1e6 / ours, 2),
        "peer_us": round(1e6 / peer, 2),
        "ratio": round(median(one.ours / one.peer for one in turns), 3),
    }
