"""
Single JSON Web Keys (RFC 7517): their members, their thumbprint, and the
gateway's own Ed25519 keys.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import GatewayError
from gateway.seal.encoding import b64, dumps, unb64

# RFC 7638 §3.2, RFC 8037 §2: the members that make the key, in lexicographic order.
_THUMBPRINT_MEMBERS = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}


class KeyRefused(GatewayError):
    """
    A key may not be used.

    `path` is its place in the set (`keys[2]`), `why` what is wrong with it,
    `remedy` what to write instead. No member of the key is in the message.
    """

    code = "key-refused"

    def __init__(self, path: str, why: str, remedy: str) -> None:
        super().__init__(f"{path}: {why}; {remedy}")
        self.path = path
        self.why = why
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One of the gateway's own signing keys."""

    kid: str
    private: Ed25519PrivateKey = field(repr=False)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """
    The RFC 7638 SHA-256 thumbprint, base64url; the same for the private and the
    public half.

    Raises `KeyRefused` for a `kty` other than RSA, EC and OKP, and where a
    required member is missing.
    """
    members = _THUMBPRINT_MEMBERS.get(text_member(jwk, "kty", "key"))
    if members is None:
        raise KeyRefused("key", "its kty has no thumbprint here", "use RSA, EC or OKP")
    required = {name: text_member(jwk, name, "key") for name in members}
    return b64(hashlib.sha256(dumps(required)).digest())


def public_jwk(
    private: Ed25519PrivateKey, kid: str, use: str = "sig", alg: str = "EdDSA"
) -> dict[str, str]:
    """The public half of an own key, as it stands in the gateway's JWKS (RFC 8037 §2)."""
    x = b64(private.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": use, "alg": alg}


def private_jwk(
    private: Ed25519PrivateKey, kid: str, use: str = "sig", alg: str = "EdDSA"
) -> dict[str, str]:
    """An own key with its private member `d`, to be kept in a file with mode 0600."""
    return {**public_jwk(private, kid, use, alg), "d": b64(private.private_bytes_raw())}


def load_private_jwk(jwk: Mapping[str, Any], path: str = "key") -> SigningKey:
    """
    An own signing key.

    Raises `KeyRefused` unless it is a private Ed25519 JWK for signing, with a
    `kid`, whose two halves belong together.
    """
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise KeyRefused(path, "is not an Ed25519 key", "write kty OKP, crv Ed25519")
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", "EdDSA") not in ("EdDSA", "Ed25519"):
        raise KeyRefused(path, "is not for signing with Ed25519", "write use sig, alg EdDSA")
    private = Ed25519PrivateKey.from_private_bytes(octets_member(jwk, "d", path, length=32))
    if private.public_key().public_bytes_raw() != octets_member(jwk, "x", path, length=32):
        raise KeyRefused(path, "its d and x are of two keys", "restore the file as it was made")
    return SigningKey(kid=text_member(jwk, "kid", path), private=private)


def text_member(jwk: Mapping[str, Any], name: str, path: str) -> str:
    """A member that must be a string with something in it. Raises `KeyRefused`."""
    value = jwk.get(name)
    if not isinstance(value, str) or not value:
        raise KeyRefused(path, f"{name} is missing or not a string", f"write {name}")
    return value


def octets_member(
    jwk: Mapping[str, Any], name: str, path: str, *, length: int | None = None
) -> bytes:
    """A base64url member, of exactly `length` bytes if given. Raises `KeyRefused`."""
    text = text_member(jwk, name, path)
    try:
        octets = unb64(text)
    except ValueError as error:
        raise KeyRefused(
            path, f"{name} is not base64url", f"write {name} unpadded, in the URL alphabet"
        ) from error
    if length is not None and len(octets) != length:
        raise KeyRefused(path, f"{name} has the wrong length", f"write {length} bytes")
    return octets
