"""What goes wrong, and whether the data may have arrived."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp.connector import Connection

from gateway.egress.client import PartnerClient
from gateway.egress.exchange import CURRENT, Exchange
from gateway.errors import (
    GatewayError,
    PartnerCut,
    PartnerFailed,
    PartnerTimeout,
    PartnerUnreachable,
)
from gateway.ports import Outgoing
from tests.unit.egress.wire import (
    OK,
    TLS_ONLY,
    Names,
    Reply,
    Wire,
    client_for,
    fine,
    read_request,
    request_to,
    serving,
)

MARK = "Zhang-San-13800138000"


async def fails(client: PartnerClient, request: Outgoing) -> PartnerFailed:
    """How a request fails; its message holds the partner and nothing of the request."""
    with pytest.raises(PartnerFailed) as told:
        await client.send(request, last_look=fine)
    error = told.value
    assert str(error).startswith("swift-parcel: ")
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


def then(
    *steps: bytes | float, close: bool = True, reset: bool = False, first: bool = True
) -> Reply:
    """Read a request, then write and wait as told, then close, break or hold the connection."""

    async def reply(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if first:
            await read_request(wire, reader)
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            else:
                await asyncio.sleep(step)
        if reset:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        if not close and not reset:
            await asyncio.sleep(30)

    return reply


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port on which connecting takes for ever: its queue is full and nobody accepts."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server.getsockname()[1]


async def test_a_refused_connection_was_not_sent() -> None:
    """Nobody listens: nothing left."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with client_for() as client:
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/?name={MARK}"
            error = await fails(client, request_to(url))

    assert isinstance(error, PartnerUnreachable)
    assert "ConnectionRefusedError" in str(error)
    assert MARK not in str(error)


async def test_a_name_that_nobody_knows_was_not_sent() -> None:
    """No address: nothing left."""
    async with client_for() as client:
        error = await fails(client, request_to(f"http://api.unknown.example/{MARK}"))

    assert isinstance(error, PartnerUnreachable)
    assert str(error) == "swift-parcel: its name does not resolve"


async def test_a_name_without_an_address_was_not_sent() -> None:
    """An empty answer of the name service is no way to a partner."""
    async with client_for(resolver=Names([])) as client:
        error = await fails(client, request_to("http://x.example/"))

    assert isinstance(error, PartnerUnreachable)


async def test_a_connect_that_takes_too_long_was_not_sent() -> None:
    """The connect timeout ends the waiting, and it counts as not sent."""
    loop = asyncio.get_running_loop()
    with full_backlog() as port:
        async with client_for() as client:
            started = loop.time()
            request = request_to(f"http://127.0.0.1:{port}/{MARK}", timeout=10, connect=0.2)
            error = await fails(client, request)

    assert isinstance(error, PartnerUnreachable)
    assert str(error) == "swift-parcel: no connection in time"
    assert loop.time() - started < 1


async def test_a_handshake_that_takes_too_long_was_not_sent() -> None:
    """A server that never answers the TLS greeting falls under the connect timeout."""
    async with (
        serving(then(close=False, first=False)) as wire,
        client_for(rules=TLS_ONLY) as client,
    ):
        request = request_to(wire.url(scheme="https"), timeout=10, connect=0.2)
        error = await fails(client, request)

    assert isinstance(error, PartnerUnreachable)
    assert str(error) == "swift-parcel: no connection in time"


async def test_waiting_for_a_free_connection_is_bounded_and_was_not_sent() -> None:
    """Behind a slow partner the queue ends with the connect timeout."""
    async with (
        serving(then(0.6, OK, close=False)) as wire,
        client_for(connections=1) as client,
    ):
        first = asyncio.create_task(client.send(request_to(wire.url()), last_look=fine))
        await asyncio.sleep(0.05)
        error = await fails(client, request_to(wire.url(), timeout=10, connect=0.1))

        assert isinstance(error, PartnerUnreachable)
        assert (await first).status == 200
        assert len(wire.requests) == 1


