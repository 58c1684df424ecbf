"""
ES256 (RFC 7518 §3.4) for the one protocol whose partners expect it, DDRF.

The key is not a file: it is made of two secrets of the home, the same at every
start, so that a home from before has one too. Its number is in its `kid`; another
number is another key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.seal.encoding import b64, dumps
from gateway.seal.jwk import thumbprint

# FIPS 186-5 §A.2.1: 64 bits more than the order has make the rest as good as even.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SECRET_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Es256Key:
    """A private P-256 key of the gateway's own."""

    kid: str
    private: EllipticCurvePrivateKey = field(repr=False)


def es256_key(secret: bytes, name: str) -> Es256Key:
    """
    The key that 64 secret bytes make; its `kid` is `name` and the start of its
    thumbprint. Raises `ValueError` for fewer or more bytes.
    """
    if len(secret) != _SECRET_BYTES:
        raise ValueError(f"a key is made of {_SECRET_BYTES} secret bytes")
    private = derive_private_key(int.from_bytes(secret, "big") % (_ORDER - 1) + 1, SECP256R1())
    mark = thumbprint(_public_members(private))
    return Es256Key(kid=f"{name}-{mark[:8]}", private=private)


def es256_public_jwk(key: Es256Key) -> dict[str, str]:
    """Its public half (RFC 7518 §6.2.1)."""
    return {**_public_members(key.private), "kid": key.kid, "use": "sig", "alg": "ES256"}


def sign_es256(payload: Mapping[str, Any], key: Es256Key, typ: str) -> str:
    """
    A compact JWS (RFC 7515), header `{"alg": "ES256", "kid": …, "typ": …}`.

    The same payload gives the same octets (RFC 6979), so what is asked for twice
    is answered with the very same words. Raises `ValueError` for NaN and infinities.
    """
    header = {"alg": "ES256", "kid": key.kid, "typ": typ}
    signing_input = f"{b64(dumps(header))}.{b64(dumps(payload))}"
    der = key.private.sign(
        signing_input.encode("ascii"), ECDSA(SHA256(), deterministic_signing=True)
    )
    r, s = decode_dss_signature(der)
    return f"{signing_input}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _public_members(private: EllipticCurvePrivateKey) -> dict[str, str]:
    point = private.public_key().public_numbers()
    x, y = (b64(number.to_bytes(32, "big")) for number in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
