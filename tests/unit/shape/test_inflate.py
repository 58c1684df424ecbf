"""A compressed body, piece by piece."""

import gzip
import zlib
from functools import partial

import pytest

from gateway.errors import CallerError, Reason
from gateway.shape.inflate import FREE_BYTES, MAX_RATIO, PIECE, decoder_for

# Without the time, which would be another in each process that names the tests.
packed = partial(gzip.compress, mtime=0)

TEXT = b'{"a": 1}\n' * 20_000


def inflated(encoding: str, data: bytes, step: int = 1000) -> bytes:
    """What comes out, piece by piece; no piece is larger than allowed."""
    decoder = decoder_for(encoding)
    pieces: list[bytes] = []
    for start in range(0, len(data), step):
        pieces += decoder.feed(data[start : start + step])
    decoder.finish()
    assert encoding == "identity" or all(len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


def refused(encoding: str, data: bytes) -> Reason:
    """Why it is refused."""
    with pytest.raises(CallerError) as caught:
        inflated(encoding, data)
    return caught.value.reason


def bare(data: bytes) -> bytes:
    """Deflate without zlib's header."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("identity", TEXT),
        ("gzip", packed(TEXT)),
        ("x-gzip", packed(TEXT)),
        ("GZIP", packed(TEXT)),
        ("gzip", packed(TEXT[:90_000]) + packed(TEXT[90_000:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare(TEXT)),
        ("gzip", b"".join(packed(TEXT[n : n + 9]) for n in range(0, len(TEXT), 9))),
    ],
    ids=["none", "gzip", "x-gzip", "upper", "members", "zlib", "bare", "many-members"],
)
@pytest.mark.parametrize("step", [7, 100_000])
def test_every_coding_is_undone(encoding: str, data: bytes, step: int):
    """What went in comes out, however it was cut on the way."""
    assert inflated(encoding, data, step) == TEXT


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", packed(TEXT)[:-1]),
        ("gzip", packed(TEXT) + b"x"),
        ("gzip", b"no gzip at all"),
        ("gzip", b""),
        ("deflate", zlib.compress(TEXT) + b"\x78"),
        ("deflate", zlib.compress(TEXT)[:-4]),
    ],
)
def test_what_is_no_such_coding(encoding: str, data: bytes):
    """A stream that is cut, broken or followed by something is malformed."""
    assert refused(encoding, data) is Reason.BODY_MALFORMED


def test_another_coding_is_not_supported():
    """Nobody guesses what a body is that is neither gzip nor deflate."""
    with pytest.raises(CallerError) as caught:
        decoder_for("br")
    assert caught.value.reason is Reason.BODY_TYPE_UNSUPPORTED


def test_what_swells_too_much():
    """Nothing that grows beyond what text can is inflated to its end."""
    bomb = packed(bytes(FREE_BYTES + 2 * MAX_RATIO * 40_000), compresslevel=9)
    assert len(bomb) < 40_000
    assert refused("gzip", bomb) is Reason.BODY_TOO_LARGE


def test_a_small_body_may_swell():
    """What is small stays small, however well it is compressed."""
    assert inflated("gzip", packed(bytes(FREE_BYTES // 2))) == bytes(FREE_BYTES // 2)
