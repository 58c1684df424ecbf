"""The recipient's own private keys, X25519 and P-256, as JWK."""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePrivateNumbers,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from gateway.recipient.arguments import members_of
from gateway.recipient.encoding import unb64
from gateway.recipient.errors import RecipientError

OwnKey = X25519PrivateKey | EllipticCurvePrivateKey


def own_key(keys: Mapping[str, Any], kid: str, purpose: str) -> OwnKey:
    """
    The private key with this `kid`, if it may open what is for `purpose`.

    A key with `purpose` (a string or an array) opens for those purposes alone; a
    key without it opens for all. Raises key-missing, key-other-purpose,
    key-unusable or keys-malformed.
    """
    found = [jwk for jwk in members_of(keys) if jwk.get("kid") == kid]
    if not found:
        raise RecipientError("key-missing")
    if len(found) > 1:
        raise RecipientError("key-unusable", "two own keys have this kid")
    jwk = found[0]
    if "purpose" in jwk and not _bound_to(jwk["purpose"], purpose):
        raise RecipientError("key-other-purpose")
    if jwk.get("use", "enc") != "enc" or jwk.get("alg", "ECDH-ES") != "ECDH-ES":
        raise RecipientError("key-unusable", "the key is for something else than ECDH-ES")
    return _private_key(jwk)


def agree(key: OwnKey, epk: Mapping[str, Any]) -> bytes:
    """
    The secret shared with the ephemeral key of a seal.

    Raises `sealed-malformed` unless `epk` is a public key on the curve of `key`.
    """
    if "d" in epk:
        raise RecipientError("sealed-malformed", "epk holds a private key")
    try:
        if isinstance(key, X25519PrivateKey):
            _check_type(epk, "OKP", "X25519")
            return key.exchange(X25519PublicKey.from_public_bytes(octets(epk, "x")))
        _check_type(epk, "EC", "P-256")
        return key.exchange(ECDH(), point(epk).public_key())
    except ValueError as error:
        raise RecipientError("sealed-malformed", "epk is no point on the key's curve") from error


def _bound_to(bound: object, purpose: str) -> bool:
    return bound == purpose or (isinstance(bound, list | tuple) and purpose in bound)


def _private_key(jwk: Mapping[str, Any]) -> OwnKey:
    try:
        match jwk.get("kty"), jwk.get("crv"):
            case "OKP", "X25519":
                return _x25519(jwk)
            case "EC", "P-256":
                scalar = int.from_bytes(octets(jwk, "d"), "big")
                return EllipticCurvePrivateNumbers(scalar, point(jwk)).private_key()
    except ValueError as error:
        raise RecipientError("key-unusable", "its members do not make a private key") from error
    raise RecipientError("key-unusable", "an own key is X25519 or P-256")


def _x25519(jwk: Mapping[str, Any]) -> X25519PrivateKey:
    private = X25519PrivateKey.from_private_bytes(octets(jwk, "d"))
    if private.public_key().public_bytes_raw() != octets(jwk, "x"):
        raise ValueError("d and x are of two keys")
    return private


def point(jwk: Mapping[str, Any]) -> EllipticCurvePublicNumbers:
    x, y = (int.from_bytes(octets(jwk, name), "big") for name in "xy")
    return EllipticCurvePublicNumbers(x, y, SECP256R1())


def _check_type(jwk: Mapping[str, Any], kty: str, crv: str) -> None:
    if jwk.get("kty") != kty or jwk.get("crv") != crv:
        raise ValueError("another type or curve")


def octets(jwk: Mapping[str, Any], name: str) -> bytes:
    """A member of 32 octets, the length of every coordinate and scalar here."""
    value = jwk.get(name)
    octets = unb64(value) if isinstance(value, str) else b""
    if len(octets) != 32:
        raise ValueError(f"{name} is not 32 bytes in base64url")
    return octets
