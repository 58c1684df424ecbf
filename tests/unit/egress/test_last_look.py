"""The last look before the first byte, against a server that counts bytes."""

import asyncio

import pytest

from gateway.egress import PartnerClient
from gateway.egress.exchange import CURRENT, Exchange
from gateway.errors import Fenced, PartnerUnreachable
from tests.unit.egress.wire import client_for, fine, request_to, serving


def fenced() -> None:
    """A last look that finds a fence."""
    raise Fenced("behind a fence")


async def quiet() -> None:
    """Long enough for anything on its way over loopback to arrive."""
    await asyncio.sleep(0.05)


def taken(client: PartnerClient) -> int:
    """Connections that the client's connector counts as in use."""
    assert client._connector is not None
    return len(client._connector._acquired)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_fence_on_a_fresh_connection_keeps_every_byte_back(method: str) -> None:
    """A share that is fenced at the last look has opened a connection and sent no byte."""
    async with serving() as wire, client_for() as client:
        with pytest.raises(Fenced, match="behind a fence"):
            await client.send(request_to(wire.url(), method=method), last_look=fenced)
        await quiet()

        assert (len(wire.received), wire.bytes) == (1, 0)
        assert (wire.closed, taken(client)) == (1, 0)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_fence_on_a_kept_connection_keeps_every_byte_back(method: str) -> None:
    """The same on a connection that carried a share before."""
    async with serving() as wire, client_for() as client:
        await client.send(request_to(wire.url(), method=method), last_look=fine)
        before = wire.bytes
        with pytest.raises(Fenced):
            await client.send(request_to(wire.url(), method=method), last_look=fenced)
        await quiet()

        assert (len(wire.received), wire.bytes) == (1, before)
        assert (wire.closed, taken(client)) == (1, 0)


async def test_the_next_share_leaves_after_a_fenced_one() -> None:
    """A fenced share takes no connection with it, even where only one is allowed."""
    async with serving() as wire, client_for(connections=1) as client:
        for _ in range(3):
            with pytest.raises(Fenced):
                await client.send(request_to(wire.url()), last_look=fenced)
        answer = await client.send(request_to(wire.url()), last_look=fine)

        assert answer.status == 200
        assert len(wire.requests) == 1


@pytest.mark.parametrize("trouble", [OSError("x"), TimeoutError(), RuntimeError(), ValueError()])
async def test_whatever_the_look_raises_is_what_the_caller_gets(trouble: Exception) -> None:
    """The look's own error arrives as it is, also one that looks like the network's."""

    def look() -> None:
        raise trouble

    async with serving() as wire, client_for() as client:
        with pytest.raises(type(trouble)) as told:
            await client.send(request_to(wire.url()), last_look=look)
        await quiet()

        assert told.value is trouble
        assert wire.bytes == 0


@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_nothing_of_the_process_comes_between_the_look_and_the_first_byte(size: int) -> None:
    """What other tasks do at the same time lies before the look or after the first byte."""
    turns: list[str] = []

    def look() -> None:
        asyncio.get_running_loop().call_soon(turns.append, "another task")
        turns.append("look")

    async with serving() as wire, client_for() as client:
        await client.send(request_to(wire.url()), last_look=fine)
        assert client._connector is not None
        (kept,) = client._connector._conns.values()
        transport = kept[0][0].transport
        assert transport is not None
        write = transport.write

        def writing(data: bytes) -> None:
            turns.append("byte")
            write(data)

        transport.write = writing  # type: ignore[method-assign]
        await client.send(request_to(wire.url(), body=b"x" * size), last_look=look)

        assert turns[:3] == ["look", "byte", "another task"]
        assert len(wire.requests) == 2


async def test_the_look_comes_after_waiting_for_a_connection() -> None:
    """A share that waited for a free connection is looked at when it has one, not before."""
    looked: list[str] = []
    async with serving() as wire, client_for(connections=1) as client:
        await asyncio.gather(
            client.send(request_to(wire.url("/1")), last_look=lambda: looked.append("1")),
            client.send(
                request_to(wire.url("/2")), last_look=lambda: looked.append(str(len(wire.requests)))
            ),
        )

        assert looked == ["1", "1"]


async def test_the_look_happens_once_per_share() -> None:
    """One share, one look, with a body or without."""
    looked: list[str] = []
    async with serving() as wire, client_for() as client:
        for method in ("GET", "POST"):
            request = request_to(wire.url(), method=method)
            await client.send(request, last_look=lambda: looked.append("x"))

    assert len(looked) == 2


async def test_a_kept_connection_that_said_something_unasked_is_not_used() -> None:
    """An answer that nobody asked for is never taken for the answer to the next share."""
    unasked = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
    async with serving() as wire, client_for() as client:
        await client.send(request_to(wire.url()), last_look=fine)
        assert client._connector is not None
        (kept,) = client._connector._conns.values()
        kept[0][0].data_received(unasked)
        before = wire.bytes
        with pytest.raises(PartnerUnreachable, match="lost before it was used"):
            await client.send(request_to(wire.url()), last_look=fine)
        await quiet()

        assert wire.bytes == before


async def test_outside_of_a_share_the_exchange_is_unknown() -> None:
    """Nothing of one share's exchange is left behind for the next."""
    async with serving() as wire, client_for() as client:
        await client.send(request_to(wire.url()), last_look=fine)

    with pytest.raises(LookupError):
        assert isinstance(CURRENT.get(), Exchange)
