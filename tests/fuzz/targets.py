"""
What hostile bytes are given to, and what must hold of whatever they are.

A target takes bytes and returns, or raises `Broken` (or anything else, which is a fault
as well). It never looks at where the bytes come from: a fuzzer's, a seed's, a mistake's
that was kept.
"""

import gzip
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl, quote_from_bytes

from gateway.errors import CallerError
from gateway.flows.incoming import decode_subject
from gateway.model.ids import CategoryId
from gateway.model.recipients import Field
from gateway.policy.selectors import EACH, escape, parse_selector
from gateway.shape import Limits, compile_form, decode_content, parse_form
from tests.fuzz import bodies, signed
from tests.fuzz.broken import must
from tests.fuzz.compare import CONTEXT, LIMITS, a_filter, comparable, outcome

SMALL: Final = Limits(bytes=4096)


# The filter


def _sends() -> list[dict[str, bool]]:
    random = Random(3)
    return [bodies.selectors(random) for _ in range(16)]


SENDS: Final = _sends()
FILTERS: Final = [a_filter(send) for send in SENDS]


def filtered(data: bytes) -> None:
    """One byte for the route, then a body: both filters let out the same."""
    at = data[0] % len(SENDS) if data else 0
    if comparable(data[1:]):
        outcome(FILTERS[at], SENDS[at], data[1:])


# Forms


FORM_FIELDS: Final = tuple(
    Field(selector=f"/{escape(name)}", category=CategoryId("none"))
    for name in ("a", "b", "phone", "a/b", "名", "", "a b")
)
FORM: Final = compile_form(FORM_FIELDS, seal_fields=False)
FORM_NAMES: Final = {parse_selector(one.selector)[0] for one in FORM_FIELDS}


def form(data: bytes) -> None:
    """A form is read as written here a second time, and lets out the declared names only."""
    try:
        found = parse_form(data, SMALL)
    except CallerError:
        return
    must(found == _plain_form(data), "a form is read differently")
    left = FORM.apply(found, CONTEXT)
    arrived = parse_qsl(bytes(left.body).decode("ascii"), keep_blank_values=True, errors="strict")
    wanted = {name: value for name, value in found.items() if name in FORM_NAMES}
    must(len(arrived) == len(wanted) and dict(arrived) == wanted, "a form lets out other pairs")
    must(left.dropped == (len(found) > len(wanted)), "a form misreports what it dropped")


def _plain_form(data: bytes) -> dict[str, str]:
    def text(raw: bytes) -> str:
        plain = re.sub(
            rb"%(..)", lambda one: bytes.fromhex(one[1].decode()), raw.replace(b"+", b" ")
        )
        return plain.decode("utf-8")

    pairs = (pair.split(b"=", 1) for pair in data.split(b"&") if pair)
    return {text(pair[0]): text(pair[1]) if len(pair) > 1 else "" for pair in pairs}


# Content codings


def content(data: bytes) -> None:
    """What is decompressed is within the bound, and what the library makes of it in one go."""
    encoding = ("gzip", "deflate", "identity", "br")[data[0] % 4] if data else "gzip"
    try:
        plain = decode_content(data[1:], encoding, SMALL.bytes)
    except CallerError:
        return
    must(len(plain) <= SMALL.bytes, "decompression passes its bound")
    must(plain == _decompressed(data[1:], encoding), "decompression gives something else")


def _decompressed(data: bytes, encoding: str) -> bytes:
    if encoding == "identity":
        return data
    if encoding == "gzip":
        return gzip.decompress(data)
    try:
        return zlib.decompress(data)
    except zlib.error:
        return zlib.decompress(data, -zlib.MAX_WBITS)


# Selectors


def selector(data: bytes) -> None:
    """A selector that is taken lets out exactly what it names."""
    text = data.decode("utf-8", "replace")
    try:
        found = parse_selector(text)
    except ValueError:
        return
    written = "".join(f"/{escape(token)}" for token in found)
    must(parse_selector(written) == found, "a selector does not survive being written")
    document: Any = "x"
    for token in reversed(found):
        document = [document] if token == EACH else {token: document}
    if len(found) < LIMITS.depth:
        body = json.dumps(document).encode()
        outcome(a_filter({text: True}), {written: True}, body)


# The person


def subject(data: bytes) -> None:
    """A subject's id is decoded once, to what was encoded, or refused."""
    text = data.decode("latin-1")
    try:
        found = str(decode_subject(text))
    except CallerError:
        return
    must(0 < len(found.encode()) <= 256, "an id of a wrong size is taken")
    must(decode_subject(quote_from_bytes(found.encode(), safe="")) == found, "an id changes")


# All of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something to be fuzzed."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    """Valid input, and near misses that are worth beginning with."""


def _bodies() -> tuple[bytes, ...]:
    random = Random(4)
    return tuple(
        bytes([at % len(SENDS)]) + bodies.body(random, list(SENDS[at % len(SENDS)]))
        for at in range(64)
    )


def _contents() -> tuple[bytes, ...]:
    plain = b'{"a":1}'
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return (
        b"\0" + gzip.compress(plain, mtime=0),
        b"\0" + gzip.compress(plain, mtime=0) * 2,
        b"\0" + gzip.compress(b" " * 5000, mtime=0),
        b"\1" + zlib.compress(plain),
        b"\1" + bare.compress(plain) + bare.flush(),
        b"\2" + plain,
    )


TARGETS: Final = {
    "filter": Target(run=filtered, seeds=_bodies()),
    "form": Target(run=form, seeds=(b"a=1&b=%E5%90%8D+x&a=2&z=%25", b"phone=138&&=&a%2Fb=1", b"%")),
    "content": Target(run=content, seeds=_contents()),
    "selector": Target(
        run=selector, seeds=(b"/a/*/b", b"/a~1b/~0/0", b"/", b"/~2", b"//*//", b"/0" * 60)
    ),
    "subject": Target(run=subject, seeds=(b"u-1", b"%E5%90%8D", b"%C3", b"%2", b"a" * 257)),
    **{name: Target(run=run, seeds=seeds) for name, (run, seeds) in signed.TARGETS.items()},
}
NAMES: Final = tuple(TARGETS)


def run_one(data: bytes) -> None:
    """The first byte names the target, the rest is for it."""
    if data:
        TARGETS[NAMES[data[0] % len(NAMES)]].run(data[1:])


def seeds() -> list[bytes]:
    """All seeds, each behind the byte of its target."""
    return [bytes([at]) + seed for at, name in enumerate(NAMES) for seed in TARGETS[name].seeds]
