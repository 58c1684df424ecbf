"""
Numbers written in groups: which digits belong together, and what they are.

A run is digits with spaces, hyphens, dots, slashes or brackets between. A
number begins and ends where a group does; of those that begin with the same
group the longest is taken. See `cards`, `identities` and `phones`.
"""

import re
from collections.abc import Iterator

from gateway.shape.scan.cards import cards
from gateway.shape.scan.finding import Finding
from gateway.shape.scan.identities import identities
from gateway.shape.scan.phones import PHONE, mobiles, shaped
from gateway.shape.scan.stretch import Run, Stretch

_RUN = re.compile(r"[0-9]++(?:[ \t().\-/_~]{1,4}+[0-9]++)*+")
_SHORTEST = 6

_NUMERALS = "〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖两"
_SPELLED = re.compile(f"[{_NUMERALS}]{{11,40}}+")
_SPELLED_DIGITS = str.maketrans(_NUMERALS, "0012345678911234567892")
_SPELLED_MOBILE = re.compile(r"1[3-9][0-9]{9}")


def numbers(text: str) -> Iterator[Finding]:
    """Every number that is of a person in a folded text."""
    for match in _RUN.finditer(text):
        if match.end() - match.start() >= _SHORTEST:
            yield from _in_run(Run(text, *match.span()))


def _in_run(run: Run) -> Iterator[Finding]:
    done = 0
    for first in range(len(run.sizes)):
        found = [each for each in _checked(run, first) if not each[1].is_fraction]
        # Inside a number that was found already only what may stand anywhere
        # is looked for, so that a wrong find hides no right one.
        if first >= done:
            found += [(PHONE, stretch) for stretch in shaped(run, first)]
        if found:
            kind, stretch = max(found, key=lambda each: each[1].end)
            start = stretch.opening if kind == PHONE else stretch.start
            yield Finding(kind=kind, start=start, end=stretch.end)
            done = max(done, stretch.last + 1)


def _checked(run: Run, first: int) -> Iterator[tuple[str, Stretch]]:
    """Numbers from the group `first` on that are taken wherever they stand."""
    yield from identities(run, first)
    yield from cards(run, first)
    yield from mobiles(run, first)


def spelled(text: str) -> Iterator[Finding]:
    """Mobile numbers of mainland China written out in Chinese numerals, in a folded text."""
    for match in _SPELLED.finditer(text):
        number = _SPELLED_MOBILE.search(match.group().translate(_SPELLED_DIGITS))
        if number:
            start = match.start() + number.start()
            yield Finding(kind=PHONE, start=start, end=start + len(number.group()))
