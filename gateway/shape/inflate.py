"""
A compressed body without its content coding, piece by piece (RFC 9110 §8.4).

For bodies that have no bound as a whole: never more than a piece is in memory,
and what swells beyond all that honest text does is refused.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

from gateway.errors import CallerError, Reason

PIECE = 64 * 1024
SLICE = 8 * 1024

# Records that resemble each other shrink to a thirtieth, seldom to a hundredth;
# deflate could make a thousandth of nothing but zeros.
MAX_RATIO = 250
# Before so much came out, the ratio says nothing.
FREE_BYTES = 1024 * 1024

_GZIP = zlib.MAX_WBITS | 16


class Decoder(Protocol):
    """Undoes one content coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` brings, in pieces of at most `PIECE` where it was inflated."""

    def finish(self) -> None:
        """Raise `CallerError` (`body-malformed`) where the body ended too early."""


def decoder_for(encoding: str) -> Decoder:
    """
    The decoder of a `Content-Encoding`: `gzip`, `deflate`, `identity` or none.

    Raises `CallerError` (`body-type-unsupported`).
    """
    match encoding.strip().lower():
        case "" | "identity":
            return Identity()
        case "gzip" | "x-gzip":
            return Inflater(gzip=True)
        case "deflate":
            return Inflater(gzip=False)
        case _:
            raise CallerError(
                Reason.BODY_TYPE_UNSUPPORTED,
                "this Content-Encoding is not supported",
                remedy="Send the lines as they are, or with gzip or deflate.",
            )


class Identity:
    """Nothing to undo."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes themselves."""
        yield data

    def finish(self) -> None:
        """Complete whenever HTTP says so."""


class Inflater:
    """
    Undoes gzip or deflate within `MAX_RATIO`.

    gzip may be several members one behind the other (RFC 1952 §2.2), as many as
    a writer likes that flushes now and then.
    """

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._member: zlib._Decompress | None = None
        self._ended = False
        self._in = 0
        self._out = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder.feed`. Raises `CallerError` (`body-malformed`, `body-too-large`)."""
        self._in += len(data)
        # In small parts: each member that ends costs a copy of what stands behind it.
        for start in range(0, len(data), SLICE):
            yield from self._feed(data[start : start + SLICE])

    def _feed(self, data: bytes) -> Iterator[bytes]:
        more = bool(data)
        while more:
            member = self._member or self._begin(data)
            piece = self._inflated(member, data)
            if piece:
                yield piece
            data = member.unused_data if member.eof else member.unconsumed_tail
            self._member = None if member.eof else member
            # A full piece may leave output waiting although all input is taken.
            more = bool(data) or (len(piece) == PIECE and not member.eof)

    def finish(self) -> None:
        """See `Decoder.finish`; a body of no bytes is no stream either."""
        if self._member is not None or not self._ended:
            raise _malformed("the compressed body ends too early")

    def _begin(self, data: bytes) -> "zlib._Decompress":
        if self._ended and not self._gzip:
            raise _malformed("something follows the end of the compressed body")
        if self._gzip:
            return zlib.decompressobj(_GZIP)
        # `deflate` is zlib's format (RFC 9110 §8.4.1.2); some send the bare one under
        # that name. The low half of a zlib stream's first byte is 8.
        return zlib.decompressobj(zlib.MAX_WBITS if data[0] & 15 == 8 else -zlib.MAX_WBITS)

    def _inflated(self, member: "zlib._Decompress", data: bytes) -> bytes:
        try:
            piece = member.decompress(data, PIECE)
        except zlib.error:
            broken = _malformed("the body is not compressed as its Content-Encoding says")
        else:
            self._ended = self._ended or member.eof
            self._out += len(piece)
            if self._out > FREE_BYTES + MAX_RATIO * self._in:
                raise CallerError(
                    Reason.BODY_TOO_LARGE,
                    f"the body swells more than {MAX_RATIO} fold when it is decompressed",
                )
            return piece
        raise broken


def _malformed(detail: str) -> CallerError:
    return CallerError(Reason.BODY_MALFORMED, detail)
