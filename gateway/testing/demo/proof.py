"""
One leaf's way to the signed root, recomputed with a hash function and nothing else.

What is checked is a C2SP tlog-proof, as `gateway ledger prove` writes it, with
the public keys as they came from the public listener (RFC 6962 §2.1, RFC 9162
§2.1.3.2, C2SP signed-note).
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_HEADER = "c2sp.org/tlog-proof@v1"


class ProofFails(Exception):
    """The proof does not show what it should."""


def check(proof: str, leaf: bytes, jwks: Mapping[str, Any]) -> tuple[int, int]:
    """
    Check that a leaf stands in the ledger; its index and the ledger's size.

    `leaf`: the canonical bytes. Raises `ProofFails`.
    """
    head, _, note = proof.partition("\n\n")
    first, *lines = head.split("\n")
    if first != _HEADER or not lines or not lines[0].startswith("index "):
        raise ProofFails("it has another form")
    index = int(lines[0].removeprefix("index "))
    size, root = _signed_head(note, jwks)
    hashes = [base64.b64decode(line, validate=True) for line in lines[1:]]
    found = root_from(hashlib.sha256(b"\x00" + leaf).digest(), index, size, hashes)
    if found != root:
        raise ProofFails("the leaf leads to another root")
    return index, size


def root_from(digest: bytes, index: int, size: int, hashes: Sequence[bytes]) -> bytes:
    """The root that a leaf and its proof lead to. Raises `ProofFails` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofFails("the index is outside the ledger")
    place, last = index, size - 1
    for sibling in hashes:
        if last == 0:
            raise ProofFails("the proof is too long")
        if place % 2 or place == last:
            digest = hashlib.sha256(b"\x01" + sibling + digest).digest()
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            digest = hashlib.sha256(b"\x01" + digest + sibling).digest()
        place, last = place // 2, last // 2
    if last:
        raise ProofFails("the proof is too short")
    return digest


def check_extends(
    first: tuple[int, bytes], second: tuple[int, bytes], hashes: Sequence[bytes]
) -> None:
    """
    Check that one ledger begins with another, whole; each as (size, root).

    Raises `ProofFails` (RFC 9162 §2.1.4.2).
    """
    (size, root), (later, later_root) = first, second
    if not 0 < size < later or not hashes:
        raise ProofFails("nothing was added")
    # A whole subtree is not among the hashes: whoever asks knows it already.
    steps = [root, *hashes] if size & (size - 1) == 0 else list(hashes)
    place, last = size - 1, later - 1
    while place % 2:
        place, last = place // 2, last // 2
    found = found_later = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            raise ProofFails("the proof is too long")
        if place % 2 or place == last:
            found = hashlib.sha256(b"\x01" + sibling + found).digest()
            found_later = hashlib.sha256(b"\x01" + sibling + found_later).digest()
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            found_later = hashlib.sha256(b"\x01" + found_later + sibling).digest()
        place, last = place // 2, last // 2
    if last or found != root or found_later != later_root:
        raise ProofFails("the later ledger does not begin with the earlier")


def _signed_head(note: str, jwks: Mapping[str, Any]) -> tuple[int, bytes]:
    """Size and root of a checkpoint that one of the trusted keys signed."""
    text, gap, signatures = note.rpartition("\n\n")
    if not gap:
        raise ProofFails("the checkpoint has no signatures")
    signed = (text + "\n").encode()
    blobs = [line.rpartition(" ")[2] for line in signatures.splitlines()]
    if not any(_signs(key, blob, signed) for key in _keys(jwks) for blob in blobs):
        raise ProofFails("no trusted key signed the checkpoint")
    _, size, root, *_ = text.split("\n")
    return int(size), base64.b64decode(root, validate=True)


def _keys(jwks: Mapping[str, Any]) -> Iterator[Ed25519PublicKey]:
    for jwk in jwks["keys"]:
        if jwk["kid"].startswith("checkpoint-"):
            raw = base64.urlsafe_b64decode(jwk["x"] + "=")
            yield Ed25519PublicKey.from_public_bytes(raw)


def _signs(key: Ed25519PublicKey, blob: str, signed: bytes) -> bool:
    try:
        # Four bytes name the key, the rest is the signature.
        key.verify(base64.b64decode(blob, validate=True)[4:], signed)
    except (InvalidSignature, ValueError):
        return False
    return True
