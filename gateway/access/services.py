"""
Service tokens (contract §5): JWTs of configured issuers (RFC 7519, RFC 8725).

    Authorization: Bearer …  ->  bearer_token  ->  verify_token  ->  Service

The issuer is found by the token's `iss`, the key by `kid` among that issuer's
keys and nowhere else, the algorithm by the key. Then signature, audience and
times are checked, and only then the rest is believed.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import jwt
from jwt.algorithms import OKPAlgorithm

from gateway.access.keys import VerifyingKey
from gateway.access.scopes import ALL, Reach, Service
from gateway.errors import CallerError, ConfigError, Reason

SKEW_SECONDS = 60
"""How far the issuer's clock may be from ours."""

MAX_TOKEN_BYTES = 8 * 1024
"""Longer tokens are refused unread."""

MAX_NAME_LENGTH = 255
"""Of a service's name (`sub`), in characters."""

# A header may leave `typ` out. Another type is another kind of message, signed
# by the same key for something else (RFC 8725 §3.11).
_TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})

# 9999-12-31; later is a mistake, and no `datetime` holds it with the skew added.
_LAST_TIMESTAMP = 253_402_214_400


def _verifier() -> jwt.PyJWS:
    """A PyJWS that knows the accepted algorithms and no other, `none` and HMAC least of all."""
    jws = jwt.PyJWS(algorithms=["EdDSA", "ES256", "RS256", "PS256"])
    jws.register_algorithm("Ed25519", OKPAlgorithm())
    return jws


_JWS = _verifier()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One configured issuer of service tokens (`[[issuer]]`)."""

    name: str
    iss: str
    aud: str
    keys: tuple[VerifyingKey, ...]


def bearer_token(authorization: str | None) -> str:
    """
    Take the token out of an `Authorization` header (RFC 6750 §2.1).

    Raises `CallerError` with `token-missing` where there is none, or another scheme,
    with `token-invalid` for bytes that no token has.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise CallerError(Reason.TOKEN_MISSING, "the request carries no bearer token")
    if not token.isascii():
        _refuse("it is not ASCII")
    return token.strip()


def verify_token(token: str, issuers: Sequence[Issuer], *, now: datetime) -> Service:
    """
    Verify a service token and return the service it names.

    Raises `CallerError` with `token-invalid` and what is wrong, never with
    text of the token. No issuers, no service.
    """
    if len(token) > MAX_TOKEN_BYTES:
        _refuse("it is longer than 8 KiB")
    header, unverified = _read(token)
    named = unverified.get("iss")
    mine = [issuer for issuer in issuers if issuer.iss == named]
    if not mine:
        _refuse("its issuer (iss) is not configured")
    # Two configured issuers may share an `iss` and differ in audience or keys.
    failure: CallerError | None = None
    for issuer in mine:
        try:
            return _service(_claims(token, header, issuer), issuer, now)
        except CallerError as error:
            failure = error
    raise failure or CallerError(Reason.TOKEN_INVALID)


