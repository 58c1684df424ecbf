"""
The certificate of a case as a page to print (R3, A1): what it says in words, and the
signed text itself, which alone proves it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.reports.answer_words import GROUNDS
from gateway.reports.certificate_words import (
    ACTIONS,
    EVIDENCE,
    LANGUAGES,
    OWN_REASONS,
    REASONS,
    STANDS,
    STATES,
    WORDS,
)
from gateway.reports.html import Content, facts, joined, listed, table, tag, whole
from gateway.reports.signed_page import BREAKS, JWKS, VERIFY, Claims, signed_page
from gateway.reports.words import moment


def certificate_page(
    token: str,
    claims: Claims,
    names: Mapping[str, str],
    languages: Sequence[str] = LANGUAGES,
) -> str:
    """
    The page of a certificate. `token` is the compact JWS, `claims` what it holds, `names`
    what recipients are called. Nothing of it is about the person but a salted hash.

    Each language has a sheet of its own; the signed texts, which have none, come last.
    """
    return signed_page(
        token, claims, WORDS, languages, lambda language: _said(claims, names, language)
    )


def _said(claims: Claims, names: Mapping[str, str], language: str) -> Iterator[Content]:
    words, notices = WORDS[language], claims["notices"]
    yield tag("p", words["lead"], class_="lead")
    if claims.get("interim"):
        yield tag("p", tag("strong", words["interim"]))
    yield facts(_head(claims, language))
    yield tag("h2", words["recipients"])
    yield _recipients(notices, names, language) if notices else tag("p", words["nobody"])
    yield tag("h2", words["verify"])
    before, _, after = words["save"].partition("{keys}")
    yield tag("p", before, tag("code", f"{claims['iss']}{JWKS}"), after)
    yield tag("pre", VERIFY, style=BREAKS)
    yield tag("p", words["salt"])
    yield tag("pre", f"{VERIFY} --subject ID --salt SALT", style=BREAKS)


def _head(claims: Claims, language: str) -> list[tuple[str, Content]]:
    words, state = WORDS[language], claims["state"]
    action, reason = claims["action"], claims["reason"]
    found: list[tuple[str, Content]] = [
        (words["issuer"], claims["iss"]),
        (words["case"], tag("code", claims["case"])),
        (words["asked"], _with_id(ACTIONS, language, action)),
        (words["reason"], _with_id(REASONS, language, reason)),
        (words["state"], STATES[language].get(state, state)),
    ]
    if "ground" in claims:
        found.append((words["ground"], _with_id(GROUNDS, language, claims["ground"])))
    return [
        *found,
        (words["accepted"], moment(claims["accepted_at"])),
        (words["closed"], moment(claims["closed_at"]) if claims["closed_at"] else "—"),
        (words["person"], tag("code", claims["subject_hash"])),
    ]


def _with_id(words: Mapping[str, Mapping[str, str]], language: str, id: str) -> Content:
    """In people's words, with the word of the claims behind them."""
    known = words[language].get(id)
    return id if known is None else joined((known, " (", tag("code", id), ")"))


def _recipients(
    notices: Sequence[Mapping[str, Any]], names: Mapping[str, str], language: str
) -> Content:
    words = WORDS[language]
    columns = ("recipient", "stands", "word", "settled", "backups", "receipts")
    rows = [
        (
            names.get(one["partner"], one["partner"]),
            _stands(one, language),
            EVIDENCE[language].get(one["evidence"] or "", "—"),
            words["yes"] if one["settled"] else words["no"].format(day=one["deadline"][:10]),
            whole(one["backups_until"]) if one["backups_until"] else "—",
            _digests(one["receipts"]),
        )
        for one in notices
    ]
    return table([words[name] for name in columns], rows, caption=words["caption"])


def _stands(one: Mapping[str, Any], language: str) -> str:
    state, reason = one["state"], one["reason"]
    said = None if reason is None else OWN_REASONS[language].get(reason, reason)
    return " · ".join(filter(None, (STANDS[language].get(state, state), said)))


def _digests(receipts: Sequence[str]) -> Content:
    digests = [hashlib.sha256(one.encode()).hexdigest() for one in receipts]
    return listed([tag("code", one, style=BREAKS) for one in digests]) if digests else "—"
