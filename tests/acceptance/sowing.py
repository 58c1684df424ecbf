"""
Marked values sown into everything that comes in, and everything that was written.

A mark is a value that occurs nowhere else. What the marks are in, is the test's
business; here is where they come from, where answers are kept, and what a
gateway writes: its output and logs, its data, temporary files, and what it says
of itself (metrics, entries, bundles, problems).
"""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.testing.client import GatewayClient, Reply
from gateway.testing.processes import gateway_command, gateway_environment
from gateway.testing.search import Finding, Needles, search_tree
from gateway.testing.server import GatewayProcess

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TAIL = _LETTERS + "0123456789"
# A listener that has not answered by then waits for more.
IDLE_SECONDS = 0.5
# Between two words of a mark: what JSON, URLs, headers and regular expressions must escape.
AWKWARD = "\"/é+%&=\\ 欧阳'<"


class Marks:
    """
    Makes values and remembers them by what they are in.

    `shown`: the app may get it back (a declared field of an answer). `leaves`:
    it goes to the recipient as it is; no other may be seen on the wire. `told`:
    why a notice stands as it does, in somebody's words, which the store keeps and
    who asks about the case is told.
    """

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self.all: dict[str, str] = {}
        self.shown: set[str] = set()
        self.leaves: set[str] = set()
        self.told: set[str] = set()

    def word(self, label: str, *, shown: bool = False, leaves: bool = False) -> str:
        """Fourteen small letters and digits."""
        word = self._rng.choice(_LETTERS) + "".join(self._rng.choices(_TAIL, k=13))
        return self._sown(label, word, shown, leaves)

    def capitals(self, label: str, *, leaves: bool = False) -> str:
        """As an order's number is written."""
        return self._sown(
            label, "X" + "".join(self._rng.choices(_TAIL, k=13)).upper(), False, leaves
        )

    def phone(self, label: str, *, leaves: bool = False) -> str:
        """Eleven digits that read as a mobile number."""
        return self._sown(label, f"139{self._rng.randrange(10**8):08}", False, leaves)

    def text(self, label: str, *, shown: bool = False, leaves: bool = False) -> str:
        """Two words and between them all that is awkward to write; each word is a mark too."""
        first = self.word(f"{label}, its first word", shown=shown, leaves=leaves)
        last = self.word(f"{label}, its last word", shown=shown, leaves=leaves)
        return self._sown(label, first + AWKWARD + last, shown, leaves)

    def why(self, label: str, *, awkward: bool = True) -> str:
        """A reason of a notice."""
        before = set(self.all)
        reason = self.text(label) if awkward else self.word(label)
        self.told |= self.all.keys() - before
        return reason

    def derived(self, label: str, value: str) -> None:
        """Look for something that the gateway made of a mark."""
        self._sown(label, value, False, True)

    def _sown(self, label: str, value: str, shown: bool, leaves: bool) -> str:
        if label in self.all:
            raise ValueError(f"sown twice: {label}")
        self.all[label] = value
        self.shown |= {label} if shown else set()
        self.leaves |= {label} if leaves else set()
        return value

    def needles(self) -> Needles:
        """For a search; takes half a second to make, so make it once."""
        return Needles(self.all)


class Written:
    """Everything that a gateway wrote, in one folder: `search` it for marks."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self.temporary = folder / "temporary"
        self.logs = folder / "logs"
        self.refused = folder / "answers-of-the-gateway"
        self.answered = folder / "answers-of-partners"
        self.cases = folder / "answers-about-cases"
        for place in (self.temporary, self.logs, self.refused, self.answered, self.cases):
            place.mkdir(parents=True)
        self._answers = 0

    def settings(self) -> dict[str, str]:
        """For the process: talkative, and its temporary files where they are looked at."""
        return {"GATEWAY_LOG__LEVEL": "debug", "TMPDIR": str(self.temporary)}

    def keep(self, reply: Reply) -> Reply:
        """An answer: of the gateway's own, or a partner's that may show what is declared."""
        return self.keep_in(self.answered if reply.code is None else self.refused, reply)

    def keep_in(self, folder: Path, reply: Reply) -> Reply:
        """An answer, and where it belongs."""
        head = "".join(f"{name}: {value}\n" for name, value in reply.headers.items())
        self.note(folder, head.encode() + b"\n" + reply.body)
        return reply

    def note(self, folder: Path, data: bytes) -> None:
        """Something else that came out."""
        self._answers += 1
        (folder / f"{self._answers:03}").write_bytes(data)

    def snapshot(self, name: str) -> None:
        """The data as it lies on the disk now, and each of its rows by itself."""
        place = self.folder / f"data-{name}"
        shutil.copytree(self.home / "data", place)
        for database in place.glob("*.db"):
            readable = self.folder / f"rows-{name}"
            readable.mkdir()
            copy = readable / database.name
            for file in place.glob(f"{database.name}*"):
                shutil.copy(file, readable / file.name)
            rows = b"\n".join(_cells(copy))
            for file in readable.iterdir():
                file.unlink()
            (readable / "rows").write_bytes(rows)

    async def told(self, app: GatewayClient) -> None:
        """What the gateway tells of itself."""
        for path in ("/metrics", "/readyz", "/openapi.json", "/v1/partners"):
            self.note(self.refused, (await app.get(path)).body)
        start = 0
        while entries := (page := await app.get(f"/v1/ledger/entries?start={start}")).json()[
            "entries"
        ]:
            self.note(self.refused, page.body)
            start += len(entries)

    async def command(self, *arguments: str, code: int = 0) -> None:
        """What a command prints."""
        process = await asyncio.create_subprocess_exec(
            *gateway_command("--home", str(self.home), *arguments),
            env=gateway_environment(self.settings()),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == code, said.decode(errors="replace")
        self.note(self.refused, said)

    def search(self, marks: Marks, needles: Needles) -> list[Finding]:
        """Every mark where it may not be."""
        return [
            finding
            for place in self.folder.iterdir()
            for finding in search_tree(place, needles)
            if finding.label not in self._allowed(place, marks)
        ]

    def _allowed(self, place: Path, marks: Marks) -> set[str]:
        """The marks that may stand in one of the folders."""
        if place == self.answered:
            return marks.shown
        stored = place.name.startswith(("data-", "rows-"))
        return marks.told if stored or place == self.cases else set()


def _cells(database: Path) -> Iterator[bytes]:
    """Every value of every row: a search of pages would miss what lies across two."""
    with closing(sqlite3.connect(database)) as db:
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")
        ]
        for table in tables:
            for row in db.execute(f'SELECT * FROM "{table}"'):
                yield from (_bytes(cell) for cell in row)


def _bytes(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode()


async def raw(gateway: GatewayProcess, data: bytes, *, public: bool = False) -> bytes:
    """Bytes onto one of the listeners, and what comes back until it closes or says no more."""
    url = gateway.public_url if public else gateway.internal_url
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(data)
    said = b""
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            while part := await reader.read(1 << 16):
                said += part
    except TimeoutError:
        return said
    finally:
        writer.close()
    return said


class RawServer:
    """A recipient that answers each request with the next of some bytes, and closes."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = iter(answers)
        self.requests = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Its address."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> "RawServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        self.requests += 1
        writer.write(next(self._answers))
        await writer.drain()
        writer.close()


async def until(condition: Callable[[], Any], *, seconds: float = 10) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
