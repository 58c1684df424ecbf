"""
Numbers that hold letters: IBANs, and the identity numbers of Spain, Italy and
Corsica. Each has a fixed form and check digits.
"""

import re
from collections.abc import Callable, Iterator

from gateway.shape.scan import checks
from gateway.shape.scan.finding import Finding

# Lengths of the IBAN registry (SWIFT, ISO 13616-2). With the length known, one
# look at each candidate is enough.
_IBAN_LENGTHS = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD FK",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBANS = {
    country: re.compile(
        rf"[A-Za-z]{{2}}[ .-]?[0-9](?:[ .-]{{0,2}}[A-Za-z0-9]){{{length - 3}}}(?![A-Za-z0-9])"
    )
    for length, countries in _IBAN_LENGTHS.items()
    for country in countries.split()
}
_IBAN_START = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=IBAN))[A-Za-z]{2}(?=[ .-]?[0-9]{2}[ .A-Za-z0-9-])"
)
_BETWEEN = str.maketrans("", "", " .-")

# Form and check of identity numbers, read without signs and in capitals.
_IDENTITIES: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = tuple(
    (re.compile(rf"(?<![A-Za-z0-9])(?:{form})(?![A-Za-z0-9])", re.IGNORECASE), check)
    for form, check in (
        (r"[0-9]{8}-?[A-Z]", checks.dni),
        (r"[XYZ]-?[0-9]{7}-?[A-Z]", checks.dni),
        (
            r"[A-Z]{6} ?[0-9]{2}[A-EHLMPRST][0-9]{2} ?[A-Z][0-9]{3}[A-Z]",
            checks.codice_fiscale,
        ),
        (r"[12] ?[0-9]{2} ?[0-9]{2} ?2[AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", checks.nir),
    )
)


def accounts(text: str) -> Iterator[Finding]:
    """Every account and identity number with letters in a folded text."""
    yield from _ibans(text)
    for form, check in _IDENTITIES:
        for match in form.finditer(text):
            if check(match.group().translate(_BETWEEN).upper()):
                yield Finding(kind="resident-id", start=match.start(), end=match.end())


def _ibans(text: str) -> Iterator[Finding]:
    for start in _IBAN_START.finditer(text):
        form = _IBANS.get(start.group().upper())
        match = form.match(text, start.start()) if form else None
        if match and checks.iban(match.group().translate(_BETWEEN)):
            yield Finding(kind="iban", start=match.start(), end=match.end())
