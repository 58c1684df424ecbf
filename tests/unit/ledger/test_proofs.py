"""Checking proofs: what holds passes, and nothing else."""

from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger import merkle
from gateway.ledger.proofs import ProofInvalid, verify_consistency, verify_inclusion
from tests.unit.ledger.builders import VECTORS, digests, vectors

HASHES = digests(300)
TILES = merkle.extend({}, 0, HASHES)
ROOTS = [merkle.root(TILES, size) for size in range(301)]
INCLUSION = sorted((VECTORS / "merkle-rfc6962" / "inclusion").rglob("*.json"))


def verifies(case: Any) -> bool:
    """Whether one published case verifies."""
    proof = [b64decode(step) for step in case["proof"] or []]
    leaf, root = b64decode(case["leafHash"]), b64decode(case["root"])
    try:
        verify_inclusion(leaf, case["leafIdx"], case["treeSize"], proof, root)
    except ProofInvalid:
        return False
    return True


@pytest.mark.parametrize(
    "name", [str(path.relative_to(VECTORS)) for path in INCLUSION], ids=lambda name: name[25:-5]
)
def test_published_inclusion_proofs_are_decided_as_published(name: str) -> None:
    """Each published proof passes or fails as its publisher says."""
    case = vectors(name)

    assert verifies(case) is not case["wantErr"]


def test_the_published_proofs_are_all_there() -> None:
    """Both good and bad published proofs were looked at."""
    wanted = [vectors(str(path.relative_to(VECTORS)))["wantErr"] for path in INCLUSION]

    assert len(INCLUSION) == 98
    assert 0 < wanted.count(False) < wanted.count(True)


@given(st.data())
def test_a_changed_inclusion_proof_fails(data: st.DataObject) -> None:
    """Whatever one changes about a proof of inclusion, it no longer verifies."""
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion(TILES, index, size)
    at = data.draw(st.integers(0, len(proof) - 1))
    flipped = bytes([proof[at][0] ^ 1]) + proof[at][1:]
    good = HASHES[index], index, size, proof, ROOTS[size]

    verify_inclusion(*good)
    for wrong in (
        (HASHES[index - 1], *good[1:]),
        (HASHES[index], (index + 1) % size, *good[2:]),
        (*good[:3], [*proof[:at], flipped, *proof[at + 1 :]], ROOTS[size]),
        (*good[:3], proof[:at] + proof[at + 1 :], ROOTS[size]),
        (*good[:3], [*proof, HASHES[0]], ROOTS[size]),
        (*good[:4], ROOTS[size - 1]),
    ):
        with pytest.raises(ProofInvalid):
            verify_inclusion(*wrong)


@given(st.data())
def test_a_changed_consistency_proof_fails(data: st.DataObject) -> None:
    """Whatever one changes about a proof of consistency, it no longer verifies."""
    new = data.draw(st.integers(2, 300))
    old = data.draw(st.integers(1, new - 1))
    proof = merkle.consistency(TILES, old, new)
    at = data.draw(st.integers(0, len(proof) - 1))
    flipped = bytes([proof[at][0] ^ 1]) + proof[at][1:]
    good = old, new, proof, ROOTS[old], ROOTS[new]

    verify_consistency(*good)
    for wrong in (
        (old, new, [*proof[:at], flipped, *proof[at + 1 :]], *good[3:]),
        (old, new, proof[:at] + proof[at + 1 :], *good[3:]),
        (old, new, [*proof, HASHES[0]], *good[3:]),
        (old, new, [], *good[3:]),
        (*good[:3], HASHES[0][::-1], ROOTS[new]),
        (*good[:4], HASHES[0][::-1]),
        (*good[:3], ROOTS[new], ROOTS[old]),
        (new, old, *good[2:]),
    ):
        with pytest.raises(ProofInvalid):
            verify_consistency(*wrong)


def test_a_leaf_hash_has_32_bytes() -> None:
    """A root of no length is not proved by a leaf of no length."""
    with pytest.raises(ProofInvalid, match="32 bytes"):
        verify_inclusion(b"", 0, 1, [], b"")
    with pytest.raises(ProofInvalid, match="32 bytes"):
        verify_consistency(1, 2, [b"short"], ROOTS[1], ROOTS[2])


def test_nothing_is_consistent_with_the_empty_tree() -> None:
    """From size 0 nothing can be proved, also not with equal roots."""
    for new, root in [(0, ROOTS[0]), (5, ROOTS[5])]:
        with pytest.raises(ProofInvalid):
            verify_consistency(0, new, [], ROOTS[0], root)


def test_equal_sizes_need_equal_roots_and_no_proof() -> None:
    """Two trees of one size are consistent only if they are the same tree."""
    verify_consistency(5, 5, [], ROOTS[5], ROOTS[5])

    with pytest.raises(ProofInvalid, match="different roots"):
        verify_consistency(5, 5, [], ROOTS[5], ROOTS[6])
    with pytest.raises(ProofInvalid, match="empty"):
        verify_consistency(5, 5, [HASHES[0]], ROOTS[5], ROOTS[5])
