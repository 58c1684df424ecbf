"""Valid keys, contexts and terms, each taking the one argument that a test is about."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gateway.seal.context import SealContext
from gateway.seal.encoding import b64
from gateway.seal.keys import EncryptionKey, SigningKey, parse_partner_keys
from gateway.seal.terms import GrantTerms

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "seal"
NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
SHARE = "01J9ZX3T5W0V7Q2M4N6P8R1S0D"


def vectors(name: str) -> Any:
    """A file of public or own vectors."""
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


class Stream:
    """Random bytes that are the same in every run, and never the same twice in one."""

    def __init__(self, seed: str = "tests") -> None:
        self.seed = seed.encode()
        self.asked = 0

    def __call__(self, length: int) -> bytes:
        self.asked += 1
        return hashlib.shake_256(self.seed + self.asked.to_bytes(4, "big")).digest(length)


def x25519_jwk(kid: str = "enc-x", *, seed: int = 1, **members: Any) -> dict[str, Any]:
    """A private X25519 JWK."""
    private = X25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    x, d = private.public_key().public_bytes_raw(), private.private_bytes_raw()
    key = {"kty": "OKP", "crv": "X25519", "kid": kid, "use": "enc", "x": b64(x), "d": b64(d)}
    return key | members


def p256_jwk(
    kid: str = "enc-p", *, seed: int = 1, use: str = "enc", **members: Any
) -> dict[str, Any]:
    """A private P-256 JWK."""
    numbers = ec.derive_private_key(seed + 1000, ec.SECP256R1()).private_numbers()
    x, y = (
        numbers.public_numbers.x.to_bytes(32, "big"),
        numbers.public_numbers.y.to_bytes(32, "big"),
    )
    d = b64(numbers.private_value.to_bytes(32, "big"))
    key = {"kty": "EC", "crv": "P-256", "kid": kid, "use": use, "x": b64(x), "y": b64(y), "d": d}
    return key | members


def rsa_jwk(private: rsa.RSAPrivateKey, kid: str = "sig-rsa", **members: Any) -> dict[str, Any]:
    """A public RSA JWK."""
    numbers = private.public_key().public_numbers()
    return {
        "kty": "RSA",
        "kid": kid,
        "use": "sig",
        "n": uint(numbers.n),
        "e": uint(numbers.e),
    } | members


def uint(value: int) -> str:
    """Base64urlUInt (RFC 7518 §2)."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def public(jwk: dict[str, Any]) -> dict[str, Any]:
    """The public half."""
    return {name: value for name, value in jwk.items() if name != "d"}


def sealing_key(jwk: dict[str, Any]) -> EncryptionKey:
    """The key as the gateway reads it."""
    return parse_partner_keys({"keys": [public(jwk)]}).enc[0]


def signer(kid: str = "grant-1", *, seed: int = 7) -> SigningKey:
    """One of the gateway's own keys."""
    return SigningKey(kid=kid, private=Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def context(**changed: Any) -> SealContext:
    """Circumstances of a seal."""
    usual: dict[str, Any] = {
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "share": SHARE,
    }
    return SealContext(**usual | changed)


def terms(**changed: Any) -> GrantTerms:
    """Terms of a grant for a body `{}`."""
    usual: dict[str, Any] = {
        "issuer": "https://sharing.shop.example",
        "partner": "swift-parcel",
        "share": SHARE,
        "issued_at": NOW,
        "salt": bytes(range(16)),
        "method": "POST",
        "target": "https://api.swift-parcel.example/v2/shipments?express=1",
        "subject": "h5id367j5jebhels2yrlvzk6nz",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "ground": "core-function",
        "fields": ("/recipient/name", "/items/*/sku"),
        "retention_until": NOW + timedelta(days=30),
        "territory": "CN",
        "edition": "2026-1",
        "digest": hashlib.sha256(b"{}").digest(),
    }
    return GrantTerms(**usual | changed)
