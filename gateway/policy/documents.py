"""
YAML documents with positions, read strictly.

A policy file is read by people and by several programs, so only the plain part
of YAML is accepted: UTF-8, one document, mappings with text keys, sequences and
scalars that mean the same to every reader. Anchors, aliases, tags, merge keys,
repeated keys, tabs and ambiguous scalars are refused, each with its place and
with what to write instead.

The document is built from the parser's events rather than from its constructed
values, because only the events still show anchors, tags, quoting and repeated
keys. Reading goes on after a mistake wherever the structure allows it, so that
all mistakes are told at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from gateway.errors import ConfigError, Problem
from gateway.policy.scalars import AmbiguousScalar, plain
from gateway.policy.words import named

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Path = tuple[str | int, ...]
Position = tuple[int, int]
"""Line and column, both counted from 1."""

# A manifest is about six levels deep, and a few kilobytes long.
MAX_DEPTH = 32
MAX_BYTES = 512 * 1024
# Not printable by Python's measure, and part of ordinary text.
_LAYOUT = "\n\t\u3000"
# Reading takes most of the time of a reload, and most documents are as they were.
_REMEMBERED = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML file as plain values, and where each of them stands."""

    name: str
    """As it appears in messages, for example `partners/swift-parcel.yaml`."""
    root: Value
    """None if nothing could be read."""
    values: Mapping[Path, Position]
    keys: Mapping[Path, Position]
    problems: tuple[Problem, ...]
    """What is wrong with the YAML itself."""

    def problem(
        self, path: Path, message: str, *, at_key: bool = False, warning: bool = False
    ) -> Problem:
        """A problem at the value of `path`, or at its key; at the nearest parent if absent."""
        line, column = self._position(path, at_key=at_key)
        return Problem(file=self.name, line=line, column=column, message=message, warning=warning)

    def _position(self, path: Path, *, at_key: bool) -> Position:
        while path:
            found = self.keys.get(path) if at_key else self.values.get(path)
            if found is not None:
                return found
            # What is absent is told at the key of the mapping that lacks it.
            path, at_key = path[:-1], True
        return (1, 1)


def read_document(name: str, raw: bytes) -> Document:
    """The document, or `ConfigError` with everything that is wrong with its YAML."""
    document = scan_document(name, raw)
    if document.problems:
        raise ConfigError(list(document.problems))
    return document


@lru_cache(maxsize=_REMEMBERED)
def scan_document(name: str, raw: bytes) -> Document:
    """
    The document as far as it can be read, with everything that is wrong with its YAML.

    One that did not change is not read again. Nobody may change what is returned.
    """
    builder = _Builder(name)
    text = builder.decode(raw)
    root = builder.build(text) if text is not None else None
    return Document(
        name=name,
        root=root,
        values=builder.values,
        keys=builder.keys,
        problems=tuple(sorted(builder.problems)),
    )


def _position(event: Event) -> Position:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1)


class _TooDeep(Exception):
    """
    The document is nested so deeply that reading on is no use: the scanner
    takes longer with each level.
    """


