"""A gateway, a vendor that is told in DDRF, and a desk that asks in it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from tests.ddrf.house import OURS, DdrfHouse
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE

REQUESTER = """
[[requester]]
name = "privacy-desk"
protocol = "ddrf"
domain = "desk.example"
jwks = "{jwks}"
identifiers = ["subject", "member-number"]
"""


@pytest.fixture
def clock() -> Clock:
    """Stands still at a full second of today."""
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[DdrfHouse]:
    """One courier, told in DDRF at the vendor's address, and one requester."""
    opened = DdrfHouse(empty_home(tmp_path / "home"), clock)
    async with AsyncExitStack() as stack:
        others = (opened.vendor, opened.desk, opened.stranger)
        for one in others:
            await stack.enter_async_context(one)
        deletion = {"protocol": "ddrf", "domain": opened.vendor.domain}
        manifest = a_manifest("swift-parcel", base_url=NOWHERE, deletion=deletion)
        await stack.enter_async_context(opened)

        def configured(home: Path) -> None:
            settings = home / "gateway.toml"
            table = REQUESTER.format(jwks=opened.desk.document_url)
            settings.write_text(settings.read_text("utf-8") + table, "utf-8")
            told = home / "partners" / "swift-parcel.yaml"
            notices = opened.recipients["swift-parcel"].notices_url
            text = told.read_text("utf-8").replace(notices, opened.vendor.document_url)
            told.write_text(text, "utf-8")

        await opened.open([manifest], settings={"GATEWAY_DDRF__DOMAIN": OURS}, edit=configured)
        for one in others:
            one.issuers[OURS] = opened.document_url
            one.issuers["desk.example"] = opened.desk.document_url
            one.issuers["stranger.example"] = opened.stranger.document_url
        yield opened
