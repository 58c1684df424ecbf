"""
Opening what was sealed for this recipient and one purpose (contract §6).

A seal is a compact JWE, ECDH-ES with A256GCM. The recipient and the purpose are
part of the key derivation, and are compared as well: a library that merely
feeds `apv` into the derivation accepts whatever purpose the header claims.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.recipient.encoding import b64, has_text, is_integer, is_text, parse_object, unb64
from gateway.recipient.errors import RecipientError
from gateway.recipient.keys import agree, own_key

NONCE_BYTES = 12
TAG_BYTES = 16

_TEXT_MEMBERS = ("kid", "purpose", "jti", "apv")

# None of these is ever in a seal: keys from the message, compression, critical
# extensions, other key derivations (RFC 8725 §3).
_REFUSED_MEMBERS = frozenset(
    {"crit", "zip", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "apu", "iv", "tag", "p2s", "p2c"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An opened seal: what was inside, and the header that was authenticated with it."""

    header: Mapping[str, Any]
    plaintext: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    protected: str
    nonce: bytes
    sealed: bytes
    """Ciphertext and tag."""


def open_sealed(
    jwe: str,
    keys: Mapping[str, Any],
    *,
    partner: str,
    purpose: str,
    field: str | None = None,
    jti: str | None = None,
) -> bytes:
    """
    The plaintext of a sealed body, or with `field` (its pointer) of a sealed field.

    `keys` is a JWK Set with private members. With `jti` the seal must be of that
    share. By itself this authenticates no sender: anybody can seal for a public
    key. `receive_share` checks the signed grant around it.

    Raises `RecipientError`: sealed-malformed, header-refused, algorithm-refused,
    purpose-mismatch, audience-mismatch, field-mismatch, share-mismatch,
    key-missing, key-unusable, key-other-purpose, keys-malformed or sealed-broken.
    """
    return open_jwe(jwe, keys, partner=partner, purpose=purpose, field=field, jti=jti).plaintext


def open_jwe(
    jwe: str,
    keys: Mapping[str, Any],
    *,
    partner: str,
    purpose: str,
    field: str | None,
    jti: str | None,
) -> Opened:
    """As `open_sealed`, with the header."""
    parts = _split(jwe)
    header = _header(parts.protected)
    _check_context(header, partner=partner, purpose=purpose, field=field, jti=jti)
    secret = agree(own_key(keys, header["kid"], purpose), header["epk"])
    cipher = AESGCM(_derive(secret, f"{partner}|{purpose}".encode()))
    try:
        plaintext = cipher.decrypt(parts.nonce, parts.sealed, parts.protected.encode("ascii"))
    except InvalidTag as error:
        raise RecipientError("sealed-broken") from error
    return Opened(header=header, plaintext=plaintext)


def looks_sealed(value: object) -> bool:
    """Whether a value of a body is meant to be a seal: five parts, the first a JWE header."""
    if not isinstance(value, str) or value.count(".") != 4:
        return False
    try:
        return "enc" in parse_object(unb64(value.partition(".")[0]))
    except ValueError:
        return False


def _split(jwe: str) -> _Parts:
    parts = jwe.split(".") if is_text(jwe) else []
    if len(parts) != 5 or parts[1]:
        raise RecipientError("sealed-malformed", "a seal has five parts, the second one empty")
    try:
        nonce, ciphertext, tag = (unb64(part) for part in parts[2:])
    except ValueError as error:
        raise RecipientError("sealed-malformed", "a part is not unpadded base64url") from error
    if len(nonce) != NONCE_BYTES or len(tag) != TAG_BYTES:
        raise RecipientError("sealed-malformed", "the nonce has 96 bits and the tag 128")
    return _Parts(protected=parts[0], nonce=nonce, sealed=ciphertext + tag)


def _header(protected: str) -> dict[str, Any]:
    try:
        header = parse_object(unb64(protected))
    except ValueError as error:
        detail = "the header is not one JSON object without repeated members"
        raise RecipientError("sealed-malformed", detail) from error
    refused = _REFUSED_MEMBERS & header.keys()
    if refused:
        raise RecipientError("header-refused", f"{min(refused)} is never in a seal")
    if header.get("alg") != "ECDH-ES" or header.get("enc") != "A256GCM":
        raise RecipientError("algorithm-refused")
    if not has_text(header, *_TEXT_MEMBERS) or not isinstance(header.get("epk"), dict):
        names = ", ".join(_TEXT_MEMBERS)
        raise RecipientError("sealed-malformed", f"a seal's header has epk, {names}")
    if not is_integer(header.get("purpose_version", 1)) or not is_text(header.get("cty", "json")):
        raise RecipientError("sealed-malformed", "purpose_version is an integer, cty a string")
    return header


def _check_context(
    header: Mapping[str, Any], *, partner: str, purpose: str, field: str | None, jti: str | None
) -> None:
    if header["purpose"] != purpose:
        raise RecipientError("purpose-mismatch", "the seal is for another purpose")
    if header["apv"] != b64(f"{partner}|{purpose}".encode()):
        raise RecipientError("audience-mismatch", "apv is not of this recipient and purpose")
    if header.get("field") != field or ("field" in header and field is None):
        raise RecipientError("field-mismatch")
    if jti is not None and header["jti"] != jti:
        raise RecipientError("share-mismatch", "the seal is of another share")


def _derive(secret: bytes, party: bytes) -> bytes:
    """The Concat KDF (RFC 7518 §4.6.2) for A256GCM, no apu, and `party` as apv."""
    parts = (b"A256GCM", b"", party)
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.sha256(b"\x00\x00\x00\x01" + secret + info + (256).to_bytes(4, "big")).digest()
