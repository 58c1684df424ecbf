"""
The ways in which a recipient can misbehave.

A behaviour is a value; `perform` acts it out on a real connection. Those that
replace the answer happen instead of the recipient's work at a notice; the
others are about how its usual answer travels. A share has been received in
either case, save where the connection is cut before the request was read.
"""

import asyncio
import json
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, assert_never

from aiohttp import web

_CHUNK = 1 << 16
# Added to the window bits it makes zlib write a gzip header.
_GZIP = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer so. `data` goes out as JSON unless `body` gives the bytes."""

    status: int = 200
    data: Any = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The body as sent; nothing at all without `body` and `data`."""
        if self.body is not None:
            return self.body
        return b"" if self.data is None else json.dumps(self.data, ensure_ascii=False).encode()

    def response(self) -> web.Response:
        """As aiohttp takes it. The type is JSON unless `headers` names one."""
        response = web.Response(status=self.status, body=self.content(), headers=self.headers)
        if not any(name.lower() == "content-type" for name in self.headers):
            response.content_type = "application/json"
        return response

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {len(self.content())} bytes>"


class CutAt(StrEnum):
    """Where the connection breaks."""

    REQUEST = "request"
    """With the head of the request, its body unread: nothing was received."""
    BEFORE_HEADERS = "before-headers"
    AFTER_HEADERS = "after-headers"
    MID_BODY = "mid-body"


@dataclass(frozen=True, slots=True)
class Cut:
    """Receive, then break the connection."""

    at: CutAt


@dataclass(frozen=True, slots=True)
class Delay:
    """Take time, then go on: as usual, or as `then` says."""

    seconds: float
    then: "Behaviour | None" = None


@dataclass(frozen=True, slots=True)
class Drip:
    """The usual answer, a few bytes at a time."""

    pause_seconds: float = 0.05
    bytes_at_once: int = 1


@dataclass(frozen=True, slots=True)
class Silence:
    """Never answer, and keep the connection open until the recipient stops."""


@dataclass(frozen=True, slots=True)
class CloseAfter:
    """The usual answer on a connection said to stay open, and closed right after."""


@dataclass(frozen=True, slots=True)
class Huge:
    """JSON of this size; its length announced, or else in chunks."""

    size_bytes: int = 64 << 20
    announced: bool = True


