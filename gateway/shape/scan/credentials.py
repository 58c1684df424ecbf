"""
Secrets: what opens something for whoever reads it.

Keys and tokens whose maker gave them a form of their own (a prefix, a header),
private keys in PEM, signed tokens (RFC 7519), passwords in an address, and
what stands behind a word such as `password:`. A secret of no known form and
with no name before it is not looked for: it cannot be told from other ids.
"""

import re
from collections.abc import Iterator

from gateway.shape.scan.finding import Finding

SECRET = "secret"

# Keys by the form that their maker gave them.
_KNOWN = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"
    r"|(?:LTAI|AKID)[A-Za-z0-9]{12,40}"
    r"|gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255}"
    r"|gl(?:pat|ptt|dt|rt)-[A-Za-z0-9_-]{20,64}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-[A-Za-z0-9-]{10,255}"
    r"|[srp]k_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9+/=]{24,255}"
    r"|sk-(?:[A-Za-z0-9_]{1,20}-)?[A-Za-z0-9_-]{20,255}"
    r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,255}|GOCSPX-[A-Za-z0-9_-]{28}"
    r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,255}|hf_[A-Za-z0-9]{30,64}"
    r"|SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}|dop_v1_[0-9a-f]{64})"
)
# A header and a payload begin with {" in base64url; the third part may be missing.
_SIGNED = re.compile(
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,4000}+\.[A-Za-z0-9_-]{4,8000}+"
    r"(?:\.[A-Za-z0-9_-]{0,8000}+){0,3}"
)
_AUTHORISED = re.compile(
    r"(?<![a-z0-9])(?:bearer|basic) {1,4}([a-z0-9._~+/-]{16,4000}+={0,4})", re.IGNORECASE
)
_IN_ADDRESS = re.compile(r"://[^\s/@:]{0,100}:([^\s/@]{1,200})@")

_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
_PEM_END = "-----END "
_DASHES = "-----"

_NAMES = (
    r"pass(?:word|wd|phrase|code)?|pwd|passwort|kennwort|pin|密码|口令|暗号|"
    r"secret|token|(?:api|access|secret|private|auth)[ _-]?(?:key|token)|client[ _-]?secret"
)
_ASSIGNED = re.compile(
    rf"(?<![a-z])(?:{_NAMES})[\"']?(?P<by> ?[:=] ?|(?:是|为| is | ist | lautet )[: ]?)[\"']?"
    r"(?P<value>[!-~]{4,4000}+)",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?)]}>\"'"
# What people and programs write in place of a secret.
_STAND_INS = frozenset(("null", "none", "true", "false", "undefined"))
_BRACKETS = tuple("<[{$%(")
_BLOTS = frozenset("*x._-\u2022")
_SHORTEST = 6
_LONG = 20


def credentials(text: str) -> Iterator[Finding]:
    """Every secret in a folded text."""
    for form in (_KNOWN, _SIGNED):
        for match in form.finditer(text):
            yield Finding(kind=SECRET, start=match.start(), end=match.end())
    for form in (_AUTHORISED, _IN_ADDRESS):
        for match in form.finditer(text):
            yield Finding(kind=SECRET, start=match.start(1), end=match.end(1))
    yield from _private_keys(text)
    yield from _assigned(text)


def _private_keys(text: str) -> Iterator[Finding]:
    """PEM blocks (RFC 7468); one that does not end goes to the end of the text."""
    at = 0
    while begin := _PEM.search(text, at):
        end = text.find(_PEM_END, begin.end())
        close = text.find(_DASHES, end + len(_PEM_END)) if end >= 0 else -1
        at = close + len(_DASHES) if close >= 0 else len(text)
        yield Finding(kind=SECRET, start=begin.start(), end=at)


def _assigned(text: str) -> Iterator[Finding]:
    for match in _ASSIGNED.finditer(text):
        value = match["value"].rstrip(_TRAILING) if match["by"].strip() != "=" else match["value"]
        if _is_secret(value, strictly=match["by"] != "="):
            start = match.start("value")
            yield Finding(kind=SECRET, start=start, end=match.end("value"))


def _is_secret(value: str, *, strictly: bool) -> bool:
    """
    Whether a value behind the name of a secret is one. A word alone may be the
    rest of a sentence (`password: forgotten`), unless the name is joined to it
    by a bare equals sign, as programs write.
    """
    if len(value) < _SHORTEST or _is_stand_in(value.lower()):
        return False
    return not strictly or len(value) >= _LONG or not value.isalpha()


def _is_stand_in(value: str) -> bool:
    return value.startswith(_BRACKETS) or value in _STAND_INS or _BLOTS.issuperset(value)
