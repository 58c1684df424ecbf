"""
Telephone numbers, told from other digits by their shape.

    1[3-9] and nine digits       a mobile of mainland China, wherever it stands
    +49 30 …, 0049 30 …          with the code of a country, seven to fifteen digits
    030 …, 0755-…, (020) …       with a trunk zero and an area in a group of its own
    0151…, 077…                  a mobile of Germany, Britain, France, Switzerland, Austria
    (212) 555-0147, 212-555-…    in the plan of North America, with hyphens, dots or brackets
    anything of six to fifteen   behind a word that says telephone, unless it is a date

All but the first must stand alone: a part of a longer number is none.
"""

import re
from collections.abc import Iterable, Iterator

from gateway.shape.scan.cues import phone_named
from gateway.shape.scan.stretch import Run, Stretch

PHONE = "phone"

_MOBILE = re.compile(r"(86|0086)?1[3-9]")
_MOBILE_DIGITS = 11
_MOBILE_SIZES = frozenset(
    ((11,), (3, 4, 4), (3, 8), (7, 4), (4, 4, 3), (4, 3, 4), (3, 3, 5), (4, 7), (5, 6))
)

# ITU-T E.164: the code of a country and its number have at most fifteen digits.
_ABROAD = re.compile(r"[1-9]")
_ABROAD_LENGTHS = range(15, 6, -1)
# 00 is written before other numbers too, so the shortest are left out.
_DIALLED = re.compile(r"00[1-9]")
_DIALLED_LENGTHS = range(17, 11, -1)

_TRUNK = re.compile(r"0[1-9]")
_TRUNK_LENGTHS = range(12, 8, -1)
_AREA_SIZES = range(3, 7)
_FRENCH = (2, 2, 2, 2, 2)
_WHOLE_MOBILE = re.compile(r"01[567][0-9]{8,9}|0[67][0-9]{8,10}")

_NORTH_AMERICA = re.compile(r"1?[2-9][0-9]{2}[2-9][0-9]{6}")
_NORTH_AMERICAN = ((3, 3, 4), (1, 3, 3, 4))

_NAMED_LENGTHS = range(15, 5, -1)
_DATE = re.compile(
    r"(?:19|20)[0-9]{2}[-./][0-9]{1,2}[-./][0-9]{1,2}(?![0-9])"
    r"|[0-9]{1,2}[-./][0-9]{1,2}[-./](?:19|20)?[0-9]{2}(?![0-9])"
    r"|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{4}|[0-9]{6})?(?![0-9])"
)


def mobiles(run: Run, first: int) -> Iterator[tuple[str, Stretch]]:
    """The mobile number of mainland China that begins with the group `first`."""
    begin = _MOBILE.match(run.digits, run.offsets[first])
    if begin:
        code = len(begin[1] or "")
        stretch = run.stretch(first, code + _MOBILE_DIGITS)
        if stretch and _is_mobile(stretch, code):
            yield PHONE, stretch


def _is_mobile(stretch: Stretch, code: int) -> bool:
    sizes = stretch.sizes
    if code:
        # The code of the country is a group of its own, or a part of the first.
        sizes = sizes[1:] if sizes[0] == code else (sizes[0] - code, *sizes[1:])
    return sizes in _MOBILE_SIZES or (stretch.is_even and not stretch.is_amount)


def shaped(run: Run, first: int) -> Iterator[Stretch]:
    """Numbers from the group `first` on that their shape, or a word before, makes a telephone's."""
    offset = run.offsets[first]
    if _TRUNK.match(run.digits, offset):
        yield from filter(_has_trunk, _alone(run, first, _TRUNK_LENGTHS))
    elif _DIALLED.match(run.digits, offset):
        yield from _alone(run, first, _DIALLED_LENGTHS)
    yield from _north_american(run, first)
    # A plus or a word stands before a run, never inside one.
    if first == 0:
        yield from _announced(run)


def _alone(run: Run, first: int, lengths: Iterable[int]) -> Iterator[Stretch]:
    """The stretches of these lengths that are no part of anything longer."""
    for length in lengths:
        stretch = run.stretch(first, length)
        if stretch and stretch.stands_alone:
            yield stretch


def _has_trunk(stretch: Stretch) -> bool:
    if len(stretch.sizes) == 1:
        return _WHOLE_MOBILE.fullmatch(stretch.digits) is not None
    french = stretch.sizes == _FRENCH and len(set(stretch.between)) == 1
    return french or stretch.sizes[0] in _AREA_SIZES


def _north_american(run: Run, first: int) -> Iterator[Stretch]:
    for sizes in _NORTH_AMERICAN:
        if run.sizes[first : first + len(sizes)] == sizes:
            stretch = Stretch(run=run, first=first, last=first + len(sizes) - 1)
            signs = {each.strip() for each in stretch.between[-2:]}
            parted = signs in ({"-"}, {"."}) or ")" in stretch.between[-2]
            if parted and _NORTH_AMERICA.fullmatch(stretch.digits) and stretch.stands_alone:
                yield stretch


def _announced(run: Run) -> Iterator[Stretch]:
    """The number at the beginning of a run that a plus or a word announces."""
    if run.follows_plus and _ABROAD.match(run.digits):
        yield from _first(run, _ABROAD_LENGTHS)
    elif not _DATE.match(run.text, run.start) and phone_named(run.text, run.start):
        yield from _first(run, _NAMED_LENGTHS)


def _first(run: Run, lengths: Iterable[int]) -> Iterator[Stretch]:
    """The longest of these lengths that ends where a group does; +20.000.000 is an amount."""
    for length in lengths:
        stretch = run.stretch(0, length)
        if stretch:
            if not (stretch.is_amount and "." in stretch.between):
                yield stretch
            return