@dataclass(frozen=True, slots=True)
class GzipBomb:
    """JSON of this size, compressed about a thousandfold."""

    size_bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the caller somewhere else."""

    location: str
    status: int = 307


Behaviour = Answer | Cut | Delay | Drip | Silence | CloseAfter | Huge | GzipBomb | Redirect


def unavailable(times: int, *, retry_after_seconds: int | None = None) -> list[Behaviour]:
    """As many times 503."""
    headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    return [Answer(status=503, data={"error": "unavailable"}, headers=headers)] * times


def wrong_type() -> Answer:
    """A page where JSON was promised."""
    page = b"<!doctype html><title>Maintenance</title>"
    return Answer(body=page, headers={"Content-Type": "text/html; charset=utf-8"})


def invalid_json() -> Answer:
    """JSON that ends in the middle."""
    return Answer(body=b'{"tracking_number": "SP00', headers={"Content-Type": "application/json"})


class Script:
    """What happens at the next calls, and what at all others."""

    def __init__(self) -> None:
        self._next: deque[Behaviour] = deque()
        self._always: Behaviour | None = None

    def next(self, *behaviours: Behaviour) -> None:
        """One call each, in this order, after what is queued already."""
        self._next.extend(behaviours)

    def always(self, behaviour: Behaviour | None) -> None:
        """At every call with nothing queued; None: behave."""
        self._always = behaviour

    def take(self) -> Behaviour | None:
        """What this call gets; None: behave."""
        return self._next.popleft() if self._next else self._always


def replaces(behaviour: Behaviour | None) -> bool:
    """Whether the usual answer never gets to the caller, so that the usual work may be left out."""
    if isinstance(behaviour, Delay):
        return replaces(behaviour.then)
    if isinstance(behaviour, Cut):
        return behaviour.at is CutAt.REQUEST
    return isinstance(behaviour, Answer | Silence | Huge | GzipBomb | Redirect)


def answers(behaviour: Behaviour | None) -> bool:
    """Whether the caller gets a whole answer, if it waits for it."""
    if isinstance(behaviour, Delay):
        return answers(behaviour.then)
    return not isinstance(behaviour, Cut | Silence)


async def perform(
    behaviour: Behaviour | None, request: web.Request, usual: Answer, released: asyncio.Event
) -> web.StreamResponse:
    """
    Act `behaviour` out on the connection of `request`, or give the `usual` answer.

    Waiting ends early when `released` is set, which is how a recipient stops.
    """
    match behaviour:
        case None:
            return usual.response()
        case Answer():
            return behaviour.response()
        case Redirect(location, status):
            return Answer(status=status, headers={"Location": location}).response()
        case Delay(seconds, then):
            await pause(seconds, released)
            return await perform(then, request, usual, released)
        case Silence():
            await released.wait()
            return _break_off(request)
        case Cut(at):
            return await _cut(at, request, usual)
        case Drip():
            return await _drip(behaviour, request, usual, released)
        case CloseAfter():
            return await _close_after(request, usual)
        case Huge(size, announced):
            return await _huge(request, size, announced)
        case GzipBomb(size):
            # Seconds of work at some sizes, and others share this loop.
            bomb = await asyncio.to_thread(_bomb, size)
            headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
            return Answer(body=bomb, headers=headers).response()
        case _:
            assert_never(behaviour)


async def pause(seconds: float, released: asyncio.Event) -> None:
    """Sleep, or until `released`."""
    try:
        async with asyncio.timeout(seconds):
            await released.wait()
    except TimeoutError:
        return


def _break_off(request: web.Request) -> web.Response:
    """Drop the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _cut(at: CutAt, request: web.Request, usual: Answer) -> web.StreamResponse:
    content = usual.content()
    match at:
        case CutAt.REQUEST | CutAt.BEFORE_HEADERS:
            return _break_off(request)
        case CutAt.AFTER_HEADERS:
            return await _begin_and_close(request, usual, b"")
        case CutAt.MID_BODY:
            return await _begin_and_close(request, usual, content[: len(content) // 2])
        case _:
            assert_never(at)


async def _begin_and_close(request: web.Request, usual: Answer, part: bytes) -> web.StreamResponse:
    response = await _begin(request, usual, len(usual.content()))
    if part:
        await response.write(part)
    # Not abort: what was written shall arrive, and only the rest be missing.
    _close(request)
    return response


async def _drip(
    how: Drip, request: web.Request, usual: Answer, released: asyncio.Event
) -> web.StreamResponse:
    content = usual.content()
    response = await _begin(request, usual, len(content))
    for start in range(0, len(content), how.bytes_at_once):
        await response.write(content[start : start + how.bytes_at_once])
        await pause(how.pause_seconds, released)
    return response


async def _close_after(request: web.Request, usual: Answer) -> web.StreamResponse:
    response = usual.response()
    await response.prepare(request)
    await response.write_eof()
    _close(request)
    return response


async def _huge(request: web.Request, size: int, announced: bool) -> web.StreamResponse:
    response = await _begin(request, Answer(), size if announced else None)
    head, tail = b'{"padding": "', b'"}'
    await response.write(head)
    left = size - len(head) - len(tail)
    while left > 0:
        part = min(left, _CHUNK)
        await response.write(b"x" * part)
        left -= part
    await response.write(tail)
    return response


async def _begin(request: web.Request, usual: Answer, length: int | None) -> web.StreamResponse:
    """Send the head, with this length or in chunks."""
    response = web.StreamResponse(status=usual.status, headers=usual.headers)
    response.content_type = "application/json"
    response.content_length = length
    await response.prepare(request)
    return response


def _close(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()


@lru_cache(maxsize=2)
def _bomb(size: int) -> bytes:
    head, tail = b'{"padding": "', b'"}'
    packer = zlib.compressobj(level=9, wbits=zlib.MAX_WBITS | _GZIP)
    packed = [packer.compress(head)]
    left = size - len(head) - len(tail)
    while left > 0:
        packed.append(packer.compress(b"0" * min(left, _CHUNK)))
        left -= _CHUNK
    return b"".join([*packed, packer.compress(tail), packer.flush()])
