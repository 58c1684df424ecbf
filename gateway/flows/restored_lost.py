"""
Shares of which a ledger that forked knows nothing, as it was restored from before
them: of the people whose cases are opened again they are declared, so that their
recipients are told too.

A second reading of the bundle, with the keys of these people alone.
"""

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from gateway.flows.gateway import Gateway
from gateway.flows.people import Declared, declare
from gateway.flows.restored_ledger import Compared, OpenBundle
from gateway.ledger.bundle import BundleReader
from gateway.ledger.leaf import SHARES
from gateway.model.ids import CategoryId, GroundId, PartnerId, PurposeId, SubjectId
from gateway.model.shares import Outcome
from gateway.ports import SubjectRow

SERVICE = "gateway-replay"
"""Who declares, as the leaves say."""

READ = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    id: SubjectId
    key: bytes


async def declare_lost(
    gateway: Gateway,
    bundle: OpenBundle,
    compared: Compared,
    rows: Sequence[SubjectRow],
    told: Callable[[int, int, str], None],
) -> int:
    """
    Declare what left to recipients of these people behind the fork; how many shares.
    What was declared already is not declared twice.

    Raises `CallerError` and `Declined` as `declare` does.
    """
    people = {row.no: await _aliases(gateway, row) for row in rows}
    keys = list({one.key: one for some in people.values() for one in some}.values())
    if not keys:
        return 0
    lost = _lost(bundle, compared, keys, told)
    known = await _known(gateway, rows)
    fresh = [
        _declared(person.id, leaf)
        for person, leaf in lost
        if leaf["partner"] in gateway.policy.policy.partners and _what(leaf) not in known
    ]
    for one in fresh:
        await declare(gateway, [one], SERVICE)
    return len(fresh)


async def _aliases(gateway: Gateway, row: SubjectRow) -> list[_Person]:
    if row.person is None or row.erased:
        return []
    opened = [
        gateway.subjects.open_row(one) for one in await gateway.store.rows_of_person(row.person)
    ]
    return [_Person(id=SubjectId(facts["id"]), key=key) for key, facts in opened]


def _lost(
    bundle: OpenBundle,
    compared: Compared,
    people: Sequence[_Person],
    told: Callable[[int, int, str], None],
) -> list[tuple[_Person, Mapping[str, Any]]]:
    """The shares of these people behind the fork, but for what never left."""
    found: dict[str, list[tuple[_Person, Mapping[str, Any]]]] = {}
    with bundle() as stream:
        for index, line in enumerate(BundleReader(stream).leaves()):
            if index % READ == 0:
                told(index, compared.size, "lost leaves looked at")
            if index < compared.start:
                continue
            leaf = json.loads(line)
            if leaf["kind"] in SHARES or leaf["kind"] == "declared":
                mine = _owner(leaf, people)
                if mine is not None:
                    found.setdefault(leaf["share"], []).append((mine, leaf))
            elif leaf["kind"] == "outcome" and leaf["outcome"] == Outcome.NOT_SENT:
                found.pop(leaf["share"], None)
    told(compared.size, compared.size, "lost leaves looked at")
    return [one for some in found.values() for one in some]


def _owner(leaf: Mapping[str, Any], people: Sequence[_Person]) -> _Person | None:
    mark, message = leaf.get("subject"), f"leaf|{leaf['id']}".encode()
    if mark is None:
        return None
    return next(
        (one for one in people if hmac.digest(one.key, message, sha256).hex() == mark), None
    )


async def _known(gateway: Gateway, rows: Sequence[SubjectRow]) -> set[tuple[str, str, str]]:
    """What was declared of these people so far."""
    known = set()
    for row in rows:
        shares, _ = await gateway.store.plan_rows(row.person or 0)
        leaves = (json.loads(one.leaf) for one in shares)
        known |= {_what(leaf) for leaf in leaves if leaf["kind"] == "declared"}
    return known


def _what(leaf: Mapping[str, Any]) -> tuple[str, str, str]:
    return leaf["partner"], leaf["purpose"], leaf.get("disclosed_at", leaf["at"])


def _declared(subject: SubjectId, leaf: Mapping[str, Any]) -> Declared:
    at = datetime.fromisoformat(leaf.get("disclosed_at", leaf["at"]))
    until = leaf.get("retention_until")
    return Declared(
        subject=subject,
        partner=PartnerId(leaf["partner"]),
        purpose=PurposeId(leaf["purpose"]),
        purpose_version=leaf.get("purpose_version", 1),
        ground=GroundId(leaf.get("ground", "consent")),
        fields=tuple(leaf["fields"]),
        categories=tuple(CategoryId(one) for one in leaf["categories"]),
        at=at,
        retention_until=datetime.fromisoformat(until) if until else at,
        ends=until is not None,
    )
