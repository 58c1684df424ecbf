"""
Compact JWS (RFC 7515): what the gateway signs, and what partners sign.

Own signatures are Ed25519 with `alg` EdDSA. A partner's signature is checked
under the algorithm of its key, never under the one that the message proposes
(RFC 8725 §3.1).
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, assert_never

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.errors import GatewayError
from gateway.seal.encoding import b64, dumps, loads_object, quote, unb64
from gateway.seal.keys import SigningKey, VerifyKey

# RFC 8725 §3.5, §3.10: no key comes from the message, and nothing critical is known here.
_REFUSED_MEMBERS = frozenset(
    {"crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"},
)


class SignatureRefused(GatewayError):
    """A partner's JWS does not verify. The message says which rule broke, and holds no claim."""

    code = "signature-refused"


def sign_jws(payload: Mapping[str, Any] | bytes, signer: SigningKey, typ: str) -> str:
    """
    A compact JWS by an own key, header `{"alg": "EdDSA", "kid": …, "typ": …}`.

    `payload` is a claims object, or bytes that are signed as they stand. Raises
    `ValueError` for NaN and infinities.
    """
    octets = payload if isinstance(payload, bytes) else dumps(payload)
    signing_input = f"{_protected(signer.kid, typ)}.{b64(octets)}"
    return f"{signing_input}.{b64(signer.private.sign(signing_input.encode('ascii')))}"


def verify_jws(token: str, keys: Iterable[VerifyKey], typ: str) -> dict[str, Any]:
    """
    The claims of a JWS by one of `keys`, chosen by `kid`.

    Only signature and form are checked: who may say so, for whom and when is
    the caller's. Raises `SignatureRefused` for everything but a strict compact
    JWS of this `typ` under a known key's own algorithm.
    """
    protected, payload, signature = _parts(token)
    header = _object(protected, "header")
    if not _REFUSED_MEMBERS.isdisjoint(header):
        raise SignatureRefused("the header has a member that is not allowed")
    if header.get("typ") != typ:
        raise SignatureRefused(f"typ is not {typ}")
    key = next((key for key in keys if key.kid == header.get("kid")), None)
    if key is None:
        raise SignatureRefused("no key with this kid; ask the partner for its current keys")
    if header.get("alg") not in key.algorithms:
        raise SignatureRefused("alg is not the key's")
    _check(key, f"{protected}.{payload}".encode("ascii"), _octets(signature, "signature"))
    return _object(payload, "payload")


@lru_cache(maxsize=64)
def _protected(kid: str, typ: str) -> str:
    return b64(f'{{"alg":"EdDSA","kid":{quote(kid)},"typ":{quote(typ)}}}'.encode("ascii"))


def _parts(token: str) -> tuple[str, str, str]:
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        raise SignatureRefused("not a compact JWS")
    return parts[0], parts[1], parts[2]


def _octets(part: str, name: str) -> bytes:
    try:
        return unb64(part)
    except ValueError as error:
        raise SignatureRefused(f"the {name} is not unpadded base64url") from error


def _object(part: str, name: str) -> dict[str, Any]:
    octets = _octets(part, name)
    try:
        return loads_object(octets)
    except ValueError:
        # Not chained: the cause carries the text it could not read.
        raise SignatureRefused(f"the {name} is not one JSON object without repeats") from None


def _check(key: VerifyKey, message: bytes, signature: bytes) -> None:
    public = key.public
    try:
        match public:
            case Ed25519PublicKey():
                public.verify(signature, message)
            case EllipticCurvePublicKey():
                public.verify(_der(signature), message, ECDSA(SHA256()))
            case RSAPublicKey():
                public.verify(signature, message, _rsa_padding(key), SHA256())
            case _:
                assert_never(public)
    except InvalidSignature as error:
        raise SignatureRefused("the signature is not by this key over these bytes") from error


def _der(signature: bytes) -> bytes:
    # RFC 7518 §3.4: r and s side by side, 32 bytes each.
    if len(signature) != 64:
        raise SignatureRefused("an ES256 signature has 64 bytes")
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    return encode_dss_signature(r, s)


def _rsa_padding(key: VerifyKey) -> padding.AsymmetricPadding:
    if "PS256" in key.algorithms:
        # RFC 7518 §3.5: the salt is as long as the hash.
        return padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=SHA256.digest_size)
    return padding.PKCS1v15()
