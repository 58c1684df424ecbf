"""Sealing for the gateway's own store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.seal.storage import SealBroken, hkdf, protect, reveal
from tests.unit.seal.builders import Stream

KEY = bytes(range(32))
BLOB = protect(KEY, b"secret", b"facts 7", random=Stream())


@given(st.binary(max_size=100), st.binary(max_size=20))
def test_what_is_protected_can_be_revealed(plaintext: bytes, aad: bytes) -> None:
    """With the key, in its place, a blob gives back what went in; it begins with its version."""
    blob = protect(KEY, plaintext, aad, random=Stream())

    assert blob[:1] == b"\x01"
    assert reveal(KEY, blob, aad) == plaintext


@given(st.integers(0, len(BLOB) - 1), st.integers(1, 255))
def test_no_byte_can_change(place: int, mask: int) -> None:
    """A blob with any byte changed, the version included, does not open."""
    changed = bytearray(BLOB)
    changed[place] ^= mask

    with pytest.raises(SealBroken):
        reveal(KEY, bytes(changed), b"facts 7")


@pytest.mark.parametrize("length", range(len(BLOB)))
def test_a_cut_blob_does_not_open(length: int) -> None:
    """A blob that was cut anywhere is refused."""
    with pytest.raises(SealBroken):
        reveal(KEY, BLOB[:length], b"facts 7")


@pytest.mark.parametrize("aad", [b"", b"facts 8", b"facts 7 "])
def test_a_blob_opens_in_its_place_alone(aad: bytes) -> None:
    """A blob moved to another row does not open there."""
    with pytest.raises(SealBroken, match="in this place"):
        reveal(KEY, BLOB, aad)


def test_a_blob_opens_with_its_key_alone() -> None:
    """Another key opens nothing."""
    with pytest.raises(SealBroken):
        reveal(bytes(32), BLOB, b"facts 7")


def test_two_blobs_share_nothing() -> None:
    """The same text protected twice looks different."""
    random = Stream()
    one, two = (protect(KEY, b"secret", b"", random=random) for _ in range(2))

    assert one[1:13] != two[1:13]
    assert one[13:] != two[13:]


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_key_has_32_bytes(length: int) -> None:
    """No other key length is taken, neither to protect nor to reveal."""
    with pytest.raises(ValueError, match="32 bytes"):
        protect(bytes(length), b"", b"", random=Stream())
    with pytest.raises(ValueError, match="32 bytes"):
        reveal(bytes(length), BLOB, b"facts 7")


def test_too_little_randomness_is_refused() -> None:
    """A source that gives fewer bytes than asked for protects nothing."""
    with pytest.raises(ValueError, match="random source"):
        protect(KEY, b"", b"", random=lambda length: b"")


def test_derived_keys_are_unrelated() -> None:
    """Each use has its own key, the same every time, as long as asked for."""
    assert hkdf(KEY, b"escrow") == hkdf(KEY, b"escrow")
    assert hkdf(KEY, b"escrow") != hkdf(KEY, b"facts")
    assert len(hkdf(KEY, b"escrow", 16)) == 16


def test_hkdf_is_that_of_the_rfc() -> None:
    """The third test case of RFC 5869 (no salt, no info) comes out."""
    assert hkdf(b"\x0b" * 22, b"", 42).hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )
