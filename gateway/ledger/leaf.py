"""
What all leaves have in common: kind, id, time, and the values that may stand
in one. `entries` has a builder for each kind, made of these.
"""

import hmac
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from gateway.ledger.encode import MAX_INTEGER, LedgerEncodeError
from gateway.model.ids import ID_PATTERN
from gateway.model.payload import Private
from gateway.model.policy import LeafKind

Leaf: TypeAlias = dict[str, Any]
"""Member names to strings, integers, booleans, and lists and dicts of these."""

_WORD: Final = re.compile(ID_PATTERN)
NOTICE_REASONS: Final = frozenset(
    {"not-found", "gone", "manual", "may-not-be-told", "tried-again", "told-again"}
)
"""The reasons of a notice or a receipt that a leaf may hold."""

_HEX_256: Final = re.compile(r"[0-9a-f]{64}")


class Kind(StrEnum):
    """Every kind of leaf."""

    INTENT = "intent"
    TRANSFER = "transfer"
    PUBLIC_DISCLOSURE = "public-disclosure"
    OUTCOME = "outcome"
    REFUSAL = "refusal"
    FENCE = "fence"
    CASE = "case"
    NOTICE = "notice"
    RECEIPT = "receipt"
    REDEMPTION = "redemption"
    DECLARED = "declared"
    KEY = "key"
    POLICY = "policy"
    PARTNER = "partner"
    READ = "read"


SHARES: Final = frozenset(map(str, LeafKind))
"""The kinds that open a share."""

_OPENS_SHARE: Final = frozenset(
    {"share", "partner", "purpose", "purpose_version", "ground", "fields", "categories"}
    | {"edition", "service", "grant", "retention_until", "territory"}
)
REQUIRED: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.INTENT: _OPENS_SHARE,
    Kind.TRANSFER: _OPENS_SHARE,
    Kind.PUBLIC_DISCLOSURE: _OPENS_SHARE,
    Kind.OUTCOME: frozenset({"share", "partner", "outcome"}),
    Kind.REFUSAL: frozenset({"service", "code", "clause"}),
    Kind.FENCE: frozenset({"whole"}),
    Kind.CASE: frozenset({"case", "action", "state"}),
    Kind.NOTICE: frozenset({"notice", "case", "partner", "state"}),
    Kind.RECEIPT: frozenset({"notice", "partner", "status", "digest"}),
    Kind.REDEMPTION: frozenset({"partner", "result"}),
    Kind.DECLARED: frozenset(
        {"share", "partner", "purpose", "fields", "categories", "disclosed_at", "service"}
    ),
    Kind.KEY: frozenset({"owner", "event"}),
    Kind.POLICY: frozenset({"edition", "digest", "event"}),
    Kind.PARTNER: frozenset({"partner", "event"}),
    Kind.READ: frozenset({"service", "record"}),
}
"""What every leaf of a kind has besides `kind`, `id` and `at`."""


def timestamp(at: datetime) -> str:
    """
    Return a time as every leaf writes it: `2026-03-01T12:00:00.123Z`.

    RFC 3339, UTC, always three digits of a second, cut off and not rounded.
    `at` is aware; `LedgerEncodeError` if it is not.
    """
    if at.tzinfo is None:
        raise LedgerEncodeError("a time without a zone")
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def subject_mark(subject_key: bytes, leaf_id: str) -> str:
    """
    Return what stands for the person in the leaf `leaf_id`: 64 hex digits.

    HMAC-SHA256 of `leaf|` and the id under the subject's key, so that two
    leaves of one person have nothing in common (contract §10).
    """
    return hmac.digest(subject_key, f"leaf|{leaf_id}".encode(), "sha256").hex()


def commitment(subject_key: bytes, text: str, leaf_id: str = "") -> str:
    """
    Return what stands for a text about a person: 64 hex digits.

    HMAC-SHA256 of `commitment|`, the leaf's id, `|` and the text under the
    subject's key. Who has key and text can show that the text was this one;
    without the key nothing can be tried. Give `leaf_id` whenever the same text
    may stand in several leaves: without it they show that they belong together,
    also after the key is gone.
    """
    return hmac.digest(subject_key, f"commitment|{leaf_id}|{text}".encode(), "sha256").hex()


def make(kind: str, id: str, at: datetime, **members: Any) -> Leaf:
    """
    Return a leaf of `kind` with those members that are not None.

    Raises `LedgerEncodeError` where a required member is None or a value is
    none that a leaf may hold.
    """
    given = {"kind": kind, "id": id, "at": timestamp(at), **members}
    leaf = {name: _sound(name, value) for name, value in given.items() if value is not None}
    if missing := REQUIRED[Kind(kind)] - leaf.keys():
        raise LedgerEncodeError(f"{min(missing)}: every leaf of kind {kind} has it")
    return leaf


def _sound(name: str, value: Any) -> Any:
    """The value as plain JSON, or an error that names the member."""
    # Nearly every value takes this way, and every share waits for its leaf.
    if type(value) is str or type(value) is bool:
        return value
    match value:
        case Private():
            raise LedgerEncodeError(f"{name}: text that belongs to a person")
        case str():
            return str.__str__(value)
        case int() if abs(value) <= MAX_INTEGER:
            return int(value)
        case list():
            return [_sound(name, item) for item in value]
        case dict():
            return {str(inner): _sound(f"{name}.{inner}", item) for inner, item in value.items()}
        case _:
            raise LedgerEncodeError(f"{name}: a leaf holds strings, small integers and booleans")


def texts(values: Sequence[str]) -> list[str]:
    """Return texts as a list, in their order."""
    # A string is a sequence of strings too; its letters are never what was meant.
    if isinstance(values, str):
        raise LedgerEncodeError("a list of texts, not one text")
    return list(values)


def mark(name: str, value: str | None) -> str | None:
    """Return a mark, commitment or hash as it is; `LedgerEncodeError` for any other text."""
    if value is not None and not _HEX_256.fullmatch(value):
        raise LedgerEncodeError(f"{name}: 64 lower case hex digits, never the text itself")
    return value


def word(text: str | None) -> str | None:
    """Return a text from outside if it is a fixed word, else None: nobody could erase it."""
    return text if text is not None and _WORD.fullmatch(text) else None


def notice_reason(text: str | None) -> str | None:
    """
    Return why a notice stands as it does, if that is one of `NOTICE_REASONS`.

    What a recipient or an operator writes there is theirs to choose and may be a
    number or a name of the person: a form is not enough, and nobody could erase it.
    """
    return text if text in NOTICE_REASONS else None


def when(at: date | None) -> str | None:
    """Return a time in the ledger's form, or a UTC day; None stays None."""
    if isinstance(at, datetime):
        return timestamp(at)
    return at.isoformat() if at is not None else None


def scope(
    partners: Collection[str], purposes: Collection[str], categories: Collection[str]
) -> Mapping[str, Any]:
    """Return what bounds a case or a fence, sorted: a set has no order, a leaf must have one."""
    bounds = {"partners": partners, "purposes": purposes, "categories": categories}
    return {name: sorted(values) for name, values in bounds.items() if values}
