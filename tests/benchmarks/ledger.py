"""
A large ledger: how long it takes to check all of it, and how soon it answers.

A home with so many leaves is made (`many_leaves`), checked by the product and, as
an export, by the verifier that shares no code with it. Then a real gateway serves
it and is asked over HTTP for proofs at random places, for the accounts of two
people and for everybody whose data one recipient got in a week. Every proof is
verified and every account counted. What is asked first is on the disk only; it is
told apart from what follows.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from gateway.keyring import FileKeyring
from gateway.ledger import merkle
from gateway.ledger.checkpoint import Checkpoint, parse_checkpoint
from gateway.ledger.encode import leaf_hash
from gateway.ledger.note import SignedNote
from gateway.ledger.proofs import verify_consistency, verify_inclusion
from gateway.testing.builders import a_token
from gateway.testing.client import GatewayClient, Reply
from gateway.testing.processes import gateway_command, gateway_environment
from gateway.testing.server import GatewayProcess
from gateway.wiring import load_config, store_of
from tests.benchmarks import made_shares, many_leaves
from tests.benchmarks.memory import resident_mib
from tests.benchmarks.share_path import CheckFailed

Say = Callable[[str], None]

LEAVES = 1_000_000
QUICK_LEAVES = 2_000
SCOPES = ("ledger:read", "subject:read")
PARTNER = "swift-parcel"
WEEK = ("2026-06-01", "2026-06-07")
AFFECTED = f"/v1/ledger/affected?partner={PARTNER}&from={WEEK[0]}&to={WEEK[1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How often each is asked."""

    proofs: int = 500
    accounts: int = 20


QUICK = Effort(proofs=10, accounts=2)


async def run(
    *, leaves: int, home: Path | None = None, quick: bool = False, say: Say
) -> dict[str, Any]:
    """
    The whole benchmark, as JSON values. In `home`, which stays, or in a folder that goes.

    Raises `CheckFailed` where anything does not verify or is not whole.
    """
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        where = home or Path(folder) / "home"
        say(f"ledger: a home with {leaves:,} leaves")
        started = perf_counter()
        await many_leaves.make(where, leaves)
        made = perf_counter() - started
        checks = await _checked(where, Path(folder), say)
        asked = await _asked(where, Path(folder), QUICK if quick else Effort(), say)
        size_mib = load_config(where).database.stat().st_size / 1024 / 1024
    return {
        "leaves": leaves,
        "made_seconds": round(made, 1),
        "database_mib": round(size_mib),
        "checks": checks,
        **asked,
    }


async def _checked(home: Path, folder: Path, say: Say) -> list[dict[str, Any]]:
    """The commands that read every leaf, each as a process of its own."""
    bundle, trust = folder / "ledger.jsonl", folder / "jwks.json"
    verifier = [sys.executable, "-m", "gateway.verifier", str(bundle), "--trust", str(trust)]
    own = gateway_command("--home", str(home), "ledger")
    trust.write_text(json.dumps(FileKeyring(home / "keys").public_jwks()), encoding="utf-8")
    rows = []
    for title, command in (
        ("gateway ledger verify", [*own, "verify"]),
        ("gateway ledger export", [*own, "export", str(bundle)]),
        ("gateway-verify of the export", verifier),
    ):
        say(f"ledger: {title}")
        rows.append({"title": title, **await _timed(title, command)})
    bundle.unlink()
    return rows


async def _timed(title: str, command: list[str]) -> dict[str, Any]:
    """Seconds, and the most memory that the process had."""
    started = perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, env=gateway_environment(), stdout=asyncio.subprocess.DEVNULL
    )
    peak = 0.0
    while process.returncode is None:
        # Once it has ended there is nothing to be read.
        with suppress(RuntimeError, OSError):
            peak = max(peak, resident_mib(process.pid))
        await asyncio.wait([asyncio.ensure_future(process.wait())], timeout=0.1)
    if process.returncode:
        raise CheckFailed(f"{title} ended with {process.returncode}")
    return {"seconds": round(perf_counter() - started, 2), "peak_mib": round(peak)}


async def _asked(home: Path, folder: Path, effort: Effort, say: Say) -> dict[str, Any]:
    config = load_config(home)
    # The ledger is the one of this address, wherever the process listens.
    settings = {"GATEWAY_PUBLIC__URL": config.public_url}
    async with (
        GatewayProcess(home, settings=settings, logs=folder / "logs") as gateway,
        gateway.client(a_token(home, scope=SCOPES), timeout_seconds=600) as app,
        gateway.client() as other,
    ):
        say("ledger: proofs")
        proofs = await _proofs(app, home, await _checkpoint(gateway), effort)
        say("ledger: accounts")
        accounts = await _accounts(app, other, effort)
        say(f"ledger: who is affected at {PARTNER} in a week")
        affected = await _affected(app, gateway.pid)
    return {"answers": [*proofs, *accounts], "affected": affected}


async def _checkpoint(gateway: GatewayProcess) -> Checkpoint:
    public = gateway.jwks_url.removesuffix("/.well-known/jwks.json")
    async with GatewayClient(public) as anybody:
        reply = await anybody.get("/ledger/checkpoint")
    return parse_checkpoint(SignedNote.parse(reply.body).text)


