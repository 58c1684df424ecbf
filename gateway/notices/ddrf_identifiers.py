"""
Whom a request of DDRF means: which identifiers a recipient was given, and in which
type and format it takes each (STANDARDS §1.1, §0 no. 8).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from gateway.notices.base import Telling
from gateway.notices.ddrf_discovery import Document, Supported
from gateway.notices.ddrf_words import Identifier, written

PSEUDONYM: Final = "pseudonym"
REFERENCE: Final = "reference"

USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    PSEUDONYM: ("ppuid", "pseudonym", "alias"),
    REFERENCE: ("reference",),
}
"""What recipients call our two kinds of identifier, where the manifest does not say it."""


def forms_of(telling: Telling, document: Document) -> dict[str, list[str]]:
    """By kind of identifier, the first type and format of the document that we can write."""
    declared = telling.deletion.identifiers
    refused = set(telling.memory.get("refused", "").splitlines())
    found: dict[str, list[str]] = {}
    for kind, usual in USUAL.items():
        types = (declared[kind],) if kind in declared else (() if declared else usual)
        for one in document.identifiers:
            fits = one.type in types and written("", one.format) is not None
            if fits and pair(one) not in refused:
                found.setdefault(kind, [one.type, one.format])
    return found


def pair(one: Supported) -> str:
    """A type and a format in one line, to be kept."""
    return f"{one.type} {one.format}"


def left(telling: Telling) -> Iterator[tuple[int, Identifier]]:
    """The identifiers that this recipient has not acknowledged, each with its number."""
    forms = {kind: Supported(type=t, format=f) for kind, (t, f) in _read(telling).items()}
    done = numbers(telling.memory.get("done", ""))
    for number, (kind, value) in enumerate(known(telling)):
        form = forms.get(kind)
        if form is None or number in done:
            continue
        text = written(value, form.format)
        if text is not None:
            yield number, Identifier(value=text, type=form.type, format=form.format)


def _read(telling: Telling) -> dict[str, list[str]]:
    forms: dict[str, list[str]] = json.loads(telling.memory.get("forms", "{}"))
    return forms


def known(telling: Telling) -> Sequence[tuple[str, str]]:
    """
    Everything by which the recipient may know the person, and nothing that it was
    not given. The order is the same in every try.
    """
    told = telling.told
    whole = () if told.only_references else ((PSEUDONYM, told.pseudonym),)
    return (*whole, *((REFERENCE, text) for text in told.references))


def numbers(text: str) -> frozenset[int]:
    """Numbers of identifiers as they are kept, with spaces between."""
    return frozenset(int(one) for one in text.split())


def all_said(telling: Telling) -> bool:
    """
    Whether what was acknowledged is enough, though more is known that the recipient
    has no type for: the whole person by the pseudonym, or everything that there is.
    """
    done, every = numbers(telling.memory.get("done", "")), known(telling)
    whole = not telling.told.only_references and 0 in done
    return whole or (bool(every) and done.issuperset(range(len(every))))
