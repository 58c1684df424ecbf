"""
Selectors compiled into one walk over a document, which writes what leaves.

The declared selectors become a trie, and the trie becomes nested functions:
one per object or array that a selector passes through, and at the ends the
rules of the declared values. A walk goes where selectors lead and nowhere
else, so what is not declared is never written; that something was left out is
seen by counting. The result is JSON text, written anew: no part of what came
in is passed on in one piece.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.errors import Reason
from gateway.policy.selectors import EACH, escape, index_of
from gateway.shape.run import Run
from gateway.shape.values import WRITERS, write_scalar

ABSENT = object()


R = TypeVar("R", bound=Run)

Emit = Callable[[Any, R, str], str | None]
"""
What stands somewhere, the run, and the pointer of that place in what leaves
(empty unless somebody below asked for pointers) -> its JSON text, or None if
nothing is let out.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot(Generic[R]):
    """A declared value, ready to be compiled into a walk."""

    tokens: tuple[str, ...]
    place: int
    """Which one it is in the manifest, from 0."""
    selector: str
    emit: Emit[R]
    """Gets whatever stands there, also an object or array."""
    required: bool = False
    pointed: bool = False
    """Its `emit` wants the pointer."""


Entries = Sequence[tuple[tuple[str, ...], Spot[R]]]
"""The spots below a place, each with the tokens that lead from there to it."""

Made = dict[tuple[tuple[int, int], ...], Emit[R]]
"""What was compiled already for a place: how many tokens are left of which spots."""


def compile_walk(spots: Sequence[Spot[R]]) -> Emit[R]:
    """
    The walk over a whole document: the text of what leaves, or None if nothing
    is left. A scalar at the top lets nothing out.
    """
    return _container([(spot.tokens, spot) for spot in spots], {})


def let_nothing_out(value: Any, run: Run, pointer: str) -> str | None:
    """Leave out what no selector names."""
    run.dropped = run.undeclared = True
    return None


def _node(entries: Entries[R], made: Made[R]) -> Emit[R]:
    # A token of digits leads on from an object and from an array: without this, each
    # such token of a selector would double what is compiled below it.
    key = tuple((len(tokens), spot.place) for tokens, spot in entries)
    if key not in made:
        made[key] = _compiled(entries, made)
    return made[key]


def _compiled(entries: Entries[R], made: Made[R]) -> Emit[R]:
    ends = [spot for tokens, spot in entries if not tokens]
    inner = [(tokens, spot) for tokens, spot in entries if tokens]
    if len(ends) > 1:
        raise ValueError(f'"{ends[1].selector}" names the same value as "{ends[0].selector}"')
    if not ends:
        return _container(inner, made)
    return _either(ends[0], inner, made) if inner else ends[0].emit


def _container(entries: Entries[R], made: Made[R]) -> Emit[R]:
    """For a place where only what is inside an object or array is declared."""
    on_object, on_array = _object(entries, made), _array(entries, made)
    missing = _first_required(entries)

    def emit(value: Any, run: R, pointer: str) -> str | None:
        if type(value) is dict:
            return on_object(value, run, pointer)
        if type(value) is list:
            return on_array(value, run, pointer)
        _note_missing(missing, run)
        return let_nothing_out(value, run, pointer)

    return emit


def _either(spot: Spot[R], inner: Entries[R], made: Made[R]) -> Emit[R]:
    """For a place that is declared as a value and has declared values inside as well."""
    container, missing = _container(inner, made), _first_required(inner)

    def emit(value: Any, run: R, pointer: str) -> str | None:
        if type(value) in WRITERS:
            _note_missing(missing, run)
            return spot.emit(value, run, pointer)
        if spot.required:
            run.refuse(Reason.FIELD_TYPE_MISMATCH, spot.place, spot.selector)
        return container(value, run, pointer)

    return emit


