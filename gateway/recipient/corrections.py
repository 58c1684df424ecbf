"""Corrections: the new values of a notice `subject.rectify`, opened (contract §9)."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from gateway.recipient.encoding import is_text, parse_object, unb64
from gateway.recipient.errors import RecipientError
from gateway.recipient.notices import Notice
from gateway.recipient.sealed import open_jwe

RECTIFY = "subject.rectify"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One field that is to be corrected. Does not print its value."""

    field: str
    """As the grant's `fields` named it: a pointer, or `path.…`, `query.…`, `header.…`."""
    purpose: str
    """What it was shared for."""
    value: Any = dataclasses.field(repr=False)
    """The new value, in the form in which the old one came."""


def open_changes(
    notice: Notice, keys: Mapping[str, Any], *, partner: str
) -> tuple[Correction, ...]:
    """
    The new values of a notice that `verify_notice` let through, by their fields.

    `keys` is a JWK Set with private members, `partner` this recipient's id. Each value
    is sealed for this recipient, for one of the notice's purposes, and for this notice
    (`jti`) and field. Empty for a notice that corrects nothing: of a field for which
    there is a token, redeem it anew.

    Raises `RecipientError`: notice-malformed, and whatever `open_sealed` raises.
    """
    changes = notice.get("changes", {})
    if notice.type != RECTIFY or not isinstance(changes, Mapping):
        raise RecipientError("notice-malformed", "changes is an object, of a correction only")
    return tuple(_opened(notice, name, jwe, keys, partner) for name, jwe in changes.items())


def _opened(
    notice: Notice, name: str, jwe: Any, keys: Mapping[str, Any], partner: str
) -> Correction:
    if not is_text(jwe):
        raise RecipientError("notice-malformed", "a change is not a compact JWE")
    purpose = _purpose(jwe)
    if purpose not in notice.get("purposes", ()):
        raise RecipientError("purpose-mismatch", "the seal is for a purpose that is not named")
    opened = open_jwe(jwe, keys, partner=partner, purpose=purpose, field=name, jti=notice.id)
    try:
        value = json.loads(opened.plaintext)
    except ValueError:
        # Not chained: the cause carries the text.
        raise RecipientError("sealed-malformed", "what was sealed is no JSON value") from None
    return Correction(field=name, purpose=purpose, value=value)


def _purpose(jwe: str) -> str:
    """The purpose that a seal claims; `open_jwe` then proves it."""
    try:
        claimed = parse_object(unb64(jwe.partition(".")[0])).get("purpose")
    except ValueError:
        claimed = None
    if not isinstance(claimed, str):
        raise RecipientError("sealed-malformed", "the header names no purpose")
    return claimed
