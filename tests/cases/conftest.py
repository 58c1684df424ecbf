"""A gateway with its lanes at work, and recipients that answer as a test says."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from tests.cases.house import CaseHouse
from tests.cases.masses import QUICK, SLOW, SWIFT, OpenHouse
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE


@pytest.fixture
def clock() -> Clock:
    """Stands still at a full second of today."""
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[CaseHouse]:
    """Two couriers, `swift-parcel` and `slow-parcel`."""
    manifests = [a_manifest(id, base_url=NOWHERE) for id in ("swift-parcel", "slow-parcel")]
    opened = CaseHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        await opened.open(manifests)
        yield opened


@pytest.fixture
def courier(house: CaseHouse) -> FakePartner:
    """The recipient that most tests are about."""
    return house.recipients["swift-parcel"]


@pytest.fixture
async def open_house(tmp_path: Path, clock: Clock) -> AsyncIterator[OpenHouse]:
    """Open a gateway with two couriers, and with settings of its own."""
    house = CaseHouse(empty_home(tmp_path / "home"), clock)

    async def opened(**settings: str) -> CaseHouse:
        couriers = [a_manifest(id, base_url=NOWHERE) for id in (SWIFT, SLOW)]
        names = {f"GATEWAY_CASES__{name.upper()}": value for name, value in settings.items()}
        await house.open(couriers, settings=QUICK | names)
        return house

    async with house:
        yield opened
