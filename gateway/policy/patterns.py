"""
Patterns of a manifest, matched in linear time against the whole text.

Python's `re` backtracks: `(a+)+` against thirty a and an exclamation mark runs
for minutes, so a caller could stop the gateway with one field. Here a pattern
becomes a table (a deterministic automaton): matching is one look-up per
character whatever the pattern, and a pattern whose table would be too large is
refused when the manifest loads.

How: the tree becomes positions, each with the characters it accepts and the
positions that may come next (Thompson's construction without its empty moves);
sets of positions become the states of the table; characters that no part of
the pattern tells apart share a column.
"""

from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache

from gateway.policy.pattern_syntax import (
    Anchor,
    Chars,
    Choice,
    Node,
    Range,
    Repeat,
    Sequence,
    parse_pattern,
)

MAX_LENGTH = 1000
# A counted class such as [A-Z]{1,500} needs one state per repetition, so this
# leaves room for every bound that max_length does not express better. Each
# state costs a row of a few cells.
MAX_POSITIONS = 4000
MAX_STATES = 4000
MAX_LINKS = 200_000
MAX_STEPS = 50_000
# What building one table may cost, in set operations: about a second at worst,
# once, when the manifest loads.
MAX_WORK = 1_000_000

_DEAD = -1
_END = -1
"""The position behind the last character."""


class Pattern:
    """A compiled pattern. Immutable after it is made, safe to share."""

    __slots__ = ("_accepting", "_ascii", "_columns", "_cuts", "_rows", "text")

    def __init__(
        self,
        text: str,
        rows: list[list[int]],
        accepting: frozenset[int],
        cuts: list[int],
        columns: list[int],
    ) -> None:
        self.text = text
        self._rows = rows
        self._accepting = accepting
        self._cuts = cuts
        self._columns = columns
        self._ascii = [self._column(code) for code in range(128)]

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` is of this form. Time is linear in its length."""
        rows, ascii_columns = self._rows, self._ascii
        state = 0
        for character in text:
            code = ord(character)
            column = ascii_columns[code] if code < 128 else self._column(code)
            state = rows[state][column]
            if state < 0:
                return False
        return state in self._accepting

    def _column(self, code: int) -> int:
        return self._columns[bisect_right(self._cuts, code) - 1]

    def __repr__(self) -> str:
        return f"<Pattern {self.text!r}>"


def check_pattern(text: str) -> None:
    """
    Check that `text` is a pattern that can be matched in linear time.

    Raises `ValueError` with what to write instead.
    """
    compile_pattern(text)


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Pattern:
    """
    The pattern as a table. Kept: manifests repeat patterns, and reloads repeat
    manifests.

    Raises `ValueError` with what to write instead.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a pattern has at most {MAX_LENGTH} characters, write it shorter")
    positions = _Positions(text)
    starts = positions.add(parse_pattern(text), frozenset((_END,)))
    cuts, columns, columns_of = _columns(positions.ranges)
    rows, accepting = _table(positions, starts, columns_of, max(columns) + 1)
    return Pattern(text, rows, accepting, cuts, columns)


def _too_large(text: str) -> ValueError:
    return ValueError(
        f'pattern "{text}" needs too large a table, use max_length for the length '
        "and avoid a counted part behind one that accepts the same characters"
    )


class _Positions:
    """The positions of a pattern: what each accepts, and where it leads."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.ranges: list[tuple[Range, ...]] = []
        self.next: list[frozenset[int]] = []
        self._links = 0
        self._steps = 0
        self._loops = 0

    def add(self, node: Node, then: frozenset[int]) -> frozenset[int]:
        """Add `node` in front of the positions `then`; the positions it starts at."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise _too_large(self.text)
        match node:
            case Chars(ranges):
                return self._add_chars(ranges, then)
            case Anchor():
                return then
            case Choice(branches):
                return frozenset().union(*(self.add(branch, then) for branch in branches))
            case Sequence(items):
                for item in reversed(items):
                    then = self.add(item, then)
                return then
            case Repeat(item, least, most):
                return self._add_repeat(item, least, most, then)

    def _add_chars(self, ranges: tuple[Range, ...], then: frozenset[int]) -> frozenset[int]:
        self._links += len(then)
        if len(self.ranges) >= MAX_POSITIONS or self._links > MAX_LINKS:
            raise _too_large(self.text)
        self.ranges.append(ranges)
        self.next.append(then)
        return frozenset((len(self.ranges) - 1,))

    def _add_repeat(
        self, item: Node, least: int, most: int | None, then: frozenset[int]
    ) -> frozenset[int]:
        if most is None:
            then = self._add_loop(item, then)
        else:
            after = then
            for _ in range(most - least):
                then = after | self.add(item, then)
        for _ in range(least):
            then = self.add(item, then)
        return then

    def _add_loop(self, item: Node, then: frozenset[int]) -> frozenset[int]:
        # What the item starts at is known only once it is added, and its ends
        # lead back there: add it before a mark, then put the starts in place.
        self._loops += 1
        mark = _END - self._loops
        first = len(self.ranges)
        starts = self.add(item, then | {mark})
        loop = (starts - {mark}) | then
        for position in range(first, len(self.next)):
            if mark in self.next[position]:
                self.next[position] = (self.next[position] - {mark}) | loop
        return loop


def _columns(
    ranges: list[tuple[Range, ...]],
) -> tuple[list[int], list[int], Callable[[int], list[int]]]:
    """
    The alphabet cut where some range begins or ends; pieces that every
    position treats alike share a column. With it, the columns of a position.
    """
    distinct = sorted(set(ranges))
    edges = {edge for each in distinct for low, high in each for edge in (low, high + 1)}
    cuts = sorted({0} | edges)
    signatures = [
        frozenset(place for place, each in enumerate(distinct) if _holds(each, cut)) for cut in cuts
    ]
    numbers = {signature: number for number, signature in enumerate(dict.fromkeys(signatures))}
    by_range = {
        each: [number for signature, number in numbers.items() if place in signature]
        for place, each in enumerate(distinct)
    }
    return cuts, [numbers[each] for each in signatures], lambda at: by_range[ranges[at]]


def _holds(ranges: tuple[Range, ...], code: int) -> bool:
    return any(low <= code <= high for low, high in ranges)


def _table(
    positions: _Positions,
    starts: frozenset[int],
    columns_of: Callable[[int], list[int]],
    width: int,
) -> tuple[list[list[int]], frozenset[int]]:
    """The rows of the table, one per reachable set of positions, and which accept."""
    numbers = {starts: 0}
    pending = [starts]
    rows: list[list[int]] = []
    work = 0
    for state in pending:
        row = []
        for target in _successors(positions, state, columns_of, width):
            if target and target not in numbers:
                numbers[target] = len(pending)
                pending.append(target)
            row.append(numbers[target] if target else _DEAD)
        rows.append(row)
        work += width + sum(len(positions.next[at]) for at in state if at != _END)
        if len(pending) > MAX_STATES or work > MAX_WORK:
            raise _too_large(positions.text)
    return rows, frozenset(number for state, number in numbers.items() if _END in state)


def _successors(
    positions: _Positions,
    state: frozenset[int],
    columns_of: Callable[[int], list[int]],
    width: int,
) -> list[frozenset[int]]:
    cells: list[set[int]] = [set() for _ in range(width)]
    for position in state:
        if position == _END:
            continue
        for column in columns_of(position):
            cells[column] |= positions.next[position]
    return [frozenset(cell) for cell in cells]
