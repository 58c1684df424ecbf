"""
Proof that the gateway wrote a share down before it sent it (C2SP tlog-proof).

`{GATEWAY}/ledger/proof/{share}` gives, to whoever knows the share's id, the leaves
of its intent and outcome with a proof of each. A proof stays good for ever: kept
with the grant it shows what was let out, for which purpose, and that the gateway
cannot have changed it since.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from gateway.recipient.arguments import check_bytes
from gateway.recipient.encoding import is_text, parse_object, unb64_padded
from gateway.recipient.errors import RecipientError
from gateway.recipient.signatures import signed_by, signing_keys

KEY_USE = "checkpoint-"
HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
MAX_SIZE = 2**63 - 1


def verify_proof(
    text: str, leaf: bytes, jwks: Mapping[str, Any], *, origin: str, share: str | None = None
) -> dict[str, Any]:
    """
    The leaf, read, once the proof shows that it stands in the gateway's ledger.

    `leaf` is its exact bytes, `jwks` the gateway's JWK Set, and `origin` the ledger's
    name: the gateway's address without scheme, with `/ledger`. With `share` the
    leaf must be of that share. Its `grant` is the hex SHA-256 of the compact grant.
    The line `extra` of a proof is authenticated by nothing and is not looked at; lines
    of witnesses are passed over.

    Raises `RecipientError`: proof-malformed, proof-broken, share-mismatch,
    signing-key-unknown, keys-malformed or argument-invalid.
    """
    check_bytes(leaf)
    if not (is_text(text) and is_text(origin)):
        raise RecipientError("argument-invalid", "text and origin are texts, and not empty")
    try:
        index, hashes, note = _taken_apart(text)
        signed, size, root = _checkpoint(note, origin)
        blobs = _signatures(note, origin)
        said = parse_object(leaf)
    except (ValueError, IndexError) as error:
        raise RecipientError("proof-malformed") from error
    _check_signed(signed.encode(), blobs, jwks, origin)
    if _root(sha256(b"\0" + leaf).digest(), index, size, hashes) != root:
        raise RecipientError("proof-broken", "the leaf leads to another root")
    if share is not None and said.get("share") != share:
        raise RecipientError("share-mismatch", "the leaf is of another share")
    return said


def _taken_apart(text: str) -> tuple[int, list[bytes], str]:
    """Index, hashes and the checkpoint's note. Raises `ValueError`, `IndexError`."""
    head, _, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    if lines[0].startswith("extra "):
        lines.pop(0)
    hashes = [unb64_padded(line) for line in lines[1:]]
    if first != HEADER or len(hashes) > MAX_HASHES or {len(one) for one in hashes} - {32}:
        raise ValueError("not a proof")
    return _number(lines[0].removeprefix("index ")), hashes, note


def _checkpoint(note: str, origin: str) -> tuple[str, int, bytes]:
    """What is signed, the size and the root. Raises `ValueError`, `IndexError`."""
    text, gap, _ = note.rpartition("\n\n")
    lines = text.split("\n")
    root = unb64_padded(lines[2])
    if not gap or lines[0] != origin or len(root) != 32:
        raise ValueError("not a checkpoint of this ledger")
    return text + "\n", _number(lines[1]), root


def _signatures(note: str, origin: str) -> list[bytes]:
    """The ledger's own lines: four bytes that stand for a key, and its signature."""
    lines = note.rpartition("\n\n")[2].removesuffix("\n").split("\n")
    own = f"\u2014 {origin} "
    return [unb64_padded(line.removeprefix(own)) for line in lines if line.startswith(own)]


def _number(digits: str) -> int:
    number = int(digits)
    if str(number) != digits or not 0 <= number <= MAX_SIZE:
        raise ValueError("not a plain number")
    return number


def _check_signed(
    signed: bytes, blobs: Sequence[bytes], jwks: Mapping[str, Any], origin: str
) -> None:
    """Raise unless a checkpoint key signed it; a wrong line of one spoils it (C2SP signed-note)."""
    good = False
    for key in signing_keys(jwks, KEY_USE):
        named = sha256(origin.encode() + b"\n\x01" + key.public_bytes_raw()).digest()[:4]
        for blob in blobs:
            if blob[:4] != named:
                continue
            if not signed_by(key, blob[4:], signed):
                raise RecipientError("proof-broken", "a signature on the checkpoint is wrong")
            good = True
    if not good:
        raise RecipientError("signing-key-unknown")


def _root(node: bytes, index: int, size: int, hashes: Sequence[bytes]) -> bytes | None:
    """The root that a leaf leads to (RFC 9162 §2.1.3.2); None: of another length."""
    if index >= size:
        return None
    place, last = index, size - 1
    for step in hashes:
        if last == 0:
            return None
        if place % 2 or place == last:
            node = sha256(b"\1" + step + node).digest()
            while place and not place % 2:
                place, last = place >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + step).digest()
        place, last = place >> 1, last >> 1
    return None if last else node
