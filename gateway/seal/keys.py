"""
A partner's public keys.

The file is a JWK Set (RFC 7517) written by the partner and read strictly: a
set with one doubtful key is refused as a whole, with the place of the key and
what to write instead. What passes is parsed once, so that nothing about keys
can fail while a share is on its way.

`use: enc` keys seal (ECDH-ES on X25519 or P-256) and may be bound to purposes;
`use: sig` keys check receipts and redemptions. A key has one use and one
algorithm (RFC 8725 §3.1).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from gateway.model.ids import ID_PATTERN
from gateway.seal.jwk import (
    KeyRefused,
    SigningKey,
    load_private_jwk,
    octets_member,
    private_jwk,
    public_jwk,
    text_member,
    thumbprint,
)

__all__ = [
    "EncryptionKey",
    "KeyRefused",
    "PartnerKeys",
    "SigningKey",
    "VerifyKey",
    "choose",
    "load_private_jwk",
    "parse_partner_keys",
    "private_jwk",
    "public_jwk",
    "thumbprint",
]

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
MIN_RSA_EXPONENT = 65537

# RFC 7518 §6.2.2, §6.3.2, §6.4.1: members that only a private or a shared key has.
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PURPOSE = re.compile(ID_PATTERN)

# What `key_ops` of a public key may say, by its use (RFC 7517 §4.3).
_OPERATIONS = {"enc": ("deriveKey", "deriveBits"), "sig": ("verify",)}

# Primes that tell the moduli of a broken generator (CVE-2017-15361, "ROCA").
_ROCA_PRIMES = (
    *(3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71),
    *(73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionKey:
    """A key to seal for."""

    kid: str
    curve: str
    """`X25519` or `P-256`."""
    public: X25519PublicKey | EllipticCurvePublicKey = field(repr=False)
    purpose: frozenset[str] | None = None
    """Ids of the purposes it is bound to; None = free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyKey:
    """A key to check a partner's signatures with."""

    kid: str
    algorithms: tuple[str, ...]
    """The names of its one algorithm: EdDSA and Ed25519 (RFC 9864), or ES256, RS256 or PS256."""
    public: Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerKeys:
    """All keys of one partner, in the order of the file."""

    enc: tuple[EncryptionKey, ...] = ()
    sig: tuple[VerifyKey, ...] = ()


def parse_partner_keys(jwks: Mapping[str, Any]) -> PartnerKeys:
    """
    Read a partner's JWK Set.

    Raises `KeyRefused` at the first key that has a private member, no `kid` or
    one already used, no `use`, an unknown type or curve, a point off its curve,
    a weak modulus, or an `alg` or `key_ops` that contradicts the rest.
    """
    members = jwks.get("keys")
    if not isinstance(members, list | tuple):
        raise KeyRefused("keys", "is missing or not an array", 'write {"keys": [...]}')
    enc: list[EncryptionKey] = []
    sig: list[VerifyKey] = []
    kids: set[str] = set()
    for place, jwk in enumerate(members):
        path = f"keys[{place}]"
        key = _parse(jwk, path)
        if key.kid in kids:
            raise KeyRefused(path, "its kid is used twice", "give every key a kid of its own")
        kids.add(key.kid)
        if isinstance(key, EncryptionKey):
            enc.append(key)
        else:
            sig.append(key)
    return PartnerKeys(enc=tuple(enc), sig=tuple(sig))


def choose(keys: PartnerKeys, purpose: str) -> EncryptionKey | None:
    """
    The key to seal with for `purpose`: the last one bound to it, else the last
    free one, in the order of the set, to whose end a new key is added. A key bound
    to another purpose is never taken; None where nothing is left
    (`sealing-key-missing`).
    """
    newest = keys.enc[::-1]
    for key in newest:
        if key.purpose is not None and purpose in key.purpose:
            return key
    return next((key for key in newest if key.purpose is None), None)


def _parse(jwk: Any, path: str) -> EncryptionKey | VerifyKey:
    if not isinstance(jwk, Mapping):
        raise KeyRefused(path, "is not an object", "write one JWK")
    if jwk.get("kty") == "oct" or not _PRIVATE_MEMBERS.isdisjoint(jwk):
        raise KeyRefused(
            path,
            "holds a private or shared secret",
            "ask the partner for its public keys alone, and to replace this one",
        )
    kid = text_member(jwk, "kid", path)
    use = jwk.get("use")
    if use not in ("enc", "sig"):
        raise KeyRefused(path, "use is missing or unknown", "write use enc or use sig")
    _check_operations(jwk, use, path)
    return _encryption_key(jwk, kid, path) if use == "enc" else _verify_key(jwk, kid, path)


def _check_operations(jwk: Mapping[str, Any], use: str, path: str) -> None:
    operations = jwk.get("key_ops", [])
    if not isinstance(operations, list | tuple) or not all(
        operation in _OPERATIONS[use] for operation in operations
    ):
        raise KeyRefused(path, "key_ops contradicts its use", "leave key_ops out")