class _Builder:
    """Turns the events of one file into values, positions and problems."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[Path, Position] = {}
        self.keys: dict[Path, Position] = {}
        self.problems: list[Problem] = []
        self._events: Iterator[Any] = iter(())
        self._reached: Position = (1, 1)

    def decode(self, raw: bytes) -> str | None:
        """The text of the file, or None with the reason why there is none."""
        if len(raw) > MAX_BYTES:
            limit = f"{MAX_BYTES // 1024} KiB"
            self._report((1, 1), f"the file is larger than {limit}, remove what does not belong")
            return None
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8")
            self._report(_offset(before), "this byte is not UTF-8, save the file as UTF-8")
            return None
        if text.startswith("\ufeff"):
            self._report((1, 1), "the file begins with a byte order mark, save it without one")
            text = text[1:]
        return text if self._readable(text) else None

    def build(self, text: str) -> Value:
        """The root value; None when there is none."""
        self._events = self._watched(YAML(typ="safe", pure=True).parse(StringIO(text)))
        try:
            return self._documents()
        except _TooDeep:
            self._report(self._reached, f"nested deeper than {MAX_DEPTH} levels, flatten it")
        except MarkedYAMLError as error:
            self._report(_marked(error), _syntax_advice(error))
        except (YAMLError, ValueError, OverflowError):
            # The scanner turns \U escapes into characters without looking whether there is one.
            self._report(self._reached, "after this an escape names no character, remove it")
        return None

    def _watched(self, events: Iterator[Any]) -> Iterator[Any]:
        for event in events:
            self._reached = _position(event)
            yield event

    def _report(self, position: Position, message: str) -> None:
        line, column = position
        self.problems.append(Problem(file=self.name, line=line, column=column, message=message))

    def _readable(self, text: str) -> bool:
        """Whether the parser can be given the text; every tab and control character is told."""
        readable = True
        for number, line in enumerate(text.split("\n"), start=1):
            for column, character in enumerate(line.rstrip("\r"), start=1):
                if character == "\t":
                    message = "a tab character, write spaces (inside double quotes write \\t)"
                    self._report((number, column), message)
                    readable = False
                    break
                if not (character.isprintable() or character in _LAYOUT):
                    message = "a control or invisible character, remove it"
                    self._report((number, column), message)
                    readable = False
                    break
        return readable

    def _documents(self) -> Value:
        root: Value = None
        seen = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                seen += 1
                if event.version or event.tags:
                    self._report(_position(event), "a YAML directive, remove the line with %")
                if seen > 1:
                    message = "a second document begins here, write one document a file"
                    self._report(_position(event), message)
                    return root
                root = self._node(next(self._events), ())
        if root is None:
            self._report((1, 1), "the file is empty, write a mapping of keys and values")
        return root

    def _node(self, event: NodeEvent, path: Path) -> Value:
        self.values[path] = _position(event)
        if isinstance(event, AliasEvent):
            message = "an alias (*), write the value itself in each place"
            self._report(_position(event), message)
            return None
        if event.anchor is not None:
            self._report(_position(event), "an anchor (&), remove it; each value is written out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._report(_position(event), "a tag (!), remove it, and write text in quotes")
        if len(path) >= MAX_DEPTH and not isinstance(event, ScalarEvent):
            raise _TooDeep
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event)

    def _scalar(self, event: Any) -> Value:
        text = str(event.value)
        if event.style is not None:
            if not all(one.isprintable() or one in _LAYOUT for one in text):
                message = "an escape for a control or invisible character, remove it"
                self._report(_position(event), message)
            return text
        try:
            return plain(text)
        except AmbiguousScalar as error:
            self._report(_position(event), str(error))
            return text

    def _sequence(self, path: Path) -> Value:
        items: list[Value] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> Value:
        found: dict[str, Value] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._key(event, path)
            if key is None or (*path, key) in self.keys:
                # Read on under a path of its own, so that what is wrong inside is told too.
                self._node(next(self._events), (*path, f"{key} again"))
                continue
            self.keys[(*path, key)] = _position(event)
            found[key] = self._node(next(self._events), (*path, key))
        return found

    def _key(self, event: NodeEvent, path: Path) -> str | None:
        """The key, or None when it is none; a repeated one is told and returned."""
        if not isinstance(event, ScalarEvent):
            self._report(_position(event), "this key is not text, write a plain word as the key")
            if not isinstance(event, AliasEvent):
                self._skip()
            return None
        if event.style is None and event.value == "<<":
            self._report(_position(event), "a merge key (<<), write the merged keys out")
            return None
        key = self._node(event, (*path, "key"))
        del self.values[(*path, "key")]
        if not isinstance(key, str):
            self._report(_position(event), "this key is not text, write it in quotes")
            return None
        first = self.keys.get((*path, key))
        if first is not None:
            message = f"key {named(key)} stands already on line {first[0]}, keep one of the two"
            self._report(_position(event), message)
        return key

    def _skip(self) -> None:
        """Pass over the rest of a mapping or sequence whose start was just read."""
        open_nodes = 1
        while open_nodes:
            event = next(self._events)
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                open_nodes += 1
                if open_nodes > MAX_DEPTH:
                    raise _TooDeep
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                open_nodes -= 1


def _offset(before: str) -> Position:
    lines = before.split("\n")
    return (len(lines), len(lines[-1]) + 1)


def _marked(error: MarkedYAMLError) -> Position:
    # Where a quote or bracket was never closed, its beginning helps, the end of file does not.
    unclosed = "end of stream" in str(error.problem) or "stream end" in str(error.problem)
    mark = error.context_mark if unclosed and error.context_mark else error.problem_mark
    mark = mark or error.context_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _syntax_advice(error: MarkedYAMLError) -> str:
    problem = str(error.problem or error.context or "")
    if "end of stream" in problem or "stream end" in problem:
        return "this quote or bracket is never closed, write its closing counterpart"
    if "mapping values are not allowed" in problem:
        return "a colon where no value can stand, indent the line or write the text in quotes"
    if "cannot start any token" in problem:
        return "this character cannot begin a plain value, write the text in quotes"
    return "this is not YAML here, check the indentation, the quotes and the brackets"
