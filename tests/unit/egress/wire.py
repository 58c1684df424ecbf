"""A real server that keeps every byte it is sent, and clients set up to reach it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.egress import AddressRules, PartnerClient
from gateway.model.recipients import Upstream
from gateway.ports import Outgoing

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
OPEN = AddressRules(allow=LOOPBACK, plaintext=LOOPBACK)
"""Loopback may be reached, also without TLS."""
TLS_ONLY = AddressRules(allow=LOOPBACK)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Reply = Callable[["Wire", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Wire:
    """What arrived at a server: every byte of every connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received: list[bytearray] = []
        """One for each connection."""
        self.requests: list[bytes] = []
        """Whole requests, head and body."""
        self.closed = 0
        """Connections that the client has ended."""

    @property
    def bytes(self) -> int:
        """How many bytes of requests arrived in all; under TLS, after decryption."""
        return sum(len(each) for each in self.received)

    def url(self, path: str = "/", *, host: str = "127.0.0.1", scheme: str = "http") -> str:
        """An address of this server."""
        return f"{scheme}://{host}:{self.port}{path}"


async def read_request(wire: Wire, reader: asyncio.StreamReader) -> bytes:
    """One request, by its Content-Length; empty when the client has gone."""
    received = wire.received[-1]
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as gone:
        received += gone.partial
        return b""
    received += head
    length = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    body = await reader.readexactly(length[0]) if length else b""
    received += body
    wire.requests.append(head + body)
    return head + body


def replying(*answers: bytes) -> Reply:
    """Answer each request with the next of these, the last one for ever."""
    queue = list(answers)

    async def reply(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(wire, reader):
            writer.write(queue.pop(0) if len(queue) > 1 else queue[0])
            await writer.drain()

    return reply


@contextlib.asynccontextmanager
async def serving(
    reply: Reply | bytes = OK, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Wire]:
    """A server on loopback until the block ends."""
    answer = replying(reply) if isinstance(reply, bytes) else reply
    wire = Wire(0)
    running: set[asyncio.Task[Any]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        wire.received.append(bytearray())
        try:
            await answer(wire, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            wire.closed += 1
            writer.close()
            running.discard(task)

    server = await asyncio.start_server(connected, host, 0, ssl=tls)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0)


def no_secret(reference: str) -> str:
    """The secrets of whoever has none."""
    raise AssertionError(f"{reference} was looked up")


@contextlib.asynccontextmanager
async def client_for(
    upstream: Upstream | None = None,
    *,
    rules: AddressRules = OPEN,
    secrets: Callable[[str], str] = no_secret,
    folder: Path = Path(),
    connections: int = 64,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[PartnerClient]:
    """A client of a partner called swift-parcel, closed when the block ends."""
    client = PartnerClient(
        "swift-parcel",
        upstream,
        rules=rules,
        secrets=secrets,
        folder=folder,
        connections=connections,
        resolver=resolver,
    )
    try:
        yield client
    finally:
        await client.close()


def request_to(
    url: str,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = b'{"a":1}',
    timeout: float = 5.0,
    connect: float = 2.0,
    limit: int = 1024 * 1024,
) -> Outgoing:
    """A request that arrives; give what the test is about."""
    return Outgoing(
        method=method,
        url=url,
        headers=tuple((headers or {}).items()),
        body=None if method == "GET" else body,
        timeout_seconds=timeout,
        connect_timeout_seconds=connect,
        response_limit=limit,
    )


def fine() -> None:
    """A last look that finds nothing."""


class Names(AbstractResolver):
    """Answers look-ups from a list, one answer after another, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """The next answer."""
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            ResolveResult(hostname=host, host=each, port=port, family=0, proto=0, flags=0)
            for each in answer
        ]

    async def close(self) -> None:
        """Nothing to let go."""
