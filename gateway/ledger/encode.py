"""
How a leaf becomes bytes, and bytes become hashes.

The bytes are RFC 8785 canonical JSON, so that the same leaf has the same hash
wherever it is written. Hashes are those of RFC 6962 §2.1: a leaf and a node
begin with different bytes, so that neither can pass for the other.
"""

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any, Final

import rfc8785

from gateway.errors import GatewayError

HASH_BYTES: Final = 32
MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8785 §3.2.2.3)."""

EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of the tree without leaves (RFC 6962 §2.1)."""


class LedgerEncodeError(GatewayError, ValueError):
    """A value cannot stand in a leaf. The text names the kind of mistake, never the value."""

    code = "ledger-encode"


# For ASCII member names, small integers and no floats, the standard library
# writes what RFC 8785 asks for, at about a tenth of the time.
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical(value: Any) -> bytes:
    """
    Return `value` as RFC 8785 canonical JSON, in UTF-8.

    Carries what JSON carries: None, booleans, integers up to ±(2⁵³−1), floats,
    strings, lists, tuples, and dicts with string keys. Raises
    `LedgerEncodeError` for anything else: NaN, infinities, larger integers
    (write them as strings), lone surrogates, nesting without end.
    """
    try:
        if _plain(value):
            return _ENCODER.encode(value).encode()
        return rfc8785.dumps(value)
    except (ValueError, TypeError, RecursionError) as error:
        # Not chained: the cause may quote the value.
        raise LedgerEncodeError(_mistake(error)) from None


def form(value: Mapping[str, Any], gaps: Collection[str]) -> str:
    """
    Return `canonical(value)` as text with a gap (`%s`) in place of each member
    in `gaps`; there may be others between, whatever they hold. `fill` fills them.

    What is written again and again and differs in a few texts is so encoded once.
    """
    return "{" + ",".join(_member(name, value[name], name in gaps) for name in sorted(value)) + "}"


def _member(name: str, value: Any, gap: bool) -> str:
    start = canonical({name: ""}).decode()[1:-3].replace("%", "%%")
    return start + ("%s" if gap else canonical(value).decode().replace("%", "%%"))


def fill(form: str, *texts: str) -> bytes:
    """
    Return the bytes of a `form` with `texts` in its gaps, in the order of the members' names.

    Raises `LedgerEncodeError` for text that belongs to a person, and a lone surrogate.
    """
    if any(type(text) is not str for text in texts):
        raise LedgerEncodeError("a form is filled with plain texts")
    try:
        return (form % tuple(map(encode_basestring, texts))).encode()
    except UnicodeEncodeError as error:
        # Not chained: the cause holds the text.
        raise LedgerEncodeError(_mistake(error)) from None


def leaf_hash(leaf: bytes) -> bytes:
    """Return the 32 byte hash of a leaf's bytes: SHA-256(0x00 ‖ leaf) (RFC 6962 §2.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32 byte hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962 §2.1)."""
    return sha256(b"\x01" + left + right).digest()


def _plain(value: Any) -> bool:
    """Whether the fast encoder writes `value` as RFC 8785 would."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-MAX_INTEGER <= value <= MAX_INTEGER)
    if kind is list:
        return all(map(_plain, value))
    if kind is dict:
        # RFC 8785 sorts by UTF-16 units, Python by code points: the same for ASCII.
        return all(
            type(name) is str and name.isascii() and _plain(member)
            for name, member in value.items()
        )
    return False


def _mistake(error: Exception) -> str:
    match error:
        case rfc8785.IntegerDomainError():
            return "an integer beyond ±(2**53-1): write it as a string"
        case rfc8785.FloatDomainError():
            return "a number that is NaN or infinite: JSON has none"
        case RecursionError():
            return "a value nested too deeply, or in itself"
        case UnicodeError() | rfc8785.CanonicalizationError():
            return "text with a lone surrogate, a member name that is no string, or no JSON type"
        case _:
            return "a value that JSON does not have"
