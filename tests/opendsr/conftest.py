"""A gateway whose courier is told in OpenDSR, and tools that ask it in OpenDSR."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from tests.opendsr.house import OpenDsrHouse
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE


@pytest.fixture
def clock() -> Clock:
    """Stands still at a full second of today."""
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[OpenDsrHouse]:
    """One courier, told in OpenDSR at the processor's address."""
    opened = OpenDsrHouse(empty_home(tmp_path / "home"), clock)
    deletion = {
        "protocol": "opendsr",
        "domain": opened.processor.domain,
        "certificate": "file:keys/vendor-authority.pem",
        "identifiers": {"pseudonym": "controller_customer_id", "reference": "parcel_id"},
        "fallback": "manual",
    }
    manifest = a_manifest("swift-parcel", base_url=NOWHERE, deletion=deletion)

    def configured(home: Path) -> None:
        told = home / "partners" / "swift-parcel.yaml"
        notices = opened.recipients["swift-parcel"].notices_url
        text = told.read_text("utf-8").replace(notices, opened.processor.url)
        told.write_text(text, "utf-8")
        authority = home / "partners" / "keys" / "vendor-authority.pem"
        authority.parent.mkdir(exist_ok=True)
        authority.write_text(opened.processor.authority.pem, "utf-8")

    async with opened.processor, opened:
        await opened.open([manifest], edit=configured)
        yield opened
