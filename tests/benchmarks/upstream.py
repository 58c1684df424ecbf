"""
A partner that answers every request at once with the same JSON, counts what
came under each first segment of the path, and keeps a few for whoever checks.

    python upstream.py PORT          GET /told gives counts and samples
"""

import asyncio
import json
import sys
from base64 import b64encode
from collections import Counter
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.wire import Messages, message

SAMPLES = 4
"""Requests kept from the start of each path, and as many from its end."""

ANSWER = {
    "tracking_number": "SP-2026-0001-4711",
    "status": "accepted",
    "hub": {"id": "CTU-7", "name": "成都七号分拨中心"},
    "estimate": "2026-11-05",
    "trace": "a3f1c9d2-internal",
}
_JSON = {"Content-Type": "application/json"}
_ANSWER = message("HTTP/1.1 200 OK", _JSON, json.dumps(ANSWER, ensure_ascii=False).encode())


class Record:
    """What came, of all connections."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, list[tuple[bytes, bytes]]] = {}
        self.last: dict[str, tuple[bytes, bytes]] = {}

    def note(self, head: bytes, body: bytes) -> bytes:
        """Count a request; the answer to it."""
        target = head.split(b" ", 2)[1].decode()
        if target == "/told":
            return message("HTTP/1.1 200 OK", _JSON, json.dumps(self.told()).encode())
        way = target.split("/", 2)[1]
        self.counts[way] += 1
        kept = self.first.setdefault(way, [])
        if len(kept) < SAMPLES:
            kept.append((head, body))
        self.last[way] = (head, body)
        return _ANSWER

    def told(self) -> dict[str, object]:
        """Counts and samples, as JSON values."""
        samples = {
            way: [_sample(*one) for one in (*kept, self.last[way])]
            for way, kept in self.first.items()
        }
        return {"counts": dict(self.counts), "samples": samples}


def _sample(head: bytes, body: bytes) -> dict[str, str]:
    return {"head": head.decode("latin-1"), "body": b64encode(body).decode()}


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._messages = Messages()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        for head, body in self._messages.feed(data):
            if self._transport is not None:
                self._transport.write(self._record.note(head, body))


async def main(port: int) -> None:
    """Serve until the process is ended."""
    record = Record()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(record), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
