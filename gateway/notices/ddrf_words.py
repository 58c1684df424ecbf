"""
The words of the IAB Tech Lab Data Deletion Request Framework 1.0 (STANDARDS §1.2).

Three JWTs: an idJWT says who the 1st party means, an rqJWT carries it over one hop,
an acJWT acknowledges that. Here are their claims, made and read; signatures are
the caller's. What the framework leaves open is decided here as STANDARDS §1.4 says.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final

from gateway.errors import GatewayError

TYP: Final = "JWT"
VERSION: Final = "1.0"
AHEAD_SECONDS: Final = 300
"""How far the clock of another may be ahead of ours."""
LIFETIME: Final = timedelta(hours=24)
"""From `iat` on a request is good for so long."""
MAX_BYTES: Final = 64 * 1024
"""Of a request or an acknowledgement."""
MAX_TEXT: Final = 255
"""Characters of a `jti`, an issuer, a type or format."""

PLAIN: Final = ("plaintext", "plain", "raw")
"""What participants call a value as it stands."""
SHA256: Final = "sha256"


class Code(IntEnum):
    """`raResultCode`: what a recipient answers."""

    RECEIVED = 0
    MALFORMED = 1
    SIGNATURE = 2
    TOKEN = 3
    TYPE = 4
    FORMAT = 5
    TIMESTAMP = 6


class DdrfRefused(GatewayError):
    """
    A JWT of the framework is not acceptable. `result` is what its sender is told;
    the message names the claim, never its value.
    """

    code = "ddrf-refused"

    def __init__(self, result: Code, why: str) -> None:
        super().__init__(why)
        self.result = result


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """Whom a request means: exactly one identifier."""

    value: str = field(repr=False)
    type: str
    format: str

    def claim(self) -> dict[str, str]:
        """As `sub` has it: an object, as in the framework's own examples."""
        return {
            "identifierValue": self.value,
            "identifierType": self.type,
            "identifierFormat": self.format,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request says, once its signature has been verified."""

    jti: str
    iss: str
    id_jwt: str = field(repr=False)
    sub: Identifier


def written(value: str, form: str) -> str | None:
    """A value in a format of a recipient's; None where it is not one that is known here."""
    if form in PLAIN:
        return value
    if form == SHA256:
        return hashlib.sha256(value.encode()).hexdigest()
    return None


def id_claims(*, jti: str, iss: str, sub: Identifier, now: datetime) -> dict[str, Any]:
    """The claims of an idJWT: this gateway's domain as the 1st party."""
    return {
        "version": VERSION,
        "jti": jti,
        "iss": iss,
        "sub": sub.claim(),
        "iat": int(now.timestamp()),
    }


def request_claims(
    *, jti: str, iss: str, aud: str, sub: Identifier, id_jwt: str, now: datetime
) -> dict[str, Any]:
    """
    The claims of an rqJWT. `aud` and `exp` are not the framework's: who does not
    know them passes them over, and who does cannot be sent it for another.
    """
    issued = int(now.timestamp())
    return {
        "version": VERSION,
        "idJWT": id_jwt,
        "jti": jti,
        "iss": iss,
        "aud": aud,
        "sub": sub.claim(),
        "iat": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
    }


def acknowledgement_claims(
    *, jti: str, iss: str, request: str, now: datetime, code: Code, text: str | None
) -> dict[str, Any]:
    """The claims of an acJWT over the very request it answers."""
    claims: dict[str, Any] = {
        "version": VERSION,
        "rqJWT": request,
        "jti": jti,
        "iss": iss,
        "iat": int(now.timestamp()),
        "raResultCode": int(code),
    }
    return claims if text is None else {**claims, "raResultString": text}


def read_request(
    claims: Mapping[str, Any], *, now: datetime, domain: str, strict: bool = False
) -> Asked:
    """
    A verified rqJWT. `domain` is ours, and what `aud` must be where there is one;
    `strict`: `aud` and `exp` must be there. Raises `DdrfRefused`.
    """
    _version(claims)
    asked = Asked(
        jti=_text(claims, "jti"),
        iss=_text(claims, "iss"),
        id_jwt=_text(claims, "idJWT", longest=MAX_BYTES),
        sub=_identifier(claims.get("sub")),
    )
    _audience(claims, domain, needed=strict)
    _times(claims, now, oldest=LIFETIME, needed=strict)
    return asked


def read_identity(claims: Mapping[str, Any], *, now: datetime) -> datetime:
    """
    A verified idJWT: when its 1st party took the person's request. It may be old,
    since it is handed on from hop to hop. Raises `DdrfRefused`.
    """
    _version(claims)
    _text(claims, "jti")
    _text(claims, "iss")
    _identifier(claims.get("sub"))
    issued = _times(claims, now, oldest=None, needed=False)
    # What a clock of theirs that is ahead says is not later than now.
    return min(now, now - timedelta(seconds=now.timestamp() - issued))


def read_acknowledgement(
    claims: Mapping[str, Any], *, request: str, issuer: str, domain: str, now: datetime
) -> Code:
    """
    What a verified acJWT says of `request`, the very rqJWT that was sent.

    `issuer` is the recipient's domain, `domain` ours. Raises `DdrfRefused`.
    """
    _version(claims)
    _text(claims, "jti")
    if claims.get("rqJWT") != request:
        raise DdrfRefused(Code.MALFORMED, "rqJWT is not the request that it answers")
    if claims.get("iss") != issuer:
        raise DdrfRefused(Code.MALFORMED, "iss is not the recipient's domain")
    _audience(claims, domain, needed=False)
    _times(claims, now, oldest=LIFETIME, needed=False)
    code = claims.get("raResultCode")
    if isinstance(code, bool) or not isinstance(code, int) or code not in set(Code):
        raise DdrfRefused(Code.MALFORMED, "raResultCode is not one of 0 to 6")
    return Code(code)


def _version(claims: Mapping[str, Any]) -> None:
    # Later ones of the same kind are read too: what is not known is passed over.
    if not _text(claims, "version").startswith("1"):
        raise DdrfRefused(Code.MALFORMED, "version is not 1.x")


def _text(claims: Mapping[str, Any], name: str, *, longest: int = MAX_TEXT) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise DdrfRefused(Code.MALFORMED, f"{name} is missing or not a text")
    return value


def _identifier(value: Any) -> Identifier:
    """`sub`: an object, or its text, since the framework declares one and shows the other."""
    if isinstance(value, str) and len(value) <= MAX_BYTES:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, Mapping):
        raise DdrfRefused(Code.MALFORMED, "sub is missing or names no identifier")
    return Identifier(
        value=_text(value, "identifierValue", longest=MAX_BYTES),
        type=_text(value, "identifierType"),
        format=_text(value, "identifierFormat"),
    )


