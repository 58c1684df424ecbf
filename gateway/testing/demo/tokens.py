"""
Signed tokens, read with a signature function and nothing else (RFC 7515, RFC 8037).

Certificates and receipts are compact JWS by Ed25519 keys. Whoever signed is
chosen here, by the key that is handed in; nothing in a token has a say in it.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)


def decoded(part: str) -> bytes:
    """Octets of unpadded base64url. Raises ValueError."""
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def encoded(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unverified. Raises ValueError."""
    try:
        _, payload, _ = token.split(".")
        claims: dict[str, Any] = json.loads(decoded(payload))
    except ValueError as error:
        raise ValueError("it is no compact JWS of a JSON object") from error
    return claims


def signed_by(token: str, jwk: Mapping[str, Any]) -> bool:
    """Whether the key, an Ed25519 JWK, signed the token."""
    signed, _, signature = token.rpartition(".")
    key = Ed25519PublicKey.from_public_bytes(decoded(jwk["x"]))
    try:
        key.verify(decoded(signature), signed.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """A compact JWS with just this header."""
    parts = (encoded(json.dumps(part).encode()) for part in (header, claims))
    signed = ".".join(parts)
    return f"{signed}.{encoded(key.sign(signed.encode()))}"
