"""
The grammar of `pattern:` in a manifest, read into a tree.

It is the common part of ECMA 262 (as JSON Schema uses it) and of Python:
literals, `.`, classes, groups, alternatives, `*` `+` `?` `{m,n}`, and `^` `$`
at the ends. A pattern always speaks about the whole text. `\\d`, `\\w` and `\\s`
are ASCII, as in ECMA 262. Refused is what a table with one look-up per
character cannot decide: lookaround, backreferences, word boundaries, flags.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

Range = tuple[int, int]
"""First and last code point, both included."""

LAST_CODE_POINT = 0x10FFFF
MAX_NESTING = 32
MAX_REPEAT = 1000

_DIGITS: tuple[Range, ...] = ((48, 57),)
_WORD: tuple[Range, ...] = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: tuple[Range, ...] = ((9, 13), (32, 32))
_SHORTHANDS = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "0": 0}
_HEX = re.compile(r"x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}")
_COUNTS = re.compile(r"\{([0-9]{0,4})(,?)([0-9]{0,4})\}")
_OPENINGS = {
    "?=": "lookaround cannot be decided in linear time, say what the text looks like instead",
    "?!": "lookaround cannot be decided in linear time, say what the text looks like instead",
    "?P=": "a backreference cannot be decided in linear time, leave it out",
    "?>": "atomic groups are not supported, write (?: ... )",
    "?#": "comments are not supported, leave it out",
}
_NAMED = re.compile(r"\?P?<[A-Za-z_][A-Za-z0-9_]*>")


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of these ranges."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same from `least` to `most` times; None = without end."""

    item: "Node"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Anchor:
    """`^` or `$`; says nothing here, as a pattern speaks about the whole text anyway."""

    mark: str


Node = Chars | Sequence | Choice | Repeat | Anchor


def parse_pattern(text: str) -> Node:
    """The tree of a pattern. Raises `ValueError` with what to write instead."""
    reader = _Reader(text)
    node = reader.choice(0)
    if reader.at < len(text):
        reader.fail("a ) closes nothing, write \\) for the character")
    _check_anchors(node, first=True, last=True)
    return node


