"""Keys of issuers, made anew for a run, as JWKs."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "key_ops"}


def ed25519(kid: str = "ed-1", **members: Any) -> dict[str, Any]:
    """A private Ed25519 JWK."""
    return _jwk(OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate()), kid, members)


def p256(kid: str = "ec-1", **members: Any) -> dict[str, Any]:
    """A private P-256 JWK."""
    return _jwk(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())), kid, members)


def rsa_key(
    kid: str = "rsa-1", *, bits: int = 2048, e: int = 65537, **members: Any
) -> dict[str, Any]:
    """A private RSA JWK."""
    key = rsa.generate_private_key(public_exponent=e, key_size=bits)
    return _jwk(RSAAlgorithm.to_jwk(key), kid, members)


def public(*private: dict[str, Any]) -> dict[str, Any]:
    """The JWK Set that an issuer publishes."""
    return {"keys": [{k: v for k, v in jwk.items() if k not in _PRIVATE} for jwk in private]}


def b64(raw: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], claims: Any) -> str:
    """The first two parts of a token, as they are signed."""
    return ".".join(b64(json.dumps(part).encode()) for part in (header, claims))


def _jwk(text: str | dict[str, Any], kid: str, members: dict[str, Any]) -> dict[str, Any]:
    jwk = dict(json.loads(text)) if isinstance(text, str) else text
    jwk.pop("key_ops", None)
    return jwk | {"kid": kid} | members


# Made once: an RSA pair takes a noticeable fraction of a second.
ED, EC, RSA = ed25519(), p256(), rsa_key()
