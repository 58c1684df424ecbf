"""
The partner that keeps every byte it gets.

It speaks HTTP by itself and from nothing of the gateway, so that what no library
would let through is seen, and it can answer with anything. Each request is also
opened as a partner opens it, so that what hides under a seal is looked at.
"""

import asyncio
import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.recipient import MemorySeen, Received, RecipientError, receive_share
from gateway.testing.keys import PartnerKeys
from gateway.testing.received import open_fields, read_document
from tests.bypass.bodies import made
from tests.bypass.reading import Reply

_LIMIT = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One request, as its bytes say."""

    method: str
    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    address: str
    """Of this machine, where it came in."""

    def values(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for given, value in self.headers if given.lower() == name.lower()]

    def value(self, name: str) -> str | None:
        """The only value of a header, or None."""
        found = self.values(name)
        return found[0] if len(found) == 1 else None


class Recorder:
    """A server on one port of several addresses of this machine."""

    def __init__(self, addresses: tuple[str, ...] = ("127.0.0.1",)) -> None:
        self.keys = PartnerKeys.generate("recorder")
        self.arrived: list[Arrived] = []
        self.raw = bytearray()
        """Everything that came since `forget`, whatever it was."""
        self.connections: list[str] = []
        """The address at which each came in."""
        self.port = 0
        self._addresses = addresses
        self._replies: list[Reply] = [Reply()]
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> None:
        """Listen, at a free port of the first address or at this one."""
        self.port = port
        for address in self._addresses:
            server = await asyncio.start_server(
                self._serve, address, self.port, limit=_LIMIT, reuse_address=True
            )
            self._servers.append(server)
            self.port = server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything."""
        for server in self._servers:
            server.close()
        for writer in list(self._open):
            writer.close()
        await asyncio.sleep(0)

    def expect(self, replies: tuple[Reply, ...]) -> None:
        """Answer so from now on, one for each request and the last one for the rest."""
        self._replies = list(replies)

    def forget(self) -> None:
        """Begin anew."""
        self.arrived.clear()
        self.raw.clear()
        self.connections.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        self.connections.append(address)
        self._open.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ValueError):
                while await self._exchange(reader, writer, address):
                    pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str
    ) -> bool:
        """One request and its answer; whether another may follow."""
        head = await self._kept(reader.readuntil(b"\r\n\r\n"))
        line, *rows = head[:-4].decode("utf-8", "surrogateescape").split("\r\n")
        pairs = tuple(
            (name, value.strip()) for name, _, value in (row.partition(":") for row in rows)
        )
        method, target, _ = line.split(" ", 2)
        sizes = [value for name, value in pairs if name.lower() == "content-length"]
        body = await self._kept(reader.readexactly(int(sizes[0]))) if sizes else b""
        self.arrived.append(
            Arrived(method=method, target=target, headers=pairs, body=body, address=address)
        )
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        told = _written(reply, bodiless=method == "HEAD")
        writer.write(told.replace(b"{port}", str(self.port).encode()))
        await writer.drain()
        return not reply.close

    async def _kept(self, coming: Any) -> bytes:
        """The bytes, kept also where fewer came than were promised."""
        try:
            data: bytes = await coming
        except asyncio.IncompleteReadError as error:
            self.raw += error.partial
            raise
        self.raw += data
        return data


def _written(reply: Reply, *, bodiless: bool) -> bytes:
    if reply.raw is not None:
        return made(reply.raw)
    body = b"" if reply.body is None else made(reply.body)
    rows = [f"HTTP/1.1 {reply.status} Told", *(f"{name}: {value}" for name, value in reply.headers)]
    if reply.status != 204 and not any(
        name.lower() == "content-length" for name, _ in reply.headers
    ):
        rows.append(f"Content-Length: {len(body)}")
    if reply.close:
        rows.append("Connection: close")
    head = "\r\n".join([*rows, "", ""]).encode("utf-8", "surrogateescape")
    return head if bodiless or reply.status == 204 else head + body


@dataclass(frozen=True, slots=True)
class Opened:
    """What a partner makes of a request. `problem`: why it would not take it."""

    claims: dict[str, Any] = field(repr=False)
    body: bytes = field(repr=False)
    document: Any = field(repr=False)
    problem: str | None = None


def opened(arrived: Arrived, keys: PartnerKeys, *, jwks: dict[str, Any], issuer: str) -> Opened:
    """
    Receive it with the recipient kit, sealed fields opened, as whomever and for
    whatever its grant says; the case knows whether that is right.
    """
    said = _said(arrived.value("Sharing-Grant") or "")
    try:
        received = receive_share(
            arrived.method,
            arrived.target,
            dict(arrived.headers),
            arrived.body,
            keys=keys.private_jwks(),
            jwks=jwks,
            partner=str(said.get("aud")),
            issuer=issuer,
            purpose=str(said.get("purpose")),
            seen=MemorySeen(),
        )
        document = _document(received)
    except RecipientError as error:
        return Opened({}, arrived.body, None, error.code)
    return Opened(received.claims, received.body, document)


def _said(grant: str) -> dict[str, Any]:
    """The claims, unverified."""
    part = grant.split(".")[1] if grant.count(".") == 2 else "e30"
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def _document(received: Received) -> Any:
    return open_fields(read_document(received.body, received.content_type), received.field)


def texts(value: Any) -> Iterator[str]:
    """Every text in some JSON values, names of members too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif value is not None:
        yield str(value)
