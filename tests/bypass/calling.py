"""
The caller: requests byte by byte, and what comes back.

No client library stands between a case and the wire, as none would send most of
these.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from tests.bypass.bodies import made, plain
from tests.bypass.reading import Ask

# What is behind an answer and was not asked for comes at once or not at all.
LINGER_SECONDS = 0.03
PATIENCE_SECONDS = 8.0

TokenOf = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as it stood on the wire."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    def value(self, name: str) -> str | None:
        """A header; of a repeated one the first."""
        return next((value for given, value in self.headers if given.lower() == name.lower()), None)

    @property
    def code(self) -> str | None:
        """`Sharing-Refused`."""
        return self.value("Sharing-Refused")

    def problem(self) -> dict[str, Any]:
        """The problem document; empty where it is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that came back on one connection."""

    answers: tuple[Answer, ...]
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Writes what a case asks."""

    person: str
    token: TokenOf
    words: Mapping[str, str] = field(default_factory=dict)
    """What `{name}` stands for in headers and lines."""

    def written(self, ask: Ask) -> bytes:
        """The bytes of a request, or of several."""
        if ask.raw:
            return b"".join(self._part(ask, part) for part in ask.raw)
        return _head(self._lines(ask)) + (b"" if ask.body is None else made(ask.body))

    def about(self, ask: Ask) -> bytes:
        """What these bytes say, before anything was compressed: where marks must stand."""
        if ask.raw:
            return b"".join(
                self._filled(ask, "\n".join(part.get("lines", ()))).encode(
                    "utf-8", "surrogateescape"
                )
                + plain(part.get("body", part.get("bytes", "")))
                for part in ask.raw
            )
        return "\n".join(self._lines(ask)).encode("utf-8", "surrogateescape") + (
            b"" if ask.body is None else plain(ask.body)
        )

    def _lines(self, ask: Ask) -> list[str]:
        target = ask.target if ask.target is not None else f"/share/{ask.to}{ask.path}"
        rows = [f"{ask.method} {target} HTTP/1.1", "Host: gateway.example", *self._usual(ask)]
        if ask.body is not None:
            rows += [f"Content-Type: {ask.type}"] if ask.type is not None else []
            rows.append(f"Content-Length: {len(made(ask.body))}")
        return [*rows, *(f"{name}: {self._filled(ask, value)}" for name, value in ask.headers)]

    def _usual(self, ask: Ask) -> list[str]:
        """Token, purpose and subject, as far as the case wants them."""
        rows = []
        if ask.token is not None:
            token = ask.token if isinstance(ask.token, str) else self.token(ask.token)
            rows.append(f"Authorization: Bearer {token}")
        if ask.purpose is not None:
            rows.append(f"Sharing-Purpose: {ask.purpose}")
        if ask.subject is not None:
            rows.append(f"Sharing-Subject: {quote(ask.subject or self.person, safe='')}")
        return rows

    def _part(self, ask: Ask, part: Mapping[str, Any]) -> bytes:
        if "bytes" in part:
            return made(part["bytes"])
        body = made(part.get("body", ""))
        rows = self._filled(ask, "\n".join(part["lines"])).replace("{length}", str(len(body)))
        return _head(rows.split("\n")) + body

    def _filled(self, ask: Ask, text: str) -> str:
        usual = "\n".join(self._usual(ask))
        token = self.token(ask.token) if isinstance(ask.token, Mapping) else ""
        for name, value in {"usual": usual, "token": token, **self.words}.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def _head(rows: list[str]) -> bytes:
    return "\r\n".join([*rows, "", ""]).encode("utf-8", "surrogateescape")


async def call(
    url: str, request: bytes, *, answers: int = 1, bodiless: bool = False, linger: bool = False
) -> Told:
    """
    Send these bytes on a new connection; what came back once so many answers
    are complete, or it is closed. `linger`: and a moment more, for what nobody
    asked for. `bodiless`: it is the answer to a HEAD.
    """
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 24)
    heard = _Heard(reader, bodiless=bodiless)
    try:
        writer.write(request)
        await asyncio.wait_for(heard.all(answers, linger=linger), PATIENCE_SECONDS)
    except TimeoutError:
        pass
    finally:
        writer.close()
    return Told(answers=tuple(heard.answers), raw=bytes(heard.raw))


class _Heard:
    """Reads answers as they come and keeps every byte."""

    def __init__(self, reader: asyncio.StreamReader, *, bodiless: bool) -> None:
        self.answers: list[Answer] = []
        self.raw = bytearray()
        self._reader, self._bodiless = reader, bodiless

    async def all(self, wanted: int, *, linger: bool) -> None:
        """So many answers, and what else is on its way."""
        try:
            while len(self.answers) < wanted:
                await self._one()
            if linger:
                await self._rest()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError) as error:
            self.raw += getattr(error, "partial", b"")

    async def _rest(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._one(), LINGER_SECONDS)
            except TimeoutError:
                return

    async def _one(self) -> None:
        head = await self._reader.readuntil(b"\r\n\r\n")
        self.raw += head
        line, *rows = head[:-4].decode("utf-8", "surrogateescape").split("\r\n")
        pairs = tuple(
            (name, value.strip()) for name, _, value in (row.partition(":") for row in rows)
        )
        status = int(line.split(" ")[1])
        if status == 100:
            return
        bodiless = self._bodiless or status in (204, 304)
        body = b"" if bodiless else await self._body(dict(pairs))
        self.raw += body
        self.answers.append(Answer(status=status, headers=pairs, body=body))

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("Transfer-Encoding") != "chunked":
            return await self._reader.readexactly(int(headers.get("Content-Length", "0")))
        parts = []
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return b"".join(parts)
