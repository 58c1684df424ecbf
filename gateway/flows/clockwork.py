"""Ids and times as they are written everywhere."""

from base64 import b32encode
from datetime import UTC, datetime

from gateway.ports import Random


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`, to the millisecond."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parse_stamp(text: str) -> datetime:
    """Read RFC 3339 with an offset or `Z`. Raises `ValueError`."""
    if len(text) < 11 or text[10] not in "Tt ":
        raise ValueError("write a time such as 2026-03-01T12:00:00Z")
    moment = datetime.fromisoformat(text.replace("z", "Z"))
    if moment.tzinfo is None:
        raise ValueError("write a time with Z, such as 2026-03-01T12:00:00Z")
    return moment.astimezone(UTC)


def new_id(prefix: str, random: Random) -> str:
    """
    A fresh id: a short prefix that tells the kind, and 128 random bits.

    Nothing of time or order is in it, so two ids kept elsewhere tell nothing of
    each other.
    """
    return f"{prefix}_{b32encode(random(16)).decode().rstrip('=').lower()}"
