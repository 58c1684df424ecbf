"""
The words of OpenDSR 2.0, formerly OpenGDPR (STANDARDS §2.1 to §2.3): a controller's
request, a processor's discovery document, and what it reports. Read and written for
both sides; signatures are `opendsr_signed`.
"""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.errors import GatewayError
from gateway.notices.stamps import stamp

API_VERSION: Final = "2.0"
ERASURE: Final = "erasure"
CUSTOMER_ID: Final = "controller_customer_id"
RAW: Final = "raw"
MAX_BYTES: Final = 64 * 1024
MAX_IDENTITIES: Final = 1000

_MAX_TEXT = 2000
# A URL that can be asked for as it stands: no space, no control, nothing outside ASCII.
_URL = re.compile(r"[!-~]+", re.ASCII)


class Status(StrEnum):
    """`request_status`, from the first to the last."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing follows it."""
        return self in (Status.COMPLETED, Status.CANCELLED)


class OpenDsrRefused(GatewayError):
    """What another sent is not OpenDSR. The message names the member, never its value."""

    code = "opendsr-malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supported:
    """A kind of identity that a processor can match."""

    type: str
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One identity of the person whom a request means."""

    type: str
    value: str = field(repr=False)
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What a processor says of itself."""

    identities: tuple[Supported, ...]
    types: frozenset[str]
    certificate: str
    """Where its certificate is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a processor says of a request: in its answer, a status or a callback."""

    request: str
    status: Status
    expected: str
    """`expected_completion_time` as it stands; empty where there is none."""
    callback: str
    encoded: str = field(repr=False)
    failed: bool
    """`cancelled`, and an extension says that it was tried and failed (§2.4)."""


def request_id(secret: bytes) -> str:
    """A lowercase UUID v4 (RFC 9562 §5.4) of 16 bytes that look random."""
    number = int.from_bytes(hashlib.sha256(secret).digest()[:16], "big")
    number = number & ~(0xF << 76) | 4 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def request_body(
    *,
    id: str,
    regulation: str,
    identities: Iterable[Identity],
    submitted: datetime,
    callbacks: Iterable[str],
) -> bytes:
    """A request to erase. `submitted`: when the person asked for it."""
    urls = list(callbacks)
    return json.dumps(
        {
            "regulation": regulation,
            "subject_request_id": id,
            "subject_request_type": ERASURE,
            "submitted_time": stamp(submitted),
            "subject_identities": [
                {
                    "identity_type": one.type,
                    "identity_value": one.value,
                    "identity_format": one.format,
                }
                for one in identities
            ],
            "api_version": API_VERSION,
            **({"status_callback_urls": urls} if urls else {}),
        },
        ensure_ascii=False,
    ).encode()


def encoded(body: bytes) -> str:
    """`encoded_request`: the bytes of a request in base64."""
    return b64encode(body).decode("ascii")


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8 in which nothing stands twice. Raises `OpenDsrRefused`."""
    if len(body) > MAX_BYTES:
        raise OpenDsrRefused(f"it has more than {MAX_BYTES} bytes")
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise OpenDsrRefused("it is not JSON without repeats") from None
    if not isinstance(value, dict):
        raise OpenDsrRefused("it is not an object")
    return value


def read_discovery(body: bytes, *, url: str, domain: str) -> Discovery:
    """
    The discovery document that stood at `url`; its certificate must be of the
    processor's `domain`, or of the host that was asked. Raises `OpenDsrRefused`.
    """
    value = read_object(body)
    types = value.get("supported_subject_request_types")
    if not isinstance(types, list):
        raise OpenDsrRefused("supported_subject_request_types is missing or not a list")
    return Discovery(
        identities=_identities(value.get("supported_identities")),
        types=frozenset(one for one in types if isinstance(one, str)),
        certificate=_certificate(value, url, domain),
    )


def read_report(value: Mapping[str, Any], *, domain: str, created: bool = False) -> Report:
    """
    What a processor says of a request. `created`: in its answer to the request
    itself, which has no status. Raises `OpenDsrRefused`.
    """
    word = Status.PENDING.value if created else text_of(value, "request_status")
    if word not in set(Status):
        raise OpenDsrRefused("request_status is not one of OpenDSR")
    return Report(
        request=text_of(value, "subject_request_id"),
        status=Status(word),
        expected=_or_nothing(value.get("expected_completion_time"), _MAX_TEXT),
        callback=_or_nothing(value.get("status_callback_url"), _MAX_TEXT),
        encoded=_or_nothing(value.get("encoded_request"), 2 * MAX_BYTES),
        failed=_failed(value.get("extensions"), domain),
    )


def text_of(value: Mapping[str, Any], name: str) -> str:
    """A member that is a line of text. Raises `OpenDsrRefused`."""
    text = value.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_TEXT or not text.isprintable():
        raise OpenDsrRefused(f"{name} is missing or not a text")
    return text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member stands twice")
    return found


def _or_nothing(value: Any, longest: int) -> str:
    return value if isinstance(value, str) and len(value) <= longest else ""


def _identities(value: Any) -> tuple[Supported, ...]:
    if not isinstance(value, list) or len(value) > MAX_IDENTITIES:
        raise OpenDsrRefused("supported_identities is missing or not a list")
    members = ("identity_type", "identity_format")
    return tuple(
        Supported(type=one["identity_type"], format=one["identity_format"])
        for one in value
        # One that is written wrongly is one that we cannot use, and no more.
        if isinstance(one, dict) and all(_or_nothing(one.get(name), 100) for name in members)
    )


def _certificate(value: Mapping[str, Any], url: str, domain: str) -> str:
    place = text_of(value, "processor_certificate")
    try:
        asked, named = urlsplit(url), urlsplit(place)
        # A port that is none raises here, and not where the certificate is asked for.
        host = (named.hostname or "").lower() if named.port != 0 else ""
    except ValueError:
        raise OpenDsrRefused("processor_certificate is not a URL") from None
    # Never from https down to http.
    if named.scheme not in {"https", asked.scheme} or named.username or not _URL.fullmatch(place):
        raise OpenDsrRefused("processor_certificate is not an https URL")
    if host not in {domain, asked.hostname} and not host.endswith(f".{domain}"):
        raise OpenDsrRefused("processor_certificate is outside the processor's domain")
    return place


def _failed(extensions: Any, domain: str) -> bool:
    own = extensions.get(domain) if isinstance(extensions, dict) else None
    return isinstance(own, dict) and own.get("status") == "failed"
