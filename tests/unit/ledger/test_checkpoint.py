"""Checkpoints and the offline proofs that carry one."""

from base64 import b64decode, b64encode
from typing import Any

import pytest

from gateway.ledger import merkle
from gateway.ledger.checkpoint import (
    Checkpoint,
    TlogProof,
    open_checkpoint,
    parse_checkpoint,
    parse_tlog_proof,
    sign,
    text,
    tlog_proof,
    trusted_keys,
    verify_tlog_proof,
)
from gateway.ledger.encode import EMPTY_ROOT
from gateway.ledger.note import NoteInvalid, Verifier, sign_note
from gateway.ledger.proofs import ProofInvalid
from tests.unit.ledger.builders import (
    KEY,
    ORIGIN,
    OTHER_KEY,
    VERIFIER,
    a_jwk,
    a_jwks,
    digests,
    vectors,
)

CHECKPOINTS = vectors("signed-note/checkpoints.json")
PROOFS = vectors("signed-note/tlog_proofs.json")
HASHES = digests(10)
TILES = merkle.extend({}, 0, HASHES)
HEAD = Checkpoint(origin=ORIGIN, size=10, root=merkle.root(TILES, 10))


@pytest.mark.parametrize("case", CHECKPOINTS["ok"], ids=lambda case: case["origin"])
def test_published_checkpoints_are_read(case: Any) -> None:
    """Checkpoints of others say what they were published to say, given a root of 32 bytes."""
    root = b64decode(case["root_b64"])
    body = case["body"].replace(case["root_b64"], b64encode(root[:32].ljust(32)).decode())
    checkpoint = parse_checkpoint(body)

    assert (checkpoint.origin, checkpoint.size) == (case["origin"], case["size"])
    assert "".join(f"{line}\n" for line in checkpoint.extensions) == case["rest"]
    assert text(checkpoint) == body


@pytest.mark.parametrize(
    "case",
    [case for case in CHECKPOINTS["ok"] if len(b64decode(case["root_b64"])) != 32],
    ids=lambda case: case["body"],
)
def test_a_root_has_32_bytes(case: Any) -> None:
    """A checkpoint whose root is no SHA-256 is refused, as a log of SHA-256 must."""
    with pytest.raises(NoteInvalid, match="32 bytes"):
        parse_checkpoint(case["body"])


@pytest.mark.parametrize("case", CHECKPOINTS["bad"], ids=lambda case: case[0])
def test_published_bad_checkpoints_are_refused(case: Any) -> None:
    """Every published bad checkpoint is refused, and not only for its root."""
    lines = case[1].split("\n")
    if len(lines) > 2 and lines[2].endswith("="):
        lines[2] = b64encode(bytes(32)).decode()

    for body in (case[1], "\n".join(lines)):
        with pytest.raises(NoteInvalid):
            parse_checkpoint(body)


@pytest.mark.parametrize(
    "body",
    [
        f"{ORIGIN}\n9223372036854775808\n{b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n\u0661\n{b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n+1\n{b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n0\n{b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n1\n{b64encode(bytes(32)).decode()}\n\n",
        f"{ORIGIN}\n1\n{b64encode(bytes(32)).decode()[:-1]}\n",
        f"{ORIGIN}\n1\n{b64encode(bytes(32)).decode()[:-2]}B=\n",
        "",
    ],
)
def test_other_bad_checkpoints_are_refused(body: str) -> None:
    """Sizes in other digits or beyond 63 bits, and roots in another spelling, are refused."""
    with pytest.raises(NoteInvalid):
        parse_checkpoint(body)


def test_what_was_signed_opens_again() -> None:
    """A signed checkpoint opens with the ledger's key and says the same, from no leaf on."""
    for head in (HEAD, Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT)):
        note = sign(head, ORIGIN, KEY)
        assert open_checkpoint(note, [VERIFIER]) == head
        assert open_checkpoint(note.encode(), [VERIFIER]) == head


def test_the_key_of_one_ledger_says_nothing_about_another() -> None:
    """A trusted key cannot sign a checkpoint of an origin that is not its name."""
    elsewhere = Verifier("elsewhere.example/ledger", KEY.public_key())
    note = sign_note(text(HEAD), elsewhere.name, KEY)

    with pytest.raises(NoteInvalid, match="origin"):
        open_checkpoint(note, [elsewhere, VERIFIER])
    with pytest.raises(NoteInvalid, match="no trusted key"):
        open_checkpoint(note, [VERIFIER])


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (HEAD, "elsewhere.example/ledger"),
        (Checkpoint(origin="", size=0, root=EMPTY_ROOT), ""),
        (Checkpoint(origin="two\nlines", size=0, root=EMPTY_ROOT), "two\nlines"),
        (Checkpoint(origin=ORIGIN, size=1, root=b"short"), ORIGIN),
        (Checkpoint(origin=ORIGIN, size=0, root=bytes(32)), ORIGIN),
        (Checkpoint(origin=ORIGIN, size=-1, root=bytes(32)), ORIGIN),
        (Checkpoint(origin=ORIGIN, size=1, root=bytes(32), extensions=("",)), ORIGIN),
    ],
)
def test_what_could_not_be_opened_is_not_signed(head: Checkpoint, name: str) -> None:
    """The gateway signs no checkpoint that a reader would refuse."""
    with pytest.raises(NoteInvalid):
        sign(head, name, KEY)


