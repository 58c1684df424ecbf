"""An intent is on the disk before the first byte of its share leaves."""

import asyncio
import random
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.testing import traffic
from gateway.testing.builders import a_token
from gateway.testing.client import Reply
from gateway.testing.listener import Listener
from gateway.testing.partner import FakePartner
from gateway.testing.people import people
from gateway.testing.processes import gateway_command
from gateway.testing.server import GatewayProcess
from tests.faults.syscalls import NotSynced, order_of, read, strace_command
from tests.homes import a_home
from tests.marks import could_not_run, needs

SHARES = 12
TRACE_SECONDS = 10.0


async def carried(gateway: GatewayProcess, partner: FakePartner) -> list[Reply]:
    """Some shares, one after the other and then many at once."""
    partner.trust(issuer=gateway.public_url, jwks=gateway.jwks_url)
    rng = random.Random(2)
    async with gateway.client(a_token(gateway.home)) as app:
        asked = [
            app.share(
                partner.id,
                f"/v2/shipments/LO-{someone.number}",
                traffic.order(rng, someone),
                subject=someone.account,
            )
            for someone in people(SHARES)
        ]
        first = [await one for one in asked[:3]]
        return [*first, *await asyncio.gather(*asked[3:])]


def must_trace(folder: Path) -> None:
    """Leave the test out where strace is there and may not be used."""
    probe = strace_command(folder / "probe", ["true"])
    if subprocess.run(probe, capture_output=True).returncode or not (folder / "probe").read_text():
        could_not_run("strace may not trace here: allow ptrace (--cap-add=SYS_PTRACE in Docker)")


@needs("strace", why="it shows that the sync comes before the first byte")
async def test_the_disk_has_the_intent_before_the_first_byte_leaves(tmp_path: Path) -> None:
    """
    Between the write of a share's intent and the first byte to its recipient the
    write-ahead log is synced, for shares one by one and many at once.
    """
    must_trace(tmp_path)
    trace = tmp_path / "trace"
    async with FakePartner() as partner:
        home = await a_home(tmp_path / "home", [partner])
        command = strace_command(trace, gateway_command("--home", str(home), "serve"))
        async with GatewayProcess(home, command=command, logs=tmp_path / "logs") as gateway:
            replies = await carried(gateway, partner)
            pid = gateway.pid
        port = int(partner.base_url.rpartition(":")[2])
    calls = read(await complete(trace, pid))

    assert [reply.status for reply in replies] == [200] * SHARES
    assert len(partner.received) == SHARES
    orders = [order_of(str(reply.share), calls, port=port) for reply in replies]
    # Each sync may be that of many shares, and no share is without one.
    assert 3 < len({order.synced for order in orders}) <= SHARES
    # The same trace without its syncs shows nothing: it is they that are looked at.
    unsynced = [call for call in calls if call.name not in ("fsync", "fdatasync")]
    with pytest.raises(NotSynced):
        order_of(str(replies[0].share), unsynced, port=port)


async def complete(trace: Path, pid: int) -> Sequence[str]:
    """The lines of a trace, once it tells of the end of the process."""
    async with asyncio.timeout(TRACE_SECONDS):
        while True:
            lines = trace.read_text(errors="replace").splitlines()
            if any(line.startswith(f"{pid} ") and "+++ exited" in line for line in lines[-50:]):
                return lines
            await asyncio.sleep(0.02)


class SecondReader(FakePartner):
    """A recipient that looks into the gateway's database when a request arrives."""

    database: Path

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.intents_seen: dict[str, int] = {}

    async def _share(self, request: web.Request, running: Listener) -> web.StreamResponse:
        share = request.headers["Sharing-Id"]
        db = sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)
        query = 'SELECT count(*) FROM entry WHERE leaf LIKE ? AND leaf LIKE \'%"kind":"intent"%\''
        (self.intents_seen[share],) = db.execute(query, (f'%"share":"{share}"%',)).fetchone()
        db.close()
        return await super()._share(request, running)


async def test_whoever_receives_a_share_finds_it_in_the_ledger(tmp_path: Path) -> None:
    """
    When the first byte of a share arrives, another process that opens the
    database already finds its intent committed.
    """
    partner = SecondReader()
    async with partner:
        home = await a_home(tmp_path / "home", [partner])
        partner.database = home / "data" / "gateway.db"
        async with GatewayProcess(home, logs=tmp_path / "logs") as gateway:
            replies = await carried(gateway, partner)

    assert [reply.status for reply in replies] == [200] * SHARES
    assert partner.intents_seen == {str(reply.share): 1 for reply in replies}


WAL, UPSTREAM = "9</srv/home/data/gateway.db-wal>", "15<TCP:[127.0.0.1:4321->127.0.0.1:2345]>"
WRITE = (
    f'1  pwrite64({WAL}, "\\r{{\\"kind\\":\\"intent\\",\\"share\\":\\"shr_a\\"}}", 4096, 0) = 4096'
)
SYNC = f"2  fdatasync({WAL}) = 0"
HALVES = (f"2  fdatasync({WAL} <unfinished ...>", "2  <... fdatasync resumed>) = 0")
SEND = f'1  sendto({UPSTREAM}, "POST / HTTP/1.1\\r\\nSharing-Id: shr_a", 32, 0, NULL, 0) = 32'
OTHER = SEND.replace("2345", "9999")


@pytest.mark.parametrize(
    "lines",
    [(WRITE, SYNC, SEND), (WRITE, *HALVES, SEND), (OTHER, WRITE, SYNC, SEND)],
    ids=["synced", "synced-in-two-halves", "sent-elsewhere-before"],
)
def test_a_trace_in_order_is_accepted(lines: tuple[str, ...]) -> None:
    """The reading of a trace accepts an intent that was synced before its share left."""
    assert order_of("shr_a", read(lines), port=2345).sent == len(lines) - 1


@pytest.mark.parametrize(
    "lines",
    [
        (WRITE, SEND),
        (WRITE, SEND, SYNC),
        (SYNC, WRITE, SEND),
        (WRITE, HALVES[0], SEND, HALVES[1]),
        (HALVES[0], WRITE, HALVES[1], SEND),
        (WRITE, SYNC.replace("= 0", "= -1 EIO (Input/output error)"), SEND),
        (WRITE, SYNC.replace("-wal", "-shm"), SEND),
        (SYNC, SEND),
        (WRITE, SYNC),
    ],
    ids=[
        "never-synced",
        "synced-after",
        "synced-before-the-write",
        "sent-before-the-sync-was-over",
        "sync-began-before-the-write",
        "sync-failed",
        "another-file-synced",
        "never-written",
        "never-sent",
    ],
)
def test_a_trace_out_of_order_is_refused(lines: tuple[str, ...]) -> None:
    """The reading of a trace refuses every other order: the test above could fail."""
    with pytest.raises(NotSynced):
        order_of("shr_a", read(lines), port=2345)
