"""Notices: what the gateway asks a recipient to do with data it has (contract §9)."""

import re
from collections.abc import Mapping
from typing import Any

from gateway.recipient.arguments import Now, check_bytes, epoch_seconds, header
from gateway.recipient.encoding import is_text, parse_object, unb64_padded
from gateway.recipient.errors import RecipientError
from gateway.recipient.signatures import signed_by, signing_keys

KEY_USE = "notice-"

# Without full stops, so that it is clear where it ends in the signed bytes.
_ID = re.compile(r"[!-\-/-~]+")
_TIMESTAMP = re.compile(r"0|[1-9][0-9]{0,14}")


class Notice(dict[str, Any]):
    """
    The `data` of a notice, and what stands around it.

    Prints the notice's id and never what is in it.
    """

    __slots__ = ("id", "timestamp", "type")

    def __init__(self, data: Mapping[str, Any], *, id: str, type: str, timestamp: int) -> None:
        super().__init__(data)
        self.id = id
        """`webhook-id`: the same over all retries, so a second one asks for nothing new."""
        self.type = type
        """`subject.erase`, `.rectify`, `.restrict`, `.unrestrict` or `.withdraw`."""
        self.timestamp = timestamp
        """Seconds since the epoch of this attempt."""

    def __repr__(self) -> str:
        return f"<Notice {self.id}>"

    __str__ = __repr__


def verify_notice(
    headers: Mapping[str, str],
    body: bytes,
    jwks: Mapping[str, Any],
    *,
    now: Now = None,
    tolerance: int = 300,
) -> Notice:
    """
    The `data` of a notice (a dict), signed by the gateway and fresh.

    `body` is the raw bytes, `jwks` the gateway's JWK Set, `tolerance` the seconds
    by which the timestamp may differ from `now`, that many included. One valid
    `v1a` signature among several is enough: during a rotation both keys sign.
    What is asked for stands in `.type`.

    Raises `RecipientError`: notice-malformed, notice-stale,
    notice-signature-invalid, signing-key-unknown, keys-malformed,
    header-repeated or argument-invalid.
    """
    check_bytes(body)
    message_id, timestamp, signatures = (
        _required(headers, name)
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if not _ID.fullmatch(message_id):
        raise RecipientError("notice-malformed", "webhook-id is not printable, or has a full stop")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise RecipientError("notice-malformed", "webhook-timestamp is not whole seconds")
    if abs(epoch_seconds(now) - int(timestamp)) > tolerance:
        raise RecipientError("notice-stale")
    message = f"{message_id}.{timestamp}.".encode() + body
    if not _signed(message, signatures, jwks):
        raise RecipientError("notice-signature-invalid")
    return _read(body, message_id, int(timestamp))


def _required(headers: Mapping[str, str], name: str) -> str:
    value = header(headers, name)
    if value is None:
        raise RecipientError("notice-malformed", f"there is no {name} header")
    return value


def _signed(message: bytes, signatures: str, jwks: Mapping[str, Any]) -> bool:
    keys = signing_keys(jwks, KEY_USE)
    return any(
        signed_by(key, signature, message)
        for signature in map(_signature, signatures.split())
        if signature is not None
        for key in keys
    )


def _signature(entry: str) -> bytes | None:
    """The octets of one `v1a` signature; None for another kind, and for what is malformed."""
    version, _, text = entry.partition(",")
    if version != "v1a":
        return None
    try:
        return unb64_padded(text)
    except ValueError:
        return None


def _read(body: bytes, message_id: str, timestamp: int) -> Notice:
    try:
        message = parse_object(body)
    except ValueError as error:
        raise RecipientError("notice-malformed", "the body is not one JSON object") from error
    data = message.get("data")
    if not is_text(message.get("type")) or not isinstance(data, dict):
        raise RecipientError("notice-malformed", "the body has no type or no data")
    return Notice(data, id=message_id, type=message["type"], timestamp=timestamp)
