"""
A house for all tests of a module that only ask it something.

    pytestmark = shared.IN_ONE_LOOP
    houses, gateway, open_house = shared.houses, shared.gateway, shared.open_house

Opening one takes ten times as long as asking. A test that changes what others
would see, be it a fact about a person or the time, opens its own with `open_house`.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from tests.promises.house import House, OpenHouse, empty_home, opening

IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


class Houses:
    """The houses that are open, by what their manifests say."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._open: dict[str, House] = {}

    async def of(self, manifests: Iterable[Mapping[str, Any]]) -> House:
        """The house with these manifests, whose recipients have got nothing yet."""
        wanted = list(manifests)
        key = repr(wanted)
        if key not in self._open:
            home = empty_home(self._folder / f"home-{len(self._open)}")
            house = House(home, Clock(datetime.now(UTC).replace(microsecond=0)))
            self._open[key] = await self._stack.enter_async_context(house)
            await house.open(wanted)
        for recipient in self._open[key].recipients.values():
            _as_new(recipient)
        return self._open[key]


def _as_new(recipient: FakePartner) -> None:
    for came in (recipient.arrivals, recipient.received, recipient.refused, recipient.unanswered):
        came.clear()
    recipient.connections = 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def houses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Houses]:
    """Open until the last test of the module is over."""
    async with AsyncExitStack() as stack:
        yield Houses(tmp_path_factory.mktemp("shared"), stack)


@pytest_asyncio.fixture(loop_scope="module")
async def gateway(houses: Houses, manifests: Iterable[Mapping[str, Any]]) -> House:
    """As the fixture of the same name, but for all tests of the module."""
    return await houses.of(manifests)


@pytest_asyncio.fixture(loop_scope="module")
async def open_house(tmp_path: Path, clock: Clock) -> AsyncIterator[OpenHouse]:
    """As the fixture of the same name, in the loop of the module."""
    async with opening(tmp_path, clock) as open_one:
        yield open_one
