"""
Checking proofs about the tree, with nothing but hashes.

The algorithms are those of RFC 9162 §2.1.3.2 and §2.1.4.2. Two rules are
added that its text leaves open and that other implementations keep: every
hash has exactly 32 bytes, and nothing is consistent with the empty tree,
because that would prove nothing.

Both functions return nothing and raise `ProofInvalid`.
"""

from collections.abc import Sequence

from gateway.errors import GatewayError
from gateway.ledger.encode import HASH_BYTES, node_hash


class ProofInvalid(GatewayError):
    """A proof does not show what it claims."""

    code = "proof-invalid"


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """
    Check that the leaf with this hash stands at `index` in the tree of `size` leaves with `root`.

    `proof` runs from the leaf upwards. Raises `ProofInvalid`.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"there is no leaf {index} in a tree of {size}")
    _check_lengths([leaf_hash, root, *proof])
    number, last, computed = index, size - 1, leaf_hash
    for step in proof:
        if last == 0:
            raise ProofInvalid("the proof has too many hashes")
        if number & 1 or number == last:
            computed = node_hash(step, computed)
            # At the right edge nodes without a sibling are carried up as they are.
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            computed = node_hash(computed, step)
        number, last = number >> 1, last >> 1
    if last != 0:
        raise ProofInvalid("the proof has too few hashes")
    if computed != root:
        raise ProofInvalid("the proof leads to another root")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """
    Check that the tree of `old` leaves with `old_root` is the beginning of that of `new`.

    Equal sizes need equal roots and an empty proof; `old` 0 is refused. Raises
    `ProofInvalid`.
    """
    if not 1 <= old <= new:
        raise ProofInvalid(f"a tree of {old} cannot be shown to begin a tree of {new}")
    _check_lengths([old_root, new_root, *proof])
    if old == new:
        if proof:
            raise ProofInvalid("between equal sizes the proof is empty")
        if old_root != new_root:
            raise ProofInvalid("two trees of one size have different roots")
        return
    _climb(old - 1, new - 1, proof, old_root, new_root)


def _climb(
    old_last: int, new_last: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Climb from the old tree's last complete subtree to both roots at once."""
    # A power of two: the old root is itself the first node, and is not repeated.
    path = [old_root, *proof] if (old_last + 1) & old_last == 0 else list(proof)
    if not path:
        raise ProofInvalid("the proof has too few hashes")
    while old_last & 1:
        old_last, new_last = old_last >> 1, new_last >> 1
    old_computed = new_computed = path[0]
    for step in path[1:]:
        if new_last == 0:
            raise ProofInvalid("the proof has too many hashes")
        if old_last & 1 or old_last == new_last:
            old_computed = node_hash(step, old_computed)
            new_computed = node_hash(step, new_computed)
            while old_last and not old_last & 1:
                old_last, new_last = old_last >> 1, new_last >> 1
        else:
            new_computed = node_hash(new_computed, step)
        old_last, new_last = old_last >> 1, new_last >> 1
    if new_last != 0:
        raise ProofInvalid("the proof has too few hashes")
    if old_computed != old_root:
        raise ProofInvalid("the proof leads to another old root")
    if new_computed != new_root:
        raise ProofInvalid("the proof leads to another new root")


def _check_lengths(hashes: Sequence[bytes]) -> None:
    if any(len(digest) != HASH_BYTES for digest in hashes):
        raise ProofInvalid("a hash is not 32 bytes long")
