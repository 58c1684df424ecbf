"""Ids and times as they are written everywhere."""

from datetime import UTC, datetime

from gateway.ports import Random


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`, to the millisecond."""
    utc = moment.astimezone(UTC)
    # `%Y` writes years before 1000 with fewer digits, and nobody could read them back.
    return f"{utc.year:04d}-{utc:%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parse_stamp(text: str) -> datetime:
    """
    Read RFC 3339 with an offset or `Z`.

    Raises `ValueError`, in words of our own: Python's repeat the text.
    """
    moment = _read(text) if len(text) > 10 and text[10] in "Tt " else None
    if moment is None:
        raise ValueError("write a time such as 2026-03-01T12:00:00Z")
    return moment


def _read(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("z", "Z"))
        # Near the ends of the calendar an offset leads out of it.
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def new_id(prefix: str, random: Random) -> str:
    """
    A fresh id: a short prefix that tells the kind, and 128 random bits in hex.

    Nothing of time or order is in it, so two ids kept elsewhere tell nothing of
    each other.
    """
    return f"{prefix}_{random(16).hex()}"