async def test_the_whole_timeout_before_a_connection_was_not_sent() -> None:
    """Where the whole is shorter than the connect timeout, what counts is still: no byte left."""
    with full_backlog() as port:
        async with client_for() as client:
            request = request_to(f"http://127.0.0.1:{port}/", timeout=0.2, connect=10)
            error = await fails(client, request)

    assert isinstance(error, PartnerUnreachable)


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (b"HTTP/1.1 200 OK\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *(b"x", 0.05) * 20),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *(b"1\r\nx\r\n", 0.05) * 20),
    ],
    ids=["nothing", "status-line", "headers", "drip", "chunks"],
)
async def test_an_answer_that_takes_too_long_may_have_arrived(steps: tuple[bytes | float]) -> None:
    """No first byte, a stop in the middle, a drip: the whole timeout counts, and it is one."""
    loop = asyncio.get_running_loop()
    async with serving(then(*steps, close=False)) as wire, client_for() as client:
        started = loop.time()
        error = await fails(client, request_to(wire.url(f"/{MARK}"), timeout=0.3))

        assert isinstance(error, PartnerTimeout)
        assert str(error) == "swift-parcel: no complete answer within 0.3 s"
        assert loop.time() - started < 0.8


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
    ids=["at-once", "headers", "body", "chunk", "no-last-chunk"],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_a_cut_may_have_arrived(answer: bytes, *, reset: bool) -> None:
    """A connection that ends or breaks before the answer is complete leaves it open."""
    async with serving(then(answer, 0.02, reset=reset)) as wire, client_for() as client:
        error = await fails(client, request_to(wire.url(f"/{MARK}"), method="PUT"))

        assert isinstance(error, PartnerCut)
        assert MARK not in str(error)
        assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        f"HTTP/1.1 200 OK\r\n{MARK}\r\n\r\n".encode(),
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ],
    ids=["ssh", "no-colon", "long-header", "many-headers", "bad-chunk", "two-lengths"],
)
async def test_an_answer_that_is_not_http_may_have_arrived(answer: bytes) -> None:
    """What cannot be read as HTTP is an open end, and none of it is told."""
    async with serving(then(answer, 0.05)) as wire, client_for() as client:
        error = await fails(client, request_to(wire.url()))

        assert isinstance(error, PartnerCut)
        assert MARK not in str(error)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_kept_connection_that_drops_is_not_tried_again(method: str) -> None:
    """A share on a connection that the partner drops is an open end, sent once and not twice."""

    async def once(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(wire, reader)
        writer.write(OK)
        await writer.drain()
        await read_request(wire, reader)

    looks: list[str] = []
    async with serving(once) as wire, client_for() as client:
        request = request_to(wire.url(), method=method)
        await client.send(request, last_look=fine)
        with pytest.raises(PartnerCut):
            await client.send(request, last_look=lambda: looks.append("x"))
        await asyncio.sleep(0.05)

        assert (len(wire.received), len(wire.requests)) == (1, 2)
        assert looks == ["x"]


async def test_a_request_that_left_does_not_leave_again() -> None:
    """Were one request written a second time, the last look would stop it."""
    exchanges: list[Exchange] = []

    def look() -> None:
        exchanges.append(CURRENT.get())

    async with serving() as wire, client_for() as client:
        await client.send(request_to(wire.url()), last_look=look)
        assert client._connector is not None
        (kept,) = client._connector._conns.values()
        connection = Connection(client._connector, ("", 0), kept[0][0], asyncio.get_running_loop())
        try:
            with pytest.raises(PartnerCut, match="second time"):
                exchanges[0].begin(connection)
        finally:
            connection._protocol = None

        assert len(wire.requests) == len(exchanges) == 1


async def test_a_kept_connection_that_was_closed_is_replaced() -> None:
    """Where the partner's closing was seen before the next share, a fresh connection carries it."""
    async with serving(then(OK, 0.0)) as wire, client_for() as client:
        for _ in range(3):
            answer = await client.send(request_to(wire.url()), last_look=fine)
            assert answer.status == 200
            await asyncio.sleep(0.05)

        assert len(wire.received) == 3


async def test_a_second_answer_to_one_question_is_never_handed_on() -> None:
    """Two answers to one share: the first counts, and no later share gets the second."""
    other = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
    async with serving(OK + other) as wire, client_for() as client:
        bodies = [
            (await client.send(request_to(wire.url()), last_look=fine)).body for _ in range(3)
        ]

        assert bodies == [b"ok"] * 3
        assert len(wire.received) == 3


async def test_an_answer_that_comes_late_is_never_handed_on() -> None:
    """The same where the second answer comes while the connection is idle."""
    other = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
    async with serving(then(OK, 0.02, other, close=False)) as wire, client_for() as client:
        await client.send(request_to(wire.url()), last_look=fine)
        await asyncio.sleep(0.06)
        before = wire.bytes
        error = await fails(client, request_to(wire.url()))
        again = await client.send(request_to(wire.url()), last_look=fine)

        assert isinstance(error, PartnerUnreachable)
        assert wire.received[0] == wire.received[0][:before]
        assert again.body == b"ok"


async def test_plain_http_from_a_tls_port_was_not_sent() -> None:
    """A partner that does not speak TLS gets nothing."""
    plain = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    async with (
        serving(then(plain, first=False)) as wire,
        client_for(rules=TLS_ONLY) as client,
    ):
        error = await fails(client, request_to(wire.url(scheme="https")))

        assert isinstance(error, PartnerUnreachable)
        assert str(error) == "swift-parcel: no TLS connection came about"


def test_no_error_of_the_library_escapes() -> None:
    """Whatever aiohttp may raise, callers learn whether bytes left: all errors are ours."""
    assert not issubclass(aiohttp.ClientError, GatewayError)
    assert issubclass(ssl.SSLError, OSError)
    for kind in (PartnerUnreachable, PartnerTimeout, PartnerCut):
        assert issubclass(kind, PartnerFailed)