def test_trusted_keys_are_those_for_checkpoints() -> None:
    """Of a JWK Set only the keys named for checkpoints may sign one; retired ones still may."""
    jwks = a_jwks(a_jwk(OTHER_KEY, "grant-1"), a_jwk(), a_jwk(OTHER_KEY, "checkpoint-2025-1"))

    assert trusted_keys(jwks, ORIGIN) == [VERIFIER, Verifier(ORIGIN, OTHER_KEY.public_key())]
    assert trusted_keys(a_jwks(a_jwk(KEY, "grant-1"), {"kty": "RSA"}), ORIGIN) == []
    assert trusted_keys(a_jwks(a_jwk(alg="Ed25519")), ORIGIN) == [VERIFIER]


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": {}},
        {"keys": ["checkpoint-1"]},
        a_jwks(a_jwk(), a_jwk(OTHER_KEY)),
        a_jwks(a_jwk(kty="EC")),
        a_jwks(a_jwk(crv="X25519")),
        a_jwks(a_jwk(alg="ES256")),
        a_jwks(a_jwk(use="enc")),
        a_jwks(a_jwk(x=None)),
        a_jwks(a_jwk(x="AAAA")),
        a_jwks(a_jwk(x=a_jwk()["x"] + "=")),
        a_jwks(a_jwk(x=a_jwk()["x"][:20] + "!" + a_jwk()["x"][20:])),
        a_jwks(a_jwk(x="A" * 42 + "B")),
    ],
)
def test_malformed_trust_is_refused(jwks: Any) -> None:
    """A key set with a broken or ambiguous checkpoint key trusts nothing."""
    with pytest.raises(NoteInvalid):
        trusted_keys(jwks, ORIGIN)


@pytest.mark.parametrize("case", PROOFS["ok"], ids=lambda case: str(case["index"]))
def test_published_offline_proofs_are_read_and_written(case: Any) -> None:
    """Offline proofs of others are read and written again byte by byte."""
    extra = None if case["extra"] is None else b64decode(case["extra"])
    hashes = tuple(map(b64decode, case["hashes"]))
    checkpoint = case["checkpoint"]

    assert parse_tlog_proof(case["text"]) == TlogProof(
        index=case["index"], hashes=hashes, extra=extra, checkpoint=checkpoint
    )
    assert tlog_proof(case["index"], hashes, checkpoint, extra=extra) == case["text"]


@pytest.mark.parametrize("case", PROOFS["bad"], ids=lambda case: case[0])
def test_published_bad_offline_proofs_are_refused(case: Any) -> None:
    """Every published bad offline proof is refused."""
    with pytest.raises(ProofInvalid):
        parse_tlog_proof(case[1])


@pytest.mark.parametrize(
    "proof",
    [
        "c2sp.org/tlog-proof@v1\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nnote\n",
        "c2sp.org/tlog-proof@v1\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n"
        + f"{b64encode(bytes(32)).decode()}\n" * 64
        + "\nnote\n",
    ],
)
def test_other_bad_offline_proofs_are_refused(proof: str) -> None:
    """Offline proofs without a note, with lines out of order, or with too many are refused."""
    with pytest.raises(ProofInvalid):
        parse_tlog_proof(proof)


def test_an_offline_proof_shows_its_leaf_and_no_other() -> None:
    """A proof file verifies for its leaf with the ledger's key, and fails for all else."""
    note = sign(HEAD, ORIGIN, KEY)
    proof = tlog_proof(7, merkle.inclusion(TILES, 7, 10), note)

    assert verify_tlog_proof(proof, HASHES[7], [VERIFIER]) == HEAD
    with pytest.raises(ProofInvalid):
        verify_tlog_proof(proof, HASHES[6], [VERIFIER])
    with pytest.raises(ProofInvalid):
        verify_tlog_proof(proof.replace("index 7", "index 6"), HASHES[7], [VERIFIER])
    with pytest.raises(NoteInvalid):
        verify_tlog_proof(proof, HASHES[7], [Verifier(ORIGIN, OTHER_KEY.public_key())])


def test_an_offline_proof_that_could_not_be_read_is_not_written() -> None:
    """The gateway writes no proof file that a reader would refuse."""
    for index, hashes in [(-1, []), (0, [b"short"]), (0, [bytes(32)] * 64)]:
        with pytest.raises(ProofInvalid):
            tlog_proof(index, hashes, "note\n")
