"""
Receipts: what a recipient signs about a notice, whatever protocol carried the
notice (contract §9; R3, R4).

Here only the claims are checked; that a key of this recipient signed them is
checked before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from gateway.errors import GatewayError
from gateway.model.cases import read_until

RECEIPT_TYPE: Final = "sharing-receipt+jwt"
STATUSES: Final = ("acknowledged", "in-progress", "completed", "partial", "refused")
FRESH_SECONDS: Final = 300
"""By how much `iat` may differ from now, that much included."""
LONGEST_BACKUPS: Final = timedelta(days=3653)
"""How long backups may still hold the data: ten years. A day beyond it is a mistake, or a way never
to be done."""

_MAX_TEXT = 500
# A date, or a time in UTC; both in ASCII digits.
_DAY_OR_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?Z)?", re.ASCII)


class ReceiptInvalid(GatewayError):
    """The claims of a receipt are not acceptable. The message names the claim, never its value."""

    code = "receipt-invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downstream:
    """Somebody to whom the recipient had passed the data on, and how far they are."""

    name: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a recipient says of a notice."""

    jti: str
    notice: str
    status: str
    """One of `STATUSES`."""
    reason: str | None = None
    backups_until: date | None = None
    """Until when backups may still hold the data (R4): a UTC day, that day included, or a time."""
    downstream: tuple[Downstream, ...] = ()


def check_claims(
    claims: Mapping[str, Any], *, partner: str, audience: str, now: datetime
) -> Receipt:
    """
    The receipt in verified claims.

    `partner` is whose key signed it, `audience` this gateway's issuer. Claims
    that the contract does not have are passed over. Raises `ReceiptInvalid`.
    """
    if claims.get("iss") != partner:
        raise ReceiptInvalid("iss is not the recipient whose key signed it")
    if claims.get("aud") != audience:
        raise ReceiptInvalid("aud is not the issuer that the notice named")
    _check_fresh(claims.get("iat"), now)
    status = _text(claims, "status")
    if status not in STATUSES:
        raise ReceiptInvalid(f"status is not one of {', '.join(STATUSES)}")
    return Receipt(
        jti=_text(claims, "jti"),
        notice=_text(claims, "notice"),
        status=status,
        reason=_text(claims, "reason") if claims.get("reason") is not None else None,
        backups_until=_backups(claims.get("backups_until"), now),
        downstream=read_downstream(claims.get("downstream")),
    )


def _check_fresh(iat: Any, now: datetime) -> None:
    # `true` is an int to Python and no NumericDate to anybody.
    if isinstance(iat, bool) or not isinstance(iat, int | float):
        raise ReceiptInvalid("iat is missing or not a number of seconds")
    seconds = now.timestamp()
    # Compared, not subtracted: a number of any size is refused and none overflows.
    if not seconds - FRESH_SECONDS <= iat <= seconds + FRESH_SECONDS:
        raise ReceiptInvalid(f"iat is more than {FRESH_SECONDS} seconds from now")


def _text(members: Mapping[str, Any], name: str) -> str:
    """A text of one line, as it is shown to people and kept."""
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
        raise ReceiptInvalid(f"{name} is not one line of 1 to {_MAX_TEXT} characters")
    return value


def _backups(value: Any, now: datetime) -> date | None:
    until = _day_or_time(value)
    if until is None:
        return None
    day = until.date() if isinstance(until, datetime) else until
    if day > now.astimezone(UTC).date() + LONGEST_BACKUPS:
        raise ReceiptInvalid("backups_until is more than ten years from now")
    return until


def _day_or_time(value: Any) -> date | None:
    if value is None:
        return None
    try:
        if not _DAY_OR_TIME.fullmatch(value):
            raise ValueError("another form")
        return read_until(value)
    except (ValueError, TypeError):
        # Not chained: the cause repeats the value.
        raise ReceiptInvalid("backups_until is neither a day nor an RFC 3339 time in Z") from None


def read_downstream(value: Any) -> tuple[Downstream, ...]:
    """The claim `downstream`; none where it is left out. Raises `ReceiptInvalid`."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(party, Mapping) for party in value):
        raise ReceiptInvalid("downstream is not a list of objects with name and status")
    return tuple(
        Downstream(name=_text(party, "name"), status=_text(party, "status")) for party in value
    )
