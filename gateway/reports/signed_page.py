"""
What the pages of certificates have in common: a sheet in each language, and then the
signed texts themselves, which have none, and which alone prove it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from gateway.reports.html import Content, page, sheet, tag

Claims = Mapping[str, Any]
Words = Mapping[str, Mapping[str, str]]

BREAKS: Final = "white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem"
"""How a text is set that is to be copied: as it stands, and never wider than the sheet."""
JWKS: Final = "/.well-known/jwks.json"
VERIFY: Final = "gateway-verify certificate.jws --trust keys.json"


def signed_page(
    token: str,
    claims: Claims,
    words: Words,
    languages: Sequence[str],
    said: Callable[[str], Iterator[Content]],
) -> str:
    """
    The page of a certificate. `token` is the compact JWS, `claims` what it holds; `words`
    has `title`, `ledger`, `head`, `signed` and `foot` in each language, and `said` tells in
    a language what it says.
    """
    sheets = (
        sheet(words[language]["title"], language, said(language), first=not place)
        for place, language in enumerate(languages)
    )
    return page(
        _in_all(words, languages, "title"),
        *sheets,
        tag("h2", _in_all(words, languages, "ledger")),
        *(tag("p", words[language]["head"], lang=language) for language in languages),
        tag("pre", claims["checkpoint"], style=BREAKS),
        tag("h2", _in_all(words, languages, "signed")),
        tag("pre", token, style=BREAKS),
        foot=" ".join(words[language]["foot"] for language in languages),
    )


def _in_all(words: Words, languages: Sequence[str], word: str) -> str:
    return " · ".join(words[language][word] for language in languages)
