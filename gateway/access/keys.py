"""
Public keys of an issuer of service tokens, read from a JWK Set (RFC 7517).

A key decides which algorithms it verifies; what a token says about its
algorithm can only agree or fail (RFC 8725 §3.1).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from gateway.errors import ConfigError

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

# RFC 8725 §3.5 and NIST SP 800-57: shorter RSA keys are weak.
MIN_RSA_BITS = 2048

# What each kind of key verifies. `Ed25519` is the name that RFC 9864 gives to
# what RFC 8037 calls `EdDSA`; both are the same signature.
_ALGORITHMS = {
    ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
    ("EC", "P-256"): ("ES256",),
    ("RSA", None): ("RS256", "PS256"),
}

_PUBLIC = ("kty", "crv", "x", "y", "n", "e")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyingKey:
    """One public key, and the only algorithms that it verifies."""

    kid: str | None
    algorithms: tuple[str, ...]
    key: PublicKey


def parse_keys(jwks: Mapping[str, Any]) -> tuple[VerifyingKey, ...]:
    """
    Read the signature keys of a JWK Set (RFC 7517 §5).

    Keys for another use and of kinds that are not accepted here are passed
    over. Raises `ConfigError` when a key that would be used is broken or weak,
    when two share a `kid`, and when none is left.
    """
    entries = jwks.get("keys")
    if not isinstance(entries, list):
        raise ConfigError('a JWK Set has an array "keys"')
    keys = tuple(
        _parse(entry, position) for position, entry in enumerate(entries) if _usable(entry)
    )
    if not keys:
        raise ConfigError(
            "the JWK Set has no key to verify with; "
            'put in an Ed25519, P-256 or RSA key with "use": "sig"'
        )
    kids = [key.kid for key in keys]
    if len(set(kids)) != len(kids):
        raise ConfigError('two keys of the JWK Set share a "kid"; give each its own')
    return keys


def _usable(entry: object) -> bool:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return False
    operations = entry.get("key_ops", ["verify"])
    return isinstance(operations, list) and "verify" in operations and _kind(entry) in _ALGORITHMS


def _kind(entry: Mapping[str, Any]) -> tuple[str, str | None]:
    family = str(entry.get("kty"))
    return (family, None if family == "RSA" else str(entry.get("crv")))


def _parse(entry: Mapping[str, Any], position: int) -> VerifyingKey:
    kid = entry.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise ConfigError(f'key {position} of the JWK Set: "kid" must be a string')
    return VerifyingKey(
        kid=kid,
        algorithms=_algorithms(entry, position),
        key=_public(entry, position),
    )


def _algorithms(entry: Mapping[str, Any], position: int) -> tuple[str, ...]:
    """An RSA key that names no `alg` verifies both paddings; one that does, only that."""
    possible = _ALGORITHMS[_kind(entry)]
    named = entry.get("alg")
    if named is None or (entry["kty"] == "OKP" and named in possible):
        return possible
    if named not in possible:
        raise ConfigError(
            f'key {position} of the JWK Set: its "alg" is not for this kind of key; '
            f"write {' or '.join(possible)}"
        )
    return (named,)


def _public(entry: Mapping[str, Any], position: int) -> PublicKey:
    try:
        key = _load(entry)
    except (InvalidKeyError, ValueError, TypeError, AttributeError, KeyError):
        # The cause may quote the key; an issuer's file could hold a private half by mistake.
        raise ConfigError(f"key {position} of the JWK Set is broken") from None
    if isinstance(key, RSAPublicKey) and (
        key.key_size < MIN_RSA_BITS or key.public_numbers().e < 65537
    ):
        raise ConfigError(
            f"key {position} of the JWK Set is weak; "
            f"use RSA of {MIN_RSA_BITS} bits or more with e = 65537"
        )
    return key


def _load(entry: Mapping[str, Any]) -> PublicKey:
    # Only public members are handed on, so that no private key is ever made.
    public = json.dumps({name: entry[name] for name in _PUBLIC if name in entry})
    key: object
    match entry["kty"]:
        case "OKP":
            key = OKPAlgorithm.from_jwk(public)
        case "EC":
            key = ECAlgorithm.from_jwk(public)
        case _:
            key = RSAAlgorithm.from_jwk(public)
    if not isinstance(key, PublicKey):
        raise ValueError("not a public key")
    return key
