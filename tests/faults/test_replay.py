"""A replay of erasures that dies at any of its writes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from tests.cases.restoring import SLOW, SWIFT, RestoredHouse
from tests.faults.replaying import Died, bundled, dying_at, leaves, lose, refused, state
from tests.marks import promise
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE

# Every so many of its writes it dies once.
EVERY = 6


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[RestoredHouse]:
    """Two couriers."""
    clock = Clock(datetime.now(UTC).replace(microsecond=0))
    opened = RestoredHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        await opened.open([a_manifest(id, base_url=NOWHERE) for id in (SWIFT, SLOW)])
        yield opened


def die() -> None:
    """The end of the process."""
    raise Died


@promise("A1", "K2")
async def test_a_replay_that_died_is_finished_by_the_next(house: RestoredHouse) -> None:
    """
    Wherever a replay dies, no gateway starts on what it left, and the next one comes to the
    same end as one that never died: the bundle's leaves once each, the same people gone.
    """
    loss = await lose(house)
    await loss.put_back()
    with dying_at(0, die) as writes:
        await house.replay(loss.bundle)
    whole, theirs = state(house.database), bundled(loss.bundle)
    assert writes[0] > 2 * EVERY
    for number in range(2, writes[0], EVERY):
        await loss.put_back()
        with dying_at(number, die), pytest.raises((Died, BaseExceptionGroup)):
            await house.replay(loss.bundle)
        assert await refused(house), f"it served what died at write {number}"
        await house.replay(loss.bundle)
        assert leaves(house.database)[: len(theirs)] == theirs
        assert state(house.database) == whole, f"after dying at write {number}"
