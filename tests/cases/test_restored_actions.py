"""Restrictions, in a database that is put back from a copy (R2, R5, R7)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from tests.cases.house import CaseHouse
from tests.cases.restoring import SLOW, SWIFT, RestoredHouse, shared
from tests.marks import promise
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE

BEFORE, AFTER, STAYS, OLD, REFUSED = "u-before", "u-after", "u-stays", "u-old", "u-refused"


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[RestoredHouse]:
    """Two couriers, of whom one is told by a person."""
    manifests = [a_manifest(SWIFT, base_url=NOWHERE), a_manifest(SLOW, base_url=NOWHERE)]
    manifests[1]["deletion"] = {"protocol": "manual"}
    opened = RestoredHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        await opened.open(manifests)
        yield opened


async def done(house: CaseHouse, action: str, subject: str) -> str:
    """A case that was opened and is settled; its id."""
    case = await house.opened_case(subject, action=action)
    await house.until_closed(case["case"])
    return str(case["case"])


async def code(house: CaseHouse, subject: str, partner: str = SWIFT) -> str | None:
    """How a share is refused; None: it is not."""
    return (await house.share(partner, subject=subject)).code


async def a_day(house: RestoredHouse) -> tuple[Path, Path]:
    """
    A copy, and a bundle of the end. Restricted before the copy and lifted after it, both
    after it, restricted after it, settled after it, and refused after it.
    """
    await shared(house, *((SWIFT, one) for one in (BEFORE, AFTER, STAYS, OLD)), (SLOW, REFUSED))
    await done(house, "restrict", BEFORE)
    old = await house.opened_case(OLD, action="restrict")
    copy = await house.copied()
    await house.until_closed(old["case"])
    await done(house, "unrestrict", BEFORE)
    for action in ("restrict", "unrestrict"):
        await done(house, action, AFTER)
    await done(house, "restrict", STAYS)
    given_up = await house.opened_case(REFUSED, action="restrict")
    body = {"ground": "bad-faith"}
    assert (await house.ask("POST", f"/v1/cases/{given_up['case']}/refuse", body)).status == 200
    return copy, await house.exported()


@promise("R2", "R5", "R7")
async def test_restrictions_are_as_the_ledger_says(house: RestoredHouse) -> None:
    """What was lifted or refused is free, what was not stays restricted, settled or not."""
    copy, bundle = await a_day(house)
    told = len(house.recipients[SWIFT].notices.received)
    await house.put_back(copy)
    replayed = await house.replay(bundle)
    await house.start()
    states = {one["state"] for one in (await house.ask("GET", "/v1/cases")).json()["cases"]}

    assert replayed["not_replayed"] == 0
    assert [await code(house, one) for one in (BEFORE, AFTER)] == [None, None]
    assert await code(house, REFUSED, SLOW) is None
    assert [await code(house, one) for one in (STAYS, OLD)] == ["subject-restricted"] * 2
    assert states == {"closed", "refused"}
    assert len(house.recipients[SWIFT].notices.received) == told


@promise("R5")
async def test_a_ledger_that_forked_lifts_what_was_lifted(house: RestoredHouse) -> None:
    """Also where the copy was served meanwhile."""
    copy, bundle = await a_day(house)
    await house.put_back(copy)
    house.forget_head()
    await house.start()
    await house.share(SLOW, subject="u-new")
    await house.sequenced()
    await house.stop()
    await house.replay(bundle)
    await house.start()

    assert [await code(house, one) for one in (BEFORE, AFTER)] == [None, None]
    assert [await code(house, one) for one in (STAYS, OLD)] == ["subject-restricted"] * 2