def _audience(claims: Mapping[str, Any], domain: str, *, needed: bool) -> None:
    if "aud" not in claims and not needed:
        return
    audience = claims.get("aud")
    for_us = domain in audience if isinstance(audience, list) else audience == domain
    if not for_us:
        raise DdrfRefused(Code.TOKEN, "aud is another's")


def _times(
    claims: Mapping[str, Any], now: datetime, *, oldest: timedelta | None, needed: bool
) -> float:
    """`iat`, checked, with `exp` and `nbf` where they are there; seconds since the epoch."""
    issued, seconds = _number(claims, "iat"), now.timestamp()
    if issued > seconds + AHEAD_SECONDS:
        raise DdrfRefused(Code.TIMESTAMP, "iat is in the future")
    if issued < 0 or (oldest is not None and issued < seconds - oldest.total_seconds()):
        raise DdrfRefused(Code.TIMESTAMP, "iat is too long ago")
    if (needed or "exp" in claims) and _number(claims, "exp") <= seconds:
        raise DdrfRefused(Code.TIMESTAMP, "exp is over")
    if "nbf" in claims and _number(claims, "nbf") > seconds + AHEAD_SECONDS:
        raise DdrfRefused(Code.TIMESTAMP, "nbf is not yet")
    return issued


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # `true` is an int to Python and no NumericDate to anybody.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DdrfRefused(Code.MALFORMED, f"{name} is missing or not a number of seconds")
    if not -(2**53) < value < 2**53:
        raise DdrfRefused(Code.TIMESTAMP, f"{name} is no time")
    return float(value)
