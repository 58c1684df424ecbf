"""
Two leaves of somebody who was erased are as two leaves of anybody (K2; contract §10).

Who kept the share ids, as recipients do, finds each of their leaves, and finds
nothing there or in the store that says which of them are of one person.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

from gateway.ledger.entries import subject_mark
from gateway.model.ids import SubjectId
from tests.cases.forgetting import read, rows
from tests.cases.house import CaseHouse
from tests.marks import promise
from tests.promises.house import ORDER, PATH

PERSON, ALIAS, OTHERS = "u-1", "mobile-7", ("u-2", "u-3")
PARTNERS = ("swift-parcel", "slow-parcel")

Leaf = Mapping[str, Any]


async def months(house: CaseHouse) -> dict[str, list[str]]:
    """Shares of several people, taking turns; the share ids of each person."""
    await house.facts(PERSON, aliases=[ALIAS])
    shares: dict[str, list[str]] = {}
    for turn in range(3):
        for partner in PARTNERS:
            for subject in (PERSON, OTHERS[0], ALIAS, OTHERS[1]):
                house.clock.advance(timedelta(minutes=11))
                key = f"checkout-{partner}-{subject}-{turn}"
                reply = await house.share(
                    partner, PATH, ORDER, subject=subject, idempotency_key=key
                )
                assert reply.status == 200
                whose = PERSON if subject == ALIAS else subject
                shares.setdefault(whose, []).append(str(reply.share))
    await house.disclosures(PERSON)
    assert (await house.share(subject=PERSON, purpose="payment")).status == 403
    return shares


async def keys_of(house: CaseHouse, *subjects: str) -> list[bytes]:
    """The people's own keys, while there are any."""
    return [(await house.gateway.subjects.get(SubjectId(one))).key for one in subjects]


@promise("K2")
async def test_a_mark_is_of_one_leaf_alone(house: CaseHouse) -> None:
    """Every leaf about an erased person has a mark of its own, and none is a partner's name."""
    await months(house)
    keys = await keys_of(house, PERSON, ALIAS)
    await house.until_closed((await house.opened_case(PERSON))["case"])
    mine = [leaf for leaf in await house.leaves() if _about(leaf, keys)]
    every = [leaf["subject"] for leaf in await house.leaves() if "subject" in leaf]
    pseudonyms = {
        one.claims["sub"] for partner in house.recipients.values() for one in partner.received
    }

    assert {leaf["kind"] for leaf in mine} == {"intent", "read", "refusal", "fence", "case"}
    assert len(mine) == 12 + 4
    assert len(set(every)) == len(every)
    assert not pseudonyms & set(every)


def _about(leaf: Leaf, keys: Iterable[bytes]) -> bool:
    return leaf.get("subject") in [subject_mark(key, leaf["id"]) for key in keys]


@promise("K2")
async def test_nothing_in_two_leaves_says_that_they_are_of_one_person(house: CaseHouse) -> None:
    """
    What two leaves of an erased person have in common, they have in common with the
    leaves of other people.
    """
    shares = await months(house)
    await house.until_closed((await house.opened_case(PERSON))["case"])
    leaves = [leaf for leaf in await house.leaves() if "share" in leaf]
    mine = [leaf for leaf in leaves if leaf["share"] in shares[PERSON]]
    theirs = [leaf for leaf in leaves if leaf["share"] not in shares[PERSON]]
    kinds = {leaf["kind"] for leaf in mine}

    assert kinds == {"intent", "outcome"}
    for one, other in combinations(mine, 2):
        if one["share"] == other["share"]:
            continue
        for name in one.keys() & other.keys():
            if one[name] == other[name]:
                assert any(leaf.get(name) == one[name] for leaf in theirs), name


@promise("K2")
async def test_nothing_in_the_store_joins_two_leaves(house: CaseHouse) -> None:
    """
    Of everything that is stored beside two leaves of an erased person, nothing is
    the same unless it is the same of other people's leaves; before it was.
    """
    shares = await months(house)
    database = house.folder / "data" / "gateway.db"
    before = joined(database, shares)
    await house.until_closed((await house.opened_case(PERSON))["case"])

    assert any("subject" in column for column in before)
    assert joined(database, shares) == set()


def joined(database: Path, shares: Mapping[str, list[str]]) -> set[str]:
    """
    The columns in which two shares of the person have a value in common that no
    share of anybody else has.
    """
    beside = {share: _beside(database, share) for several in shares.values() for share in several}
    theirs = {cell for other in OTHERS for share in shares[other] for cell in beside[share]}
    return {
        f"{table}.{column}"
        for one, other in combinations(shares[PERSON], 2)
        for table, column, _ in (beside[one] & beside[other]) - theirs
    }


def _beside(database: Path, share: str) -> set[tuple[str, str, Any]]:
    """Every cell of every row that names this share, its leaves, or their places."""
    places = read(database, "SELECT seq, leaf FROM entry WHERE instr(leaf, ?)", share)
    names = {share, *(leaf for _, leaf in places)}
    found: set[tuple[str, str, Any]] = set()
    for table, stored in rows(database).items():
        columns = [name for _, name, *_ in read(database, f'PRAGMA table_info("{table}")')]
        for row in stored:
            seq = dict(zip(columns, row, strict=True)).get("seq")
            if not names.isdisjoint(row) or seq in [place for place, _ in places]:
                found |= {(table, name, cell) for name, cell in zip(columns, row, strict=True)}
    return {one for one in found if one[2] is not None}
