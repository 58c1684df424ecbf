"""A database that is put back from before a deletion, and what is done again (A1, R2, K2)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError
from gateway.flows import epochs
from gateway.testing.builders import a_manifest
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from gateway.testing.notices import Receipt, complete
from gateway.testing.search import Needles, search_tree
from tests.acceptance.commands import run
from tests.cases.forgetting import cells, read, subject_keys
from tests.cases.restoring import (
    GONE,
    LIVING,
    SCOPED,
    SLOW,
    SWIFT,
    WAITING,
    RestoredHouse,
    day,
    shared,
)
from tests.marks import promise
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE, an_advertiser
from tests.promises.trees import consistent, opened


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[RestoredHouse]:
    """Two couriers."""
    opened_house = RestoredHouse(empty_home(tmp_path / "home"), clock)
    async with opened_house:
        await opened_house.open([a_manifest(id, base_url=NOWHERE) for id in (SWIFT, SLOW)])
        yield opened_house


@promise("A1", "K2")
async def test_what_was_deleted_after_the_copy_is_deleted_again(house: RestoredHouse) -> None:
    """
    A database from before deletions, brought up to an export from after them: the ledger
    goes on without a fork, nobody who had settled is told again, who had not goes on under
    the id that they know, and who was erased is refused and stands nowhere.
    """
    copy, bundle, cases = await day(house)
    old = opened((await house.public("/ledger/checkpoint")).body.decode(), _jwks(house))
    lookup = house.gateway.subjects.lookup(GONE)
    told = {id: len(one.notices.received) for id, one in house.recipients.items()}
    await house.put_back(copy)
    marks = {"id": GONE, **subject_keys(house.database, [lookup])}

    done = await house.replay(bundle)
    again = await house.replay(bundle)

    assert done["forked_at"] is None and done["appended"] > 0
    assert done["erased"] == 2 and done["unknown_cases"] == 0
    assert done["shares"] == {"found": 2, "unknown": 1, "untried": 0}
    assert again["done_before"] and not again["cases"] and again["size"] == done["size"]
    await house.start()
    assert (await house.share(subject=GONE)).json()["code"] == "subject-erased"
    assert (await house.share(SLOW, subject=WAITING)).json()["code"] == "subject-erased"
    assert (await house.case(cases[GONE]["case"]))["state"] == "closed"
    assert (await house.case(cases[SCOPED]["case"]))["state"] == "closed"
    waiting = cases[WAITING]["notices"][0]["notice"]
    assert (await house.notice(cases[WAITING]["case"], SLOW))["state"] == "acknowledged"
    sent = await house.recipients[SLOW].notices.send_receipt(waiting, Receipt())
    assert sent.http_status == 200
    assert (await house.until_closed(cases[WAITING]["case"]))["state"] == "closed"
    assert {id: len(one.notices.received) for id, one in house.recipients.items()} == told
    rows = house.folder.parent / "rows"
    rows.write_bytes(b"\n".join(cells(house.database)))
    assert search_tree([house.folder / "data", rows], Needles(marks)) == []
    await _continues(house, old)
    await _reaches_everybody(house)


def _jwks(house: RestoredHouse) -> dict[str, Any]:
    return dict(house.gateway.keys.public_jwks())


async def _continues(house: RestoredHouse, old: Any) -> None:
    """The checkpoint of before the loss is in the ledger of today, and the whole verifies."""
    await house.sequenced()
    new = opened((await house.public("/ledger/checkpoint")).body.decode(), _jwks(house))
    reply = await house.ask("GET", f"/v1/ledger/proof/consistency?from={old.size}&to={new.size}")
    path = [bytes.fromhex(one) for one in reply.json()["hashes"]]
    assert new.size > old.size
    assert consistent(old.size, new.size, path, old.root, new.root)
    verified = run("ledger", "verify", home=house.folder)
    assert verified.code == 0, verified.said


async def _reaches_everybody(house: RestoredHouse) -> None:
    """A later deletion tells also who got something after the copy was made."""
    house.recipients[SLOW].notices.plan = complete()
    later = await house.opened_case(LIVING)
    assert {one["partner"] for one in later["notices"]} == {SWIFT, SLOW}
    await house.until_closed(later["case"])


@promise("A1", "R2")
async def test_who_got_something_from_the_copy_is_told_again(house: RestoredHouse) -> None:
    """
    Where the restored copy was served and shared the erased person again, its ledger forked:
    no leaf is appended, and every recipient is told under a new id, also of what only the
    lost leaves tell; the new case closes with receipts, and its certificate verifies.
    """
    copy, bundle, cases = await day(house)
    house.recipients[SLOW].notices.plan = complete()
    before = {one.notice for it in house.recipients.values() for one in it.notices.received}
    await house.put_back(copy)
    house.forget_head()
    await house.start()
    await shared(house, (SWIFT, GONE))
    await house.sequenced()
    held = (await house.gateway.store.head()).size
    await house.stop()

    done = await house.replay(bundle)
    again = await house.replay(bundle)

    assert done["forked_at"] is not None and done["appended"] == 0
    assert done["erased"] == 2 and done["size"] > held
    assert again["done_before"] and again["size"] == done["size"]
    new = {one["was"]: one["case"] for one in done["cases"]}
    assert new.keys() == {case["case"] for case in cases.values()}
    assert not new.keys() & set(new.values())
    await house.start()
    closed = await house.until_closed(new[cases[GONE]["case"]])
    assert {one["partner"] for one in closed["notices"]} == {SWIFT, SLOW}
    after = {one["notice"] for one in closed["notices"]}
    arrived = {one.notice for it in house.recipients.values() for one in it.notices.received}
    assert after <= arrived and not after & before
    assert (await house.share(subject=GONE)).json()["code"] == "subject-erased"
    await house.sequenced()
    await _certified(house, closed["case"], done)


async def _certified(house: RestoredHouse, case: str, done: dict[str, Any]) -> None:
    reply = await house.ask("GET", f"/v1/cases/{case}/certificate")
    file = house.folder.parent / "case.jws"
    file.write_bytes(reply.body)
    verified = run("case", "verify", file, home=house.folder)
    assert verified.code == 0, verified.said
    assert next(one["salt"] for one in done["cases"] if one["case"] == case)
    assert read(house.database, "SELECT count(*) FROM tombstone") == [(2,)]


@promise("R5", "S4a")
async def test_withdrawals_and_suspensions_after_the_copy_stand_again(tmp_path: Path) -> None:
    """
    What was withdrawn, and who was suspended, after the copy was made is so again; and a
    copy whose people no key opens says so, and is served only once they are given up.
    """
    clock = Clock(datetime.now(UTC).replace(microsecond=0))
    house = RestoredHouse(empty_home(tmp_path / "home"), clock)
    async with house:
        await house.open([a_manifest(SWIFT, base_url=NOWHERE), an_advertiser()])
        consent = await house.consent(LIVING)
        assert (await clicked(house)).status == 200
        copy = await house.copied()
        withdrawn = await house.ask("POST", f"/v1/consents/{consent}/withdraw", {"notify": True})
        await house.until_closed(withdrawn.json()["case"])
        await house.ask("POST", f"/v1/partners/{SWIFT}/suspend")
        bundle = await house.exported()
        await house.put_back(copy)
        head = house.head.read_bytes()

        done = await house.replay(bundle)
        await house.start()
        assert (done["consents_withdrawn"], done["suspended"]) == (1, [SWIFT])
        assert (await clicked(house)).json()["code"] == "consent-withdrawn"
        assert (await house.share(subject=LIVING)).json()["code"] == "partner-suspended"
        await epochs.rotate(house.gateway)
        while not await epochs.advance(house.gateway):
            await asyncio.sleep(0.01)

        await house.put_back(copy)
        house.head.write_bytes(head)
        blind = await house.replay(bundle)
        assert (blind["unreadable"], blind["unknown_cases"]) == (1, 1)
        with pytest.raises(ConfigError, match="do not all open"):
            await house.start()
        await house.stop()
        seeing = await house.replay(bundle, give_up=True)
        assert seeing["given_up"] == 1
        await house.start()
        assert read(house.database, "SELECT count(*) FROM subject") == [(0,)]


async def clicked(house: RestoredHouse) -> Reply:
    """An event for an affiliate, on consent."""
    return await house.share(
        "bright-reach", "/v3/events", {"event": "click"}, subject=LIVING, purpose="advertising"
    )
