"""
Checkpoints (C2SP tlog-checkpoint): a signed note that says how large the
ledger is and what its root is, and proofs that carry one with them.

The origin of a gateway's ledger is also the name of the key that signs it.
Who holds two checkpoints of one origin and no consistency proof between them
holds the evidence that the ledger was rewritten.
"""

import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.ledger.encode import EMPTY_ROOT, HASH_BYTES
from gateway.ledger.note import (
    NoteInvalid,
    SignedNote,
    Verifier,
    key_id,
    open_note,
    sign_note,
    unbase64,
)
from gateway.ledger.proofs import ProofInvalid, verify_inclusion

__all__ = [
    "Checkpoint",
    "NoteInvalid",
    "SignedNote",
    "TlogProof",
    "Verifier",
    "key_id",
    "open_checkpoint",
    "parse_checkpoint",
    "parse_tlog_proof",
    "sign",
    "text",
    "tlog_proof",
    "trusted_keys",
    "verify_tlog_proof",
]

TLOG_PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
# A tree of 2**63 leaves needs no more (C2SP tlog-proof).
MAX_PROOF_HASHES: Final = 63
MAX_SIZE: Final = 2**63 - 1
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_KEY_USE: Final = "checkpoint-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of one ledger at one moment."""

    origin: str
    """The ledger's name: an address without scheme, for example `gateway.example/ledger`."""
    size: int
    """How many leaves."""
    root: bytes
    """32 bytes (RFC 6962 §2.1)."""
    extensions: tuple[str, ...] = ()
    """Further lines, of other logs; a gateway writes none."""


def text(checkpoint: Checkpoint) -> str:
    """Return the text that is signed: origin, size and root, a line each."""
    root = b64encode(checkpoint.root).decode("ascii")
    return "\n".join([checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions, ""])


