"""
Very many open cases: how long lists take, how much memory, and what one claim costs.

    python -m tests.benchmarks.many_cases --cases 100000

Each case tells two recipients, and one of them has all that waits. The list is streamed
as `GET /v1/cases` streams it, without the network. Memory is what Python's own
allocator had at most while it ran.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

from gateway.flows.listing import CASE_COLUMNS, Line, Wanted, case_lines
from gateway.stores.sqlite import SQLiteStore
from gateway.web.listing import csv_pieces

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SCOPE = '{"partners": [], "purposes": [], "categories": []}'
CLAIMS = 50


async def measured(cases: int, folder: Path) -> dict[str, float]:
    """Seconds, MiB and milliseconds, by what they are of."""
    store = SQLiteStore(folder / "gateway.db")
    await store.start()
    try:
        await store.write(lambda db: _fill(db, cases))
        return await _listed(store) | await _claimed(store) | await _counted(store)
    finally:
        await store.close()


async def _listed(store: SQLiteStore) -> dict[str, float]:
    gateway: Any = SimpleNamespace(store=store, clock=lambda: NOW)
    began, rows = perf_counter(), 0
    async for piece in csv_pieces(CASE_COLUMNS, case_lines(gateway, Wanted(state="open"))):
        rows += piece.count(b"\n")
    seconds = perf_counter() - began
    tracemalloc.start()
    await _passed(case_lines(gateway, Wanted()))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"rows": rows, "list_seconds": seconds, "list_mib": most / 2**20}


async def _passed(lines: AsyncIterator[Line]) -> None:
    async for _ in lines:
        pass


async def _claimed(store: SQLiteStore) -> dict[str, float]:
    began = perf_counter()
    for _ in range(CLAIMS):
        await store.claim_notices(NOW, 8, 4)
        await store.free_notices()
    return {"claim_ms": 1000 * (perf_counter() - began) / CLAIMS}


async def _counted(store: SQLiteStore) -> dict[str, float]:
    began = perf_counter()
    await store.waiting_notices(NOW)
    await store.task_counts()
    gauges = perf_counter()
    await store.scorecard(None, None, None)
    return {"gauges_ms": 1000 * (gauges - began), "scorecard_s": perf_counter() - gauges}


def _fill(db: sqlite3.Connection, cases: int) -> None:
    def ms(moment: datetime) -> int:
        return int(moment.timestamp() * 1000)

    accepted = [ms(NOW + timedelta(seconds=number)) for number in range(cases)]
    due = ms(NOW + timedelta(days=30))
    db.executemany(
        "INSERT INTO cases (id, action, state, reason, scope, accepted_at, deadline, subject_hash,"
        " whole, stage) VALUES (?, 'erase', 'open', 'user-request', ?, ?, ?, '', 1, 'finished')",
        ((f"case_{n:032x}", SCOPE, at, due + n // 3) for n, at in enumerate(accepted)),
    )
    db.executemany(
        "INSERT INTO notice (id, case_id, place, partner, state, deadline, next_at, since,"
        " reached_at, acknowledged_at) VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?)",
        (
            (f"ntc_{n:031x}{turn}", f"case_{n:032x}", partner, state, due, at, ms(NOW), told, told)
            for n in range(cases)
            for turn, (partner, state, at, told) in enumerate(
                (
                    ("swift-parcel", "queued", ms(NOW), None),
                    ("slow-parcel", "acknowledged", None, ms(NOW) + n),
                )
            )
        ),
    )


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    cases = parser.parse_args().cases
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        for name, value in asyncio.run(measured(cases, Path(folder))).items():
            print(f"{name:14} {value:10.2f}")


if __name__ == "__main__":
    main()