class _Reader:
    """Reads a pattern from left to right; `at` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, message: str) -> NoReturn:
        raise ValueError(f'pattern "{self.text}", character {self.at + 1}: {message}')

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, literal: str) -> bool:
        found = self.text.startswith(literal, self.at)
        self.at += len(literal) if found else 0
        return found

    def choice(self, depth: int) -> Node:
        if depth > MAX_NESTING:
            self.fail(f"groups nest deeper than {MAX_NESTING}, write it flatter")
        branches = [self.sequence(depth)]
        while self.take("|"):
            branches.append(self.sequence(depth))
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def sequence(self, depth: int) -> Node:
        items = []
        while self.peek() not in ("", "|", ")"):
            items.append(self.quantified(self.atom(depth)))
        return Sequence(tuple(items))

    def quantified(self, item: Node) -> Node:
        counts = self.counts()
        if counts is None:
            return item
        if isinstance(item, Anchor):
            self.fail("^ and $ cannot be repeated, leave the quantifier out")
        # Lazy or greedy is the same question when the whole text must match.
        self.take("?")
        if self.peek() in ("*", "+", "?") or _COUNTS.match(self.text, self.at):
            self.fail("two quantifiers follow each other, put the first into a group (?: ... )")
        return Repeat(item, *counts)

    def counts(self) -> tuple[int, int | None] | None:
        for mark, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(mark):
                return counts
        match = _COUNTS.match(self.text, self.at)
        if not match:
            return None
        self.at = match.end()
        return self.bounds(*match.groups())

    def bounds(self, low: str, comma: str, high: str) -> tuple[int, int | None]:
        if not low and not high:
            self.fail("a quantifier in braces has no number, write {1,32}")
        least = int(low or 0)
        most = least if not comma else int(high) if high else None
        if max(least, most or 0) > MAX_REPEAT:
            self.fail(f"more than {MAX_REPEAT} repetitions, use max_length for the length")
        if most is not None and most < least:
            self.fail("the quantifier ends before it begins, write the smaller number first")
        return least, most

    def atom(self, depth: int) -> Node:
        mark = self.peek()
        if mark in ("*", "+", "?", "{"):
            self.fail(f"{mark} repeats nothing, write \\{mark} for the character")
        self.at += 1
        match mark:
            case "(":
                return self.group(depth)
            case "[":
                return Chars(self.char_class())
            case "\\":
                return self.escape()
            case "^" | "$":
                return Anchor(mark)
            case ".":
                return Chars(_complement([(10, 10)]))
            case _:
                return Chars(((ord(mark), ord(mark)),))

    def group(self, depth: int) -> Node:
        if self.peek() == "?":
            self.opening()
        node = self.choice(depth + 1)
        if not self.take(")"):
            self.fail("a group is not closed, write ) or \\( for the character")
        return node

    def opening(self) -> None:
        for start, message in _OPENINGS.items():
            if self.text.startswith(start, self.at):
                self.fail(message)
        if self.text.startswith(("?<=", "?<!"), self.at):
            self.fail(_OPENINGS["?="])
        named = _NAMED.match(self.text, self.at)
        if named:
            self.at = named.end()
        elif not self.take("?:"):
            self.fail("flags are not supported, write both cases out, such as [Aa]")

    def escape(self) -> Node:
        mark = self.peek()
        if mark in ("A", "Z", "z"):
            self.at += 1
            return Anchor("^" if mark == "A" else "$")
        if mark.isdigit() and mark != "0":
            self.fail("a backreference cannot be decided in linear time, leave it out")
        return Chars(self.escaped_ranges())

    def escaped_ranges(self) -> tuple[Range, ...]:
        mark = self.peek()
        lower = mark.lower()
        if lower in _SHORTHANDS:
            self.at += 1
            ranges = _SHORTHANDS[lower]
            return ranges if mark == lower else _complement(ranges)
        code = self.escaped_char()
        return ((code, code),)

    def escaped_char(self) -> int:
        mark = self.peek()
        digits = _HEX.match(self.text, self.at)
        if digits:
            self.at = digits.end()
            return int(digits.group()[1:], 16)
        if not mark or (mark.isalnum() and mark not in _CONTROLS):
            self.fail(f"\\{mark} is not supported, write the characters out, such as [A-Za-z]")
        self.at += 1
        return _CONTROLS.get(mark, ord(mark))

    def char_class(self) -> tuple[Range, ...]:
        negated = self.take("^")
        ranges: list[Range] = []
        while not ranges or self.peek() != "]":
            ranges.extend(self.class_item())
        self.at += 1
        return _complement(ranges) if negated else _merged(ranges)

    def class_item(self) -> tuple[Range, ...]:
        first = self.class_end()
        if self.peek() != "-" or self.text[self.at + 1 : self.at + 2] in ("]", ""):
            return first
        self.at += 1
        last = self.class_end()
        low, high = first[0][0], last[0][0]
        if first != ((low, low),) or last != ((high, high),) or high < low:
            self.fail("a range needs one character on each side, the smaller first, such as [A-Z]")
        return ((low, high),)

    def class_end(self) -> tuple[Range, ...]:
        mark = self.peek()
        if not mark:
            self.fail("a class is not closed, write ] or \\[ for the character")
        if self.text.startswith("[:", self.at):
            self.fail("named classes are not supported, write the characters out, such as [A-Za-z]")
        self.at += 1
        return self.escaped_ranges() if mark == "\\" else ((ord(mark), ord(mark)),)


def _merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    merged: list[Range] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _complement(ranges: Iterable[Range]) -> tuple[Range, ...]:
    gaps: list[Range] = []
    start = 0
    for low, high in _merged(ranges):
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= LAST_CODE_POINT:
        gaps.append((start, LAST_CODE_POINT))
    return tuple(gaps)


def _check_anchors(node: Node, *, first: bool, last: bool) -> None:
    """Refuse `^` where something may stand before it, and `$` where something may follow."""
    match node:
        case Anchor(mark):
            if not (first if mark == "^" else last):
                raise ValueError(
                    f"{mark} stands inside the pattern, write it at the end it anchors"
                )
        case Choice(branches):
            for branch in branches:
                _check_anchors(branch, first=first, last=last)
        case Repeat(item, _, most):
            once = most == 1
            _check_anchors(item, first=first and once, last=last and once)
        case Sequence(items):
            for place, item in enumerate(items):
                _check_anchors(
                    item,
                    first=first and all(isinstance(other, Anchor) for other in items[:place]),
                    last=last and all(isinstance(other, Anchor) for other in items[place + 1 :]),
                )
