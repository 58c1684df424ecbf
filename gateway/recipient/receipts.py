"""Receipts: the recipient's signed answer to a notice (contract §9)."""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.recipient.arguments import Now, epoch_seconds
from gateway.recipient.encoding import is_text
from gateway.recipient.errors import RecipientError
from gateway.recipient.signing import sign

RECEIPT_TYPE = "sharing-receipt+jwt"
STATUSES = ("acknowledged", "in-progress", "completed", "partial", "refused")

_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?")


def sign_receipt(
    key: Mapping[str, Any],
    *,
    partner: str,
    audience: str,
    notice: str,
    status: str,
    now: Now = None,
    **fields: Any,
) -> str:
    """
    A receipt, to be POSTed to the notice's `receipts` URL as `application/jose`.

    `key` is this recipient's private signing JWK, Ed25519 or P-256, with the
    `kid` under which the gateway knows it. `audience` is the notice's `issuer`,
    `notice` its id, `status` one of `STATUSES`. `fields`: `reason` (text),
    `backups_until` (an aware datetime, or RFC 3339 in UTC), `downstream` (a list
    of `{"name": …, "status": …}`), and `jti` where this program makes its own;
    None leaves one out. Sent again unchanged, a receipt counts once.

    Raises `RecipientError`: receipt-invalid, key-unusable or argument-invalid.
    """
    if status not in STATUSES:
        raise RecipientError("receipt-invalid", f"status is one of {', '.join(STATUSES)}")
    if not all(map(is_text, (partner, audience, notice))):
        raise RecipientError("receipt-invalid", "partner, audience and notice are strings")
    claims = {
        "iss": partner,
        "aud": audience,
        "jti": secrets.token_urlsafe(16),
        "iat": int(epoch_seconds(now)),
        "notice": notice,
        "status": status,
        **_checked(fields),
    }
    return sign(key, claims, RECEIPT_TYPE)


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    checks = {
        "jti": _text,
        "reason": _text,
        "backups_until": _time,
        "downstream": _downstream,
    }
    unknown = fields.keys() - checks.keys()
    if unknown:
        # A misspelt backups_until would close the case too early.
        raise RecipientError("receipt-invalid", f"a receipt has no {min(unknown)}")
    return {name: checks[name](name, value) for name, value in fields.items() if value is not None}


def _text(name: str, value: Any) -> str:
    if not is_text(value):
        raise RecipientError("receipt-invalid", f"{name} is a string with something in it")
    return str(value)


def _time(name: str, value: Any) -> str:
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, str) and _TIME.fullmatch(value):
        return value
    raise RecipientError("receipt-invalid", f"{name} is an aware datetime, or RFC 3339 with Z")


def _downstream(name: str, value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list | tuple) or not all(map(_is_party, value)):
        raise RecipientError("receipt-invalid", f"{name} is a list of objects with name and status")
    return [dict(party) for party in value]


def _is_party(party: Any) -> bool:
    return (
        isinstance(party, Mapping)
        and party.keys() == {"name", "status"}
        and all(map(is_text, party.values()))
    )
