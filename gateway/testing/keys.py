"""A recipient's key pairs: one to open what is sealed for it, one to sign its receipts."""

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

Curve = Literal["X25519", "P-256"]
Jwk = Mapping[str, Any]

_PRIVATE_MEMBERS = frozenset({"d"})
# The order of P-256, SEC 2 §2.4.2: a private scalar lies between 1 and this.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class PartnerKeys:
    """
    Private JWKs (RFC 7517, RFC 8037), one or more to open and one to sign.

    Prints the ids of the keys and nothing else of them.
    """

    encryption: tuple[Jwk, ...]
    signature: Jwk

    @classmethod
    def generate(
        cls,
        partner: str,
        *,
        curve: Curve = "X25519",
        purposes: tuple[str, ...] = (),
        random: Callable[[int], bytes] = os.urandom,
    ) -> "PartnerKeys":
        """
        New pairs for `partner`: a free encryption key, or with `purposes` one
        bound to each of these, and an Ed25519 key that signs.
        """
        bound = [{"purpose": purpose} for purpose in purposes] or [{}]
        encryption = tuple(
            encryption_jwk(f"{partner}-enc-{number}", curve, random) | extra
            for number, extra in enumerate(bound, start=1)
        )
        return cls(encryption, signature_jwk(f"{partner}-sig-1", random))

    def private_jwks(self) -> dict[str, Any]:
        """The JWK Set that opens; with private members."""
        return {"keys": [dict(key) for key in (*self.encryption, self.signature)]}

    def public_jwks(self) -> dict[str, Any]:
        """The JWK Set for the gateway's `partners/keys/`."""
        return {"keys": [public_jwk(key) for key in (*self.encryption, self.signature)]}

    def __repr__(self) -> str:
        ids = ", ".join(str(key["kid"]) for key in (*self.encryption, self.signature))
        return f"<PartnerKeys {ids}>"


def encryption_jwk(kid: str, curve: Curve, random: Callable[[int], bytes]) -> dict[str, Any]:
    """A private JWK for `ECDH-ES` (RFC 7518 §4.6, RFC 8037 §3.2)."""
    about = {"kid": kid, "use": "enc", "alg": "ECDH-ES"}
    if curve == "X25519":
        seed = random(32)
        public = X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        return {"kty": "OKP", "crv": curve, "x": _text(public), "d": _text(seed), **about}
    scalar = 1 + int.from_bytes(random(40), "big") % (_P256_ORDER - 1)
    point = ec.derive_private_key(scalar, ec.SECP256R1()).public_key().public_numbers()
    x, y, d = (_text(number.to_bytes(32, "big")) for number in (point.x, point.y, scalar))
    return {"kty": "EC", "crv": curve, "x": x, "y": y, "d": d, **about}


def signature_jwk(kid: str, random: Callable[[int], bytes] = os.urandom) -> dict[str, Any]:
    """A private Ed25519 JWK (RFC 8037 §2)."""
    seed = random(32)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": _text(public),
        "d": _text(seed),
        "kid": kid,
        "use": "sig",
        "alg": "EdDSA",
    }


def public_jwk(key: Jwk) -> dict[str, Any]:
    """`key` without its private members."""
    return {name: value for name, value in key.items() if name not in _PRIVATE_MEMBERS}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
