"""The `Sharing-Grant`: who may do what with the data, signed by the gateway (contract §6)."""

import hashlib
import hmac
import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from gateway.recipient.arguments import CLOCK_SKEW_SECONDS, Now, check_bytes, epoch_seconds
from gateway.recipient.encoding import b64, has_text, is_integer, is_text, parse_object, unb64
from gateway.recipient.errors import RecipientError
from gateway.recipient.signatures import ALGORITHMS, signed_by, signing_key

GRANT_TYPE = "sharing-grant+jwt"
KEY_USE = "grant-"
MAX_LIFETIME_SECONDS = 300

# RFC 8725 §3.5, §3.10: no key comes from the message, and nothing critical is known here.
_REFUSED_MEMBERS = frozenset({"crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"})

# What the kit itself relies on. The rest of the terms is the gateway's word, as it stands.
_TEXT_CLAIMS = ("jti", "htm", "htu", "purpose", "digest")


def verify_grant(
    token: str,
    jwks: Mapping[str, Any],
    *,
    partner: str,
    issuer: str,
    body: bytes | None = None,
    now: Now = None,
) -> dict[str, Any]:
    """
    The claims of a grant for `partner` by the gateway at `issuer`.

    `jwks` is the gateway's JWK Set; with `body`, the digest in the grant must be
    that of these bytes. Whether the grant belongs to this request, and whether
    it came before, is checked by `receive_share`.

    Raises `RecipientError`: grant-invalid, grant-expired, grant-early,
    signing-key-unknown, issuer-mismatch, audience-mismatch, digest-mismatch,
    keys-malformed or argument-invalid.
    """
    claims = _signed_claims(token, jwks)
    if claims.get("iss") != issuer:
        raise RecipientError("issuer-mismatch")
    if claims.get("aud") != partner:
        raise RecipientError("audience-mismatch")
    _check_form(claims)
    _check_time(claims, epoch_seconds(now))
    if body is not None:
        _check_digest(claims, body)
    return claims


def _signed_claims(token: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
    parts = token.split(".") if is_text(token) else []
    if len(parts) != 3:
        raise RecipientError("grant-invalid", "the grant is not a compact JWS")
    header = _object(parts[0], "header")
    if not _REFUSED_MEMBERS.isdisjoint(header):
        raise RecipientError("grant-invalid", "the grant's header has a member that is not allowed")
    if header.get("alg") not in ALGORITHMS or header.get("typ") != GRANT_TYPE:
        raise RecipientError("grant-invalid", f"a grant has alg EdDSA and typ {GRANT_TYPE}")
    kid = header.get("kid")
    if not is_text(kid) or not kid.startswith(KEY_USE):
        raise RecipientError("grant-invalid", f"a grant is signed by a key {KEY_USE}…")
    message = f"{parts[0]}.{parts[1]}".encode("ascii", "replace")
    if not signed_by(signing_key(jwks, kid), _octets(parts[2], "signature"), message):
        raise RecipientError("grant-invalid", "the signature is not the gateway's")
    return _object(parts[1], "payload")


def _octets(part: str, name: str) -> bytes:
    try:
        return unb64(part)
    except ValueError as error:
        detail = f"the grant's {name} is not unpadded base64url"
        raise RecipientError("grant-invalid", detail) from error


def _object(part: str, name: str) -> dict[str, Any]:
    try:
        return parse_object(_octets(part, name))
    except ValueError as error:
        detail = f"the grant's {name} is not one JSON object without repeated members"
        raise RecipientError("grant-invalid", detail) from error


def _check_form(claims: Mapping[str, Any]) -> None:
    if not has_text(claims, *_TEXT_CLAIMS):
        raise RecipientError("grant-invalid", f"{', '.join(_TEXT_CLAIMS)} are strings in a grant")
    if not is_integer(claims.get("purpose_version")):
        raise RecipientError("grant-invalid", "purpose_version is an integer in a grant")
    if "sub" in claims and not is_text(claims["sub"]):
        raise RecipientError("grant-invalid", "sub is a string in a grant, or absent")
    if "records" in claims:
        _check_bulk(claims)


def _check_bulk(claims: Mapping[str, Any]) -> None:
    """A grant for many records counts them, and is about no one person."""
    records = claims["records"]
    if not is_integer(records) or records < 1 or "sub" in claims:
        raise RecipientError("grant-invalid", "a bulk grant counts its records and has no sub")


def _check_time(claims: Mapping[str, Any], now: float) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not _numeric_date(issued) or not _numeric_date(expires):
        raise RecipientError("grant-invalid", "iat and exp are numbers in a grant")
    if not issued < expires <= issued + MAX_LIFETIME_SECONDS:
        raise RecipientError("grant-invalid", f"a grant lives {MAX_LIFETIME_SECONDS} s at most")
    if issued > now + CLOCK_SKEW_SECONDS:
        raise RecipientError("grant-early")
    if now >= expires + CLOCK_SKEW_SECONDS:
        raise RecipientError("grant-expired")


def _numeric_date(value: object) -> TypeGuard[int | float]:
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _check_digest(claims: Mapping[str, Any], body: bytes) -> None:
    check_bytes(body)
    digest = b64(hashlib.sha256(body).digest())
    if not hmac.compare_digest(digest.encode(), claims["digest"].encode("utf-8", "replace")):
        raise RecipientError("digest-mismatch", "the body is not the one that the grant names")