def _encryption_key(jwk: Mapping[str, Any], kid: str, path: str) -> EncryptionKey:
    public: X25519PublicKey | EllipticCurvePublicKey
    match jwk.get("kty"), jwk.get("crv"):
        case "OKP", "X25519":
            curve, public = "X25519", _x25519(jwk, path)
        case "EC", "P-256":
            curve, public = "P-256", _p256(jwk, path)
        case _:
            raise KeyRefused(
                path, "cannot be sealed for", "write kty OKP with crv X25519, or EC with P-256"
            )
    _check_algorithm(jwk, ("ECDH-ES",), path)
    return EncryptionKey(kid=kid, curve=curve, public=public, purpose=_purposes(jwk, path))


def _verify_key(jwk: Mapping[str, Any], kid: str, path: str) -> VerifyKey:
    public: Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
    match jwk.get("kty"), jwk.get("crv"):
        case "OKP", "Ed25519":
            public = Ed25519PublicKey.from_public_bytes(octets_member(jwk, "x", path, length=32))
            algorithms: tuple[str, ...] = ("EdDSA", "Ed25519")
        case "EC", "P-256":
            public, algorithms = _p256(jwk, path), ("ES256",)
        case "RSA", _:
            # A modulus does not say its algorithm; without `alg` it is the older one.
            padding = "PS256" if jwk.get("alg") == "PS256" else "RS256"
            public, algorithms = _rsa(jwk, path), (padding,)
        case _:
            raise KeyRefused(
                path, "cannot check signatures", "write Ed25519, EC with P-256, or RSA"
            )
    _check_algorithm(jwk, algorithms, path)
    return VerifyKey(kid=kid, algorithms=algorithms, public=public)


def _check_algorithm(jwk: Mapping[str, Any], allowed: tuple[str, ...], path: str) -> None:
    if "alg" in jwk and jwk["alg"] not in allowed:
        names = " or ".join(allowed)
        raise KeyRefused(path, "alg contradicts its type or use", f"write {names}, or no alg")


def _purposes(jwk: Mapping[str, Any], path: str) -> frozenset[str] | None:
    if "purpose" not in jwk:
        return None
    value = jwk["purpose"]
    purposes = [value] if isinstance(value, str) else value
    # An empty array would bind the key to nothing: refused, not read as free.
    if not isinstance(purposes, list | tuple) or not purposes:
        raise KeyRefused(path, "purpose names nothing", "write a purpose's id, or an array of them")
    if not all(isinstance(one, str) and _PURPOSE.fullmatch(one) for one in purposes):
        raise KeyRefused(path, "purpose is not an id", "write ids alone, without a version")
    return frozenset(purposes)


def _x25519(jwk: Mapping[str, Any], path: str) -> X25519PublicKey:
    public = X25519PublicKey.from_public_bytes(octets_member(jwk, "x", path, length=32))
    try:
        # RFC 7748 §6.1: a point of low order gives everybody the same secret.
        _probe().exchange(public)
    except ValueError as error:
        raise KeyRefused(path, "x is a point of low order", "make a new key") from error
    return public


@cache
def _probe() -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(bytes(range(32)))


def _p256(jwk: Mapping[str, Any], path: str) -> EllipticCurvePublicKey:
    x, y = (int.from_bytes(octets_member(jwk, name, path, length=32), "big") for name in "xy")
    try:
        return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    except ValueError as error:
        raise KeyRefused(path, "x and y are no point of P-256", "export the key again") from error


def _rsa(jwk: Mapping[str, Any], path: str) -> RSAPublicKey:
    modulus, exponent = (int.from_bytes(octets_member(jwk, name, path), "big") for name in "ne")
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        limits = f"{MIN_RSA_BITS} to {MAX_RSA_BITS} bits"
        raise KeyRefused(path, "n is too short or too long", f"make a key of {limits}")
    if exponent < MIN_RSA_EXPONENT or exponent % 2 == 0:
        raise KeyRefused(path, "e is weak", f"make a key with e {MIN_RSA_EXPONENT}")
    if modulus % 2 == 0:
        raise KeyRefused(path, "n is even", "export the key again")
    if _roca(modulus):
        raise KeyRefused(path, "n comes from a broken generator", "make a key with other software")
    try:
        return RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        raise KeyRefused(path, "n and e are no RSA key", "export the key again") from error


def _roca(modulus: int) -> bool:
    """Whether the modulus is a power of 65537 modulo every prime of the list (CVE-2017-15361)."""
    return all(modulus % prime in _powers_of_65537(prime) for prime in _ROCA_PRIMES)


@cache
def _powers_of_65537(prime: int) -> frozenset[int]:
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime - 1))
