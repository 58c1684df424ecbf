"""
The memory of the gateway while a great many notices wait to be sent.

    python -m tests.benchmarks.queued --notices 1000000 --seconds 60

One person's case is opened for real. Then, while the gateway is stopped, its notices are
multiplied in the database, each with an escrow and a key of its own, and the gateway is
started again: all of them are due, to recipients that are slow. Its resident memory is
sampled from its start; flat means that after a fifth of the time it grew by no more than
`ROOM_MIB`.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.flows.wrapping import unwrapped, wrapped
from gateway.keyring import FileKeyring
from gateway.seal.storage import protect, reveal
from gateway.testing.builders import a_token
from gateway.testing.server import GatewayProcess
from tests.benchmarks.fanout import SCOPES, VERIFIED, Served, home_for, known, recipients
from tests.benchmarks.memory import ROOM_MIB, resident_mib
from tests.benchmarks.share_path import CheckFailed

Say = Callable[[str], None]
Row = dict[str, Any]

RECIPIENTS = 50
# Notices that wait, and seconds for which they are told.
WHOLE = 1_000_000, 60.0
QUICK = 200, 1.0
ROWS_AT_ONCE = 10_000


async def run(notices: int, seconds: float, say: Say) -> dict[str, Any]:
    """Multiply, serve, watch; as JSON values. Raises `CheckFailed` where none is sent."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        folder = Path(name)
        async with recipients(folder, RECIPIENTS) as served:
            home = await _home(folder, served)
            cases = max(1, notices // RECIPIENTS)
            began = time.perf_counter()
            _multiply(home, cases, say)
            say(f"queued: {cases * RECIPIENTS:,} notices in {time.perf_counter() - began:.0f} s")
            samples, sent = await _watch(home, folder, served, seconds, say)
    warm = [mib for at, mib in samples if at >= seconds / 5]
    return {
        "notices": cases * RECIPIENTS,
        "seconds": seconds,
        "sent": sent,
        "first_mib": round(samples[0][1], 1),
        "warm_mib": round(warm[0], 1),
        "last_mib": round(warm[-1], 1),
        "most_mib": round(max(mib for _, mib in samples), 1),
        "flat": warm[-1] - warm[0] <= ROOM_MIB,
    }


async def _home(folder: Path, served: Served) -> Path:
    """A home in which one person's notices wait for recipients that are not there yet."""
    home = await home_for(folder / "home", served.ports)
    manifests = list((home / "partners").glob("recipient-*.yaml"))
    there = {path: path.read_text(encoding="utf-8") for path in manifests}
    for path, text in there.items():
        # Port 9 discards, and on loopback nobody listens there.
        path.write_text(_elsewhere(text), encoding="utf-8")
    async with (
        GatewayProcess(home, logs=folder / "logs-before") as gateway,
        gateway.client(a_token(home, scope=SCOPES), timeout_seconds=60) as app,
    ):
        await known(app, 1, RECIPIENTS)
        body = {
            "action": "erase",
            "subject": "person-0",
            "reason": "user-request",
            "verified": VERIFIED,
        }
        reply = await app.post("/v1/cases", body)
        if reply.status != 202:
            raise CheckFailed(f"an erasure was answered {reply.status} {reply.code}")
    for path, text in there.items():
        path.write_text(text, encoding="utf-8")
    return home


def _elsewhere(manifest: str) -> str:
    lines = []
    for line in manifest.splitlines():
        head, colon, _ = line.partition("http://127.0.0.1:")
        lines.append(f"{head}http://127.0.0.1:9/" if colon else line)
    return "\n".join(lines) + "\n"


def _multiply(home: Path, cases: int, say: Say) -> None:
    """As many cases as that, each with notices, escrows and keys of its own."""
    database = sqlite3.connect(home / "data" / "gateway.db", isolation_level=None)
    database.row_factory = sqlite3.Row
    keys = FileKeyring(home / "keys")
    try:
        (case,) = (dict(row) for row in database.execute("SELECT * FROM cases"))
        notices = [dict(row) for row in database.execute("SELECT * FROM notice ORDER BY place")]
        told = [_told(database, keys, notice) for notice in notices]
        number = database.execute("SELECT max(no) FROM wrapped").fetchone()[0]
        database.execute("BEGIN")
        for made in range(1, cases):
            _put(database, "cases", case | {"id": f"case_{made:032x}"})
            for notice, text in zip(notices, told, strict=True):
                number += 1
                row = notice | {"case_id": f"case_{made:032x}", "wrapped": number}
                row |= {"id": f"ntc_{number:032x}", "next_at": notice["next_at"]}
                _put_notice(database, keys, row, text)
            if made % (ROWS_AT_ONCE // RECIPIENTS) == 0:
                database.execute("COMMIT")
                database.execute("BEGIN")
                say(f"queued: {made * RECIPIENTS:,} of {cases * RECIPIENTS:,}")
        database.execute("UPDATE notice SET next_at = ?, claimed = 0, attempts = 0", (_now(),))
        database.execute("COMMIT")
    finally:
        database.close()


def _told(database: sqlite3.Connection, keys: FileKeyring, notice: Row) -> bytes:
    label = f"escrow|{notice['id']}".encode()
    query = "SELECT key FROM wrapped WHERE no = ?"
    key = unwrapped(keys, label, database.execute(query, (notice["wrapped"],)).fetchone()[0])
    return reveal(key, notice["escrow"], label)


def _put_notice(database: sqlite3.Connection, keys: FileKeyring, row: Row, told: bytes) -> None:
    label, key = f"escrow|{row['id']}".encode(), os.urandom(32)
    blob = wrapped(keys, label, key, os.urandom)
    database.execute("INSERT INTO wrapped (no, key) VALUES (?, ?)", (row["wrapped"], blob))
    _put(database, "notice", row | {"escrow": protect(key, told, label, random=os.urandom)})


def _put(database: sqlite3.Connection, table: str, row: Row) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    # Names of this database's own columns.
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))


def _now() -> int:
    return int(time.time() * 1000)


async def _watch(
    home: Path, folder: Path, served: Served, seconds: float, say: Say
) -> tuple[list[tuple[float, float]], int]:
    samples: list[tuple[float, float]] = []
    async with GatewayProcess(home, logs=folder / "logs") as gateway:
        began = time.perf_counter()
        for at in _steps(began, seconds):
            samples.append((at, resident_mib(gateway.pid)))
            if len(samples) % 20 == 0:
                say(f"queued: {at:4.0f} s, {samples[-1][1]:.1f} MiB, {await served.came():,} sent")
            await asyncio.sleep(0.25)
        sent = await served.came()
    if not sent:
        raise CheckFailed("no notice was sent")
    return samples, sent


def _steps(began: float, seconds: float) -> Iterator[float]:
    while (at := time.perf_counter() - began) < seconds:
        yield at


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where the memory is flat."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.queued")
    parser.add_argument("--notices", type=int, default=WHOLE[0])
    parser.add_argument("--seconds", type=float, default=WHOLE[1])
    parser.add_argument("--json", type=Path, help="write the numbers there too")
    asked = parser.parse_args(arguments)
    say: Say = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    result = asyncio.run(run(asked.notices, asked.seconds, say))
    print(json.dumps(result, indent=1))
    if asked.json is not None:
        asked.json.write_text(json.dumps(result) + "\n", encoding="utf-8")
    return 0 if result["flat"] else 1


if __name__ == "__main__":
    sys.exit(main())