def _object(entries: Entries[R], made: Made[R]) -> Emit[R]:
    names = dict.fromkeys(tokens[0] for tokens, _ in entries if tokens[0] != EACH)
    children = [_member(name, _below(entries, name), made) for name in names]

    def emit(value: Any, run: R, pointer: str) -> str | None:
        parts = []
        seen = 0
        for name, start, child, step, missing in children:
            item = value.get(name, ABSENT)
            if item is ABSENT:
                _note_missing(missing, run)
                continue
            seen += 1
            text = child(item, run, pointer + step)
            if text is None:
                run.dropped = True
            else:
                parts.append(start + text)
        if seen != len(value):
            run.dropped = run.undeclared = True
        return "{" + ",".join(parts) + "}" if parts else None

    return emit


def _member(
    name: str, entries: Entries[R], made: Made[R]
) -> tuple[str, str, Emit[R], str, Spot[R] | None]:
    """Name, its text with the colon, what to do with it, its step of the pointer, who needs it."""
    step = "/" + escape(name) if _pointed(entries) else ""
    start, child = write_scalar(name) + ":", _node(entries, made)
    return name, start, child, step, _first_required(entries)


def _array(entries: Entries[R], made: Made[R]) -> Emit[R]:
    each = _below(entries, EACH)
    every = _node(each, made) if each else None
    # An element that is also named by its index obeys both.
    named = {
        index: _node(_in_order([*_below(entries, token), *each]), made)
        for token in dict.fromkeys(tokens[0] for tokens, _ in entries)
        if (index := index_of(token)) is not None
    }
    needed = _needed_elements(entries)
    pointed = _pointed(entries)

    def emit(value: Any, run: R, pointer: str) -> str | None:
        parts: list[str] = []
        for index, item in enumerate(value):
            child = named.get(index, every)
            text = child(item, run, f"{pointer}/{len(parts)}" if pointed else "") if child else None
            if text is not None:
                parts.append(text)
                continue
            run.dropped = True
            run.undeclared = run.undeclared or child is None
        for length, spot in needed:
            _note_missing(spot if len(value) < length else None, run)
        return "[" + ",".join(parts) + "]" if parts else None

    return emit


def _needed_elements(entries: Entries[R]) -> list[tuple[float, Spot[R]]]:
    """How long an array must be for which required value; a member's name needs more than any."""
    needed = []
    for tokens, spot in entries:
        if _first_required([(tokens, spot)]):
            index = index_of(tokens[0])
            needed.append((float("inf") if index is None else index + 1, spot))
    return needed


def _in_order(entries: Entries[R]) -> Entries[R]:
    return sorted(entries, key=lambda entry: entry[1].place)


def _below(entries: Entries[R], token: str) -> Entries[R]:
    return [(tokens[1:], spot) for tokens, spot in entries if tokens[0] == token]


def _first_required(entries: Entries[R]) -> Spot[R] | None:
    """
    The first declared value that must exist here. One behind a `*` need not:
    it is required of each element that exists.
    """
    required = (spot for tokens, spot in entries if spot.required and EACH not in tokens)
    return min(required, key=lambda spot: spot.place, default=None)


def _pointed(entries: Entries[R]) -> bool:
    return any(spot.pointed for _, spot in entries)


def _note_missing(spot: Spot[R] | None, run: Run) -> None:
    if spot is not None:
        run.refuse(Reason.REQUIRED_FIELD_MISSING, spot.place, spot.selector)


def values_at(document: Any, tokens: Sequence[str]) -> Iterator[Any]:
    """
    What stands at a selector, once for each element that a `*` passes;
    `ABSENT` where nothing does.
    """
    if not tokens:
        yield document
        return
    token, rest = tokens[0], tokens[1:]
    if token == EACH and type(document) is list:
        for item in document:
            yield from values_at(item, rest)
    else:
        yield from values_at(_step(document, token), rest)


def _step(value: Any, token: str) -> Any:
    if type(value) is dict and token != EACH:
        return value.get(token, ABSENT)
    index = index_of(token) if type(value) is list else None
    return value[index] if index is not None and index < len(value) else ABSENT
