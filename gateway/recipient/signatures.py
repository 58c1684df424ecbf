"""The gateway's Ed25519 keys, found in its JWKS by the start of their `kid` (contract §4)."""

from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.recipient.arguments import members_of
from gateway.recipient.encoding import unb64
from gateway.recipient.errors import RecipientError

# RFC 9864 renames EdDSA; both mean the one algorithm of an Ed25519 key.
ALGORITHMS = ("EdDSA", "Ed25519")


def signing_key(jwks: Mapping[str, Any], kid: str) -> Ed25519PublicKey:
    """
    The key with this `kid`.

    Raises `signing-key-unknown` where there is none that may sign, and where two
    have it.
    """
    found = [key for name, key in _signing_keys(jwks) if name == kid]
    if len(found) != 1:
        raise RecipientError("signing-key-unknown")
    return found[0]


def signing_keys(jwks: Mapping[str, Any], use: str) -> list[Ed25519PublicKey]:
    """All keys of one use, `grant-` or `notice-`. Raises `signing-key-unknown` for none."""
    found = [key for kid, key in _signing_keys(jwks) if kid.startswith(use)]
    if not found:
        raise RecipientError("signing-key-unknown", f"the JWKS has no key {use}…; fetch it again")
    return found


def signed_by(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether the signature over the message is by this key."""
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _signing_keys(jwks: Mapping[str, Any]) -> Iterator[tuple[str, Ed25519PublicKey]]:
    """Every key that may sign with Ed25519; the set may hold others, which are passed over."""
    for jwk in members_of(jwks):
        kid, x = jwk.get("kid"), jwk.get("x")
        if (
            jwk.get("kty") == "OKP"
            and jwk.get("crv") == "Ed25519"
            and jwk.get("use") == "sig"
            and jwk.get("alg", "EdDSA") in ALGORITHMS
            and isinstance(kid, str)
            and isinstance(x, str)
        ):
            try:
                yield kid, Ed25519PublicKey.from_public_bytes(unb64(x))
            except ValueError as error:
                raise RecipientError("keys-malformed", "x of a signing key is malformed") from error
