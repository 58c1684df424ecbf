"""
Behind `gateway consent import`: lines of a file, a batch at a time, into a home.

Memory is bounded: a few batches are held, whatever the size of the file. A line
that is wrong is told by its number, and nothing that stands in it is repeated.
"""

import asyncio
import csv
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import click
from pydantic import ValidationError

from gateway.errors import CallerError
from gateway.web.bodies import ConsentBody
from gateway.web.requests import places

BATCH = 100
"""
Consents of one request: enough to be worth one, few enough for the shares that wait behind
it. Five times as many are a fifth faster, and a share waits five times as long.
"""
AT_ONCE = 3
"""Requests on their way: while one is written, the next is read and checked."""
MAX_LINE = 64 * 1024

_MEMBERS = tuple(ConsentBody.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One consent of the file. Prints its number and nothing else."""

    number: int
    json: bytes = field(repr=False)
    body: ConsentBody = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A line that cannot be a consent, and why."""

    number: int
    why: str


class Refusal(Exception):
    """A batch, or one line, was refused; nothing of it is stored."""


class Stopped(Exception):
    """Nothing more can be recorded now."""


Send = Callable[[Sequence[Line]], Awaitable[None]]
"""Record a batch, all or none. Raises `Refusal` or `Stopped`."""


@dataclass(slots=True)
class Progress:
    """How far an import is."""

    recorded: int = 0
    refused: list[int] = field(default_factory=list)
    read_bytes: int = 0
    next_line: int = 1
    """From which line on nothing is known to be recorded."""


def lines_of(path: Path, start: int, progress: Progress) -> Iterator[Line | Bad]:
    """
    Every line from `start` on that is not empty; of a `.csv` its rows, by the names
    in its first line. Ends the command where that line is not one of names.
    """
    with path.open("rb") as file:
        rows = _csv(file) if path.suffix.lower() == ".csv" else _ndjson(file)
        for number, read in rows:
            progress.read_bytes = file.tell()
            if number >= start:
                yield _line(number, read)


def _ndjson(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), b""), start=1):
        if _too_long(file, line):
            yield number, None
        elif line.strip():
            yield number, line.strip().removeprefix(b"\xef\xbb\xbf")


def _too_long(file: BinaryIO, line: bytes) -> bool:
    """Whether a line is longer than was read of it; then the rest is passed over, however long."""
    if line.endswith(b"\n") or len(line) < MAX_LINE:
        return False
    while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
        pass
    return True


def _csv(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    # Each line by itself: a quote that somebody forgot takes no other line along.
    names: list[str] = []
    for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), b""), start=1):
        cells = None if _too_long(file, line) else _cells(line)
        if number == 1:
            names = _names(cells)
        elif cells is None or len(cells) not in (0, len(names)):
            yield number, None
        elif cells:
            yield number, _row(dict(zip(names, cells, strict=True)))
    _names(names)


def _names(cells: list[str] | None) -> list[str]:
    if not cells or len(set(cells)) < len(cells) or not set(cells) <= set(_MEMBERS):
        raise click.UsageError(f"the first line of a .csv names its columns: {', '.join(_MEMBERS)}")
    return cells


def _cells(line: bytes) -> list[str] | None:
    """The cells of a line; None where a quote is left open."""
    # One that is not UTF-8 is refused by itself, and not the file with it.
    text = line.decode("utf-8-sig", "surrogateescape").rstrip("\r\n")
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return None


def _row(cells: dict[str, str]) -> bytes:
    """A row as the JSON that it says; an empty cell says nothing."""
    value: dict[str, Any] = {name: cell for name, cell in cells.items() if cell}
    version = value.get("purpose_version", "")
    if version.isascii() and version.isdigit() and len(version) < 10:
        value["purpose_version"] = int(version)
    if "fields" in value:
        value["fields"] = value["fields"].split()
    return json.dumps(value).encode()


def _line(number: int, read: bytes | None) -> Line | Bad:
    if read is None:
        return Bad(number=number, why="it is too long, or is no row like the first one")
    try:
        return Line(number=number, json=read, body=ConsentBody.model_validate_json(read))
    except ValidationError as error:
        return Bad(number=number, why=places(error))


async def carry(
    lines: Iterator[Line | Bad], send: Send, tell: Callable[[Bad], None], progress: Progress
) -> None:
    """
    Record all lines, a few batches at once. What is refused is told, the rest goes
    on. Raises `Stopped`; `progress.next_line` says from where on to go on.
    """
    pending: dict[int, asyncio.Task[None]] = {}
    try:
        for batch in _batches(lines, tell, progress):
            first = batch[0].number
            pending[first] = asyncio.create_task(_batch(batch, send, tell, progress))
            while len(pending) >= AT_ONCE:
                await _one_ended(pending)
            progress.next_line = batch[-1].number + 1
        while pending:
            await _one_ended(pending)
    finally:
        progress.next_line = min(pending, default=progress.next_line)
        for task in pending.values():
            task.cancel()


async def _one_ended(pending: dict[int, asyncio.Task[None]]) -> None:
    ended, _ = await asyncio.wait(pending.values(), return_when=asyncio.FIRST_COMPLETED)
    for first, task in list(pending.items()):
        if task in ended and task.exception() is None:
            del pending[first]
    for task in ended:
        task.result()


def _batches(
    lines: Iterator[Line | Bad], tell: Callable[[Bad], None], progress: Progress
) -> Iterator[list[Line]]:
    batch: list[Line] = []
    for line in lines:
        if isinstance(line, Bad):
            progress.refused.append(line.number)
            tell(line)
            continue
        batch.append(line)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _batch(
    batch: Sequence[Line], send: Send, tell: Callable[[Bad], None], progress: Progress
) -> None:
    """Record a batch; one that is refused is halved until the lines that are wrong stand alone."""
    try:
        await send(batch)
        progress.recorded += len(batch)
    except Refusal as refusal:
        if len(batch) > 1:
            middle = len(batch) // 2
            await _batch(batch[:middle], send, tell, progress)
            await _batch(batch[middle:], send, tell, progress)
        else:
            progress.refused.append(batch[0].number)
            tell(Bad(number=batch[0].number, why=str(refusal)))


def said(error: CallerError) -> str:
    """A refusal in one line, as the gateway words it: it never repeats a value."""
    return f"{error.reason.value}: {error.detail}"
