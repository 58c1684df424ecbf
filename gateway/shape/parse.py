"""
Bodies into documents: JSON that is exactly RFC 8259, and bounded decompression.

The scanner is the standard library's, with hooks that keep a number as it is
spelled. Around it stand the checks that it does not make: UTF-8 only, no byte
order mark, no lone surrogate even in what will be dropped, and a depth limit
that holds before the scanner recurses.
"""

import re
import zlib
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import Any, NoReturn

from gateway.errors import CallerError, Reason
from gateway.shape.values import Number

# Concatenated members are legal gzip (RFC 1952 §2.2) and nobody sends more
# than a few; without a bound, each costs a copy of everything behind it.
MAX_MEMBERS = 16

# The longest number, in characters as written (RFC 8259 §9 leaves it to us). Longer
# ones are read by few: Python's own reader refuses beyond 4,300 digits.
MAX_NUMBER = 4000

_BOM = "\ufeff"

# Everything but brackets and quotation marks is deleted, and braces become
# brackets: nesting is all that is left.
_TO_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
# A string that never ends runs to the end: retrying behind each of its escaped
# quotation marks would make hostile bodies quadratic.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)

# Escapes one after the other, so that an escaped reverse solidus before a u is
# not taken for an escape. Only a surrogate without its other half is a group.
_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a body may be, and how deeply nested (contract §6)."""

    depth: int = 64
    """Levels of objects and arrays; a scalar in one array is at depth 1."""
    bytes: int = 10 * 1024 * 1024
    """Of the body after decompression."""


class _NotJson(Exception):
    """Raised inside the scanner's hooks."""


class _LongNumber(Exception):
    """Raised inside the scanner's hooks."""


def _refuse_constant(name: str) -> NoReturn:
    # RFC 8259 §6: Infinity and NaN are no numbers.
    raise _NotJson


def _bounded(spelling: str) -> Number:
    if len(spelling) > MAX_NUMBER:
        raise _LongNumber
    return Number(spelling)


_DECODER = JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_refuse_constant)
# Measures each number, which takes time: for bodies that may hold a long one.
_MEASURING = JSONDecoder(parse_float=_bounded, parse_int=_bounded, parse_constant=_refuse_constant)
_NUMBER_CHARACTERS = "0123456789+-.eE"


def parse_json(body: bytes, limits: Limits) -> Any:
    """
    The document in `body`, made of `dict`, `list`, `str`, `Number`, `bool` and
    None. Of a repeated key the last value counts.

    A scalar is a document as well (RFC 8259 §2); the filters refuse it.

    Raises `CallerError` with `BODY_TOO_LARGE`, `BODY_MALFORMED` or
    `BODY_TOO_DEEP`. No error holds or is chained to anything that was sent.
    """
    if len(body) > limits.bytes:
        raise too_large(limits.bytes)
    _check_depth(body, limits.depth)
    text = _decode(body)
    try:
        document = (_MEASURING if _may_hold_long_number(text) else _DECODER).decode(text)
    except RecursionError:
        problem = _too_deep(limits.depth)
    except JSONDecodeError as error:
        problem = _malformed(f"the body is not JSON at character {error.pos + 1}")
    except _NotJson:
        problem = _malformed("the body holds NaN or Infinity, which JSON does not have")
    except _LongNumber:
        problem = _malformed(f"a number has more than {MAX_NUMBER} characters")
    else:
        _check_surrogates(text)
        return document
    # Raised out here: an error of the scanner holds the whole body, and one
    # raised inside would be chained to it.
    raise problem


