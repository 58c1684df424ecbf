"""Printing for people and for programs."""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from unicodedata import east_asian_width

import click


@dataclass(frozen=True, slots=True)
class Output:
    """How this call prints, and for which home."""

    home: Path
    as_json: bool

    def result(self, value: Any, text: str) -> None:
        """One result: JSON for programs, text for people."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=False))
        elif text:
            click.echo(text)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong on standard error and end."""
    click.echo(message, err=True)
    raise click.exceptions.Exit(code)


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]], room: int | None = None) -> str:
    """
    A plain table, columns as wide as they need to be.

    `room`: how many columns there are; cells of several words are broken into lines
    until it fits. Without it the terminal's width, and no end where there is none.
    """
    return "\n".join(set_rows(headings, rows, room))


def set_rows(
    headings: Sequence[str], rows: Sequence[Sequence[Any]], room: int | None = None
) -> list[str]:
    """The same as text of each row, of several lines where it was broken; two rows of head."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [
        max([width(heading), *(width(row[place]) for row in cells)])
        for place, heading in enumerate(headings)
    ]
    room = _terminal() if room is None else room
    if room is not None:
        _narrow(widths, headings, cells, room)
    head = [list(headings), ["─" * one for one in widths]]
    return ["\n".join(_lines(row, widths)) for row in [*head, *cells]]


def _terminal() -> int | None:
    """How wide the terminal is; None where nobody looks at one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _narrow(
    widths: list[int], headings: Sequence[str], cells: Sequence[Sequence[str]], room: int
) -> None:
    """Take from the widest column that can be broken, until the table fits or none is left."""
    columns = zip(headings, *cells, strict=True)
    least = [max(width(word) for cell in one for word in _words(cell)) for one in columns]
    over = sum(widths) + 2 * (len(widths) - 1) - room
    while over > 0:
        spare = [one - lowest for one, lowest in zip(widths, least, strict=True)]
        if not any(spare):
            return
        widest = max((one, place) for place, one in enumerate(widths) if spare[place])[1]
        widths[widest] -= 1
        over -= 1


def _words(text: str) -> list[str]:
    return text.split(" ")


def _lines(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """One row as lines, each cell broken between words to its column's width."""
    columns = [_broken(cell, widths[place]) for place, cell in enumerate(row)]
    for number in range(max(map(len, columns))):
        parts = [column[number] if number < len(column) else "" for column in columns]
        yield "  ".join(
            part + " " * (widths[place] - width(part)) for place, part in enumerate(parts)
        ).rstrip()


def _broken(text: str, room: int) -> list[str]:
    if width(text) <= room:
        return [text]
    lines: list[str] = []
    for word in _words(text):
        if lines and width(lines[-1]) + 1 + width(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def progress(done: int, total: int, what: str) -> None:
    """A line that moves, on a terminal only."""
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        click.echo(f"\r{what} {done}/{total}{end}", nl=False, err=True)
