"""The digest of a set."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.editions import digest_of

_documents = st.dictionaries(st.text(max_size=5), st.binary(max_size=5), max_size=4)


def test_the_digest_is_fixed():
    """Anybody can compute it: SHA-256 over names and bytes, each behind its length."""
    by_hand = hashlib.sha256(
        (1).to_bytes(8, "big") + b"a" + (2).to_bytes(8, "big") + b"xy"
    ).hexdigest()
    assert digest_of({"a": b"xy"}) == by_hand


def test_the_order_of_documents_does_not_count():
    """The same documents give the same digest, however they were found."""
    assert digest_of({"a": b"1", "b": b"2"}) == digest_of({"b": b"2", "a": b"1"})


@given(_documents, _documents)
def test_different_sets_have_different_digests(one, other):
    """No two sets share a digest by where one document ends and the next begins."""
    assert (digest_of(one) == digest_of(other)) is (one == other)
