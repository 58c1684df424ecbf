"""Reading a partner's answer within bounds."""

import asyncio
import zlib
from collections.abc import Iterator
from typing import Protocol

from aiohttp import StreamReader
from aiohttp.http import RawResponseMessage
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.errors import PartnerResponseRefused
from gateway.model.payload import Body
from gateway.ports import Answer

# How much is inflated at once. A bomb is found out within one piece of its
# limit, and between full pieces other requests get their turn.
PIECE = 64 * 1024
# A gzip body may be several members one after another (RFC 1952 §2.2). Real
# ones have one; thousands of empty ones would only cost time.
MAX_MEMBERS = 16

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS

# They describe the bytes on the wire and are false of the body that is handed on.
_WIRE_HEADERS = ("Content-Encoding", "Content-Length", "Transfer-Encoding")


class Decoder(Protocol):
    """Turns the bytes on the wire into the body."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces of the body that `data` brings, each at most `PIECE` if it was inflated."""

    def finish(self) -> None:
        """Raise `PartnerResponseRefused` if the body is not complete."""


async def read_answer(
    message: RawResponseMessage, content: StreamReader, method: str, *, partner: str, limit: int
) -> Answer:
    """
    Read a whole answer to a `method` of at most `limit` bytes, on the wire and inflated.

    gzip and deflate are undone; the headers that describe them are left out.
    Raises `PartnerResponseRefused`; then the connection is not used again.
    """
    if message.code == 101:
        raise PartnerResponseRefused(f"{partner}: it switched to another protocol")
    if not 200 <= message.code < 600:
        # RFC 9110 §15: a status is 100 to 599, and interim ones were passed over.
        raise PartnerResponseRefused(f"{partner}: its status is none that HTTP has")
    # The answer to a HEAD states a length and has no body.
    if method != "HEAD" and int(message.headers.get("Content-Length", 0)) > limit:
        raise _too_large(partner, limit)
    encodings = ",".join(message.headers.getall("Content-Encoding", ()))
    if not encodings and content.is_eof() and content.exception() is None:
        # It came whole and as it is, as most do.
        return _answer(message, _within(content.read_nowait(), partner, limit))
    decoder = decoder_for(encodings, partner=partner, limit=limit)
    received, pieces = 0, []
    async for chunk in content.iter_any():
        received += len(chunk)
        if received > limit:
            raise _too_large(partner, limit)
        for piece in decoder.feed(chunk):
            pieces.append(piece)
            if len(piece) == PIECE:
                await asyncio.sleep(0)
    decoder.finish()
    return _answer(message, b"".join(pieces))


def _answer(message: RawResponseMessage, body: bytes) -> Answer:
    headers = CIMultiDict(message.headers)
    for name in _WIRE_HEADERS:
        headers.popall(name, None)
    return Answer(status=message.code, headers=CIMultiDictProxy(headers), body=Body(body))


def _within(body: bytes, partner: str, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(partner, limit)
    return body


def decoder_for(encodings: str, *, partner: str, limit: int) -> Decoder:
    """
    The decoder for a `Content-Encoding`; several at once are refused like unknown ones.

    Raises `PartnerResponseRefused`.
    """
    names = [name for part in encodings.lower().split(",") if (name := part.strip())]
    match [name for name in names if name != "identity"]:
        case []:
            return Identity()
        case ["gzip" | "x-gzip"]:
            return Inflater(partner=partner, limit=limit, gzip=True)
        case ["deflate"]:
            return Inflater(partner=partner, limit=limit, gzip=False)
        case _:
            raise PartnerResponseRefused(f"{partner}: its content encoding is not gzip or deflate")


class Identity:
    """Nothing to undo."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes themselves."""
        yield data

    def finish(self) -> None:
        """Complete whenever HTTP says so."""


class Inflater:
    """Undoes gzip or deflate, piece by piece, and stops at a limit."""

    def __init__(self, *, partner: str, limit: int, gzip: bool) -> None:
        self._partner = partner
        self._left = limit
        self._limit = limit
        self._gzip = gzip
        self._members = 0
        self._member: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The inflated pieces. Raises `PartnerResponseRefused`."""
        more = bool(data)
        while more:
            member = self._member or self._begin(data[0])
            try:
                piece = member.decompress(data, PIECE)
            except zlib.error:
                raise self._broken() from None
            self._left -= len(piece)
            if self._left < 0:
                raise _too_large(self._partner, self._limit)
            if piece:
                yield piece
            data = member.unused_data if member.eof else member.unconsumed_tail
            self._member = None if member.eof else member
            # A full piece may leave output waiting although all input is taken.
            more = bool(data) or (len(piece) == PIECE and not member.eof)

    def finish(self) -> None:
        """Complete when the last member ended; an answer without a body has none."""
        if self._member is not None:
            raise self._broken()

    def _begin(self, first: int) -> "zlib._Decompress":
        self._members += 1
        if self._members > (MAX_MEMBERS if self._gzip else 1):
            raise self._broken()
        # `deflate` is the zlib format (RFC 9110 §8.4.1.2), but some servers send
        # the raw one. The low half of a zlib stream's first byte is 8.
        wbits = _GZIP if self._gzip else _ZLIB if first & 0x0F == 8 else _RAW
        return zlib.decompressobj(wbits)

    def _broken(self) -> PartnerResponseRefused:
        return PartnerResponseRefused(f"{self._partner}: its content encoding is broken")


def _too_large(partner: str, limit: int) -> PartnerResponseRefused:
    return PartnerResponseRefused(f"{partner}: its answer is larger than {limit} bytes")
