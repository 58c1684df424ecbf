"""Reading answers: encodings undone, sizes bounded, memory too."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.egress.answers import PIECE, decoder_for
from gateway.errors import PartnerResponseRefused
from tests.unit.egress.wire import (
    OK,
    Reply,
    Wire,
    client_for,
    fine,
    read_request,
    request_to,
    serving,
)

# Without the time, which would be another in each process that names the tests.
packed = partial(gzip.compress, mtime=0)

LIMIT = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    """Deflate without the zlib frame, as some servers send it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "x-gzip": gzip.compress,
}


def answer(body: bytes, *headers: str) -> bytes:
    """A response with this body."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def undo(encoding: str, data: bytes, *, limit: int = LIMIT, step: int = 0) -> bytes:
    """Decode in chunks of `step` bytes; 0 = at once."""
    decoder = decoder_for(encoding, partner="p", limit=limit)
    step = step or max(len(data), 1)
    out = b"".join(
        piece for at in range(0, len(data), step) for piece in decoder.feed(data[at : at + step])
    )
    decoder.finish()
    return out


async def refused(wire: Wire, *, limit: int = LIMIT) -> str:
    """The message with which an answer is refused; the next share still works."""
    async with client_for() as client:
        with pytest.raises(PartnerResponseRefused) as told:
            await client.send(request_to(wire.url(), limit=limit), last_look=fine)
        assert not isinstance(told.value.__context__, aiohttp.ClientError)
        return str(told.value)


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_compressed_answer_is_undone(encoding: str) -> None:
    """gzip and deflate come back as the body, without the headers that described the wire."""
    packed = PACKED[encoding](b"hello " * 1000)
    async with (
        serving(answer(packed, f"Content-Encoding: {encoding}", "X-Other: 1")) as wire,
        client_for() as client,
    ):
        got = await client.send(request_to(wire.url()), last_look=fine)

        assert got.body == b"hello " * 1000
        assert sorted(got.headers) == ["X-Other"]


@given(
    st.binary(max_size=3000),
    st.integers(0, 90),
    st.sampled_from([*PACKED, "raw"]),
    st.integers(0, 700),
)
def test_decoding_is_the_same_in_any_chunks(
    body: bytes, repeat: int, encoding: str, step: int
) -> None:
    """However the network cuts it, the body comes out whole."""
    body *= repeat
    pack = raw_deflate if encoding == "raw" else PACKED[encoding]
    name = "deflate" if encoding == "raw" else encoding

    assert undo(name, pack(body), step=step) == body


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_whole_pieces_come_out_whole(size: int, encoding: str) -> None:
    """Nothing is left inside at the size of a piece, where all input is taken already."""
    assert undo(encoding, PACKED[encoding](b"a" * size)) == b"a" * size


def test_several_gzip_members_are_one_body() -> None:
    """A body of several members is legal (RFC 1952); hundreds are not taken."""
    assert undo("gzip", packed(b"one ") + packed(b"two")) == b"one two"
    with pytest.raises(PartnerResponseRefused, match="broken"):
        undo("gzip", packed(b"") * 500)


@pytest.mark.parametrize("encoding", ["", "identity", "Identity , identity"])
def test_without_an_encoding_the_body_is_as_it_came(encoding: str) -> None:
    """Identity is no encoding."""
    assert undo(encoding, b"abc") == b"abc"


@pytest.mark.parametrize(
    "encoding", ["br", "zstd", "gzip, gzip", "compress", "gzip, br", "nonsense"]
)
def test_other_encodings_are_refused(encoding: str) -> None:
    """What cannot be undone within bounds is refused, not passed on."""
    with pytest.raises(PartnerResponseRefused, match="not gzip or deflate"):
        decoder_for(encoding, partner="p", limit=LIMIT)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", b"no gzip"),
        ("gzip", packed(b"hello")[:-3]),
        ("gzip", packed(b"hello") + b"rubbish"),
        ("gzip", packed(b"hello")[:-8] + bytes(8)),
        ("deflate", zlib.compress(b"hello")[:-1]),
        ("deflate", zlib.compress(b"hello") + b"x"),
        ("deflate", b"\xff\xff\xff"),
    ],
    ids=["none", "cut", "tail", "checksum", "cut-zlib", "tail-zlib", "not-deflate"],
)
async def test_a_broken_encoding_is_refused(encoding: str, data: bytes) -> None:
    """Half a body is never handed on as a whole one."""
    async with serving(answer(data, f"Content-Encoding: {encoding}")) as wire:
        assert await refused(wire) == "swift-parcel: its content encoding is broken"


async def test_an_answer_up_to_the_limit_passes_and_one_byte_more_does_not() -> None:
    """The limit is exact, also after inflating."""
    for pack, header in ((bytes, "X: 1"), (gzip.compress, "Content-Encoding: gzip")):
        async with serving(answer(pack(b"a" * 1000), header)) as wire, client_for() as client:
            got = await client.send(request_to(wire.url(), limit=1000), last_look=fine)
            assert len(got.body) == 1000
            told = await refused(wire, limit=999)
            assert told == "swift-parcel: its answer is larger than 999 bytes"


def endless(head: bytes, chunk: bytes, sent: list[int]) -> Reply:
    """Answer for ever."""

    async def reply(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(wire, reader)
        writer.write(head)
        while True:
            writer.write(chunk)
            await writer.drain()
            sent[0] += len(chunk)

    return reply


@pytest.mark.parametrize(
    ("head", "chunk"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"2710\r\n" + b"x" * 10_000 + b"\r\n",
        ),
    ],
    ids=["until-close", "chunked"],
)
async def test_an_endless_answer_is_cut_off(head: bytes, chunk: bytes) -> None:
    """An answer without a length is read up to the limit and no further."""
    sent = [0]
    async with serving(endless(head, chunk, sent)) as wire:
        assert await refused(wire, limit=100_000) == (
            "swift-parcel: its answer is larger than 100000 bytes"
        )
        assert sent[0] < 20_000_000


async def test_a_length_above_the_limit_is_refused_unread() -> None:
    """What says that it is too large is not read at all."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"
    async with serving(head) as wire:
        assert "larger than" in await refused(wire)


