"""
Personal data in free text (`scan: block` and `scan: mask`, P6).

What is recognised, and how it is told from other digits:

    phone         a mobile number of mainland China, with or without +86 or 0086
    email         an address with a domain of at least two labels
    resident-id   a Chinese resident id of 18 characters: date of birth and check character
    bank-card     13 to 19 digits with a Luhn check digit, beginning with 2 to 6
    iban          country, check digits and account, modulo 97 (ISO 13616)

Numbers may be written in groups with a space, a hyphen or a dot between, in
full-width or other decimal digits, and with characters in between that print
nothing. Time is linear in the length of the text: candidates are found by
patterns that never go back, and each is looked at a bounded number of times.
"""

import re
import unicodedata
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from itertools import accumulate

MASK = "*"

_RUN = re.compile(r"[0-9]++(?:[ .-][0-9]++)*+")
_GROUP = re.compile(r"[0-9]+")
_MOBILE = re.compile(r"(?:86|0086)?1[3-9][0-9]{9}")
_CARD_LENGTHS = range(13, 20)
_DOUBLED = {str(digit): sum(divmod(2 * digit, 10)) for digit in range(10)}
_RESIDENT = re.compile(
    r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]"
)
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"

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
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBANS = {
    country: re.compile(rf"[A-Za-z]{{2}}[0-9]{{2}}(?: ?[A-Za-z0-9]){{{length - 4}}}(?![A-Za-z0-9])")
    for length, countries in _IBAN_LENGTHS.items()
    for country in countries.split()
}
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}(?=[0-9]{2}[ A-Za-z0-9])")

_LATIN = "A-Za-z0-9\u00c0-\u024f"
_LOCAL = re.compile(rf"[{_LATIN}._%+'-]")
_MAX_LOCAL = 64
_DOMAIN = re.compile(rf"[{_LATIN}-]{{1,63}}+(?:\.[{_LATIN}-]{{1,63}}+){{1,8}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Where a text holds personal data: of which kind, from `start` up to before `end`."""

    kind: str
    start: int
    end: int


def find_personal(text: str) -> tuple[Finding, ...]:
    """What is recognised in `text`, in order; findings do not overlap."""
    folded, places = _fold(text)
    found = sorted(
        (finding for recognise in _RECOGNISERS for finding in recognise(folded)),
        key=lambda finding: (finding.start, -finding.end),
    )
    kept: list[Finding] = []
    for finding in found:
        if not kept or finding.start >= kept[-1].end:
            kept.append(finding)
        elif finding.end > kept[-1].end:
            last = kept.pop()
            kept.append(Finding(kind=last.kind, start=last.start, end=finding.end))
    return tuple(
        Finding(kind=each.kind, start=places[each.start], end=places[each.end - 1] + 1)
        for each in kept
    )


def mask_personal(text: str) -> str:
    """`text` with every character of every finding replaced by an asterisk."""
    parts = []
    at = 0
    for finding in find_personal(text):
        parts += [text[at : finding.start], MASK * (finding.end - finding.start)]
        at = finding.end
    return "".join(parts) + text[at:]


def _fold(text: str) -> tuple[str, list[int] | range]:
    """
    `text` with digits, Latin letters and signs of other widths and scripts as
    ASCII and without what prints nothing, and where each character came from.
    """
    if text.isascii():
        return text, range(len(text))
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if unicodedata.category(character) not in ("Cf", "Mn", "Me"):
            folded.append(_ascii(character))
            places.append(place)
    return "".join(folded), places


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) == 1 and plain.isascii():
        return plain
    # U+2010 to U+2015 and U+2212 are hyphens, dashes and minus.
    return "-" if "\u2010" <= character <= "\u2015" or character == "\u2212" else character


def _numbers(text: str) -> Iterator[Finding]:
    """Phone numbers, resident ids and bank cards among groups of digits."""
    for run in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        digits, ends = _joined(text, groups)
        start = done = 0
        for first, last in groups:
            length, kind = _longest(digits, start, ends) if start >= done else (0, "")
            if kind:
                done = start + length
                yield Finding(kind=kind, start=first, end=ends[done])
            start += last - first


def _joined(text: str, groups: list[tuple[int, int]]) -> tuple[str, dict[int, int]]:
    """
    The digits of a run without what stands between its groups, and for each
    place where a number may end in them, the place in the text.
    """
    digits = "".join(text[first:last] for first, last in groups)
    lengths = accumulate(last - first for first, last in groups)
    ends = {length: last for length, (_, last) in zip(lengths, groups, strict=True)}
    end = groups[-1][1]
    if text[end : end + 1] in ("x", "X"):
        ends[len(digits) + 1] = end + 1
        digits += "X"
    return digits, ends


def _longest(digits: str, start: int, ends: Container[int]) -> tuple[int, str]:
    """Length and kind of the longest number at `start` that ends where a group does."""
    found = [(0, "")]
    mobile = _MOBILE.match(digits, start)
    if mobile and mobile.end() in ends:
        found.append((len(mobile.group()), "phone"))
    resident = _RESIDENT.match(digits, start)
    if resident and resident.end() in ends and _resident_check(resident.group()):
        found.append((len(resident.group()), "resident-id"))
    for length in _CARD_LENGTHS if digits[start] in "23456" else ():
        if start + length in ends and _luhn(digits[start : start + length]):
            found.append((length, "bank-card"))
    return max(found)


def _resident_check(text: str) -> bool:
    """GB 11643: the check character over the other seventeen (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(text, _RESIDENT_WEIGHTS, strict=False))
    return text[-1] == _RESIDENT_CHECKS[total % 11]


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: from the right, every second digit counts doubled."""
    if not digits.isdigit():
        return False
    total = sum(map(int, digits[-1::-2])) + sum(map(_DOUBLED.__getitem__, digits[-2::-2]))
    return total % 10 == 0


def _ibans(text: str) -> Iterator[Finding]:
    for start in _IBAN_START.finditer(text):
        form = _IBANS.get(start.group().upper())
        match = form.match(text, start.start()) if form else None
        if match and _mod97(match.group().replace(" ", "")):
            yield Finding(kind="iban", start=match.start(), end=match.end())


def _mod97(account: str) -> bool:
    """ISO 7064 MOD 97-10, as ISO 13616 has it."""
    return int("".join(str(int(each, 36)) for each in account[4:] + account[:4])) % 97 == 1


def _emails(text: str) -> Iterator[Finding]:
    at = text.find("@")
    while at >= 0:
        start = at
        while start > 0 and at - start < _MAX_LOCAL and _LOCAL.match(text, start - 1):
            start -= 1
        domain = _DOMAIN.match(text, at + 1)
        if start < at and domain:
            yield Finding(kind="email", start=start, end=domain.end())
        at = text.find("@", at + 1)


_RECOGNISERS: tuple[Callable[[str], Iterator[Finding]], ...] = (_numbers, _ibans, _emails)
