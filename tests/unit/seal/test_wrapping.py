"""Keys that are destroyed one day: they open with their epoch's key and in their place, or not."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.seal.storage import SealBroken, protect
from gateway.seal.wrapping import (
    HOME,
    MAX_EPOCH,
    WRAPPED_BYTES,
    EpochKey,
    epoch_of,
    mask_of,
)
from tests.marks import promise

KEYS = st.binary(min_size=32, max_size=32)
FIRST, SECOND = EpochKey.of(1, bytes(range(32))), EpochKey.of(2, bytes(32))
MASK = mask_of(b"home", b"escrow|ntc_1")


@given(key=KEYS, secret=KEYS, number=st.integers(1, MAX_EPOCH))
@settings(max_examples=30)
def test_a_key_comes_back_as_it_was(key: bytes, secret: bytes, number: int) -> None:
    """Whatever the key and the epoch, what was wrapped opens, and says under which epoch it is."""
    epoch = EpochKey.of(number, secret)
    wrapped = epoch.wrap(key, MASK, random=os.urandom)

    assert epoch.open(wrapped, MASK) == key
    assert epoch_of(wrapped) == number
    assert key not in wrapped


@promise("K2")
def test_a_wrap_moves_to_another_epoch_and_the_old_key_opens_it_no_more() -> None:
    """The new epoch needs neither the key itself nor what it is of; the old one opens nothing."""
    key = os.urandom(32)
    before = FIRST.wrap(key, MASK, random=os.urandom)
    after = SECOND.take_over(before, FIRST, random=os.urandom)

    assert SECOND.open(after, MASK) == key
    with pytest.raises(SealBroken):
        FIRST.open(after, MASK)
    with pytest.raises(SealBroken):
        SECOND.open(before, MASK)
    with pytest.raises(SealBroken):
        SECOND.take_over(before, SECOND, random=os.urandom)


def test_every_wrap_is_of_one_size() -> None:
    """Also beside one of the first version, so that a row is overwritten where it lies."""
    first = protect(bytes(32), bytes(32), b"case|1", random=os.urandom)

    assert len(FIRST.wrap(bytes(32), MASK, random=os.urandom)) == WRAPPED_BYTES == len(first)
    assert (epoch_of(first), epoch_of(bytes(WRAPPED_BYTES)), epoch_of(b"")) == (HOME, HOME, HOME)


def test_a_wrap_in_another_place_gives_another_key() -> None:
    """Who moves a row, or has another home's key, gets a key under which nothing opens."""
    key = os.urandom(32)
    wrapped = FIRST.wrap(key, MASK, random=os.urandom)

    assert FIRST.open(wrapped, mask_of(b"home", b"escrow|ntc_2")) != key
    assert FIRST.open(wrapped, mask_of(b"else", b"escrow|ntc_1")) != key


@given(place=st.integers(0, WRAPPED_BYTES - 1), bit=st.integers(0, 7))
@settings(max_examples=40)
def test_a_changed_wrap_does_not_open(place: int, bit: int) -> None:
    """One bit anywhere, the epoch's number included, and it is refused."""
    changed = bytearray(FIRST.wrap(bytes(32), MASK, random=os.urandom))
    changed[place] ^= 1 << bit

    with pytest.raises(SealBroken):
        FIRST.open(bytes(changed), MASK)


@pytest.mark.parametrize(("number", "secret"), [(0, bytes(32)), (1, bytes(31)), (-1, bytes(32))])
def test_what_is_no_key_of_an_epoch_is_refused(number: int, secret: bytes) -> None:
    """An epoch is counted from 1, and its key has 32 bytes."""
    with pytest.raises(ValueError, match="epoch"):
        EpochKey.of(number, secret)


def test_a_key_does_not_print_itself_and_is_told_from_another() -> None:
    """What is printed of it is its number and a fingerprint, which another key has otherwise."""
    secret = os.urandom(32)
    key = EpochKey.of(7, secret)

    assert secret.hex() not in repr(key)
    assert key.fingerprint == EpochKey.of(8, secret).fingerprint
    assert key.fingerprint != EpochKey.of(7, os.urandom(32)).fingerprint
