"""Printing for people and for programs."""

import json
import sys
from collections.abc import Sequence
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


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A plain table, columns as wide as they need to be."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [
        max([width(heading), *(width(row[place]) for row in cells)])
        for place, heading in enumerate(headings)
    ]
    lines = [
        "  ".join(cell + " " * (widths[place] - width(cell)) for place, cell in enumerate(row))
        for row in [list(headings), ["─" * one for one in widths], *cells]
    ]
    return "\n".join(line.rstrip() for line in lines)


def progress(done: int, total: int, what: str) -> None:
    """A line that moves, on a terminal only."""
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        click.echo(f"\r{what} {done}/{total}{end}", nl=False, err=True)
