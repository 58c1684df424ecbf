"""One decision about many people, in a database that is put back from a copy (K3, R3)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.flows.mass_run import Masses
from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from tests.cases.masses import SWIFT, carried, cases, mass, opened, shared
from tests.cases.outside import Outside
from tests.cases.restoring import RestoredHouse
from tests.marks import promise
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[RestoredHouse]:
    """One courier, and no more than two cases a second."""
    opened = RestoredHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        manifests = [a_manifest(SWIFT, base_url=NOWHERE)]
        await opened.open(manifests, settings={"GATEWAY_CASES__MASS_PER_SECOND": "2"})
        yield opened


@promise("K3", "R3")
async def test_a_mass_case_goes_on_after_a_restore(house: RestoredHouse, tmp_path: Path) -> None:
    """
    The copy was made in the middle: who was told after it is told once all the same, the
    rest is carried out, and the certificate agrees with the ledger, case by case.
    """
    await shared(house, 5)
    id = (await opened(house, everybody=True))["mass"]
    masses = Masses(house.gateway)
    for seconds in (0, 0, 0, 1):
        house.clock.advance(timedelta(seconds=seconds))
        await masses.look()
    copy = await house.copied()
    before = (await mass(house, id))["opened"]
    house.clock.advance(timedelta(seconds=1))
    await masses.look()
    after = (await mass(house, id))["opened"]
    for one in await cases(house):
        await house.until_closed(one["case"])
    bundle = await house.exported()
    await house.put_back(copy)
    replayed = await house.replay(bundle)
    await house.start()
    found = await mass(house, id)
    over = await carried(house, id)
    await house.sequenced()
    token = (await house.ask("GET", f"/v1/mass-cases/{id}/certificate")).body.decode()
    ids = (await house.ask("GET", f"/v1/mass-cases/{id}/cases")).body.decode()
    outside = await Outside.of(house, tmp_path, ids)
    said = outside.verdict(token, cases="cases", ledger="whole")

    assert (before, after, found["opened"], over["opened"]) == (2, 4, 4, 5)
    assert replayed["not_replayed"] == 0
    assert isinstance(said, dict), said
    assert (said["said_by_leaves"], said["cases"]["closed"]) == (True, 5)
    told = [one.notice for one in house.recipients[SWIFT].notices.received]
    assert len(set(told)) == 5
