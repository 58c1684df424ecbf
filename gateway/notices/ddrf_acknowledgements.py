"""
Acknowledgements of DDRF: an acJWT in an answer, verified under the recipient's own
keys, and what it says (STANDARDS §1.2, §1.3).
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from gateway.notices.ddrf_words import (
    MAX_BYTES,
    TYP,
    Code,
    DdrfRefused,
    read_acknowledgement,
)

Verify = Callable[[str, Mapping[str, Any], str], Mapping[str, Any]]
"""From a compact JWS, a public JWK Set and a `typ` to its claims; raises `GatewayError`."""

MOST_KEYS: Final = 10

# RFC 7517, 7518, 8037: what makes a public key for signatures. All else stays out.
_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid", "alg", "use")


def usable_keys(keys: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """
    The signature keys of a document with what makes them, the last ones where there
    are many: to the end of a set a new key is added. Its writers leave `use` out.
    """
    signing = [key for key in keys if key.get("use", "sig") == "sig"]
    return [
        {"use": "sig", **{name: key[name] for name in _MEMBERS if name in key}}
        for key in signing[-MOST_KEYS:]
    ]


def key_for(token: str, keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """
    A JWK Set of the one key that a JWT names; that of others, be they doubtful or
    not, does not matter. Raises `DdrfRefused`: 3 for no JWT, 2 where no key, or more
    than one, is called so.
    """
    header = header_of(token)
    if header.get("typ") != TYP:
        raise DdrfRefused(Code.TOKEN, "typ is not JWT")
    named = [key for key in keys if key.get("kid") == header.get("kid")]
    if len(named) != 1:
        raise DdrfRefused(Code.SIGNATURE, "no one key with this kid")
    return {"keys": [dict(named[0])]}


def header_of(token: str) -> Mapping[str, Any]:
    """The header of a compact JWS; nothing of it is believed. Raises `DdrfRefused`."""
    return _object(_parts(token)[0])


def claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a compact JWS, not verified: to find the key. Raises `DdrfRefused`."""
    return _object(_parts(token)[1])


def token_in(body: bytes) -> str:
    """
    The JWT in a body: as it stands, as a JSON text, or a member of a JSON object.
    The framework says JSON of an answer and does not say where. Raises `DdrfRefused`.
    """
    try:
        text = body.decode("ascii").strip() if len(body) <= MAX_BYTES else ""
    except UnicodeDecodeError:
        text = ""
    if text[:1] in ('"', "{"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            value = next((value[name] for name in ("acJWT", "rqJWT") if name in value), None)
        text = value if isinstance(value, str) and value.isascii() else ""
    if not text:
        raise DdrfRefused(Code.TOKEN, "the body holds no JWT")
    return text


def acknowledged(
    body: bytes,
    *,
    request: str,
    keys: Sequence[Mapping[str, Any]],
    verify: Verify,
    host: str,
    named: str | None,
    domain: str,
    now: datetime,
) -> Code:
    """
    The result code of an acknowledgement of `request`.

    `keys` are those of the recipient's own document at `host`; its issuer is the
    domain that the manifest `named`, else the host or a domain above it. Raises
    `GatewayError` for everything that does not verify.
    """
    token = token_in(body)
    claims = verify(token, key_for(token, keys), TYP)
    return read_acknowledgement(
        claims,
        request=request,
        issuer=_issuer(claims.get("iss"), host, named),
        domain=domain,
        now=now,
    )


def _issuer(said: Any, host: str, named: str | None) -> str:
    """
    Who must have signed: the domain that the manifest named, else what it `said`
    itself, if that is the document's host or a domain of two labels above it.
    """
    if named is None and isinstance(said, str) and "." in said.strip("."):
        return said if host.endswith(f".{said}") else host
    return named or host


def _parts(token: str) -> Sequence[str]:
    parts = token.split(".")
    if len(parts) != 3 or not all(parts) or not token.isascii():
        raise DdrfRefused(Code.TOKEN, "it is not a compact JWS")
    return parts


def _object(part: str) -> Mapping[str, Any]:
    try:
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise DdrfRefused(Code.TOKEN, "a part of it is not base64url of JSON") from None
    if not isinstance(value, dict):
        raise DdrfRefused(Code.TOKEN, "a part of it is not a JSON object")
    return value
