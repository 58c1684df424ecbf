"""The bytes of a request, and what becomes of a connection."""

import asyncio

import pytest
from yarl import URL

from gateway.egress.conversation import MOST_INTERIM, PIECE, request_head
from gateway.errors import PartnerCut, PartnerResponseRefused
from tests.unit.egress.wire import OK, Wire, client_for, fine, read_request, request_to, serving

MEBIBYTE = 2**20


@pytest.mark.parametrize(
    ("url", "line", "host"),
    [
        ("http://api.example", "/", "api.example"),
        ("http://api.example:80/a%2Fb?c=%20", "/a%2Fb?c=%20", "api.example"),
        ("https://api.example:8443/a?", "/a", "api.example:8443"),
        ("http://[::1]:8080/x", "/x", "[::1]:8080"),
        ("https://api.example./x#part", "/x", "api.example"),
    ],
)
def test_a_head_names_what_is_asked_and_where(url: str, line: str, host: str) -> None:
    """The target stands as it was encoded, the host without a port that goes without saying."""
    head = request_head("POST", URL(url, encoded=True), [("X-A", "1"), ("X-A", "2")], 3)

    assert (
        head
        == (
            f"POST {line} HTTP/1.1\r\nHost: {host}\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 3\r\n\r\n"
        ).encode()
    )


@pytest.mark.parametrize(
    ("method", "said"),
    [("GET", False), ("HEAD", False), ("POST", True), ("PUT", True), ("DELETE", True)],
)
def test_a_missing_body_is_stated_where_one_is_expected(method: str, said: bool) -> None:
    """A POST without a body says that it has none; of a GET nobody expects one."""
    head = request_head(method, URL("http://api.example/"), [], 0)

    assert (b"Content-Length: 0" in head) is said


def test_text_beyond_ascii_is_utf_8() -> None:
    """A declared header with a Chinese name leaves as UTF-8, as it came."""
    assert "X-Name: 欧阳明".encode() in request_head(
        "GET", URL("http://api.example/"), [("X-Name", "欧阳明")], 0
    )


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * MEBIBYTE])
async def test_bodies_around_a_piece_arrive_whole(size: int) -> None:
    """Nothing is lost or doubled where one piece of a body ends; the connection is kept."""
    body = bytes(number % 251 for number in range(size))
    async with serving() as wire, client_for() as client:
        for _ in range(2):
            await client.send(request_to(wire.url(), body=body), last_look=fine)

        assert [one.partition(b"\r\n\r\n")[2] == body for one in wire.requests] == [True, True]
        assert len(wire.received) == 1


async def test_a_partner_that_answers_before_it_has_read_all_gets_a_new_connection() -> None:
    """Its answer counts; what was left of the large body never becomes part of another request."""

    async def early(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.received[-1] += await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        await reader.read()

    async with serving(early) as wire, client_for() as client:
        large = request_to(wire.url(), body=bytes(64 * MEBIBYTE))
        answers = [await client.send(large, last_look=fine) for _ in range(2)]

        assert [answer.body for answer in answers] == [b"ok", b"ok"]
        assert len(wire.received) == 2


async def test_a_connection_that_breaks_under_a_large_body_is_one_failure() -> None:
    """Writing and reading both meet it; the caller is told once, that it may have arrived."""

    async def breaking(
        wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with serving(breaking) as wire, client_for() as client:
        with pytest.raises(PartnerCut):
            await client.send(request_to(wire.url(), body=bytes(64 * MEBIBYTE)), last_look=fine)


async def test_interim_answers_are_passed_over() -> None:
    """Hints that come before the answer (103) are not taken for it."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with serving(hints + hints + OK) as wire, client_for() as client:
        answer = await client.send(request_to(wire.url()), last_look=fine)

        assert (answer.status, answer.body) == (200, b"ok")
        assert "Link" not in answer.headers


async def test_interim_answers_without_end_are_no_answer() -> None:
    """Who sends hints for ever is left, before it keeps the process busy with reading them."""
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n" * (MOST_INTERIM + 1)
    async with serving(hints + OK) as wire, client_for() as client:
        with pytest.raises(PartnerCut, match="interim"):
            await client.send(request_to(wire.url()), last_look=fine)


async def test_an_answer_beyond_its_limit_ends_the_connection() -> None:
    """What is refused half read is not the beginning of the next answer."""
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + bytes(100_000)

    async def reply(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(wire, reader):
            writer.write(long if len(wire.requests) == 1 else OK)
            await writer.drain()

    async with serving(reply) as wire, client_for() as client:
        with pytest.raises(PartnerResponseRefused):
            await client.send(request_to(wire.url(), limit=1000), last_look=fine)
        answer = await client.send(request_to(wire.url()), last_look=fine)

        assert answer.body == b"ok"
        assert len(wire.received) == 2