def _read(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Split and decode; nothing is believed yet but the way to the key."""
    try:
        whole = _JWS.decode_complete(token, options={"verify_signature": False})
        claims = json.loads(whole["payload"])
    except (jwt.PyJWTError, ValueError, RecursionError):
        _refuse("it is not a signed JWT")
    header = whole["header"]
    # RFC 7515 §4.1.11: an extension that must be understood is not understood here.
    if "crit" in header or "b64" in header:
        _refuse("its header asks for an extension (crit)")
    if str(header.get("typ", "JWT")).lower() not in _TYPES:
        _refuse("its type (typ) is not that of a service token")
    if not isinstance(claims, dict):
        _refuse("its claims are not a JSON object")
    return header, claims


def _claims(token: str, header: Mapping[str, Any], issuer: Issuer) -> Mapping[str, Any]:
    key = _key(header.get("kid"), issuer.keys)
    try:
        verified = _JWS.decode_complete(token, key.key, algorithms=key.algorithms)
    except jwt.InvalidAlgorithmError:
        _refuse("its algorithm (alg) is not that of the issuer's key")
    except (jwt.PyJWTError, ValueError, TypeError):
        # The cause is left out: it may quote the token.
        _refuse("its signature does not verify")
    claims: Mapping[str, Any] = json.loads(verified["payload"])
    return claims


def _key(kid: str | None, keys: Sequence[VerifyingKey]) -> VerifyingKey:
    """The key with this `kid`, or the only key where one side names none (RFC 7515 §4.1.4)."""
    for key in keys:
        if kid is not None and key.kid == kid:
            return key
    if len(keys) == 1 and (kid is None or keys[0].kid is None):
        return keys[0]
    return _refuse("its key (kid) is not one of the issuer's")


def _service(claims: Mapping[str, Any], issuer: Issuer, now: datetime) -> Service:
    if claims.get("iss") != issuer.iss:
        _refuse("its issuer (iss) is not configured")
    if issuer.aud not in _strings(claims, "aud", alone=True):
        _refuse("it is for another audience (aud)")
    expires = _check_times(claims, now.timestamp())
    grounds = claims.get("grounds")
    return Service(
        issuer=issuer.name,
        name=_name(claims.get("sub")),
        scopes=_scopes(claims),
        partners=_reach(claims, "partners"),
        purposes=_reach(claims, "purposes"),
        grounds=None if grounds is None else frozenset(_strings(claims, "grounds")),
        expires=datetime.fromtimestamp(expires, UTC),
        token_id=_token_id(claims.get("jti")),
    )


def _check_times(claims: Mapping[str, Any], now: float) -> float:
    """Check `exp`, `nbf` and `iat` (RFC 7519 §4.1), and return `exp`."""
    expires = _number(claims, "exp")
    if expires is None:
        _refuse("it has no end (exp)")
    if now >= expires + SKEW_SECONDS:
        _refuse("it has run out (exp)")
    if now < (_number(claims, "nbf") or 0) - SKEW_SECONDS:
        _refuse("it is not valid yet (nbf)")
    if now < (_number(claims, "iat") or 0) - SKEW_SECONDS:
        _refuse("it was issued in the future (iat)")
    return expires


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    # `true` is an int to Python, and JSON as Python reads it has NaN and Infinity.
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(f"its {name} is not a number")
    if not (0 <= value <= _LAST_TIMESTAMP) or not math.isfinite(value):
        _refuse(f"its {name} is not a time")
    return value


def _name(sub: object) -> str:
    if not isinstance(sub, str) or not sub or len(sub) > MAX_NAME_LENGTH or not sub.isprintable():
        _refuse("it names no service (sub)")
    return sub


def _token_id(jti: object) -> str | None:
    """The token's own id (RFC 7519 §4.1.7), by which it can be revoked."""
    if jti is not None and not isinstance(jti, str):
        _refuse("its id (jti) is not a string")
    return jti


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """`scope` is space separated text (RFC 8693 §4.2) or an array of strings."""
    scope = claims.get("scope")
    if isinstance(scope, str):
        return frozenset(scope.split())
    return frozenset(_strings(claims, "scope"))


def _reach(claims: Mapping[str, Any], name: str) -> Reach:
    """Absent is none, `["*"]` is all; a star among names is just a name that nobody has."""
    names = _strings(claims, name)
    return ALL if names == ["*"] else frozenset(names)


def _strings(claims: Mapping[str, Any], name: str, *, alone: bool = False) -> list[str]:
    value = claims.get(name)
    if value is None:
        return []
    if alone and isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        _refuse(f"its {name} is not an array of strings")
    return value


def _refuse(why: str) -> NoReturn:
    raise CallerError(Reason.TOKEN_INVALID, f"the service token does not verify: {why}") from None


def sign_service_token(
    private_jwk: Mapping[str, Any],
    *,
    iss: str,
    aud: str,
    sub: str,
    scopes: Iterable[str],
    partners: Iterable[str] = (),
    purposes: Iterable[str] = (),
    grounds: Iterable[str] | None = None,
    now: datetime,
    ttl: timedelta,
    jti: str | None = None,
) -> str:
    """
    Make a service token, signed by the private key `private_jwk` (RFC 7517).

    `partners` and `purposes` of `("*",)` reach all; `grounds` of None leaves
    each route's default only. The header's `kid` is the key's. Raises
    `ConfigError` when the key cannot sign, or `ttl` is not positive.
    """
    if ttl <= timedelta(0):
        raise ConfigError("a token must live for some time; write a ttl such as 1h")
    claims: dict[str, Any] = {
        "iss": iss,
        "aud": aud,
        "sub": sub,
        "iat": int(now.timestamp()),
        "exp": int((now + ttl).timestamp()),
        "scope": " ".join(scopes),
        "partners": list(partners),
        "purposes": list(purposes),
    }
    if grounds is not None:
        claims["grounds"] = list(grounds)
    if jti is not None:
        claims["jti"] = jti
    algorithm = _signing_algorithm(private_jwk)
    headers = {"kid": private_jwk["kid"]} if "kid" in private_jwk else {}
    try:
        key = jwt.PyJWK(dict(private_jwk), algorithm=algorithm)
        return jwt.encode(claims, key, headers=headers)
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
        # The cause may quote the private key.
        raise ConfigError("the issuer's key cannot sign; it is no private JWK") from None


def _signing_algorithm(jwk: Mapping[str, Any]) -> str:
    match jwk.get("kty"), jwk.get("crv"):
        case "OKP", "Ed25519":
            return "EdDSA"
        case "EC", "P-256":
            return "ES256"
        case "RSA", _:
            return "PS256" if jwk.get("alg") == "PS256" else "RS256"
    raise ConfigError("the issuer's key must be Ed25519, P-256 or RSA")
