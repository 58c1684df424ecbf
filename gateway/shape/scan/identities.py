"""
Identity numbers of digits, each with its check: the resident id of China (date
of birth, check character), the French NIR (month of birth, key), the German
Identifikationsnummer (a repeated digit, check digit).
"""

import re
from collections.abc import Iterator

from gateway.shape.scan import checks
from gateway.shape.scan.stretch import Run, Stretch

RESIDENT, TAX = "resident-id", "tax-id"

_RESIDENT = re.compile(
    r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}"
)
_RESIDENT_LENGTH = 18
_NIR = re.compile(r"[12][0-9]{2}(?:0[1-9]|1[0-2]|[2-9][0-9])[0-9]{10}")
_NIR_SIZES = ((15,), (13, 2), (1, 2, 2, 2, 3, 3, 2))
_TAX = re.compile(r"[1-9][0-9]{10}")
_TAX_SIZES = ((11,), (2, 3, 3, 3))


def identities(run: Run, first: int) -> Iterator[tuple[str, Stretch]]:
    """The identity numbers that begin with the group `first`."""
    if _RESIDENT.match(run.digits, run.offsets[first]):
        yield from _residents(run, first)
    for kind, form, sizes, check in (
        (RESIDENT, _NIR, _NIR_SIZES, checks.nir),
        (TAX, _TAX, _TAX_SIZES, checks.tax_id),
    ):
        stretch = _sized(run, first, sizes)
        if stretch and form.fullmatch(stretch.digits) and check(stretch.digits):
            yield kind, stretch


def _residents(run: Run, first: int) -> Iterator[tuple[str, Stretch]]:
    stretch = run.stretch(first, _RESIDENT_LENGTH)
    if stretch and stretch.regular and checks.resident_id(stretch.digits):
        yield RESIDENT, stretch
    # An X as check character ends the run, which holds digits only.
    stretch = run.stretch(first, _RESIDENT_LENGTH - 1)
    if (
        stretch
        and stretch.follows in ("x", "X")
        and stretch.regular
        and checks.resident_id(stretch.digits + "X")
    ):
        yield RESIDENT, stretch.with_sign()


def _sized(run: Run, first: int, known: tuple[tuple[int, ...], ...]) -> Stretch | None:
    """The stretch from `first` on that is grouped in one of the known ways."""
    for sizes in known:
        if run.sizes[first : first + len(sizes)] == sizes:
            return Stretch(run=run, first=first, last=first + len(sizes) - 1)
    return None
