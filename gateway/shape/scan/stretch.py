"""Digits in groups, and neighbouring groups among them as one number that they may be."""

import re
from dataclasses import dataclass, replace
from functools import cached_property

_GROUP = re.compile(r"[0-9]++")
# A number is rarely cut into parts of one or two digits; dates and sizes are.
_WIDE = 3
# Before a number: how many characters tell whether it goes on to the left.
_LEFT = 4


class Run:
    """
    Groups of digits from `start` to `end` of a text, with nothing between them
    but spaces and signs. Everything is worked out once, so that each of its
    stretches is a slice.
    """

    __slots__ = ("between", "digits", "ends", "offsets", "places", "sizes", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.places = [group.span() for group in _GROUP.finditer(text, start, end)]
        """Where each group stands in the text."""
        self.sizes = tuple(end - begin for begin, end in self.places)
        self.digits = "".join(text[begin:end] for begin, end in self.places)
        """All digits, without what stands between."""
        self.between = tuple(
            text[one[1] : other[0]]
            for one, other in zip(self.places, self.places[1:], strict=False)
        )
        self.offsets = [0]
        """Where each group begins in `digits`, and where the last one ends."""
        for size in self.sizes:
            self.offsets.append(self.offsets[-1] + size)
        self.ends = {offset: last for last, offset in enumerate(self.offsets[1:])}
        """For each place in `digits` where a group ends, which one."""

    def __repr__(self) -> str:
        return f"<Run of {len(self.sizes)} groups>"

    @property
    def start(self) -> int:
        """Where the first digit stands."""
        return self.places[0][0]

    @property
    def follows_plus(self) -> bool:
        """Whether a plus stands before it, with or without a bracket."""
        return self.text[max(0, self.start - 2) : self.start].rstrip("(").endswith("+")

    def stretch(self, first: int, length: int) -> "Stretch | None":
        """So many digits from the group `first` on; None: no group ends there."""
        last = self.ends.get(self.offsets[first] + length)
        return None if last is None else Stretch(run=self, first=first, last=last)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """
    The groups `first` to `last` of a run. Not slotted: what is asked of it more
    than once is kept.
    """

    run: Run
    first: int
    last: int
    signs: int = 0
    """How many characters behind the last digit belong to it."""

    def __repr__(self) -> str:
        return f"<Stretch of {self.last - self.first + 1} groups>"

    @property
    def start(self) -> int:
        """Where the first digit stands."""
        return self.run.places[self.first][0]

    @property
    def opening(self) -> int:
        """Where the number begins with its plus, and with its bracket if that closes inside."""
        start = self.start
        if self._sign(start - 1) == "(" and any(")" in each for each in self.between):
            start -= 1
        return start - (self._sign(start - 1) == "+")

    @property
    def end(self) -> int:
        """Behind the last character."""
        return self.run.places[self.last][1] + self.signs

    @cached_property
    def digits(self) -> str:
        """All digits, without what stands between."""
        return self.run.digits[self.run.offsets[self.first] : self.run.offsets[self.last + 1]]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many digits each group has."""
        return self.run.sizes[self.first : self.last + 1]

    @cached_property
    def between(self) -> tuple[str, ...]:
        """What stands between the groups."""
        return self.run.between[self.first : self.last]

    @property
    def follows(self) -> str:
        """The character behind it; empty: the text ends."""
        return self._sign(self.end)

    def with_sign(self) -> "Stretch":
        """The same with one more character, a letter that closes the number."""
        return replace(self, signs=self.signs + 1)

    @property
    def regular(self) -> bool:
        """
        Whether the groups look like those of one number: none but the last is
        short, or they are a whole run (see `is_even`).
        """
        return min(self.sizes[:-1], default=_WIDE) >= _WIDE or self.is_even

    @property
    def is_even(self) -> bool:
        """
        Whether the groups are a whole run and all parted by the same sign. By
        dots only single digits: dates, versions and addresses of machines are
        parted by dots.
        """
        if self.first or self.last + 1 < len(self.run.sizes):
            return False
        parted = set(self.between)
        return len(parted) <= 1 and (parted != {"."} or max(self.sizes) == 1)

    @property
    def is_amount(self) -> bool:
        """Whether it is cut into thousands, like 13.800.138.000."""
        return (
            len(self.sizes) > 1
            and self.sizes[0] <= _WIDE
            and set(self.sizes[1:]) == {_WIDE}
            and len(set(self.between)) == 1
            and self.between[0] != "-"
        )

    @property
    def is_fraction(self) -> bool:
        """Whether it is what stands behind the point of 0.1380…"""
        if self.first == 0 or self.run.between[self.first - 1] != ".":
            return False
        begin, end = self.run.places[self.first - 1]
        return self.run.text[begin:end] == "0"

    @property
    def stands_alone(self) -> bool:
        """Whether it is no part of a longer number or word: RE-2026-0815, KD030123."""
        return self._begins and self._ends

    @property
    def _begins(self) -> bool:
        if self.first:
            gap = self.run.between[self.first - 1]
            return gap[:1].isspace() and not gap.strip(" \t(") and gap not in self.between
        before = self.run.text[max(0, self.start - _LEFT) : self.start].rstrip("(+")
        if before.endswith(("-", "_", "#")):
            # A dash at the beginning of a line or behind a space is a bullet.
            return before.strip("-_#") == "" or before[-2:-1].isspace()
        return not (before[-1:].isascii() and before[-1:].isalnum())

    @property
    def _ends(self) -> bool:
        if self.last + 1 < len(self.run.sizes):
            return self.follows.isspace() or self.follows == ")"
        return not (self.follows.isascii() and (self.follows.isalnum() or self.follows == "_"))

    def _sign(self, place: int) -> str:
        return self.run.text[place : place + 1] if place >= 0 else ""