def _decode(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = _malformed(f"the body is not UTF-8 at byte {error.start + 1}")
    else:
        if text.startswith(_BOM):
            raise _malformed("the body begins with a byte order mark, leave it out")
        return text
    raise problem


def _may_hold_long_number(text: str) -> bool:
    """Whether there is a run of a number's characters that long; one covers a whole stretch."""
    stretch = MAX_NUMBER // 2
    return any(
        not text[start : start + stretch].strip(_NUMBER_CHARACTERS)
        for start in range(0, len(text) - stretch + 1, stretch)
    )


def _check_surrogates(text: str) -> None:
    # Of the text and not of the document: a value that a repeated key replaced
    # is no longer in the document.
    if "\\u" not in text:
        return
    if any(escape[1] for escape in _ESCAPES.finditer(text)):
        raise _malformed("the body escapes half a surrogate pair")


def _check_depth(body: bytes, limit: int) -> None:
    """
    Refuse a body that nests deeper than `limit`.

    Each pass over the brackets takes away the innermost level, so the passes
    needed are the depth. What is not balanced is left to the scanner, as long
    as it cannot lead it deep.
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    brackets = _brackets(body)
    for _ in range(limit):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if b"[]" in brackets or brackets.count(b"[") > limit:
        raise _too_deep(limit)


def _brackets(body: bytes) -> bytes:
    """The brackets of `body` outside of strings, braces as brackets."""
    if b"\\" in body:
        body = _STRING.sub(b"", body)
    rest = body.translate(_TO_BRACKETS, _NO_STRUCTURE).replace(b'""', b"")
    # A quotation mark is left over only where a bracket stands in a string.
    return _STRING.sub(b"", rest) if b'"' in rest else rest


def decode_content(body: bytes, encoding: str, limit: int) -> bytes:
    """
    `body` without its content coding (RFC 9110 §8.4): `gzip`, `deflate`,
    `identity` or none. Neither what is given nor what comes out may be larger
    than `limit` bytes, and no more than that is ever in memory.

    `deflate` is zlib's format (RFC 1950); bare deflate, which some send under
    that name, is understood too. A truncated stream, a wrong checksum and
    bytes behind the end are malformed.

    Raises `CallerError` with `BODY_TYPE_UNSUPPORTED`, `BODY_TOO_LARGE` or
    `BODY_MALFORMED`.
    """
    if len(body) > limit:
        raise too_large(limit)
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _inflate(body, zlib.MAX_WBITS | 16, limit, members=MAX_MEMBERS)
        case "deflate":
            return _inflate(body, _deflate_bits(body), limit, members=1)
        case _:
            raise CallerError(
                Reason.BODY_TYPE_UNSUPPORTED,
                "this Content-Encoding is not supported",
                remedy="Send the body as it is, or with gzip or deflate.",
            )


def _deflate_bits(body: bytes) -> int:
    # RFC 1950 §2.2: method 8 in the low bits, and a check over both bytes.
    wrapped = len(body) >= 2 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS


def _inflate(body: bytes, window: int, limit: int, *, members: int) -> bytes:
    parts: list[bytes] = []
    room = limit
    for _ in range(members):
        part, body = _inflate_member(body, window, room)
        if len(part) > room:
            raise too_large(limit)
        parts.append(part)
        room -= len(part)
        if not body:
            return b"".join(parts)
    raise _malformed("something follows the end of the compressed body")


def _inflate_member(body: bytes, window: int, room: int) -> tuple[bytes, bytes]:
    """One member, at most one byte more than `room`, and what stands behind it."""
    stream = zlib.decompressobj(window)
    try:
        part = stream.decompress(body, room + 1)
    except zlib.error:
        problem = _malformed("the body is not compressed as its Content-Encoding says")
    else:
        if not stream.eof and len(part) <= room:
            raise _malformed("the compressed body ends too early")
        return part, stream.unused_data
    raise problem


def too_large(limit: int) -> CallerError:
    """The error for a body of more than `limit` bytes."""
    return CallerError(Reason.BODY_TOO_LARGE, f"the body has more than {limit} bytes")


def _too_deep(limit: int) -> CallerError:
    return CallerError(Reason.BODY_TOO_DEEP, f"the body nests deeper than {limit} levels")


def _malformed(detail: str) -> CallerError:
    return CallerError(Reason.BODY_MALFORMED, detail)
