"""A gateway with its lanes at work, and a recipient with an interface of its own."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.stores.sqlite import SQLiteStore
from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from tests.cases.house import CaseHouse
from tests.counterparts.rest_partner import RestPartner
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE

KEY = "TEST_REST_PARTNER_KEY"
WEBHOOKS_OF_ITS_OWN = "http://webhooks.invalid"
"""Stands for where the recipient takes Standard Webhooks."""


class ProtocolHouse(CaseHouse):
    """A house whose courier is told by the `deletion` that a test writes."""

    def __init__(self, folder: Path, clock: Clock, partner: RestPartner) -> None:
        super().__init__(folder, clock)
        self.partner = partner

    async def told_by(self, **deletion: Any) -> None:
        """Start, with a courier that is told so; `url` stands for its own address."""
        manifest = a_manifest("swift-parcel", base_url=NOWHERE)
        given = {"fallback": "manual", "complete_within": "15d", **deletion}
        manifest["deletion"] = {name: value for name, value in given.items() if value is not None}
        manifest["upstream"]["auth"] = {"header": {"name": "X-Key", "value": f"env:{KEY}"}}

        def point(home: Path) -> None:
            path = home / "partners" / "swift-parcel.yaml"
            address = self.recipients["swift-parcel"].base_url
            text = path.read_text().replace(f"{address}/privacy/notices", str(given.get("url")))
            text = text.replace(address, self.partner.url)
            path.write_text(text.replace(WEBHOOKS_OF_ITS_OWN, address))

        await self.open([manifest], edit=point)

    async def shared(self, *orders: str, subject: str = "u-1") -> None:
        """What the recipient has of a person."""
        for order in orders:
            reply = await self.share(path=f"/v2/shipments/{order}", subject=subject)
            assert reply.status == 201, reply.json()

    async def until(self, case: str, partner: str = "swift-parcel", **wanted: Any) -> Any:
        """The same, and no try is under way any more: it would end after the clock went on."""
        notice = await super().until(case, partner, **wanted)
        store = self.gateway.store
        assert isinstance(store, SQLiteStore)
        for _ in range(100):
            if not await store.write(_under_way):
                break
            await asyncio.sleep(0.02)
        return notice

    def forward(self, **span: float) -> None:
        """Let time pass, and have whoever waits look again."""
        self.clock.advance(timedelta(**span))
        self.gateway.case_changed()


def _under_way(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT count(*) FROM notice WHERE claimed = 1").fetchone()
    return int(row[0])


@pytest.fixture
async def partner() -> AsyncIterator[RestPartner]:
    """The recipient."""
    async with RestPartner() as running:
        yield running


@pytest.fixture
async def house(
    tmp_path: Path, partner: RestPartner, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ProtocolHouse]:
    """The gateway; a test says how its courier is told, and that starts it."""
    monkeypatch.setitem(os.environ, KEY, partner.key)
    clock = Clock(datetime.now(UTC).replace(microsecond=0))
    opened = ProtocolHouse(empty_home(tmp_path / "home"), clock, partner)
    async with opened:
        yield opened
