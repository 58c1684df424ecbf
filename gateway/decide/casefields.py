"""
Fields of a decision case: optional ones of one type each; None where a field is
absent or wrong. What is wrong is told at its place.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from gateway.policy.reading import Node


def known_fields(
    node: Node, known: Iterable[str], *, required: Iterable[str]
) -> Mapping[str, Node]:
    """The known keys of a mapping; what is missing is told where the mapping begins."""
    fields = node.fields(known)
    if isinstance(node.value, dict):
        for name in required:
            if name not in fields:
                node.wrong(f'"{name}" is missing, write {name}: …')
    return fields


def text_in(fields: Mapping[str, Node], key: str) -> str | None:
    """Text."""
    return fields[key].text() if key in fields else None


def identifier_in(fields: Mapping[str, Node], key: str) -> str | None:
    """An id."""
    return fields[key].identifier() if key in fields else None


def identifiers_in(fields: Mapping[str, Node], key: str) -> tuple[str, ...] | None:
    """A list of ids."""
    return fields[key].identifiers() if key in fields else None


def flag_in(fields: Mapping[str, Node], key: str) -> bool:
    """A truth value; false where it is absent."""
    return bool(fields[key].flag()) if key in fields else False


def moment_in(fields: Mapping[str, Node], key: str) -> datetime | None:
    """A UTC time."""
    return fields[key].moment() if key in fields else None


def whole_in(fields: Mapping[str, Node], key: str) -> int | None:
    """A whole number."""
    return fields[key].whole() if key in fields else None


def items_in(fields: Mapping[str, Node], key: str) -> Iterable[Node]:
    """The elements of a list; none where it is absent."""
    return fields[key].items() if key in fields else ()
