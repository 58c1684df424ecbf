"""
Generalisations: a coarser value in place of an exact one.

Every function states exactly what is left to see; none ever shows more than
the value held. Digits of every script and full-width signs are read, and what
is shown is ASCII. None: the value is not of a form that the function reads, and
nothing of it is shown.
"""

import re
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from gateway.shape.text import ascii_form

IPV6_BITS = 48
MAX_AGE = 150

_DATE_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})(?:[T ][0-9:.,Zz+-]{5,})?",
        r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
        r"(?P<y>[0-9]{4})[/.](?P<m>[0-9]{1,2})[/.](?P<d>[0-9]{1,2})",
        r"(?P<y>[0-9]{4})年(?P<m>[0-9]{1,2})月(?P<d>[0-9]{1,2})日",
        r"(?P<d>[0-9]{1,2})\.(?P<m>[0-9]{1,2})\.(?P<y>[0-9]{4})",
    )
)
_YEAR_FORMS = re.compile(r"([0-9]{4})(?:-(?:0[1-9]|1[0-2])|年(?:[1-9]|1[0-2])月|年)?")
# Longer than anything that is read here.
_LONGEST = 100

_COORDINATE = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,30})?")
_PAIR = re.compile(r"([^,]{1,40}),([^,]{1,40})")
_MAX_LATITUDE, _MAX_LONGITUDE = 90, 180


def read_date(text: str) -> date | None:
    """
    A date as people and programs write it: 1990-05-17 (also with a time),
    19900517, 1990/5/17, 1990年5月17日, 17.5.1990. None: not a date.
    """
    plain = _plain(text)
    for form in _DATE_FORMS:
        match = form.fullmatch(plain)
        if match:
            return _calendar_date(int(match["y"]), int(match["m"]), int(match["d"]))
    return None


def _plain(text: str) -> str:
    """`text` with its digits and signs in ASCII; empty: it is too long to be read."""
    return ascii_form(text).strip() if len(text) <= _LONGEST else ""


def _calendar_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def year(text: str) -> str | None:
    """
    Shows the year: 1990-05-17 -> 1990. Reads what `read_date` reads, a year and
    month, or a year. None: anything else.
    """
    found = read_date(text)
    if found:
        return f"{found.year:04d}"
    match = _YEAR_FORMS.fullmatch(_plain(text))
    return match[1] if match else None


def age_band(text: str, width: int, *, today: date) -> str | None:
    """
    Shows a span of `width` years that holds the age: 34 -> 30-39 for 10. Reads
    an age in whole years, or a date of birth (then the age on `today`). None:
    anything else, also a year alone, which leaves the age open.
    """
    age = _age(_plain(text), today)
    if age is None or not 0 <= age <= MAX_AGE:
        return None
    low = age - age % width
    return f"{low}-{low + width - 1}"


def _age(text: str, today: date) -> int | None:
    if re.fullmatch(r"[0-9]{1,3}", text):
        return int(text)
    born = read_date(text)
    if born is None:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def coarse_location(text: str, decimals: int) -> str | None:
    """
    Shows a latitude, a longitude, or both with a comma between, rounded to
    `decimals` places: 31.2304,121.4737 -> 31.2,121.5 for 1, which is a square
    of some eleven kilometres. A coarser value stays as coarse as it is. None:
    not a coordinate.
    """
    plain = _plain(text)
    pair = _PAIR.fullmatch(plain)
    if not pair:
        return _rounded(plain, decimals, _MAX_LONGITUDE)
    # Which of the two comes first differs from API to API.
    parts = [_rounded(part.strip(), decimals, _MAX_LONGITUDE) for part in pair.groups()]
    known = [part for part in parts if part is not None]
    within = any(abs(Decimal(part)) <= _MAX_LATITUDE for part in known)
    return ",".join(known) if len(known) == len(parts) and within else None


def _rounded(text: str, decimals: int, limit: int) -> str | None:
    if not _COORDINATE.fullmatch(text) or abs(Decimal(text)) > limit:
        return None
    exact = Decimal(text)
    _, _, fraction = text.partition(".")
    step = Decimal(1).scaleb(-decimals)
    coarse = exact if len(fraction) <= decimals else exact.quantize(step, ROUND_HALF_EVEN)
    # Adding zero turns -0.0 into 0.0, which would otherwise show the sign.
    return format(coarse + 0, "f")


def ip_prefix(text: str, bits: int) -> str | None:
    """
    Shows the first `bits` bits of an IPv4 address, or the first 48 of an IPv6
    address, as an address whose other bits are zero: 203.0.113.7 ->
    203.0.113.0 for 24. An IPv4 address inside an IPv6 one (mapped, 6to4)
    counts as that IPv4 address. None: not an address.
    """
    try:
        address = ip_address(_plain(text))
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address.sixtofour or address
    kept = bits if isinstance(address, IPv4Address) else IPV6_BITS
    return str(ip_network((address, kept), strict=False).network_address)
