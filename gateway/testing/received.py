"""One share as a recipient got it, and how it opens what is sealed in it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# A compact JWE (RFC 7516 §7.1); ECDH-ES has no encrypted key (RFC 7518 §4.6): two dots in a row.
_SEALED = re.compile(r"eyJ[\w-]*\.\.[\w-]+\.[\w-]*\.[\w-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """A request as it stood on the wire. Prints no data."""

    order: int
    """Its place among everything that reached this recipient, notices included."""
    at: datetime
    method: str
    target: str = field(repr=False)
    """The request target: path and query as sent."""
    headers: Mapping[str, str] = field(repr=False)
    """Case-insensitive; of a repeated one the first."""
    body: bytes = field(repr=False)
    client_certificate: Mapping[str, Any] | None = field(default=None, repr=False)
    """What the caller showed in mutual TLS, as `ssl.SSLSocket.getpeercert` gives it."""

    @property
    def share(self) -> str:
        """`Sharing-Id`; empty without one."""
        return self.headers.get("Sharing-Id", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A share that the recipient accepted. Prints no data."""

    request: RawRequest
    claims: Mapping[str, Any] = field(repr=False)
    """Of the grant; empty when the recipient does not verify."""
    body: bytes = field(repr=False)
    """Opened, where the whole of it was sealed."""
    document: Any = field(repr=False)
    """The body as JSON values, sealed fields opened; a list of the lines for NDJSON; else None."""
    repeated: bool = False
    """It came before, under the same idempotency key."""

    @property
    def share(self) -> str:
        """The share's id."""
        return self.request.share

    @property
    def order(self) -> int:
        """Its place among everything that reached this recipient."""
        return self.request.order


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that the recipient did not accept, and why: a code of the kit, or `NO_KEYS`."""

    request: RawRequest
    code: str


def read_document(body: bytes, content_type: str | None) -> Any:
    """`body` as JSON values, NDJSON as a list of them; None for what is neither."""
    try:
        if "ndjson" in (content_type or ""):
            return [json.loads(line) for line in body.splitlines() if line.strip()]
        return json.loads(body)
    except ValueError:
        return None


def open_fields(document: Any, opener: Callable[[str], Any]) -> Any:
    """`document` with each sealed field replaced by `opener(pointer)`."""
    for pointer, holder, key in list(_places(document, "")):
        if isinstance(holder[key], str) and _SEALED.fullmatch(holder[key]):
            holder[key] = opener(pointer)
    return document


def _places(document: Any, pointer: str) -> Iterator[tuple[str, Any, Any]]:
    """Every value as (RFC 6901 pointer, what holds it, under which key)."""
    match document:
        case dict():
            items = [(key, _token(key)) for key in document]
        case list():
            items = [(index, str(index)) for index in range(len(document))]
        case _:
            return
    for key, token in items:
        yield f"{pointer}/{token}", document, key
        yield from _places(document[key], f"{pointer}/{token}")


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
