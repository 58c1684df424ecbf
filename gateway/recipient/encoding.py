"""Strict readers: each value has one spelling, and whatever has another is refused."""

import json
import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, TypeGuard

_URL_ALPHABET = re.compile(rb"[A-Za-z0-9_-]*")


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text: str) -> bytes:
    """Octets of unpadded base64url (RFC 7515 §2). Raises `ValueError` for any other spelling."""
    spelt = text.encode("ascii")
    if not _URL_ALPHABET.fullmatch(spelt) or len(spelt) % 4 == 1:
        raise ValueError("not unpadded base64url")
    octets = urlsafe_b64decode(spelt + b"=" * (-len(spelt) % 4))
    if urlsafe_b64encode(octets).rstrip(b"=") != spelt:
        raise ValueError("trailing bits are not zero")
    return octets


def unb64_padded(text: str) -> bytes:
    """Octets of ordinary, padded base64. Raises `ValueError` for any other spelling."""
    spelt = text.encode("ascii")
    octets = b64decode(spelt, validate=True)
    if b64encode(octets) != spelt:
        raise ValueError("not the one spelling of these octets")
    return octets


def parse_json(data: bytes) -> Any:
    """
    One JSON text in UTF-8.

    Raises `ValueError` also for a repeated member, NaN, infinities, and nesting
    beyond what the parser takes. The error says nothing of the text.
    """
    try:
        return json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        # Not chained: the parser's error carries the text it could not read.
        raise ValueError("not one JSON text without repeated members") from None


def parse_object(data: bytes) -> dict[str, Any]:
    """One JSON object, read as `parse_json` does."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def is_text(value: object) -> TypeGuard[str]:
    """Whether this is a string with something in it."""
    return isinstance(value, str) and value != ""


def is_integer(value: object) -> TypeGuard[int]:
    """Whether this is a JSON integer; `true` is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def has_text(members: Mapping[str, Any], *names: str) -> bool:
    """Whether all these members are strings with something in them."""
    return all(is_text(members.get(name)) for name in names)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
