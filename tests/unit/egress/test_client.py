"""One partner's client: what is written, exactly, and how its connections are used."""

import asyncio

import pytest

from gateway.errors import ConfigError
from gateway.model.recipients import Auth, Tls, Upstream
from gateway.ports import Outgoing
from tests.unit.egress.wire import (
    OK,
    Reply,
    Wire,
    client_for,
    fine,
    read_request,
    replying,
    request_to,
    serving,
)


def holding(gate: asyncio.Event, answer: bytes = OK) -> Reply:
    """Answer when the gate opens."""

    async def reply(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(wire, reader):
            await gate.wait()
            writer.write(answer)
            await writer.drain()

    return reply


@pytest.mark.parametrize(
    "path",
    [
        "/v2/shipments/a%2Fb%2e%2E/%E6%AC%A7?x=%20+&y=%7e~&&z",
        "/a//b/./c/../d;v=1",
        "/?a=%zz&b=[]",
        "/%e6%E6",
    ],
)
async def test_the_target_is_written_as_it_was_built(path: str) -> None:
    """Not a character of the URL is quoted, unquoted or normalised on the way."""
    async with serving() as wire, client_for() as client:
        await client.send(request_to(wire.url(path)), last_look=fine)

        assert wire.requests[0].split(b"\r\n")[0] == f"POST {path} HTTP/1.1".encode()


async def test_only_what_was_asked_for_and_the_framing_is_written() -> None:
    """Beside the given headers only host, length, encodings and a name without a version."""
    async with serving() as wire, client_for() as client:
        request = request_to(wire.url("/x"), headers={"Sharing-Id": "1"}, body=b"{}")
        await client.send(request, last_look=fine)
        head, _, body = wire.requests[0].partition(b"\r\n\r\n")

        assert sorted(head.decode().split("\r\n")[1:]) == [
            "Accept-Encoding: gzip, deflate",
            "Content-Length: 2",
            f"Host: 127.0.0.1:{wire.port}",
            "Sharing-Id: 1",
            "User-Agent: sharing-gateway",
        ]
        assert body == b"{}"


async def test_a_get_has_no_body_and_no_length() -> None:
    """What has no body says so."""
    async with serving() as wire, client_for() as client:
        await client.send(request_to(wire.url(), method="GET"), last_look=fine)

        assert b"content-" not in wire.requests[0].lower()
        assert wire.requests[0].endswith(b"\r\n\r\n")


async def test_a_header_cannot_change_the_framing() -> None:
    """Declared headers named like framing are left out."""
    smuggled = {
        "Transfer-Encoding": "chunked",
        "Content-Length": "0",
        "Connection": "upgrade",
        "Expect": "100-continue",
        "Host": "other.example",
        "Accept-Encoding": "br",
    }
    async with serving() as wire, client_for() as client:
        await client.send(request_to(wire.url(), headers=smuggled, body=b"abc"), last_look=fine)
        head = wire.requests[0].lower()

        assert b"content-length: 3" in head
        assert b"accept-encoding: gzip, deflate\r\n" in head
        for name in (b"transfer-encoding", b"connection:", b"expect", b"other.example"):
            assert name not in head


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
async def test_a_body_arrives_byte_for_byte(size: int) -> None:
    """Bodies of every size arrive whole."""
    body = bytes(range(256)) * (size // 256 + 1)
    async with serving() as wire, client_for() as client:
        await client.send(request_to(wire.url(), body=body[:size]), last_look=fine)

        assert wire.requests[0].partition(b"\r\n\r\n")[2] == body[:size]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "GET / HTTP/1.1\r\nX: 1"),
        ("url", "http://127.0.0.1/a b"),
        ("url", "http://127.0.0.1/\r\nX: 1"),
        ("url", "http://127.0.0.1/é"),
        ("url", "http://user:pass@127.0.0.1/"),
        ("url", "ftp://127.0.0.1/"),
        ("url", "/relative"),
        ("headers", (("X", "1\r\nY: 2"),)),
        ("headers", (("X: 1\r\nY", "2"),)),
        ("headers", (("X", "\ud800"),)),
    ],
)
async def test_what_cannot_be_written_as_http_is_not_sent(field: str, value: object) -> None:
    """A request that would break its framing is refused before a connection, without a value."""
    parts = {
        "method": "POST",
        "url": "http://127.0.0.1:1/",
        "headers": (),
        "body": b"",
        "timeout_seconds": 1.0,
        "connect_timeout_seconds": 1.0,
        "response_limit": 10,
    }
    async with client_for() as client:
        with pytest.raises(ValueError) as told:
            await client.send(Outgoing(**{**parts, field: value}), last_look=fine)  # type: ignore[arg-type]

        assert "127.0.0.1" not in str(told.value)
        assert client._connector is None


