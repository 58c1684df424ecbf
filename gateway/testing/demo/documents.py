"""A JSON document as a list of its values."""

from collections.abc import Iterator
from typing import Any, NamedTuple


class Leaf(NamedTuple):
    """One value, and where it stands."""

    pointer: str
    """RFC 6901."""
    selector: str
    """The same with `*` for each place in an array, as manifests write it."""
    value: Any


def leaves(document: Any, pointer: str = "", selector: str = "") -> Iterator[Leaf]:
    """Every scalar, and every empty container below the top, in the document's order."""
    match document:
        case dict() if document:
            for name, value in document.items():
                token = name.replace("~", "~0").replace("/", "~1")
                yield from leaves(value, f"{pointer}/{token}", f"{selector}/{token}")
        case list() if document:
            for place, value in enumerate(document):
                yield from leaves(value, f"{pointer}/{place}", f"{selector}/*")
        case dict() | list() if not pointer:
            return
        case _:
            yield Leaf(pointer, selector, document)


def at(document: Any, pointer: str) -> Any:
    """The value at a pointer. Raises KeyError where there is none."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(name)] if isinstance(document, list) else document[name]
        except (IndexError, TypeError, ValueError):
            raise KeyError(pointer) from None
    return document
