"""
The certificate of a mass case as a page to print (K3, S4a): what was decided and by whom,
what it came to at every recipient, and the signed text itself, which alone proves it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.reports.certificate_words import ACTIONS, REASONS, STANDS
from gateway.reports.html import Content, facts, joined, table, tag, whole
from gateway.reports.mass_certificate_words import CHOSEN, LANGUAGES, STATES, STEPS, WORDS
from gateway.reports.signed_page import BREAKS, JWKS, VERIFY, Claims, signed_page
from gateway.reports.words import moment

_CASES = ("opened", "closed", "refused", "open", "passed")
_COUNTS = ("notices", "settled", "unsettled")
_PROOFS = ("receipt", "response", "person")


def mass_certificate_page(
    token: str,
    claims: Claims,
    names: Mapping[str, str],
    languages: Sequence[str] = LANGUAGES,
) -> str:
    """
    The page of a mass case's certificate. `token` is the compact JWS, `claims` what it
    holds, `names` what recipients are called. Nothing of it is about a person.

    Each language has a sheet of its own; the signed texts, which have none, come last.
    """
    return signed_page(
        token, claims, WORDS, languages, lambda language: _said(claims, names, language)
    )


def _said(claims: Claims, names: Mapping[str, str], language: str) -> Iterator[Content]:
    words, rows = WORDS[language], claims["recipients"]
    yield tag("p", words["lead"], class_="lead")
    if claims.get("interim"):
        yield tag("p", tag("strong", words["interim"]))
    yield facts(_head(claims, language))
    yield tag("h2", words["steps"])
    yield _steps(claims["steps"], language)
    yield tag("h2", words["cases"])
    yield _cases(claims["cases"], language)
    yield tag("p", words["root"])
    yield tag("pre", claims["cases"]["root"], style=BREAKS)
    yield tag("h2", words["recipients"])
    yield _recipients(rows, names, language) if rows else tag("p", words["nobody"])
    yield from _how(claims, language)


def _head(claims: Claims, language: str) -> Iterator[tuple[str, Content]]:
    words, scope, state = WORDS[language], claims["scope"], claims["state"]
    bounds = ", ".join([*scope["partners"], *scope["purposes"]])
    unapproved = words["unapproved"] if state == "proposed" else "—"
    yield words["issuer"], claims["iss"]
    yield words["mass"], tag("code", claims["mass"])
    yield words["decided"], _with_id(ACTIONS, language, claims["action"])
    yield words["reason"], _with_id(REASONS, language, claims["reason"])
    yield words["who"], CHOSEN[language][claims["chosen"]]
    yield words["what"], bounds or words["whole"]
    yield words["people"], f"{claims['people']:,}"
    yield words["state"], STATES[language].get(state, state)
    yield words["opener"], claims["opener"]
    yield words["approver"], claims["approver"] or unapproved
    yield words["accepted"], moment(claims["accepted_at"])
    if claims["announced_at"]:
        yield words["announced"], moment(claims["announced_at"])
    yield words["begins"], moment(claims["starts_at"])
    yield words["ended"], moment(claims["ended_at"]) if claims["ended_at"] else "—"


def _with_id(words: Mapping[str, Mapping[str, str]], language: str, id: str) -> Content:
    """In people's words, with the word of the claims behind them."""
    known = words[language].get(id)
    return id if known is None else joined((known, " (", tag("code", id), ")"))


def _steps(steps: Sequence[Mapping[str, Any]], language: str) -> Content:
    words = WORDS[language]
    rows = [
        (
            whole(moment(one["at"])),
            STEPS[language].get(one["event"], one["event"]),
            one["by"] or "—",
            f"{one['leaf']:,}",
        )
        for one in steps
    ]
    headings = [words[name] for name in ("when", "step", "by", "leaf")]
    return table(headings, rows, caption=words["steps_caption"], numbers={3})


def _cases(cases: Mapping[str, Any], language: str) -> Content:
    words = WORDS[language]
    rows = [(words[name], f"{cases[name]:,}") for name in _CASES]
    headings = [words[name] for name in ("cases", "count")]
    return table(headings, rows, caption=words["cases_caption"], numbers={1})


def _recipients(
    rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], language: str
) -> Content:
    words = WORDS[language]
    columns = ("recipient", *_COUNTS, *_PROOFS, "stands", "backups")
    shown = [
        (
            _named(one["partner"], names),
            *(f"{one[name]:,}" for name in _COUNTS),
            *(f"{one['evidence'].get(name, 0):,}" for name in _PROOFS),
            _stand(one["states"], language),
            whole(one["backups_until"]) if one["backups_until"] else "—",
        )
        for one in rows
    ]
    headings = [words[name] for name in columns]
    return table(headings, shown, caption=words["caption"], numbers=set(range(1, 7)))


def _named(partner: str, names: Mapping[str, str]) -> Content:
    """What it is called, and its id: two may be called alike."""
    id = tag("code", partner)
    name = names.get(partner, partner)
    return id if name == partner else joined((name, tag("br"), id))


def _stand(states: Mapping[str, int], language: str) -> str:
    words = STANDS[language]
    return " · ".join(f"{count:,} {words.get(one, one)}" for one, count in sorted(states.items()))


def _how(claims: Claims, language: str) -> Iterator[Content]:
    words = WORDS[language]
    before, _, after = words["save"].partition("{keys}")
    yield tag("h2", words["verify"])
    yield tag("p", before, tag("code", f"{claims['iss']}{JWKS}"), after)
    yield tag("pre", VERIFY, style=BREAKS)
    yield tag("p", words["more"])
    more = f"{VERIFY} --cases cases.txt --ledger ledger.jsonl.gz\n{VERIFY} --belongs proof.json"
    yield tag("pre", more, style=BREAKS)
