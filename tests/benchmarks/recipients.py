"""
Recipients that take what comes, note when a notice came, and can die: accept and
never answer, or refuse to be connected to.
"""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType

from gateway.testing.ports import PortLease
from tests.benchmarks.wire import Messages, message

NOTICES = "/privacy/notices"
ALIVE, SILENT, CLOSED = "alive", "silent", "closed"

_ANSWER = message("HTTP/1.1 200 OK", {"Content-Type": "application/json"}, b"{}")


@dataclass(slots=True)
class Recipient:
    """One recipient, at the same address all its life."""

    id: str
    lease: PortLease = field(default_factory=PortLease)
    came: dict[str, float] = field(default_factory=dict)
    """When each notice came for the first time, by its id."""
    mode: str = ALIVE
    _server: asyncio.Server | None = None
    _open: set["Connection"] = field(default_factory=set)

    @property
    def base_url(self) -> str:
        """Where it is."""
        return f"http://{self.lease.address}"

    async def become(self, mode: str) -> None:
        """Live, or die in one of two ways; connections from before are broken off."""
        self.mode = mode
        for connection in list(self._open):
            connection.abort()
        if mode == CLOSED and self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        elif mode != CLOSED and self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: Connection(self), "127.0.0.1", self.lease.port, reuse_address=True
            )

    def took(self, head: bytes, body: bytes) -> bytes | None:
        """The answer to one request; None: it gets none."""
        if head.split(b" ", 2)[1].decode() == NOTICES:
            self.came.setdefault(json.loads(body)["data"]["notice"], perf_counter())
        return None if self.mode == SILENT else _ANSWER

    def opened(self, connection: "Connection") -> None:
        """Somebody connected."""
        self._open.add(connection)

    def closed(self, connection: "Connection") -> None:
        """And is gone."""
        self._open.discard(connection)


class Connection(asyncio.Protocol):
    """One connection of the gateway."""

    def __init__(self, recipient: Recipient) -> None:
        self._recipient = recipient
        self._messages = Messages()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._recipient.opened(self)

    def data_received(self, data: bytes) -> None:
        """Take every request that is complete."""
        for head, body in self._messages.feed(data):
            answer = self._recipient.took(head, body)
            if answer is not None and self._transport is not None:
                self._transport.write(answer)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self._recipient.closed(self)

    def abort(self) -> None:
        """Break it off."""
        if self._transport is not None:
            self._transport.abort()


class Recipients:
    """So many recipients, alive while inside."""

    def __init__(self, number: int) -> None:
        self.all = [Recipient(f"recipient-{place}") for place in range(number)]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Recipients":
        for one in self.all:
            self._stack.callback(one.lease.release)
            self._stack.push_async_callback(one.become, CLOSED)
            await one.become(ALIVE)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
