"""
The rows of a person's account of disclosures, as JSON text (contract §8; R1).

An account may have many thousands of rows, and somebody waits for it. Leaves of
one route differ in a few texts only, times, ids and marks, and these are as long
in one as in the other. So a leaf is read when its form first occurs; others of its
form are told by what stands around these gaps, and only the gaps are taken.

    {"at":"……","categories":["basic.name"],"edition":"2026-1",…,"id":"……","kind":"intent",…}
"""

import json
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Final, NamedTuple

from gateway.model.policyset import PolicySet

# In the order of a canonical leaf (RFC 8785). None of these texts holds a quote: what
# the gateway writes there are times, ids of its own and hex digits.
_GAPS: Final = (
    *("at", "disclosed_at", "evidence", "grant", "id", "reference"),
    *("retention_until", "share", "subject"),
)

Texts = Callable[[str], tuple[str, ...]]


class _Form(NamedTuple):
    """How leaves of one form are told and taken apart, and the text of their rows."""

    around: Texts
    """What stands around the gaps of a leaf …"""
    expected: tuple[str, ...]
    """… and what that is in this form."""
    own: Texts
    """Share, time and end of a leaf."""
    after_share: str
    after_outcome: str
    after_end: str


class AccountRows:
    """Writes the rows of one account. Keeps a form for each kind of leaf that it meets."""

    def __init__(self, policy: PolicySet) -> None:
        self._policy = policy
        self._forms: dict[int, list[_Form]] = {}
        """By the length of the leaves."""

    @property
    def forms(self) -> int:
        """How many kinds of leaves it met."""
        return sum(map(len, self._forms.values()))

    def row(self, index: int, leaf: str, outcome: str | None) -> str:
        """
        One row as a JSON object, with the recipient's name and contact.

        `leaf` is the canonical text of a share's leaf; `outcome` None: the intent is
        open. Raises `KeyError` and `ValueError` for a text that is no such leaf.
        """
        for form in self._forms.get(len(leaf), ()):
            if form.around(leaf) == form.expected:
                break
        else:
            form = self._form(leaf)
            self._forms.setdefault(len(leaf), []).append(form)
        share, at, until = form.own(leaf)
        became = "null" if outcome is None else f'"{outcome}"'
        return (
            f'{{"share": "{share}{form.after_share}{at}", "outcome": {became}'
            f"{form.after_outcome}{until}{form.after_end}{index}}}"
        )

    def _form(self, text: str) -> _Form:
        leaf = json.loads(text)
        gaps = _gaps(text)
        at = gaps.get("disclosed_at", gaps["at"])
        around = _around(gaps, len(text))
        return _Form(
            around=around,
            expected=around(text),
            own=itemgetter(gaps["share"], at, gaps["retention_until"]),
            after_share=f'", {_members(self._alike(leaf))}, "at": "',
            after_outcome=', "retention_until": "',
            after_end=f'", {_members({"territory": leaf["territory"]})}, "index": ',
        )

    def _alike(self, leaf: Mapping[str, Any]) -> dict[str, Any]:
        """What all rows of a form say alike, between share and time."""
        partner = self._policy.partners.get(leaf["partner"])
        return {
            "kind": leaf["kind"],
            "partner": leaf["partner"],
            "name": partner.name if partner else leaf["partner"],
            "contact": partner.contact if partner else None,
            "fields": leaf["fields"],
            "categories": leaf["categories"],
            "purpose": leaf["purpose"],
            "purpose_version": leaf["purpose_version"],
            "ground": leaf["ground"],
        }


def _members(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _gaps(leaf: str) -> dict[str, slice]:
    """Where a leaf's own texts stand, by name, in their order."""
    found: dict[str, slice] = {}
    last = 0
    for name in _GAPS:
        # A quote within a text is escaped, so this is the member and no text.
        start = leaf.find(f'"{name}":"', last)
        if start >= 0:
            start += len(name) + 4
            last = leaf.index('"', start)
            found[name] = slice(start, last)
    return found


def _around(gaps: Mapping[str, slice], length: int) -> Texts:
    starts = [0, *(gap.stop for gap in gaps.values())]
    stops = [*(gap.start for gap in gaps.values()), length]
    return itemgetter(*map(slice, starts, stops))
