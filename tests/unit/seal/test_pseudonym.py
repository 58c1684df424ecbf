"""Names under which partners know a person."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.seal.pseudonym import pseudonym
from tests.marks import promise

KEY = bytes(range(32))
KEYS = st.binary(min_size=32, max_size=32)
NAMES = st.text(max_size=20)


@given(KEYS, NAMES, st.none() | NAMES)
def test_a_pseudonym_is_stable_and_plain(key: bytes, partner: str, value: str | None) -> None:
    """The same person is the same 26 characters for the same partner, every time."""
    name = pseudonym(key, partner, value)

    assert name == pseudonym(key, partner, value)
    assert re.fullmatch("[a-z2-7]{26}", name)


@promise("S3")
@given(KEYS, NAMES, NAMES, st.none() | NAMES, st.none() | NAMES)
def test_partners_cannot_compare(
    key: bytes, one: str, two: str, value: str | None, other: str | None
) -> None:
    """Another partner or another value gives another name, also where the texts run together."""
    same = pseudonym(key, one, value) == pseudonym(key, two, other)

    assert same == ((one, value) == (two, other))


@promise("R2")
@given(KEYS, KEYS)
def test_another_key_gives_another_name(one: bytes, two: bytes) -> None:
    """Once the key is gone nobody can make the name again: it depends on the whole key."""
    same = pseudonym(one, "swift-parcel") == pseudonym(two, "swift-parcel")

    assert same == (one == two)


def test_no_value_is_not_an_empty_value() -> None:
    """The person and an empty value of theirs are two things."""
    assert pseudonym(KEY, "swift-parcel") != pseudonym(KEY, "swift-parcel", "")


@pytest.mark.parametrize("length", [0, 16, 31])
def test_a_short_key_is_refused(length: int) -> None:
    """A key that could be guessed makes no pseudonyms."""
    with pytest.raises(ValueError, match="32 bytes"):
        pseudonym(bytes(length), "swift-parcel")
