"""Valid leaves, keys and bundles; each takes the one argument that a test is about."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.ledger import bundle, checkpoint, entries
from gateway.ledger.bundle import pruned_hash
from gateway.ledger.encode import canonical, leaf_hash
from gateway.ledger.leaf import timestamp
from gateway.ledger.merkle import Peaks, root_of
from gateway.ledger.note import Verifier

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "ledger"
NOW = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
ORIGIN = "gateway.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"the ledger's key").digest())
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"another key").digest())
VERIFIER = Verifier(ORIGIN, KEY.public_key())
SUBJECT_KEY = sha256(b"a subject's key").digest()


def vectors(name: str) -> Any:
    """A file of vectors."""
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def digests(count: int, seed: str = "") -> list[bytes]:
    """Distinct 32 byte hashes."""
    return [sha256(f"{seed}{number}".encode()).digest() for number in range(count)]


def an_intent(number: int = 1, **changes: Any) -> entries.Leaf:
    """An intent of the share `share_<number>`."""
    given: dict[str, Any] = {
        "id": f"intent_{number}",
        "at": NOW + timedelta(seconds=number),
        "share": f"share_{number}",
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "ground": "core-function",
        "fields": ["/recipient/name", "/items/*/sku"],
        "categories": ["basic.name", "none"],
        "edition": "2026-1",
        "service": "orders",
        "grant": sha256(b"grant").hexdigest(),
        "retention_until": NOW + timedelta(days=30),
        "territory": "CN",
    }
    return entries.intent(**given | changes)


def an_outcome(number: int = 1, **changes: Any) -> entries.Leaf:
    """The outcome of the share `share_<number>`."""
    given: dict[str, Any] = {
        "id": f"outcome_{number}",
        "at": NOW + timedelta(seconds=number),
        "share": f"share_{number}",
        "partner": "swift-parcel",
        "outcome": "delivered",
        "status": 201,
    }
    return entries.outcome(**given | changes)


def a_declared(number: int = 1, **changes: Any) -> entries.Leaf:
    """A disclosure that was declared afterwards."""
    given: dict[str, Any] = {
        "id": f"declared_{number}",
        "at": NOW,
        "share": f"share_{number}",
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "fields": ["/name"],
        "categories": ["basic.name"],
        "disclosed_at": NOW - timedelta(days=9),
        "service": "orders",
    }
    return entries.declared(**given | changes)


def a_ledger(shares: int = 4) -> list[bytes]:
    """Leaves of a small ledger: intents with their outcomes, and one refusal at the end."""
    leaves = [leaf for n in range(shares) for leaf in (an_intent(n), an_outcome(n))]
    leaves.append(
        entries.refusal(
            id="refusal_1", at=NOW, service="orders", code="consent-missing", clause=["S1", "C3"]
        )
    )
    return [canonical(leaf) for leaf in leaves]


def digest_of(leaf: bytes) -> bytes:
    """The hash of a leaf, also of one that was pruned."""
    return pruned_hash(json.loads(leaf)) or leaf_hash(leaf)


def a_checkpoint(leaves: Iterable[bytes], **changes: Any) -> checkpoint.Checkpoint:
    """The checkpoint over leaves."""
    hashes = [digest_of(leaf) for leaf in leaves]
    given: dict[str, Any] = {"origin": ORIGIN, "size": len(hashes), "root": root_of(hashes)}
    return checkpoint.Checkpoint(**given | changes)


def a_note(leaves: Iterable[bytes], key: Ed25519PrivateKey = KEY, **changes: Any) -> str:
    """The signed checkpoint over leaves."""
    made = a_checkpoint(leaves, **changes)
    return checkpoint.sign(made, made.origin, key)


def a_bundle(leaves: list[bytes], note: str | None = None) -> bytes:
    """A whole bundle of leaves."""
    lines = bundle.lines(
        origin=ORIGIN,
        exported_at=NOW,
        leaves=leaves,
        checkpoint_note=a_note(leaves) if note is None else note,
    )
    return b"".join(lines)


def a_grown_bundle(leaves: list[bytes], *ends: int) -> bytes:
    """A bundle of several exports, each up to so many leaves."""
    parts, start = [bundle.header_line(origin=ORIGIN)], 0
    for end in ends:
        parts += map(bundle.leaf_line, leaves[start:end])
        parts.append(bundle.checkpoint_line(a_note(leaves[:end]), NOW))
        start = end
    return b"".join(parts)


def a_later_bundle(leaves: list[bytes], start: int, **changes: Any) -> bytes:
    """A bundle of the leaves from `start` on, with the checkpoint of those before."""
    peaks = Peaks()
    for leaf in leaves[:start]:
        peaks.add(digest_of(leaf))
    given = {"start": start, "peaks": peaks.hashes, "since": a_note(leaves[:start])} | changes
    header = bundle.header_line(origin=ORIGIN, **given)
    rest = b"".join(map(bundle.leaf_line, leaves[start:]))
    return header + rest + bundle.checkpoint_line(a_note(leaves), NOW)


def a_first_bundle(leaves: list[bytes], note: str | None = None) -> bytes:
    """A whole bundle of the first version, which is read and not written any more."""
    header = {
        "format": bundle.FORMAT_1,
        "origin": ORIGIN,
        "size": len(leaves),
        "exported_at": timestamp(NOW),
    }
    footer = {"checkpoint": a_note(leaves) if note is None else note}
    lines = [_line(header), *(leaf + b"\n" for leaf in leaves), _line(footer)]
    return b"".join(lines)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def a_jwk(key: Ed25519PrivateKey = KEY, kid: str = "checkpoint-2026-1", **changes: Any) -> Any:
    """The public JWK of a key."""
    x = urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "x": x} | changes


def a_jwks(*keys: Any) -> Any:
    """A JWK Set; by default of the ledger's key and of one for grants."""
    return {"keys": list(keys) or [a_jwk(OTHER_KEY, "grant-2026-1"), a_jwk()]}
