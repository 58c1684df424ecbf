"""
One request and its answer on an established connection.

Connections, TLS, names and the parsing of answers are aiohttp's. What stands
here in place of its `ClientSession` is the middle: the request is one piece of
bytes and is written in one call right after the last look. Between the two
nothing awaits, so nothing of this process can come between; what the look
raises closes the connection before any byte; and nothing is tried a second time.
"""

import asyncio
from collections.abc import Iterable

from aiohttp import StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage, StreamWriter
from yarl import URL

from gateway.egress.answers import read_answer
from gateway.egress.exchange import Exchange
from gateway.errors import PartnerCut, PartnerTimeout, PartnerUnreachable
from gateway.ports import Answer

# What is longer follows as the partner takes it, so that it is not in memory twice.
PIECE = 64 * 1024

# Who sends them without end keeps the whole process busy: reading what is there awaits nothing.
MOST_INTERIM = 20

# One of these without a body does not say that it has none (RFC 9110 §8.6).
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def request_head(method: str, url: URL, headers: Iterable[tuple[str, str]], size: int) -> bytes:
    """
    Request line and headers with the empty line behind them, for a body of `size` bytes.

    Nothing is escaped: the caller has looked at every part.
    """
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1", f"Host: {url.host_port_subcomponent}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if size or method not in _BODILESS:
        lines.append(f"Content-Length: {size}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def converse(
    connection: Connection,
    exchange: Exchange,
    *,
    method: str,
    head: bytes,
    body: bytes,
    partner: str,
    limit: int,
    first_byte_seconds: float | None = None,
) -> Answer:
    """
    Write a request, read its whole answer and give the connection back; one
    that cannot carry another request is closed, whatever happens here.

    `first_byte_seconds`: from the last look to the answer's head. Raises what the
    last look raises, `PartnerUnreachable` where nothing was sent, `PartnerTimeout`
    where no answer begins in time, `PartnerCut` after `MOST_INTERIM` interim ones, as
    `read_answer`, and aiohttp's errors of a connection that breaks.
    """
    protocol = connection.protocol
    try:
        if protocol is None:
            raise PartnerUnreachable(f"{partner}: the connection was lost before it was used")
        protocol.set_response_params(
            skip_payload=method == "HEAD", read_until_eof=True, auto_decompress=False
        )
        exchange.begin(connection)
        rest = _write(protocol, head, body)
        try:
            message, content = await _answer_within(first_byte_seconds, protocol, partner)
            answer = await read_answer(message, content, method, partner=partner, limit=limit)
        finally:
            if rest is not None and not rest.done():
                # It answered without having taken everything.
                protocol.force_close()
                rest.cancel()
        connection.release()
        return answer
    finally:
        # Of a connection that was given back this does nothing.
        connection.close()


def _write(protocol: ResponseHandler, head: bytes, body: bytes) -> "asyncio.Task[None] | None":
    """Hand over what is small in one call; of what is large a task writes the rest."""
    transport = protocol.transport
    assert transport is not None  # the last look found it connected
    transport.write(head + body[:PIECE])
    if len(body) <= PIECE:
        return None
    rest = asyncio.create_task(_write_rest(protocol, body))
    # What breaks here breaks the answer too, and is told there.
    rest.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return rest


async def _write_rest(protocol: ResponseHandler, body: bytes) -> None:
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    for start in range(PIECE, len(body), PIECE):
        await writer.write(body[start : start + PIECE])


async def _answer_within(
    seconds: float | None, protocol: ResponseHandler, partner: str
) -> tuple[RawResponseMessage, StreamReader]:
    if seconds is None:
        return await _answer_to(protocol, partner)
    try:
        async with asyncio.timeout(seconds):
            return await _answer_to(protocol, partner)
    except TimeoutError:
        # Not chained: it says nothing more.
        raise PartnerTimeout(f"{partner}: no answer began within {seconds:g} s") from None


async def _answer_to(
    protocol: ResponseHandler, partner: str
) -> tuple[RawResponseMessage, StreamReader]:
    """The final answer; interim ones (RFC 9110 §15.2) say nothing. 101 ends HTTP and is final."""
    for _ in range(MOST_INTERIM + 1):
        message, content = await protocol.read()
        if not 100 <= message.code < 200 or message.code == 101:
            return message, content
    raise PartnerCut(f"{partner}: over {MOST_INTERIM} interim answers, and none that is final")
