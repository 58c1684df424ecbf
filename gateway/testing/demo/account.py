"""One person's disclosures: what the account says, and what recipients really hold."""

import json
from collections.abc import Sequence
from typing import Any

from gateway.testing.demo.house import House
from gateway.testing.demo.minimum import Arrival
from gateway.testing.demo.people_in_it import LEAD

Row = dict[str, Any]
"""One disclosure, as `/v1/subjects/{subject}/disclosures` has it (contract §8)."""


async def show(house: House, arrived: Sequence[Arrival], secret_demands: Sequence[str]) -> None:
    """
    Ask the command line for the lead's account, print it, and compare.

    `secret_demands`: ids of the registered demands that may not be told.
    """
    lead = house.cast[LEAD]
    ran = await house.command("--json", "subject", "disclosures", lead.account)
    rows: list[Row] = json.loads(ran.out)["disclosures"] if ran.code == 0 else []
    _print(house, rows)
    theirs = [one for one in arrived if one.sent.planned.member is lead]
    told = [one for one in theirs if not _secret(one, secret_demands)]
    untold = [one for one in theirs if _secret(one, secret_demands)]
    house.claims.check(
        "the account names every share that recipients hold of this person, and no other",
        bool(rows) and _named(rows) == {_key(one) for one in told},
        f"{len(rows)} named, {len(told)} held by {len({one.recipient.id for one in told})}",
    )
    _check_copies(house, theirs)
    house.claims.check(
        "each is named with the very fields that its recipient's grant allows",
        bool(rows) and _fields(rows) == {_key(one): _granted(one) for one in told},
        f"{sum(len(row['fields']) for row in rows)} fields",
    )
    house.claims.check(
        "a court's demand that must not be told stays out of the account",
        bool(untold) and not _named(rows) & {_key(one) for one in untold},
        f"{len(untold)} held by the court, in the ledger and not in the account",
    )


def _check_copies(house: House, theirs: Sequence[Arrival]) -> None:
    """What lies in the recipients' stores under this person's pseudonyms."""
    names = {(one.recipient.id, str(one.received.claims["sub"])) for one in theirs}
    held = {
        (partner, copy.share)
        for partner, pseudonym in names
        for copy in house.recipients[partner].fake.copies
        if copy.subject == pseudonym
    }
    house.claims.check(
        "under the person's pseudonyms recipients hold these shares, and of nobody else",
        bool(held) and held == {_key(one) for one in theirs},
        f"{len(names)} pseudonyms, one for each recipient",
    )


def _print(house: House, rows: Sequence[Row]) -> None:
    house.screen.line("  gateway subject disclosures, for the person of the share above")
    house.screen.line()
    house.screen.table(
        ("recipient", "purpose", "ground", "outcome", "kept until", "leaf"),
        [
            (
                row["name"],
                row["purpose"],
                row["ground"],
                row["outcome"] or "open",
                row["retention_until"][:10],
                "" if row["index"] is None else row["index"],
            )
            for row in rows
        ],
        notes=[" ".join(row["fields"]) for row in rows],
    )
    house.screen.line()


def _secret(one: Arrival, demands: Sequence[str]) -> bool:
    return any(f'"{id}"' == one.sent.planned.evidence for id in demands)


def _key(one: Arrival) -> tuple[str, str]:
    return one.recipient.id, one.received.share


def _named(rows: Sequence[Row]) -> set[tuple[str, str]]:
    return {(row["partner"], row["share"]) for row in rows}


def _fields(rows: Sequence[Row]) -> dict[tuple[str, str], list[str]]:
    return {(row["partner"], row["share"]): sorted(row["fields"]) for row in rows}


def _granted(one: Arrival) -> list[str]:
    return sorted(one.received.claims["fields"])
