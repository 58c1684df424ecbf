"""A person's account of disclosures as a page that they can read and keep (R1)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.model.policyset import PolicySet
from gateway.reports.html import facts, joined, listed, page, table, tag, whole
from gateway.reports.period import stamp
from gateway.reports.words import OUTCOMES, category, moment, plural

KINDS = {
    "transfer": "with a transfer of business",
    "public-disclosure": "shown to the public",
    "declared": "outside the gateway",
}


def account_page(
    subject: str, rows: Sequence[Mapping[str, Any]], policy: PolicySet, *, now: datetime
) -> str:
    """
    The account as a page. `rows` are those of `GET /v1/subjects/{subject}/disclosures`.

    Whom the page may be given to was decided before: it has every row it gets.
    """
    recipients = {row["partner"] for row in rows}
    return page(
        "Who received your personal information",
        facts(
            [
                ("Account", subject),
                ("As of", moment(stamp(now))),
                ("Disclosures", f"{len(rows):,}"),
                ("Recipients", f"{len(recipients):,}"),
            ]
        ),
        *(_recipient(policy, one) for one in _grouped(rows)),
        "" if rows else tag("p", "Nothing about you was given to anybody."),
        lead="Each time something about you was given to somebody else: who, what, why, and on "
        "what ground.",
        foot="You may ask us to correct or delete this data; we tell everybody who is listed "
        "here. You may also write to a recipient yourself.",
    )


def _grouped(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Rows by recipient, in the order in which each first appears."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["partner"], []).append(row)
    return list(found.values())


def _recipient(policy: PolicySet, rows: Sequence[Mapping[str, Any]]) -> object:
    first = rows[0]
    headings = ("When", "What", "Why", "On what ground", "Kept until", "What became of it")
    return tag(
        "section",
        tag("h2", first["name"]),
        facts([("Contact", first["contact"] or "—"), ("Where", _places(rows))]),
        table(
            headings,
            [_row(policy, row) for row in rows],
            caption=f"{plural(len(rows), 'disclosure')} to {first['name']}",
        ),
        class_="card",
    )


def _places(rows: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(sorted({row["territory"] for row in rows}))


def _row(policy: PolicySet, row: Mapping[str, Any]) -> tuple[object, ...]:
    purpose = policy.purposes.get(row["purpose"])
    ground = policy.grounds.get(row["ground"])
    told = [category(policy, id) for id in row["categories"] if id != "none"]
    return (
        _when(row["at"]),
        listed(told or ["Nothing that is about you"]),
        purpose.title if purpose else row["purpose"],
        ground.title if ground else row["ground"],
        _kept(row),
        _became(row),
    )


def _when(at: str) -> object:
    day, _, rest = moment(at).partition(" ")
    return joined((whole(day), " ", whole(rest)))


def _kept(row: Mapping[str, Any]) -> object:
    # What was declared without an end has the moment at which it left.
    ended = row["retention_until"] > row["at"]
    return whole(row["retention_until"][:10]) if ended else "not stated"


def _became(row: Mapping[str, Any]) -> object:
    outcome = OUTCOMES.get(row["outcome"] or "open", row["outcome"])
    kind = KINDS.get(row["kind"])
    return joined((outcome, f", {kind}" if kind else ""))
