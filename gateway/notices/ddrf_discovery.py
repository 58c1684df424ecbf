"""
`dsrdelete.json`: where a participant of DDRF takes requests, which identifiers it
knows, and its public keys (STANDARDS §1.1). Ours, and those of others.

A document is believed for its own domain only: it names an address there or below
it, and is never a way to somewhere else.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.errors import GatewayError
from gateway.notices.ddrf_words import MAX_TEXT, PLAIN

FILE: Final = "dsrdelete.json"
PATHS: Final = (f"/{FILE}", f"/.well-known/{FILE}")
"""Where ours is. The framework has it at the root; the other is for who looks there."""
MAX_DOCUMENT: Final = 64 * 1024
"""Bytes of another's document."""
KEPT_SECONDS: Final = 24 * 3600
"""How long one is used without looking again, and how long an old one outlives an error."""

MAX_IDENTIFIERS: Final = 1000
MAX_KEYS: Final = 100

# A URL that can be asked for as it stands: no space, no control, nothing outside ASCII.
_URL = re.compile(r"[!-~]{1,2000}", re.ASCII)


class DocumentRefused(GatewayError):
    """Another's dsrdelete.json cannot be used. The message says why in fixed words."""

    code = "ddrf-document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supported:
    """An identifier that a participant can match."""

    type: str
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A dsrdelete.json, read."""

    endpoint: str | None
    """None: only a browser's script works there, which no server runs."""
    identifiers: tuple[Supported, ...]
    keys: tuple[Mapping[str, Any], ...] = field(repr=False)
    """JWKs as they stand; which of them are good is for who verifies."""


def domain_of(url: str) -> str:
    """The domain that a document's address speaks for: its host, without a leading `www.`."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


def read_document(body: bytes, *, url: str, domain: str) -> Document:
    """
    The document that stood at `url` and speaks for `domain`.

    Both forms of the keys are read; members that are not known are passed over.
    Raises `DocumentRefused`.
    """
    value = _object(body)
    by_script = value.get("vendorScriptRequirement") is True
    return Document(
        endpoint=None if by_script else _endpoint(value.get("endpoint"), url, domain),
        identifiers=_identifiers(value.get("identifiers")),
        keys=_keys(value),
    )


def published_keys(body: bytes) -> tuple[Mapping[str, Any], ...]:
    """The keys of a document, whatever else stands in it. Raises `DocumentRefused`."""
    return _keys(_object(body))


def own_document(
    *, endpoint: str, types: Sequence[str], keys: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Ours: `types` are those whose value is the app's own id of the person."""
    return {
        "endpoint": endpoint,
        "identifiers": [
            {"id": number, "type": type, "format": PLAIN[0]}
            for number, type in enumerate(types, start=1)
        ],
        "publicKey": [dict(key) for key in keys],
        "vendorScriptRequirement": False,
    }


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_DOCUMENT:
        raise DocumentRefused(f"it has more than {MAX_DOCUMENT} bytes")
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise DocumentRefused("it is not JSON") from None
    if not isinstance(value, dict):
        raise DocumentRefused("it is not an object")
    return value


def _endpoint(value: Any, url: str, domain: str) -> str:
    if not isinstance(value, str) or not _URL.fullmatch(value):
        raise DocumentRefused("endpoint is missing or not a URL")
    try:
        asked, named = urlsplit(url), urlsplit(value)
        host, port = named.hostname or "", named.port
    except ValueError:
        raise DocumentRefused("endpoint is not a URL") from None
    # Never from https down to http.
    if named.scheme not in {"https", asked.scheme}:
        raise DocumentRefused("endpoint is not https")
    if named.username is not None or named.fragment:
        raise DocumentRefused("endpoint names a user or a fragment")
    own = {domain, asked.hostname or ""}
    if host not in own and not host.endswith(f".{domain}"):
        raise DocumentRefused("endpoint is outside the recipient's domain")
    if port == 0:
        raise DocumentRefused("endpoint is not a URL")
    return value


def _identifiers(value: Any) -> tuple[Supported, ...]:
    if not isinstance(value, list) or len(value) > MAX_IDENTIFIERS:
        raise DocumentRefused("identifiers is missing or not a list")
    return tuple(
        Supported(type=one["type"], format=one["format"])
        for one in value
        # One that is written wrongly is one that we cannot use, and no more.
        if isinstance(one, dict) and all(_word(one.get(name)) for name in ("type", "format"))
    )


def _word(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT and value.isprintable()


def _keys(value: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    keys = value.get("publicKey")
    if keys is None:
        # As it stood before version 1.0, and still does at some.
        before = value.get("keys")
        keys = before.get("keys") if isinstance(before, dict) else before
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
        raise DocumentRefused("publicKey is missing or not a list of keys")
    return tuple(key for key in keys if isinstance(key, dict))
