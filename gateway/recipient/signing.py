"""What a recipient signs by its own key: receipts and redemptions (RFC 7515, RFC 7519)."""

from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePrivateNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.recipient.arguments import is_mapping
from gateway.recipient.encoding import is_text
from gateway.recipient.errors import RecipientError
from gateway.recipient.keys import octets, point


def sign(key: Mapping[str, Any], claims: Mapping[str, Any], typ: str) -> str:
    """
    A compact JWS over claims by a private JWK, Ed25519 or P-256, with its `kid`.

    Raises `key-unusable`.
    """
    private, algorithm = _signing_key(key)
    headers = {"kid": key["kid"], "typ": typ}
    return jwt.encode(dict(claims), private, algorithm=algorithm, headers=headers)


def _signing_key(jwk: Mapping[str, Any]) -> tuple[Ed25519PrivateKey | EllipticCurvePrivateKey, str]:
    if not is_mapping(jwk) or not is_text(jwk.get("kid")):
        raise RecipientError("key-unusable", "the key is a private JWK with a kid")
    if jwk.get("use", "sig") != "sig":
        raise RecipientError("key-unusable", "this is signed with a key of use sig")
    try:
        match jwk.get("kty"), jwk.get("crv"):
            case "OKP", "Ed25519":
                return Ed25519PrivateKey.from_private_bytes(octets(jwk, "d")), "EdDSA"
            case "EC", "P-256":
                scalar = int.from_bytes(octets(jwk, "d"), "big")
                return EllipticCurvePrivateNumbers(scalar, point(jwk)).private_key(), "ES256"
    except ValueError as error:
        raise RecipientError("key-unusable", "its members do not make a private key") from error
    raise RecipientError("key-unusable", "this is signed with Ed25519 or P-256")
