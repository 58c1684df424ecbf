"""
Personal data in free text (`scan: block` and `scan: mask`, P6).

What is recognised is listed in `docs/reference/scan.md`, with how often it is
right. Each recogniser reads the same folded text (see `fold`) and stands in a
module of its own:

    runs         numbers in groups: bank cards, resident ids, tax ids
    phones       telephone numbers among them
    accounts     IBANs, and identity numbers that hold letters
    emails       addresses with an @
    positions    coordinates
    network      addresses of machines
    credentials  passwords, keys, signed tokens

A number with a check digit is taken wherever it stands. A number without one
needs the shape of its kind, or a word before it that names the kind. The only
word that makes anything pass is that of a version before four numbers.

Time is linear in the length of the text. Every pattern looks at a bounded
number of characters from where it begins, or cannot fail on what it has read;
every candidate is looked at a bounded number of times.
"""

import re
from collections.abc import Callable, Iterator

from gateway.shape.scan.accounts import accounts
from gateway.shape.scan.credentials import credentials
from gateway.shape.scan.emails import emails
from gateway.shape.scan.finding import Finding
from gateway.shape.scan.fold import fold
from gateway.shape.scan.network import addresses
from gateway.shape.scan.positions import positions
from gateway.shape.scan.runs import numbers, spelled

__all__ = ["MASK", "Finding", "find_personal", "mask_personal"]

MASK = "***"
"""What stands in place of every finding: neither its length nor its kind shows."""

Recogniser = Callable[[str], Iterator[Finding]]

# In this order: where two findings begin at the same place and are as long, the
# first names it.
_OF_ANY: tuple[Recogniser, ...] = (credentials, emails, spelled)
_OF_DIGITS: tuple[Recogniser, ...] = (accounts, positions, addresses, numbers)
_DIGIT = re.compile("[0-9]")


def find_personal(text: str) -> tuple[Finding, ...]:
    """What is recognised in `text`, in order; findings do not overlap."""
    folded, places = fold(text)
    recognisers = (*_OF_ANY, *_OF_DIGITS) if _DIGIT.search(folded) else _OF_ANY
    found = sorted(
        (finding for recognise in recognisers for finding in recognise(folded)),
        key=lambda finding: (finding.start, -finding.end),
    )
    return tuple(
        Finding(kind=each.kind, start=places[each.start], end=places[each.end - 1] + 1)
        for each in _apart(found)
    )


def _apart(found: list[Finding]) -> list[Finding]:
    """Findings in order, those that overlap as one: of the kind of the first."""
    kept: list[Finding] = []
    for finding in found:
        if not kept or finding.start >= kept[-1].end:
            kept.append(finding)
        elif finding.end > kept[-1].end:
            last = kept.pop()
            kept.append(Finding(kind=last.kind, start=last.start, end=finding.end))
    return kept


def mask_personal(text: str) -> str:
    """`text` with three asterisks in place of every finding."""
    parts = []
    at = 0
    for finding in find_personal(text):
        parts += [text[at : finding.start], MASK]
        at = finding.end
    return "".join(parts) + text[at:]
