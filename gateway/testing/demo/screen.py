"""How the demonstration looks on a terminal of 100 columns; colours only there."""

import os
import sys
from collections.abc import Sequence
from itertools import zip_longest
from shutil import get_terminal_size
from textwrap import wrap
from typing import TextIO
from unicodedata import east_asian_width

from gateway.testing.demo.claims import Claim

WIDTH = 100
_BAR = 40
_BOLD, _DIM, _RED, _GREEN, _CYAN = "1", "2", "31", "32", "36"


class Screen:
    """
    Prints headings, claims, columns and a bar that moves.

    Quiet, it prints nothing: then a program reads the result.
    """

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self._stream = stream or sys.stdout
        self._quiet = quiet
        # A dumb one cannot go back, neither in a line nor over lines.
        self._terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._board = 0
        # https://no-color.org: set and not empty means no.
        self._coloured = self._terminal and not os.environ.get("NO_COLOR")

    def line(self, text: str = "") -> None:
        """A line as it is."""
        if not self._quiet:
            self._board = 0
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def title(self, text: str) -> None:
        """The first line."""
        self.line(self._paint(text, _BOLD))

    def heading(self, number: int, text: str) -> None:
        """A stage begins."""
        rule = "─" * max(3, WIDTH - width(text) - 6)
        self.line()
        self.line(self._paint(f"{number:>2}  {text}  {rule}", _BOLD, _CYAN))

    def seconds(self, seconds: float) -> None:
        """A stage has ended."""
        self.line(self.dim(f"{seconds:.1f} s".rjust(WIDTH)))

    def claim(self, claim: Claim) -> None:
        """A claim and what was found."""
        mark = self._paint("✓", _GREEN) if claim.ok else self._paint("✗", _BOLD, _RED)
        text = claim.text if claim.ok else self._paint(claim.text, _RED)
        self.line(f"  {mark} {text}")
        if claim.detail:
            self.line(self.dim(f"      {claim.detail}"))

    def table(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[object]],
        notes: Sequence[str] = (),
    ) -> None:
        """Columns as wide as they need to be; a note, where there is one, below its row."""
        cells = [[str(cell) for cell in row] for row in rows]
        widths = [
            max(width(text) for text in column) for column in zip(headings, *cells, strict=True)
        ]
        self.line(self.dim("  " + "  ".join(map(pad, headings, widths)).rstrip()))
        for row, note in zip_longest(cells, notes, fillvalue=""):
            self.line("  " + "  ".join(map(pad, row, widths)).rstrip())
            for part in wrap(note, WIDTH - 6, break_on_hyphens=False):
                self.line(self.dim(f"      {part}"))

    def progress(self, done: int, total: int, what: str) -> None:
        """A bar that moves, on a terminal only; gone when it is full."""
        if self._quiet or not self._terminal:
            return
        full = _BAR * done // max(total, 1)
        bar = f"  {'█' * full}{'░' * (_BAR - full)} {done:>4}/{total} {what}"
        self._stream.write("\r\x1b[K" if done >= total else f"\r{bar}")
        self._stream.flush()

    def board(self, rows: Sequence[str], changed: int) -> None:
        """
        Rows that change: on a terminal all of them anew, in place of what this
        drew last; else the one that changed.
        """
        if self._quiet:
            return
        if not self._terminal:
            self.line(f"  {rows[changed]}")
            return
        up = f"\x1b[{self._board}A" if self._board else ""
        self._board = len(rows)
        # A row that breaks would be two, and the next board stand below the first.
        columns = min(WIDTH, get_terminal_size().columns) - 3
        self._stream.write(up + "".join(f"\r\x1b[K  {cut(row, columns)}\n" for row in rows))
        self._stream.flush()

    def dim(self, text: str) -> str:
        """Text that steps back, where there are colours."""
        return self._paint(text, _DIM)

    def strong(self, text: str) -> str:
        """Text that steps forward, where there are colours."""
        return self._paint(text, _BOLD)

    def _paint(self, text: str, *codes: str) -> str:
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self._coloured else text


def width(text: str) -> int:
    """Columns that a text takes: Chinese characters take two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def pad(text: str, columns: int) -> str:
    """`text`, filled up with spaces."""
    return text + " " * (columns - width(text))


def cut(text: str, columns: int) -> str:
    """`text`, cut to so many columns, with an ellipsis where something is missing."""
    if width(text) <= columns:
        return text
    kept = ""
    for character in text:
        if width(kept + character) > columns - 1:
            break
        kept += character
    return kept + "…"
