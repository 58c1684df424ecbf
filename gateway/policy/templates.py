"""
Templates of a recipient's own interface (protocol `rest`): texts in which `{name}`
stands for something that a notice says.

    /records/{reference}              one request of each of the recipient's own ids
    {"ids": "{references}"}           a text that is nothing but a list's name becomes the list

Only what the ledger shows this recipient to have identifies the person: its own ids
and the pseudonym that its grants name (STANDARDS §0 no. 8).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

REFERENCE: Final = "reference"
REFERENCES: Final = "references"
PSEUDONYM: Final = "pseudonym"
KEPT: Final = "kept"

SCALARS: Final = (REFERENCE, PSEUDONYM, "notice", "action", "deadline", "issuer", "receipts")
CHANGES: Final = "changes"
LISTS: Final = (REFERENCES, "purposes", "categories", CHANGES)

_PLACE = re.compile(r"\{([^{}]*)\}")


def names_in(template: Any) -> Iterator[str]:
    """The name in every `{…}` of a template: of a text, or of all texts of a JSON value."""
    if isinstance(template, str):
        yield from _PLACE.findall(template)
    elif isinstance(template, Mapping):
        for member in template.values():
            yield from names_in(member)
    elif isinstance(template, list | tuple):
        for element in template:
            yield from names_in(element)


def list_named(text: str) -> str | None:
    """The list that a text is nothing but the name of."""
    found = _PLACE.fullmatch(text)
    return found[1] if found and found[1] in LISTS else None


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with the value of each name in its place. Raises `KeyError` for a name without one."""
    return _PLACE.sub(lambda place: values[place[1]], text)