async def _proofs(
    app: GatewayClient, home: Path, head: Checkpoint, effort: Effort
) -> list[dict[str, Any]]:
    """Proofs at random places, each of them verified."""
    random = Random(1)
    places = [random.randrange(head.size) for _ in range(effort.proofs)]
    sizes = [random.randrange(1, head.size) for _ in range(effort.proofs)]
    roots, direct = await _from_the_store(home, head.size, places, sizes)

    async def inclusion(index: int) -> float:
        path = f"/v1/ledger/proof/inclusion?index={index}&size={head.size}"
        value, seconds = await _answer(app, path)
        leaf, hashes = bytes.fromhex(value["leaf_hash"]), _hashes(value)
        verify_inclusion(leaf, index, head.size, hashes, head.root)
        return seconds

    async def consistency(size: int) -> float:
        path = f"/v1/ledger/proof/consistency?from={size}&to={head.size}"
        value, seconds = await _answer(app, path)
        verify_consistency(size, head.size, _hashes(value), roots[size], head.root)
        return seconds

    return [
        _row("inclusion proof", [await inclusion(index) for index in places]),
        _row("the same, from the store", direct),
        _row("consistency proof", [await consistency(size) for size in sizes]),
    ]


async def _from_the_store(
    home: Path, size: int, places: list[int], sizes: list[int]
) -> tuple[dict[int, bytes], list[float]]:
    """The roots that the ledger had at these sizes; and seconds for each of these proofs."""
    store, direct = store_of(load_config(home)), []
    await store.open_for_reading()
    try:
        roots = {one: merkle.root(await store.tiles(merkle.edge(one)), one) for one in sizes}
        for index in places:
            started = perf_counter()
            tiles = await store.tiles(merkle.inclusion_tiles(index, size))
            merkle.inclusion(tiles, index, size)
            leaf_hash(*await store.leaves(index, 1))
            direct.append(perf_counter() - started)
    finally:
        await store.close()
    return roots, direct


def _hashes(value: dict[str, Any]) -> list[bytes]:
    return [bytes.fromhex(one) for one in value["hashes"]]


async def _accounts(app: GatewayClient, other: GatewayClient, effort: Effort) -> list[Any]:
    """The accounts of two people, and how long somebody else waits for an answer meanwhile."""
    rows = []
    for person, shares in (
        (made_shares.OFTEN, made_shares.OFTEN_SHARES),
        (made_shares.SELDOM, made_shares.SELDOM_SHARES),
    ):
        waits: list[float] = []
        waiting = asyncio.ensure_future(_keep_asking(other, waits))
        told, seconds = set(), []
        for _ in range(effort.accounts):
            reply, took = await _reply(app, f"/v1/subjects/{person}/disclosures")
            seconds.append(took)
            # Counted and not parsed, which would keep the one waiting who is measured.
            told.add(reply.body.count(b'{"share": '))
        waiting.cancel()
        value, _ = await _answer(app, f"/v1/subjects/{person}/disclosures")
        told.add(len(value["disclosures"]))
        # A small ledger has no room for ten thousand of one person.
        if len(told) != 1 or not 0 < max(told) <= shares:
            raise CheckFailed(f"an account has {told} shares")
        worst = round(max(waits, default=0.0) * 1000, 1)
        rows.append({**_row(f"account of {max(told):,} shares", seconds), "others_worst_ms": worst})
    return rows


async def _keep_asking(other: GatewayClient, waits: list[float]) -> None:
    while True:
        started = perf_counter()
        await other.get("/healthz")
        waits.append(perf_counter() - started)
        await asyncio.sleep(0.002)


async def _affected(app: GatewayClient, pid: int) -> dict[str, Any]:
    """Everybody whose data one recipient got in a week, read to the last line."""
    before, peak = resident_mib(pid), 0.0
    started = perf_counter()
    asking = asyncio.ensure_future(app.get(AFFECTED))
    while not asking.done():
        await asyncio.wait([asking], timeout=0.1)
        peak = max(peak, resident_mib(pid))
    reply = asking.result()
    summary = json.loads(reply.body.rstrip(b"\n").rpartition(b"\n")[2]).get("summary")
    if reply.status != 200 or not summary:
        raise CheckFailed("the answer who is affected is not whole")
    return {
        "seconds": round(perf_counter() - started, 2),
        "people": summary["people"],
        "shares": summary["shares"],
        "grown_mib": round(peak - before, 1),
    }


async def _answer(app: GatewayClient, path: str) -> tuple[Any, float]:
    reply, seconds = await _reply(app, path)
    return reply.json(), seconds


async def _reply(app: GatewayClient, path: str) -> tuple[Reply, float]:
    started = perf_counter()
    reply = await app.get(path)
    seconds = perf_counter() - started
    if reply.status != 200:
        raise CheckFailed(f"{path.partition('?')[0]} answered {reply.status}")
    return reply, seconds


def _row(title: str, seconds: list[float]) -> dict[str, Any]:
    """The first answer is told apart: it may come from the disk."""
    after = sorted(seconds[1:]) or seconds
    return {
        "title": title,
        "asked": len(seconds),
        "first_ms": round(seconds[0] * 1000, 2),
        "p50_ms": round(median(after) * 1000, 2),
        "p99_ms": round(after[min(len(after) - 1, int(len(after) * 0.99))] * 1000, 2),
    }
