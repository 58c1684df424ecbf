"""
Bank cards: digits with a Luhn digit, in a range and of a length that a scheme
uses, or behind a word that names a card.
"""

import re
from collections.abc import Iterable, Iterator

from gateway.shape.scan import checks
from gateway.shape.scan.cues import card_named
from gateway.shape.scan.stretch import Run, Stretch

CARD = "bank-card"

# Ranges of the issuer numbers (ISO/IEC 7812) that schemes use, with the length
# they use them for. Numbers of goods and devices have a check digit too, often
# the same one; they begin otherwise or are of another length.
_SCHEMES = (
    (re.compile(r"3[47]"), 15),
    (re.compile(r"30[0-59]|3[689]"), 14),
    (re.compile(r"4|5[0-8]|6|81|35[2-8]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|220[0-4]"), 16),
    (re.compile(r"62"), 17),
    (re.compile(r"62"), 18),
    (re.compile(r"4|6|81|9558"), 19),
)
_NAMED = range(13, 20)


def cards(run: Run, first: int) -> Iterator[tuple[str, Stretch]]:
    """The cards that begin with the group `first`."""
    for length in _lengths(run, first):
        stretch = run.stretch(first, length)
        if stretch and stretch.regular and checks.luhn(stretch.digits):
            yield CARD, stretch


def _lengths(run: Run, first: int) -> Iterable[int]:
    # A word names what follows it: only the first number of a run.
    if first == 0 and len(run.digits) >= _NAMED.start and card_named(run.text, run.start):
        return _NAMED
    offset = run.offsets[first]
    return [
        length
        for form, length in _SCHEMES
        if offset + length in run.ends and form.match(run.digits, offset)
    ]