async def test_a_bomb_is_refused_in_bounded_memory() -> None:
    """Half a gigabyte in half a megabyte of gzip costs no more memory than the limit allows."""
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1024 * 1024)
    bomb = b"".join(packer.compress(zeros) for _ in range(512)) + packer.flush()
    async with serving(answer(bomb, "Content-Encoding: gzip")) as wire:
        tracemalloc.start()
        told = await refused(wire, limit=LIMIT)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert "larger than" in told
    assert len(bomb) < LIMIT
    assert peak < 8 * LIMIT


async def test_after_a_refused_answer_the_client_works_on() -> None:
    """A refused answer costs its connection and nothing else."""
    big = answer(b"x" * 5000)
    async with serving(big) as wire, client_for(connections=1) as client:
        for _ in range(3):
            with pytest.raises(PartnerResponseRefused):
                await client.send(request_to(wire.url(), limit=100), last_look=fine)
        got = await client.send(request_to(wire.url(), limit=5000), last_look=fine)

        assert len(got.body) == 5000


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_an_answer_without_a_body_has_nothing_to_undo(status: str) -> None:
    """An encoding may be named where there is no body."""
    raw = f"HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\n\r\n".encode()
    async with serving(raw) as wire, client_for() as client:
        got = await client.send(request_to(wire.url()), last_look=fine)

        assert got.body == b""


async def test_the_answer_to_a_head_states_a_length_and_has_none() -> None:
    """A length beyond the limit is no body beyond the limit."""
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\nContent-Encoding: gzip\r\n\r\n"
    async with serving(raw) as wire, client_for() as client:
        request = request_to(wire.url(), method="HEAD", body=None)
        got = await client.send(request, last_look=fine)

        assert (got.status, got.body) == (200, b"")


@pytest.mark.parametrize("status", ["000", "099", "600", "999"])
async def test_a_status_that_http_does_not_have_is_refused(status: str) -> None:
    """What is no status is not handed on as one."""
    async with serving(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()) as wire:
        assert await refused(wire) == "swift-parcel: its status is none that HTTP has"


async def test_another_protocol_is_refused() -> None:
    """A partner that switches protocols has not answered."""
    raw = b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + OK
    async with serving(raw) as wire:
        assert await refused(wire) == "swift-parcel: it switched to another protocol"
