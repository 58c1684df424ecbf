"""
A person with something of them in every place where the gateway keeps something,
and a search of everything that it wrote.
"""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import quote

from gateway.testing.builders import a_manifest
from gateway.testing.notices import acknowledge_only, complete
from gateway.testing.search import Finding, Needles, search_tree
from tests.acceptance.commands import Done, run
from tests.cases.house import CaseHouse
from tests.promises.house import ORDER, PATH
from tests.promises.manifests import NOWHERE, a_court, a_plain, an_advertiser

COURIER, SLOW, MEDIA, COURT, KEPT = (
    *("swift-parcel", "slow-parcel", "bright-reach", "city-court"),
    "vault-records",
)
RECIPIENTS = (COURIER, SLOW, MEDIA, COURT, KEPT)

ID, ALIAS = "app-user-欧阳-7430", "mobile-id-86-7430"
REFERENCE = "support-desk-ticket-55317"
EXEMPT_FOR = timedelta(days=40)

# What the closer may take to cut the log after the last thing was destroyed.
SCRUBBED_SECONDS = 8.0


def manifests() -> list[dict[str, Any]]:
    """A courier, one that is slow to settle, an advertiser, a court, one that must keep."""
    token = {"/phone": {"category": "basic.phone", "transform": "token"}}
    return [
        a_manifest(COURIER, base_url=NOWHERE),
        a_manifest(SLOW, base_url=NOWHERE),
        an_advertiser(),
        a_court(),
        a_plain(token, id=KEPT),
    ]


@dataclass(slots=True)
class Life:
    """What was given of somebody, and what the gateway made of it, by what it is."""

    marks: dict[str, str | bytes] = field(default_factory=dict)
    shares: dict[str, list[str]] = field(default_factory=dict)
    """Share ids by recipient, as the recipients know them."""

    def given(self, label: str, text: str) -> str:
        """Something of the person that is told to the gateway."""
        self.marks[label] = text
        return text


async def live(house: CaseHouse) -> Life:
    """Live a life: shares of every kind, consents, evidence, a declaration, one that waits."""
    life = Life({"id": ID, "alias": ALIAS})
    await house.facts(quote(ID, safe=""), aliases=[ALIAS], territory="CN")
    text = life.given("evidence of a consent", "screen 4 of 2026-11-01, box 2, session 8812")
    await house.consent(ID, evidence=text)
    key = life.given("idempotency key", "checkout-attempt-99120")
    steps = [
        (COURIER, PATH, ORDER, ID, {"idempotency_key": key}),
        (COURIER, PATH, ORDER, ALIAS, {}),
        (COURIER, PATH, ORDER, ID, {}),
        (SLOW, PATH, ORDER, ID, {}),
        (SLOW, PATH, ORDER, ALIAS, {}),
        (MEDIA, "/v3/events", {"event": "click"}, ID, {"purpose": "advertising"}),
        (KEPT, "/things", {"phone": "13911112222"}, ID, {}),
    ]
    for partner, path, body, subject, more in steps:
        house.clock.advance(timedelta(minutes=7))
        reply = await house.share(partner, path, body, subject=subject, **more)
        assert reply.status == 200, reply.json()
        life.shares.setdefault(partner, []).append(str(reply.share))
    await _demanded(house, life)
    await _beside(house, life)
    waiting = await house.share(subject=ID, prefer="respond-async")
    assert waiting.status == 202
    assert (await house.share(subject=ID, purpose="payment")).status == 403
    assert len(await house.disclosures(quote(ID, safe=""))) == len(steps) + 2
    _made(house, life)
    return life


async def _demanded(house: CaseHouse, life: Life) -> None:
    """A court's demand that names the person, and what it got."""
    reference = life.given("reference of a demand", "court-file-2026-40017")
    demand = await house.evidence(
        type="subpoena",
        reference=reference,
        partner=COURT,
        purposes=["legal-demand"],
        subjects=[ID, ALIAS],
    )
    reply = await house.share(
        COURT,
        "/v1/disclosures",
        {"person": {"name": "欧阳明"}},
        subject=ID,
        purpose="legal-demand",
        evidence=demand,
    )
    assert reply.status == 200, reply.json()
    life.shares[COURT] = [str(reply.share)]


async def _beside(house: CaseHouse, life: Life) -> None:
    """What left beside the gateway."""
    declared = {
        "subject": ALIAS,
        "partner": SLOW,
        "purpose": "order-fulfilment",
        "at": "2026-01-02T03:04:05Z",
        "references": [life.given("declared reference", "OLD-PARCEL-880132")],
    }
    assert (await house.ask("POST", "/v1/disclosures", declared)).status == 201


