"""
Addresses with an @.

The part before it is of Latin letters, digits and signs, or of letters of
another script, or in quotation marks; the domain has two labels or more and
does not end in a number, or is an address of a machine in brackets. What is
spelt out against machines (`zhang (at) mail dot example`) is not looked for.
"""

import re
from collections.abc import Iterator

from gateway.shape.scan.finding import Finding

# RFC 5321, 4.5.3.1.1.
_MAX_LOCAL = 64

# Written in the query of a URL, it is escaped.
_AT = re.compile("@|%40")
_LATIN = "A-Za-z0-9\u00c0-\u024f"
_LOCAL = re.compile(rf"[{_LATIN}.!#$%&'*+/=?^_`{{|}}~-]")
_LETTER = re.compile(r"[\w.+-]")
_AROUND = "'./=*"
_PLAIN_DOMAIN = re.compile(
    rf"[{_LATIN}_-]{{1,63}}+(?:\.[{_LATIN}_-]{{1,63}}+){{0,8}}\.(?:xn--[a-z0-9-]{{1,59}}|[A-Za-z\u00c0-\u024f]{{2,63}})"
    rf"(?![{_LATIN}])",
    re.IGNORECASE,
)
# Other scripts write no spaces: how far the last label goes nobody can tell.
_ANY_DOMAIN = re.compile(
    r"[\w-]{1,63}+(?:[.\u3002][\w-]{1,63}+){0,8}[.\u3002][^\W\d_]{2}[\w-]{0,61}"
)
_LITERAL = re.compile(r"\[(?:IPv6:)?[0-9A-Fa-f:.]{2,45}\]")


def emails(text: str) -> Iterator[Finding]:
    """Every address in a folded text."""
    for sign in _AT.finditer(text):
        at = sign.start()
        end = _domain_end(text, sign.end())
        start = _local_start(text, at) if end else at
        if start < at:
            yield Finding(kind="email", start=start, end=end)


def _domain_end(text: str, start: int) -> int:
    """Where the domain that begins at `start` ends; 0: there is none."""
    # The plain form reads a part of what the other would: `mail.example谢谢`.
    for form in (_PLAIN_DOMAIN, _LITERAL, _ANY_DOMAIN):
        found = form.match(text, start)
        if found:
            return found.end()
    return 0


def _local_start(text: str, at: int) -> int:
    if at and text[at - 1] == '"':
        opening = text.rfind('"', max(0, at - _MAX_LOCAL), at - 1)
        return opening if opening >= 0 else at
    start = _back(text, at, _LOCAL)
    # Behind letters of another script the address may begin in Latin ones:
    # only if there is nothing Latin before the @, the other script is its own.
    while start < at and text[start] in _AROUND:
        start += 1
    return start if start < at else _back(text, at, _LETTER)


def _back(text: str, at: int, form: re.Pattern[str]) -> int:
    start = at
    while start > 0 and at - start < _MAX_LOCAL and form.match(text, start - 1):
        start -= 1
    return start
