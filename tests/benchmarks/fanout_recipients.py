"""
Many recipients in one process of their own: each takes notices, keeps what came with
the time, and answers at once. Nothing is verified while it runs, so that what is
measured is whoever sends.

    python -m tests.benchmarks.fanout_recipients --number 50 --silent 0 --kept FILE

The first line that it prints holds the ports. Port 0 of them is the desk: a request to
it is answered with how many came. SIGTERM: what came is written to FILE, a JSON object
a line, and it ends.
"""

import argparse
import asyncio
import base64
import json
import signal
import time
from pathlib import Path

from tests.benchmarks.wire import Messages, message

_OK = message("HTTP/1.1 200 OK", {"Content-Type": "application/json"}, b"{}")

Came = tuple[float, int, bytes, bytes]


class _Desk(asyncio.Protocol):
    """Answers with how many notices came, and when the last did."""

    def __init__(self, came: list[Came]) -> None:
        self._came = came
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """One answer for whatever is asked."""
        assert self._transport is not None
        said = {"came": len(self._came), "last": self._came[-1][0] if self._came else 0.0}
        headers = {"Content-Type": "application/json"}
        self._transport.write(message("HTTP/1.1 200 OK", headers, json.dumps(said).encode()))


class _Recipient(asyncio.Protocol):
    """One connection to one recipient; a silent one takes and never answers."""

    def __init__(self, came: list[Came], place: int, *, silent: bool) -> None:
        self._came, self._place, self._silent = came, place, silent
        self._messages = Messages()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep every request that is complete."""
        for head, body in self._messages.feed(data):
            self._came.append((time.time(), self._place, bytes(head), bytes(body)))
            if not self._silent and self._transport is not None:
                self._transport.write(_OK)


async def serve(number: int, silent: int, kept: Path) -> None:
    """So many recipients until SIGTERM; the last `silent` of them never answer."""
    came: list[Came] = []
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    desk = await loop.create_server(lambda: _Desk(came), "127.0.0.1", 0)
    ports = [desk.sockets[0].getsockname()[1]]
    for place in range(number):
        dead = place >= number - silent
        server = await loop.create_server(
            lambda place=place, dead=dead: _Recipient(came, place, silent=dead),  # type: ignore[misc]
            "127.0.0.1",
            0,
            backlog=1024,
        )
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps(ports), flush=True)
    await ended.wait()
    with kept.open("w", encoding="utf-8") as file:
        for at, place, head, body in came:
            one = {
                "at": at,
                "place": place,
                "head": base64.b64encode(head).decode(),
                "body": base64.b64encode(body).decode(),
            }
            file.write(json.dumps(one) + "\n")


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fanout_recipients")
    parser.add_argument("--number", type=int, default=50)
    parser.add_argument("--silent", type=int, default=0)
    parser.add_argument("--kept", type=Path, required=True)
    asked = parser.parse_args()
    asyncio.run(serve(asked.number, asked.silent, asked.kept))


if __name__ == "__main__":
    main()
