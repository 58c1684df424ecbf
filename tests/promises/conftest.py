"""What every test of a promise needs: a clock, a home, a running gateway."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from tests.promises.house import House, OpenHouse, a_courier, opening

__all__ = ["OpenHouse"]


@pytest.fixture
def clock() -> Clock:
    """Stands still at a full second of today."""
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def manifests() -> Iterable[Mapping[str, Any]]:
    """Whose manifests the home holds; a module or a test may say otherwise."""
    return [a_courier()]


@pytest.fixture
async def open_house(tmp_path: Path, clock: Clock) -> AsyncIterator[OpenHouse]:
    """Open a gateway with manifests of the test's own. Arguments as `House.open`."""
    async with opening(tmp_path, clock) as open_one:
        yield open_one


@pytest.fixture
async def gateway(open_house: OpenHouse, manifests: Iterable[Mapping[str, Any]]) -> House:
    """A running gateway with the courier, or with what `manifests` says."""
    return await open_house(*manifests)


@pytest.fixture
def courier(gateway: House) -> FakePartner:
    """The recipient that the default manifest is for."""
    return gateway.recipients["swift-parcel"]