def _made(house: CaseHouse, life: Life) -> None:
    """Pseudonyms, tokens, and the recipients' own ids, as the recipients hold them."""
    for partner, recipient in house.recipients.items():
        for number, one in enumerate(recipient.received):
            mine = one.share in life.shares.get(partner, ())
            if mine and "sub" in one.claims:
                life.marks[f"pseudonym at {partner} {number}"] = one.claims["sub"]
            if mine and partner == KEPT:
                life.marks["token"] = one.document["phone"]
        for copy in recipient.copies:
            if copy.share in life.shares.get(partner, ()):
                life.marks |= {f"reference of {partner}: {one}": one for one in copy.references}


class Searched:
    """Everything that a gateway wrote, searched for what there is of somebody."""

    def __init__(self, house: CaseHouse, logs: Path) -> None:
        self.data = house.folder / "data"
        self.logs = logs
        self.bundle = house.folder.parent / "bundle.jsonl"

    def places(self) -> list[Path]:
        """The data as it lies on the disk, each of its rows by itself, the logs, a bundle."""
        rows = self.bundle.with_name("rows")
        rows.write_bytes(b"\n".join(cells(self.data / "gateway.db")))
        written = [self.data, self.logs, rows]
        return [*written, self.bundle] if self.bundle.exists() else written

    def found(self, marks: dict[str, str | bytes]) -> set[str]:
        """The labels of those that stand somewhere now."""
        needles = Needles(marks)
        return {one.label for one in search_tree(self.places(), needles)}

    async def gone(self, marks: dict[str, str | bytes]) -> list[Finding]:
        """What is found of these once the log has been cut; what is left where it never is."""
        needles, until = Needles(marks), perf_counter() + SCRUBBED_SECONDS
        while (found := search_tree(self.places(), needles)) and perf_counter() < until:
            await asyncio.sleep(0.1)
        return found

    def planted(self, marks: dict[str, str | bytes]) -> set[str]:
        """The labels that are found when each is written into a copy of the very database."""
        copy = self.bundle.with_name("planted")
        shutil.copy(self.data / "gateway.db", copy)
        needles, found = Needles(marks), set()
        for label, value in marks.items():
            text = value.hex() if isinstance(value, bytes) else json.dumps({"x": value})
            with copy.open("ab") as file:
                file.write(b"\0" + text.encode() + b"\0")
            found |= {label} & {one.label for one in search_tree(copy, needles)}
        copy.unlink()
        return found


def read(database: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of a database that somebody else has open."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(statement, values).fetchall()


def rows(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    tables = read(database, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {name: read(database, f'SELECT * FROM "{name}"') for (name,) in tables}


def cells(database: Path) -> Iterator[bytes]:
    """Every value of every row: a search of pages would miss what lies across two."""
    for table in rows(database).values():
        for row in table:
            yield from (one if isinstance(one, bytes) else str(one).encode() for one in row)


def subject_keys(database: Path, lookups: list[bytes]) -> dict[str, str | bytes]:
    """The wrapped keys of these people, as they lie in the table."""
    statement = "SELECT k.key FROM subject s JOIN wrapped k ON k.no = s.wrapped WHERE s.lookup = ?"
    found = [read(database, statement, lookup) for lookup in lookups]
    return {f"wrapped key {number}": key for number, ((key,),) in enumerate(found)}


def escrow_keys(database: Path, case: str) -> dict[str, dict[str, str | bytes]]:
    """The wrapped keys of a case's escrows, by recipient."""
    statement = (
        "SELECT n.partner, n.id, k.key FROM notice n JOIN wrapped k ON k.no = n.wrapped "
        "WHERE n.case_id = ?"
    )
    found: dict[str, dict[str, str | bytes]] = {}
    for partner, id, key in read(database, statement, case):
        found.setdefault(partner, {})[f"escrow key of {partner}, {id}"] = key
    return found


def settle_late(house: CaseHouse, *partners: str) -> None:
    """These acknowledge and say no more; the others delete, in a moment."""
    for id, recipient in house.recipients.items():
        waits = id in partners
        recipient.notices.plan = acknowledge_only() if waits else complete(after_seconds=0.3)


async def command(house: CaseHouse, *arguments: str) -> Done:
    """A command on the home of a gateway that runs."""
    return await asyncio.to_thread(run, *arguments, home=house.folder)
