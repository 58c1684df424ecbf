"""What tests of faults begin with: a gateway in the test's own loop, with two recipients."""

import io
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.observe.logs import configure_logging
from gateway.stores.sqlite import ledger
from gateway.testing.clock import Clock
from tests.faults.scene import manifests
from tests.faults.spoiling import Spoilt, grown
from tests.promises.house import House, empty_home


@pytest.fixture
def clock() -> Clock:
    """Stands still at a full second of today."""
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def quiet() -> Iterator[io.StringIO]:
    """Log lines go into memory, so that a disk that is full for the test is not theirs."""
    lines = io.StringIO()
    configure_logging(stream=lines)
    yield lines
    configure_logging()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk refused is tried again at once."""
    monkeypatch.setattr(ledger, "RETRY_SECONDS", 0.01)


@pytest.fixture
async def house(
    tmp_path: Path, clock: Clock, quiet: io.StringIO, soon: None
) -> AsyncIterator[House]:
    """A running gateway with a courier and an advertiser."""
    async with House(empty_home(tmp_path / "home"), clock) as house:
        await house.open(manifests())
        yield house


@pytest.fixture(scope="session")
def two_homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Spoilt, Spoilt]:
    """A home as it was at a backup, and as it is now."""
    return grown(tmp_path_factory.mktemp("homes"))


@pytest.fixture
def before(two_homes: tuple[Spoilt, Spoilt], tmp_path: Path) -> Spoilt:
    """A copy of the home as it was at the backup."""
    return two_homes[0].copy(tmp_path / "before")


@pytest.fixture
def home(two_homes: tuple[Spoilt, Spoilt], tmp_path: Path, quiet: io.StringIO) -> Spoilt:
    """A copy of the home as it is now."""
    return two_homes[1].copy(tmp_path / "now")
