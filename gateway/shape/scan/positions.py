"""
Coordinates that say where somebody is to some hundred metres or better.

A pair of decimal numbers with four places or more; with two or more if a word,
a degree sign or a quarter of the compass names them; degrees, minutes and
seconds. One number alone is no place.
"""

import re
from collections.abc import Iterator

from gateway.shape.scan.cues import place_named
from gateway.shape.scan.finding import Finding

_POLE, _DATE_LINE = 90, 180

_DECIMAL = r"[+-]?[0-9]{1,3}\.[0-9]{2,15}"
_PAIR = re.compile(rf"(?<![0-9.])({_DECIMAL})[ \t,;/|]{{1,4}}({_DECIMAL})(?![0-9]|\.[0-9])")
# Places behind the point, without a name and with one.
_EXACT, _NAMED = 4, 2

_ANGLE = (
    r"[+-]?[0-9]{1,3}(?:[.,][0-9]{1,15})?(?: ?[\u00b0度] ?"
    r"(?:[0-9]{1,2}(?:[.,][0-9]{1,10})? ?(?:'|分) ?"
    r"(?:[0-9]{1,2}(?:[.,][0-9]{1,10})? ?(?:\"|''|秒) ?)?)?)?"
)
_QUARTER = r"(?:[NSEWO](?![a-z])|north|south|east|west|nord|s\u00fcd|ost|[北南]纬|[东西]经)"
_SIDE = rf"(?:(?<![A-Za-z]){_QUARTER} ?{_ANGLE}|{_ANGLE} ?{_QUARTER})"
_SIDES = re.compile(rf"(?<![0-9.]){_SIDE}[ \t,;/]{{0,4}}{_SIDE}", re.IGNORECASE)
_FINE = re.compile(r"[.,][0-9]{2}|'|分")

_AXIS = (
    r"(?:(?<![a-z])(?:lat(?:itude)?|lng|lon(?:g(?:itude)?)?|breite(?:ngrad)?|l\u00e4nge(?:ngrad)?)(?![a-z])"
    r"|[纬经]度|[北南]纬|[东西]经)"
)
_AXES = re.compile(
    rf"{_AXIS}[^0-9\n]{{0,6}}?{_DECIMAL}[^0-9]{{0,12}}?{_AXIS}[^0-9\n]{{0,6}}?{_DECIMAL}",
    re.IGNORECASE,
)


def positions(text: str) -> Iterator[Finding]:
    """Every pair of coordinates in a folded text."""
    for match in _PAIR.finditer(text):
        if _is_pair(text, match):
            yield Finding(kind="coordinates", start=match.start(), end=match.end())
    for match in _SIDES.finditer(text):
        written = match.group().rstrip()
        if len(_FINE.findall(written)) > 1:
            start = match.start()
            yield Finding(kind="coordinates", start=start, end=start + len(written))
    for match in _AXES.finditer(text):
        yield Finding(kind="coordinates", start=match.start(), end=match.end())


def _is_pair(text: str, match: re.Match[str]) -> bool:
    first, second = match.groups()
    if not _within(abs(float(first)), abs(float(second))):
        return False
    places = min(len(number.partition(".")[2]) for number in (first, second))
    return places >= _EXACT or (places >= _NAMED and place_named(text, match.start()))


def _within(first: float, second: float) -> bool:
    """Whether two numbers can be a latitude and a longitude, in either order."""
    return min(first, second) <= _POLE and max(first, second) <= _DATE_LINE
