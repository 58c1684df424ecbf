"""The recipient's check that a share of its own is in the gateway's ledger."""

import json
from typing import Any

import pytest

from gateway.ledger import merkle
from gateway.ledger.checkpoint import tlog_proof
from gateway.recipient import RecipientError, verify_proof
from tests.unit.ledger.builders import (
    ORIGIN,
    OTHER_KEY,
    a_jwk,
    a_jwks,
    a_ledger,
    a_note,
    digest_of,
)

LEAVES = a_ledger(6)
TILES = merkle.extend({}, 0, [digest_of(leaf) for leaf in LEAVES])
NOTE = a_note(LEAVES)


def proof_of(index: int, note: str = NOTE, **changes: Any) -> str:
    """A proof of one leaf."""
    return tlog_proof(index, merkle.inclusion(TILES, index, len(LEAVES)), note, **changes)


def test_a_recipient_checks_the_proof_of_its_share() -> None:
    """Each leaf is read once its proof leads to a root that the gateway signed, whatever extra data and
    lines of others stand in it."""
    stranger = "\u2014 witness.example AAAAAAAA\n"
    for index, leaf in enumerate(LEAVES):
        text = proof_of(index, NOTE + stranger, extra=b"anything")
        said = verify_proof(text, leaf, a_jwks(), origin=ORIGIN)
        assert said == json.loads(leaf)
    share = json.loads(LEAVES[2])["share"]
    assert verify_proof(proof_of(2), LEAVES[2], a_jwks(), origin=ORIGIN, share=share)


WRONG: dict[str, tuple[Any, Any, Any, str]] = {
    "another leaf": (proof_of(2), LEAVES[3], a_jwks(), "proof-broken"),
    "another place": (
        proof_of(2).replace("index 2", "index 3"),
        LEAVES[2],
        a_jwks(),
        "proof-broken",
    ),
    "no such place": (
        proof_of(2).replace("index 2", "index 99"),
        LEAVES[2],
        a_jwks(),
        "proof-broken",
    ),
    "no plain number": (
        proof_of(2).replace("index 2", "index 02"),
        LEAVES[2],
        a_jwks(),
        "proof-malformed",
    ),
    "a hash more": (
        proof_of(2).replace("\n\n", f"\n{'A' * 43}=\n\n", 1),
        LEAVES[2],
        a_jwks(),
        "proof-broken",
    ),
    "a short hash": (
        proof_of(2).replace("\n\n", "\nAAAA\n\n", 1),
        LEAVES[2],
        a_jwks(),
        "proof-malformed",
    ),
    "another header": ("x" + proof_of(2), LEAVES[2], a_jwks(), "proof-malformed"),
    "nothing": ("\n", LEAVES[2], a_jwks(), "proof-malformed"),
    "no JSON": (proof_of(2), b"leaf", a_jwks(), "proof-malformed"),
    "another ledger": (
        proof_of(2, a_note(LEAVES, origin="other.example/ledger")),
        LEAVES[2],
        a_jwks(),
        "proof-malformed",
    ),
    "another key": (
        proof_of(2),
        LEAVES[2],
        a_jwks(a_jwk(OTHER_KEY)),
        "signing-key-unknown",
    ),
    "a key for something else": (
        proof_of(2),
        LEAVES[2],
        a_jwks(a_jwk(kid="grant-1")),
        "signing-key-unknown",
    ),
    "a changed size": (
        proof_of(2).replace(f"\n{len(LEAVES)}\n", f"\n{len(LEAVES) + 1}\n"),
        LEAVES[2],
        a_jwks(),
        "proof-broken",
    ),
    "a leaf that is no bytes": (proof_of(2), LEAVES[2].decode(), a_jwks(), "argument-invalid"),
    "a proof that is no text": (b"", LEAVES[2], a_jwks(), "argument-invalid"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_proves_nothing_is_refused(name: str) -> None:
    """Whatever is changed about a proof, its leaf or the keys, the kit refuses it and says why."""
    text, leaf, jwks, code = WRONG[name]
    with pytest.raises(RecipientError) as refused:
        verify_proof(text, leaf, jwks, origin=ORIGIN)

    assert refused.value.code == code


def test_a_proof_of_another_share_is_refused() -> None:
    """Who asks for the proof of one share is not content with that of another."""
    with pytest.raises(RecipientError) as refused:
        verify_proof(proof_of(2), LEAVES[2], a_jwks(), origin=ORIGIN, share="shr_other")

    assert refused.value.code == "share-mismatch"
