"""What the functions of the kit take: headers in any case, and a time or the clock."""

import math
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeGuard

from gateway.recipient.errors import RecipientError

Now = datetime | int | float | None
"""An aware datetime, seconds since the epoch, or None for the clock."""

CLOCK_SKEW_SECONDS = 60


def epoch_seconds(now: Now) -> float:
    """Seconds since the epoch. Raises `argument-invalid`, also for a datetime without a zone."""
    match now:
        case None:
            return time.time()
        case datetime() if now.utcoffset() is not None:
            return now.timestamp()
        case int() | float() if not isinstance(now, bool) and math.isfinite(now):
            return float(now)
    raise RecipientError("argument-invalid", "now is an aware datetime or seconds since the epoch")


def header(headers: Mapping[str, str], name: str) -> str | None:
    """
    A header by its name in any case; None where it is absent or empty.

    Raises `header-repeated` where it came twice: a proxy in front and this
    program might each believe another one.
    """
    if not is_mapping(headers):
        raise RecipientError("argument-invalid", "headers is a mapping from name to value")
    values = [value for key, value in headers.items() if key.lower() == name.lower()]
    if len(values) > 1:
        raise RecipientError("header-repeated", f"{name} came twice")
    return (check_text(values[0], f"the value of {name}").strip() or None) if values else None


def members_of(jwks: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The keys of a JWK Set. Raises `keys-malformed`."""
    members = jwks.get("keys") if is_mapping(jwks) else None
    if not isinstance(members, list) or not all(map(is_mapping, members)):
        raise RecipientError("keys-malformed", 'a JWK Set is {"keys": [...]}')
    return members


def check_bytes(body: object) -> None:
    """Raises `argument-invalid` unless this is the raw body."""
    if not isinstance(body, bytes):
        raise RecipientError("argument-invalid", "the body is bytes, as they came off the wire")


def check_text(value: object, name: str) -> str:
    """The value. Raises `argument-invalid` unless it is a str."""
    if not isinstance(value, str):
        raise RecipientError("argument-invalid", f"{name} is not a str")
    return value


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether this has named members."""
    # By what it can do: `http.server` and others have headers that are no Mapping.
    return hasattr(value, "items") and hasattr(value, "get")
