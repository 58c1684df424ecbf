"""
Answers that come line by line: from a running gateway over HTTP, else from the
store. No more of them is held than is shown.
"""

import csv
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.cli.output import Output, fail, table
from gateway.cli.reach import SERVICE, either, internal, refused
from gateway.cli.start import mint

if TYPE_CHECKING:
    from gateway.flows.gateway import Gateway

T = TypeVar("T")
Line = dict[str, Any]
Begin = Callable[["Gateway"], Awaitable[AsyncIterator[Line]]]

# Rows of a table that are set together; the next ones get their own widths.
ROWS = 200
# How many lines pass before the count on a terminal moves.
STEP = 100
SUMMARY = "summary"


def each_line(
    output: Output,
    *,
    scopes: tuple[str, ...],
    path: str,
    begin: Begin,
    each: Callable[[Line], None],
) -> Line:
    """
    Call `each` for every line; returns the summary that ends them. Ends the command
    (exit 1) where the answer is a refusal, or broke off: half of it is not it.
    """

    async def answered(content: Any) -> Line | None:
        return await _through(_lines(content), each)

    async def directly(gateway: "Gateway") -> Line | None:
        return await _through(await begin(gateway), each)

    ended = _reached(output, scopes=scopes, path=path, answered=answered, directly=directly)
    if ended is None:
        fail("the answer broke off before its end: ask again", 1)
    return ended


def each_piece(
    output: Output,
    *,
    scopes: tuple[str, ...],
    path: str,
    begin: Callable[["Gateway"], Awaitable[AsyncIterator[bytes]]],
    each: Callable[[bytes], None],
) -> None:
    """As `each_line`, of an answer that is text and has no summary, in pieces of any size."""

    async def answered(content: Any) -> None:
        async for piece in content.iter_any():
            each(piece)

    async def directly(gateway: "Gateway") -> None:
        async for piece in await begin(gateway):
            each(piece)

    _reached(output, scopes=scopes, path=path, answered=answered, directly=directly)


def _reached(
    output: Output,
    *,
    scopes: tuple[str, ...],
    path: str,
    answered: Callable[[Any], Awaitable[T]],
    directly: Callable[["Gateway"], Awaitable[T]],
) -> T:
    """What comes of an answer, of a running gateway over HTTP, else made here."""
    return either(
        output.home,
        path,
        asked=lambda: _asked(output, scopes, path, answered),
        directly=directly,
    )


async def _asked(
    output: Output, scopes: tuple[str, ...], path: str, answered: Callable[[Any], Awaitable[T]]
) -> T:
    import aiohttp

    token = mint(output.home, service=SERVICE, scopes=scopes, partners=("*",), purposes=("*",))
    headers = {"Authorization": f"Bearer {token}"}
    # Long answers take long: only a silence is too long.
    patience = aiohttp.ClientTimeout(total=None, sock_read=300)
    try:
        async with (
            aiohttp.ClientSession(trust_env=False, timeout=patience) as session,
            session.get(internal(output.home) + path, headers=headers) as response,
        ):
            if response.status >= 400:
                value = json.loads(await response.read())
                refused(path, value["code"], value["detail"], value["remedy"])
            return await answered(response.content)
    except (aiohttp.ClientError, TimeoutError) as error:
        fail(f"the running gateway broke off ({type(error).__name__}): ask again", 1)


async def _lines(content: Any) -> AsyncIterator[Line]:
    """Lines of any length: one person's may be longer than a buffer."""
    rest = b""
    async for part in content.iter_any():
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield json.loads(line)


async def _through(lines: AsyncIterator[Line], each: Callable[[Line], None]) -> Line | None:
    done = 0
    ended: Line | None = None
    async for line in lines:
        if SUMMARY in line:
            ended = line
            continue
        each(line)
        done += 1
        if done % STEP == 0:
            _count(done)
    if done >= STEP:
        _count(done, end="\n")
    return ended


def _count(done: int, end: str = "") -> None:
    """A count that moves, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r{done} lines{end}", nl=False, err=True)


class Printed:
    """Lines as they come: NDJSON for programs, else tables of so many rows."""

    def __init__(
        self, output: Output, headings: tuple[str, ...], row: Callable[[Line], tuple[Any, ...]]
    ) -> None:
        self._output, self._headings, self._row = output, headings, row
        self._rows: list[tuple[Any, ...]] = []

    def __call__(self, line: Line) -> None:
        """Print one line, or keep it until there are enough."""
        if self._output.as_json:
            click.echo(json.dumps(line, ensure_ascii=False))
            return
        self._rows.append(self._row(line))
        if len(self._rows) >= ROWS:
            self.flush()

    def flush(self) -> None:
        """Print what was kept."""
        if self._rows:
            click.echo(table(self._headings, self._rows))
        self._rows = []

    def end(self, summary: Line, text: str) -> None:
        """Print the last line."""
        self.flush()
        click.echo(json.dumps(summary, ensure_ascii=False) if self._output.as_json else text)


class Sheet:
    """Lines as rows of comma-separated values (RFC 4180), with their names above them."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._writer = csv.writer(_Out())
        self._writer.writerow(columns)

    def __call__(self, line: Line) -> None:
        """Print one line; what has several values has them in one cell, parted by spaces."""
        self._writer.writerow([_cell(line[name]) for name in self._columns])

    def end(self, summary: Line, text: str) -> None:
        """Say the summary beside the table, which holds nothing but rows."""
        click.echo(text, err=True)


class _Out:
    """Standard output as a writer of rows wants it."""

    def write(self, text: str) -> None:
        """Print a row with its end."""
        click.echo(text, nl=False)


def _cell(value: Any) -> Any:
    from gateway.web.listing import cell

    if isinstance(value, list):
        return cell(" ".join(value))
    return str(value).lower() if isinstance(value, bool) else cell(value)
