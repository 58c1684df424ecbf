"""
The certificate of a case as a page to print (R3, A1): what it says in words, and the
signed text itself, which alone proves it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.reports.html import Content, facts, listed, page, table, tag, whole
from gateway.reports.words import moment

_BREAKS = "white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem"

_EVIDENCE = {
    "receipt": "its signed receipt",
    "response": "its interface's answer",
    "person": "a person of ours",
}


def certificate_page(token: str, claims: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """
    The page of a certificate. `token` is the compact JWS, `claims` what it holds, `names`
    what recipients are called. Nothing of it is about the person but a salted hash.
    """
    notices: Sequence[Mapping[str, Any]] = claims["notices"]
    lead = "What a request came to, whom we told, and what each of them signed."
    if claims.get("interim"):
        lead = f"{lead} Interim: the case is still open."
    return page(
        f"Certificate of {claims['case']}",
        facts(_head(claims)),
        tag("h2", "Recipients"),
        _recipients(notices, names) if notices else tag("p", "Nobody had to be told."),
        tag("h2", "The ledger"),
        tag("p", "A signed head of the ledger that holds what happened in this case:"),
        tag("pre", claims["checkpoint"], style=_BREAKS),
        tag("h2", "How to verify it"),
        *_how(claims),
        tag("h2", "The signed certificate"),
        tag("pre", token, style=_BREAKS),
        lead=lead,
        foot="This page is a reading aid. What counts is the signed text above, on one line.",
    )


def _head(claims: Mapping[str, Any]) -> list[tuple[str, Content]]:
    found: list[tuple[str, Content]] = [
        ("Issuer", claims["iss"]),
        ("Case", tag("code", claims["case"])),
        ("Asked", f"{claims['action']}, for {claims['reason']}"),
        ("State", claims["state"]),
        ("Accepted", moment(claims["accepted_at"])),
        ("Closed", moment(claims["closed_at"]) if claims["closed_at"] else "—"),
        ("Person", tag("code", claims["subject_hash"])),
    ]
    if "ground" in claims:
        found.insert(4, ("Refused on", claims["ground"]))
    return found


def _recipients(notices: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Content:
    headings = ("Recipient", "State", "On whose word", "Settled", "Backups until", "Receipts")
    rows = [
        (
            names.get(one["partner"], one["partner"]),
            " · ".join(filter(None, (one["state"], one["reason"]))),
            _EVIDENCE.get(one["evidence"] or "", "—"),
            "yes" if one["settled"] else f"no, due {one['deadline'][:10]}",
            whole(one["backups_until"]) if one["backups_until"] else "—",
            _digests(one["receipts"]),
        )
        for one in notices
    ]
    return table(headings, rows, caption="SHA-256 of each receipt as it was signed")


def _digests(receipts: Sequence[str]) -> Content:
    digests = [hashlib.sha256(one.encode()).hexdigest() for one in receipts]
    return listed([tag("code", one, style=_BREAKS) for one in digests]) if digests else "—"


def _how(claims: Mapping[str, Any]) -> list[Content]:
    return [
        tag(
            "p",
            "Save the signed text to a file, and the issuer's public keys, from ",
            tag("code", f"{claims['iss']}/.well-known/jwks.json"),
            ", to another. Then, without any connection:",
        ),
        tag("pre", "gateway-verify certificate.jws --trust keys.json", style=_BREAKS),
        tag(
            "p",
            "Whoever has the salt that was given out when the case was opened can show whom it is "
            "about: the person's code above is the SHA-256 of the salt's bytes followed by their "
            "id. Nobody else can.",
        ),
    ]