async def test_the_answer_holds_status_headers_and_body() -> None:
    """A partner's answer comes back whole; header names in any case, repeated ones kept."""
    raw = (
        b"HTTP/1.1 422 Whatever\r\nX-One: 1\r\nx-one: 2\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 3\r\n\r\nabc"
    )
    async with serving(raw) as wire, client_for() as client:
        answer = await client.send(request_to(wire.url()), last_look=fine)

        assert (answer.status, answer.body) == (422, b"abc")
        assert answer.headers["X-ONE"] == "1"
        assert answer.headers.getall("x-One") == ["1", "2"]  # type: ignore[attr-defined]
        assert "Content-Length" not in answer.headers
        assert "abc" not in repr(answer)
        assert "abc" not in repr(answer.body)


async def test_connections_are_kept_and_used_again() -> None:
    """Shares one after another use one connection."""
    async with serving() as wire, client_for() as client:
        for _ in range(5):
            await client.send(request_to(wire.url()), last_look=fine)

        assert (len(wire.received), len(wire.requests)) == (1, 5)


async def test_no_more_connections_than_allowed_are_opened() -> None:
    """Who finds no free connection waits for one."""
    gate = asyncio.Event()
    async with serving(holding(gate)) as wire, client_for(connections=2) as client:
        sends = [
            asyncio.create_task(client.send(request_to(wire.url()), last_look=fine))
            for _ in range(6)
        ]
        await asyncio.sleep(0.05)
        open_before = len(wire.received)
        gate.set()
        answers = await asyncio.gather(*sends)

        assert open_before == 2
        assert len(wire.received) == 2
        assert [answer.status for answer in answers] == [200] * 6


async def test_cancelling_one_share_leaves_the_others_working() -> None:
    """One caller who goes away, in flight or waiting, takes no other share with it."""
    gate = asyncio.Event()
    async with serving(holding(gate)) as wire, client_for(connections=2) as client:
        sends = [
            asyncio.create_task(client.send(request_to(wire.url()), last_look=fine))
            for _ in range(6)
        ]
        await asyncio.sleep(0.05)
        sends[0].cancel()  # in flight
        sends[3].cancel()  # waiting for a connection
        await asyncio.sleep(0.05)
        gate.set()
        ends = await asyncio.gather(*sends, return_exceptions=True)
        after = await client.send(request_to(wire.url()), last_look=fine)

        assert [isinstance(end, asyncio.CancelledError) for end in ends] == [
            *(True, False, False, True, False, False)
        ]
        assert after.status == 200


async def test_an_unasked_continue_is_passed_over() -> None:
    """Interim answers are not the answer."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    async with serving(early + OK) as wire, client_for() as client:
        answer = await client.send(request_to(wire.url()), last_look=fine)

        assert (answer.status, answer.body) == (200, b"ok")


async def test_an_answer_before_the_body_was_read_is_an_answer() -> None:
    """A partner that refuses a large body early is heard, and its connection not used again."""

    async def early(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with serving(early) as wire, client_for() as client:
        for _ in range(2):
            request = request_to(wire.url(), body=b"x" * 20_000_000)
            answer = await client.send(request, last_look=fine)
            assert answer.status == 413

        assert len(wire.received) == 2


async def test_closing_waits_for_requests_in_flight() -> None:
    """A share in flight ends before the client closes, and its connection closes then."""
    gate = asyncio.Event()
    async with serving(holding(gate)) as wire, client_for() as client:
        send = asyncio.create_task(client.send(request_to(wire.url()), last_look=fine))
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(client.close())
        await asyncio.sleep(0.05)
        waited = not closing.done()
        gate.set()
        await closing
        await asyncio.sleep(0.02)

        assert waited
        assert (await send).status == 200
        assert wire.closed == 1


async def test_a_closed_client_that_someone_still_holds_sends_and_closes_again() -> None:
    """A share that got its client before a reload leaves, and nothing stays open after it."""
    async with serving() as wire, client_for() as client:
        await client.close()
        answer = await client.send(request_to(wire.url()), last_look=fine)
        await asyncio.sleep(0.02)

        assert answer.status == 200
        assert (len(wire.received), wire.closed) == (1, 1)


async def test_a_proof_that_is_not_known_makes_no_client() -> None:
    """A manifest whose `auth` nobody can carry out is refused, not sent without it."""
    upstream = Upstream(
        base_url="https://x.example", auth=Auth(scheme="digest", settings={"key": "file:k"})
    )
    with pytest.raises(ConfigError, match=r'swift-parcel: upstream\.auth "digest" is not known'):
        async with client_for(upstream):
            pass


@pytest.mark.parametrize("pin", ["", "abc", "sha256/AAAA", "Ä" * 44])
async def test_a_pin_that_is_none_makes_no_client(pin: str) -> None:
    """A mistyped pin stops the start; it never means no pin."""
    upstream = Upstream(base_url="https://x.example", tls=Tls(pins=(pin,)))
    with pytest.raises(ConfigError, match="is not a pin"):
        async with client_for(upstream):
            pass


async def test_several_answers_on_one_connection_stay_apart() -> None:
    """Each share gets its own answer."""
    answers = [f"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{n}".encode() for n in range(5)]
    async with serving(replying(*answers)) as wire, client_for() as client:
        got = [(await client.send(request_to(wire.url()), last_look=fine)).body for _ in range(5)]

        assert got == [b"0", b"1", b"2", b"3", b"4"]
