"""
Reading values out of a document, collecting every mistake on the way.

A `Node` is a value together with its place. Each reader returns the value, or
None after it has told what is wrong; nothing is raised, so that one mistake
does not hide the next.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from gateway.errors import Problem
from gateway.model.ids import ID_PATTERN, ClauseId
from gateway.policy.documents import Document, Path, Value
from gateway.policy.words import instead, listed, lookalike, named, nearest

_ID = re.compile(ID_PATTERN)
CLAUSE = re.compile(r"[A-Z][0-9]+[a-z]?(?:-[0-9]+)?")
"""The id of a clause (REQUIREMENTS)."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]{1,12})(B|kB|KB|MB|GB|KiB|MiB|GiB)")

_UNIT_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_UNIT_BYTES = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
# Longer than any person's data may be kept, and far from the end of the calendar.
LONGEST_DURATION = timedelta(days=36_525)

Word = TypeVar("Word", bound=StrEnum)
Read = TypeVar("Read")


class Collector:
    """The problems of one document; a place that was told already is not told again."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = list(document.problems)
        self._told = {(problem.line, problem.column) for problem in document.problems}
        self._added = set(document.problems)

    def add(self, path: Path, message: str, *, at_key: bool = False, warning: bool = False) -> None:
        """Tell of one mistake, unless the YAML itself is already wrong at that place."""
        problem = self.document.problem(path, message, at_key=at_key, warning=warning)
        if (problem.line, problem.column) not in self._told and problem not in self._added:
            self._added.add(problem)
            self.problems.append(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value in a document, and where it stands."""

    collector: Collector
    path: Path
    value: Value

    def wrong(self, message: str) -> None:
        """Tell that this value is wrong."""
        self.collector.add(self.path, message)

    def warn(self, message: str) -> None:
        """Tell of something that loads, and should not stay."""
        self.collector.add(self.path, message, warning=True)

    def misnamed(self, message: str) -> None:
        """Tell that this value's key is wrong."""
        self.collector.add(self.path, message, at_key=True)

    @property
    def key(self) -> str:
        """The key or index under which this value stands."""
        return str(self.path[-1]) if self.path else ""

    def child(self, key: str | int, value: Value) -> "Node":
        """The node of a value inside this one."""
        return Node(collector=self.collector, path=(*self.path, key), value=value)

    # Containers

    def members(self) -> dict[str, "Node"]:
        """Every key with its node; empty if this is no mapping."""
        if not isinstance(self.value, dict):
            self.wrong(f"{self._what()} is a mapping, write keys with values under it")
            return {}
        return {key: self.child(key, value) for key, value in self.value.items()}

    def fields(self, known: Iterable[str], *, required: Iterable[str] = ()) -> dict[str, "Node"]:
        """The known keys of a mapping; unknown and missing ones are told."""
        names = tuple(known)
        members = self.members()
        for key, member in members.items():
            if key not in names:
                close = nearest(key, names)
                advice = f'write "{close}"' if close else f"known here: {', '.join(names)}"
                member.misnamed(f"unknown key {named(key)}, {advice}")
        if isinstance(self.value, dict):
            for name in required:
                if name not in members:
                    self.collector.add(
                        self.path, f'"{name}" is missing, write {name}: …', at_key=True
                    )
        return {key: member for key, member in members.items() if key in names}

    def items(self) -> Iterator["Node"]:
        """Each element of a sequence; none if this is no sequence."""
        if not isinstance(self.value, list):
            self.wrong(f"{self._what()} is a list, write [a, b]")
            return
        for index, value in enumerate(self.value):
            yield self.child(index, value)

    # Scalars

    def text(self) -> str | None:
        """Text that is not empty."""
        if isinstance(self.value, str) and self.value.strip():
            return self.value
        if isinstance(self.value, bool | int | float):
            self.wrong(f"{self._what()} is text, write it in quotes")
        else:
            self.wrong(f"{self._what()} is text, write a value")
        return None

    def flag(self) -> bool | None:
        """True or false."""
        if isinstance(self.value, bool):
            return self.value
        self.wrong(f"{self._what()} is a truth value, write true or false")
        return None

    def whole(self, *, least: int = 1) -> int | None:
        """A whole number of at least `least`."""
        number = self.value
        if isinstance(number, int) and not isinstance(number, bool) and number >= least:
            return number
        self.wrong(f"{self._what()} is a whole number, write {least} or more")
        return None

    def identifier(self) -> str | None:
        """An id, as the contract spells ids."""
        text = self.text()
        if text is not None and not _ID.fullmatch(text):
            self.wrong(
                f"{self._what()} is an id{lookalike(text)}, write 1 to 63 lower-case letters, "
                "digits, points and hyphens, beginning with a letter or digit"
            )
            return None
        return text

    def choice(self, options: Iterable[str]) -> str | None:
        """One of `options`."""
        words = tuple(options)
        text = self.text()
        if text is None or text in words:
            return text
        self.wrong(f'{named(text)} is no value of "{self._noun()}", {instead(text, words)}')
        return None

    def member_of(self, words: type[Word]) -> Word | None:
        """One member of a closed set of words."""
        text = self.choice([word.value for word in words])
        return None if text is None else words(text)

    def words(self) -> tuple[str, ...]:
        """A list of texts."""
        texts = [item.text() for item in self.items()]
        return tuple(text for text in texts if text is not None)

    def identifiers(self) -> tuple[str, ...]:
        """A list of ids, none twice."""
        found: list[str] = []
        for item in self.items():
            text = item.identifier()
            if text is not None and text in found:
                item.wrong(f"{named(text)} stands here twice, keep one")
            elif text is not None:
                found.append(text)
        return tuple(found)

    def clauses(self) -> tuple[ClauseId, ...]:
        """A list of clause ids such as `S4a`; at least one."""
        found = self.words()
        for item in self.items():
            if isinstance(item.value, str) and not CLAUSE.fullmatch(item.value):
                item.wrong(f"{named(item.value)} is no clause id, write one such as S4a")
        if isinstance(self.value, list) and not self.value:
            self.wrong("a rule cites the clause it keeps, write its id, such as [S4a]")
        return tuple(ClauseId(text) for text in found)

    # Times and sizes

    def day(self) -> date | None:
        """A UTC day."""
        text = self.text()
        if text is None:
            return None
        try:
            if _DATE.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        self.wrong(f"{self._what()} is a day of the calendar, write it as 2026-03-01")
        return None

    def moment(self) -> datetime | None:
        """A UTC time."""
        text = self.text()
        if text is None:
            return None
        try:
            if _MOMENT.fullmatch(text):
                return datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            pass
        self.wrong(f"{self._what()} is a UTC time, write it as 2026-03-01T00:00:00Z")
        return None

    def duration(self) -> timedelta | None:
        """A length of time above zero."""
        advice = f"{self._what()} is a duration above zero, write digits and ms, s, m, h or d: 30d"
        found = _DURATION.fullmatch(self.value) if isinstance(self.value, str) else None
        if found is None:
            self.wrong(advice)
            return None
        length = timedelta(milliseconds=int(found[1]) * _UNIT_MILLISECONDS[found[2]])
        if not length:
            self.wrong(advice)
            return None
        if length > LONGEST_DURATION:
            self.wrong(f"{self._what()} is longer than {LONGEST_DURATION.days}d, write less")
            return None
        return length

    def size(self) -> int | None:
        """A number of bytes above zero: 65536, `64KiB`, `5MB`."""
        if isinstance(self.value, int) and not isinstance(self.value, bool) and self.value > 0:
            return self.value
        found = _SIZE.fullmatch(self.value) if isinstance(self.value, str) else None
        if found is None or int(found[1]) == 0:
            units = listed(_UNIT_BYTES)
            self.wrong(f"{self._what()} is a size above zero, write digits and {units}: 5MB")
            return None
        return int(found[1]) * _UNIT_BYTES[found[2]]

    def _noun(self) -> str:
        words = [part for part in self.path if isinstance(part, str)]
        return words[-1] if words else "value"

    def _what(self) -> str:
        if not self.path:
            return "a document"
        if isinstance(self.path[-1], int):
            within = f'"{self.path[-2]}"' if len(self.path) > 1 else "the document"
            return f"each element of {within}"
        return f'"{self.key}"'


def root_of(document: Document) -> tuple[Node, Collector]:
    """The node at the top of `document`, and what collects its problems."""
    collector = Collector(document)
    return Node(collector=collector, path=(), value=document.root), collector


def maybe(fields: Mapping[str, Node], key: str, read: Callable[[Node], Read | None]) -> Read | None:
    """What `read` makes of the field `key`; None if it is absent or wrong."""
    return read(fields[key]) if key in fields else None


def read_or(
    fields: Mapping[str, Node], key: str, read: Callable[[Node], Read | None], default: Read
) -> Read:
    """What `read` makes of the field `key`; `default` if it is absent or wrong."""
    value = maybe(fields, key, read)
    return default if value is None else value


def flag(fields: Mapping[str, Node], key: str, default: bool) -> bool:
    """The truth value under `key`, or `default`."""
    return read_or(fields, key, Node.flag, default)


def text(fields: Mapping[str, Node], key: str) -> str:
    """The text under `key`, or none at all."""
    return read_or(fields, key, Node.text, "")


def clauses(fields: Mapping[str, Node]) -> tuple[ClauseId, ...]:
    """The clause ids under `clauses`."""
    return fields["clauses"].clauses() if "clauses" in fields else ()