def parse_checkpoint(signed: str) -> Checkpoint:
    """
    Read the text of a checkpoint, the one of a note that was opened.

    Raises `NoteInvalid` for anything that `text` does not write: an empty
    origin, a size with a leading zero or beyond 63 bits, a root that is not 32
    bytes, an empty tree with another root than SHA-256 of nothing.
    """
    if not signed.endswith("\n"):
        raise NoteInvalid("the text of a checkpoint ends with a line feed")
    lines = signed[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise NoteInvalid("a checkpoint has an origin, a size and a root, and no empty line")
    origin, size, root, *extensions = lines
    checkpoint = Checkpoint(
        origin=origin, size=_number(size), root=unbase64(root), extensions=tuple(extensions)
    )
    if len(checkpoint.root) != HASH_BYTES:
        raise NoteInvalid("the root of a checkpoint is 32 bytes")
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise NoteInvalid("a ledger without leaves has the root of the empty tree")
    return checkpoint


def sign(checkpoint: Checkpoint, key_name: str, key: Ed25519PrivateKey) -> str:
    """
    Sign a checkpoint and return the note.

    `key_name` is the origin (contract §10). Raises `NoteInvalid` where the
    note could not be opened again. Before this is called, size and root must be
    durable: a log that signs two heads that contradict each other is broken
    for good.
    """
    signed = text(checkpoint)
    if parse_checkpoint(signed) != checkpoint or key_name != checkpoint.origin:
        raise NoteInvalid("a checkpoint is signed by the key named like its origin")
    return sign_note(signed, key_name, key)


def open_checkpoint(note: str | bytes, verifiers: Iterable[Verifier]) -> Checkpoint:
    """
    Verify a checkpoint's note against the keys that are trusted, and read it.

    Raises `NoteInvalid` as `open_note` and `parse_checkpoint` do, and where the
    trusted keys that signed it have other names than its origin: the key of
    one ledger says nothing about another.
    """
    opened = open_note(note, verifiers)
    checkpoint = parse_checkpoint(opened.text)
    if all(verifier.name != checkpoint.origin for verifier in opened.verified):
        raise NoteInvalid("no trusted key of this checkpoint's origin signed it")
    return checkpoint


def trusted_keys(jwks: Mapping[str, Any], origin: str) -> list[Verifier]:
    """
    Return the keys of a JWK Set that may sign checkpoints of `origin`.

    These are the Ed25519 keys (RFC 8037) whose `kid` begins with `checkpoint-`
    (contract §4). Raises `NoteInvalid` where such a key is malformed or two
    keys share a `kid`; an empty list where there is none.
    """
    keys = [key for key in _members(jwks) if str(key.get("kid", "")).startswith(_KEY_USE)]
    if len({key["kid"] for key in keys}) < len(keys):
        raise NoteInvalid("two keys of the set have the same kid")
    return [Verifier(origin, _public_key(key)) for key in keys]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """An offline proof file taken apart (C2SP tlog-proof). Nothing in it is verified yet."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    """The signed note."""
    extra: bytes | None = None
    """Authenticated by nothing."""


def tlog_proof(
    index: int, hashes: Sequence[bytes], checkpoint_note: str, *, extra: bytes | None = None
) -> str:
    """
    Write an offline proof that a leaf stands at `index` of the checkpoint's tree.

    `hashes` is the inclusion proof. The file's name ends in `.tlog-proof`.
    Raises `ProofInvalid` where the result could not be read back.
    """
    extras = [] if extra is None else [f"extra {b64encode(extra).decode('ascii')}"]
    lines = [b64encode(digest).decode("ascii") for digest in hashes]
    whole = "\n".join([TLOG_PROOF_HEADER, *extras, f"index {index}", *lines, "", checkpoint_note])
    parse_tlog_proof(whole)
    return whole


def parse_tlog_proof(proof: str) -> TlogProof:
    """Take an offline proof file apart. Raises `ProofInvalid` where its form is wrong."""
    head, blank, checkpoint = proof.partition("\n\n")
    header, *lines = head.split("\n")
    if header != TLOG_PROOF_HEADER or not blank or not checkpoint:
        raise ProofInvalid(f"an offline proof begins with {TLOG_PROOF_HEADER} and ends with a note")
    try:
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = unbase64(lines.pop(0).removeprefix("extra "))
        if not lines or not lines[0].startswith("index "):
            raise ProofInvalid("an offline proof names its index")
        index = _number(lines.pop(0).removeprefix("index "))
        hashes = tuple(map(unbase64, lines))
    except NoteInvalid as error:
        raise ProofInvalid(f"the offline proof is malformed: {error}") from error
    if len(hashes) > MAX_PROOF_HASHES or any(len(digest) != HASH_BYTES for digest in hashes):
        raise ProofInvalid(f"an offline proof has at most {MAX_PROOF_HASHES} hashes of 32 bytes")
    return TlogProof(index=index, hashes=hashes, checkpoint=checkpoint, extra=extra)


def verify_tlog_proof(proof: str, leaf_hash: bytes, verifiers: Iterable[Verifier]) -> Checkpoint:
    """
    Check that an offline proof shows the leaf with this hash, and return its checkpoint.

    Raises `NoteInvalid` for the checkpoint and `ProofInvalid` for the rest.
    """
    parsed = parse_tlog_proof(proof)
    checkpoint = open_checkpoint(parsed.checkpoint, verifiers)
    verify_inclusion(leaf_hash, parsed.index, checkpoint.size, parsed.hashes, checkpoint.root)
    return checkpoint


def _number(digits: str) -> int:
    if not _DECIMAL.fullmatch(digits) or int(digits) > MAX_SIZE:
        raise NoteInvalid("a size or index is a decimal number without leading zero")
    return int(digits)


def _members(jwks: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise NoteInvalid("a JWK Set has an array of keys")
    return keys


def _public_key(jwk: Mapping[str, Any]) -> Ed25519PublicKey:
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise NoteInvalid("a checkpoint key is an Ed25519 key")
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", "EdDSA") not in ("EdDSA", "Ed25519"):
        raise NoteInvalid("a checkpoint key is for signatures of Ed25519")
    encoded = str(jwk.get("x"))
    try:
        raw = urlsafe_b64decode(encoded + "=")
        key = Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise NoteInvalid("a checkpoint key is malformed") from error
    # The decoder skips stray characters and lets stray bits pass.
    if urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != encoded:
        raise NoteInvalid("a checkpoint key is malformed")
    return key
