"""What is left of somebody who was deleted: at recipients, and here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.testing.demo.asking import Asked
from gateway.testing.demo.house import House
from gateway.testing.demo.leaver import marks_of
from gateway.testing.demo.troubles import BY_HAND, REFUSING
from gateway.testing.search import Needles, search_tree

KEEPS: Mapping[str, str] = {
    REFUSING: "keeps it, as the law asks; a person agreed",
    BY_HAND: "keeps its own file; a person agreed",
}


def copies(house: House, asked: Asked) -> list[dict[str, Any]]:
    """Print and compare what recipients hold now with what they held at the 202."""
    now = {partner: len(kept) for partner, kept in asked.leaver.copies(house).items()}
    rows: list[dict[str, Any]] = [
        {"partner": partner, "before": len(held), "after": now[partner]}
        for partner, held in asked.held.items()
        if held
    ]
    house.screen.table(
        ("recipient", "before", "after", ""),
        [
            (
                house.name_of(row["partner"]),
                row["before"],
                row["after"],
                KEEPS.get(row["partner"], ""),
            )
            for row in rows
        ],
    )
    house.screen.line()
    house.claims.none_of(
        "recipients hold nothing of the person any more, but for the two that may keep it",
        [
            f"{row['partner']} holds {row['after']}"
            for row in rows
            if row["after"] != (row["before"] if row["partner"] in KEEPS else 0)
        ],
        sum(row["before"] for row in rows),
        "copies looked for",
    )
    house.claims.check(
        "they hold of everybody else what they held",
        asked.leaver.copies_of_others(house) == asked.others and any(asked.others.values()),
        f"{sum(asked.others.values())} copies",
    )
    return rows


async def account(house: House, asked: Asked) -> None:
    """Claim that the account is empty, under either id."""
    ran = await house.command("--json", "subject", "disclosures", asked.leaver.member.account)
    rows = json.loads(ran.out)["disclosures"] if ran.code == 0 else None
    reply = await house.desk.get(f"/v1/subjects/{asked.leaver.alias.account}/disclosures")
    house.claims.check(
        "the person's account is empty, under both ids",
        rows == [] and reply.status == 200 and reply.json() == {"disclosures": []},
        "nobody is named in it" if rows == [] else f"{len(rows or ())} are named in it",
    )


def check_none_left(house: House, asked: Asked) -> None:
    """Claim that behind the 202 nothing reached anybody."""
    now = house.arrivals()
    house.claims.none_of(
        "nothing of this person left after the 202",
        [
            f"{partner} was sent {now[partner] - before}"
            for partner, before in asked.arrivals.items()
            if now[partner] != before
        ],
        len(asked.tried),
        "shares asked for since then",
    )


def search(house: House, asked: Asked, more: list[Path]) -> None:
    """Claim that nothing that would lead back to the person is on disk, in any encoding."""
    marks = marks_of(asked.leaver, dict(asked.held), asked.salt)
    findings = search_tree([house.home / "data", house.logs, *more], Needles(marks))
    house.claims.none_of(
        "nothing of the person is in the database, its log files, the log or the export",
        [f"{finding.label} as {finding.encoding}" for finding in findings],
        len(marks),
        "ids, pseudonyms, records and own data searched for, in any encoding",
    )
