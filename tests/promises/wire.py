"""HTTP as bytes, for what no client library sends."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it stood on the wire."""

    status: int
    headers: dict[str, str] = field(repr=False)
    """Names in lower case; of a repeated one the last."""
    body: bytes = field(repr=False)


async def exchange(url: str, request: bytes, *, seconds: float = 10) -> Raw:
    """Send these bytes to the listener at `url`, and read until it closes or has answered."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(_answer(reader), seconds)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> Raw:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *rows = head.decode("latin-1").split("\r\n")
    pairs = [row.partition(":") for row in rows if row]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    length = int(headers.get("content-length", "0"))
    body = await reader.readexactly(length) if length else b""
    return Raw(int(first.split(" ")[1]), headers, body)


def a_request(
    line: str, *headers: tuple[str, str], body: bytes = b"", host: str = "gateway.example"
) -> bytes:
    """A request: its first line without the version, its headers in this order, its body."""
    rows = [f"{line} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    if body:
        rows.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*rows, "", ""]).encode() + body
