"""
Whom a request of OpenDSR means: each identifier that a recipient was given, in the
type and format in which it takes it (STANDARDS §2.1, §0 no. 8).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.notices.base import Telling
from gateway.notices.ddrf_words import written
from gateway.notices.opendsr_words import CUSTOMER_ID, Identity, Supported

PSEUDONYM: Final = "pseudonym"
REFERENCE: Final = "reference"

USUAL: Final[Mapping[str, str]] = {PSEUDONYM: CUSTOMER_ID}
"""What a recipient calls our identifiers, where its manifest does not say it."""

Forms = Mapping[str, Sequence[str]]
"""By kind of identifier, the type and format in which it goes to the recipient."""


def forms_of(telling: Telling, supported: Sequence[Supported]) -> Forms | None:
    """
    The first type and format of its discovery that we can write, for each kind; None
    where what it was given cannot be said to it.
    """
    kinds = _kinds(telling)
    found: dict[str, list[str]] = {}
    for kind, type in kinds.items():
        for one in supported:
            if one.type == type and written("", one.format) is not None:
                found.setdefault(kind, [one.type, one.format])
    by_records = telling.told.only_references or PSEUDONYM not in kinds
    needed = REFERENCE if by_records else PSEUDONYM
    if needed not in found or (by_records and not telling.told.references):
        return None
    return found


def identities(telling: Telling) -> list[Identity]:
    """Whom the request means, once the forms are known; the same in every try."""
    forms: Forms = json.loads(telling.memory["forms"])
    told = telling.told
    values = [(REFERENCE, one) for one in told.references]
    if not told.only_references:
        values.insert(0, (PSEUDONYM, told.pseudonym))
    return [
        Identity(
            type=forms[kind][0], value=written(value, forms[kind][1]) or "", format=forms[kind][1]
        )
        for kind, value in values
        if kind in forms
    ]


def _kinds(telling: Telling) -> Mapping[str, str]:
    return telling.deletion.identifiers or USUAL
