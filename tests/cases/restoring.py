"""A house whose database is put back from a copy, and what is exported of it before."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, cast

from gateway import config as settings
from gateway.cli.looking import trusted
from gateway.cli.replaying import replayed
from gateway.ledger.bundle import checkpoint_line, header_line, leaf_line
from gateway.model.settings import Config
from gateway.stores.sqlite.copies import copy_database
from gateway.testing.notices import acknowledge_only
from tests.cases.house import CaseHouse

SWIFT, SLOW = "swift-parcel", "slow-parcel"
GONE, LIVING, SCOPED, WAITING, NEW = "u-欧阳-gone", "u-living", "u-part", "u-waiting", "u-new"


class RestoredHouse(CaseHouse):
    """As `CaseHouse`, with copies of its database."""

    @property
    def database(self) -> Path:
        """The file."""
        return self.folder / "data" / "gateway.db"

    @property
    def settings(self) -> dict[str, str]:
        """What its processes find in their environment."""
        return dict(self._settings)

    @property
    def config(self) -> Config:
        """As the gateway has it."""
        return settings.load(self.folder, self.settings)

    async def copied(self) -> Path:
        """A copy of the database, made while the gateway runs."""
        await self.sequenced()
        copy = self.folder.parent / "copy.db"
        await asyncio.to_thread(copy_database, self.database, copy, lambda done, total: None)
        return copy

    async def exported(self) -> Path:
        """The ledger up to now, as a bundle."""
        await self.sequenced()
        head = await self.gateway.store.head()
        leaves = await self.gateway.store.leaves(0, head.size)
        bundle = self.folder.parent / "bundle.jsonl"
        origin = head.note.partition("\n")[0]
        lines = [header_line(origin=origin), *map(leaf_line, leaves)]
        bundle.write_bytes(b"".join(lines) + checkpoint_line(head.note, self.clock()))
        return bundle

    async def put_back(self, copy: Path) -> None:
        """Stop the gateway, and put a copy in the database's place."""
        await self.stop()
        for beside in ("-wal", "-shm"):
            self.database.with_name(self.database.name + beside).unlink(missing_ok=True)
        shutil.copy(copy, self.database)

    async def replay(self, bundle: Path, **options: Any) -> dict[str, Any]:
        """`gateway ledger replay-erasures`, on the home as it is."""
        trust = trusted(self.folder, None)
        return await replayed(self.config, opener_of(bundle), trust, clock=self.clock, **options)

    @property
    def head(self) -> Path:
        """The checkpoint that is kept beside the keys."""
        return self.folder / "keys" / "head.note"

    def forget_head(self) -> None:
        """Put aside the head that is kept beside the keys, as somebody does who serves a copy."""
        self.head.unlink()


def opener_of(bundle: Path) -> Callable[[], AbstractContextManager[BinaryIO]]:
    """How a bundle is opened, each time anew."""
    return lambda: cast(AbstractContextManager[BinaryIO], bundle.open("rb"))


async def shared(house: RestoredHouse, *whom: tuple[str, str]) -> None:
    """Shares that are carried: recipient and person."""
    for partner, subject in whom:
        reply = await house.share(partner, subject=subject)
        assert reply.status == 200, reply.json()


async def day(house: RestoredHouse) -> tuple[Path, Path, dict[str, dict[str, Any]]]:
    """A copy, what happened after it, and a bundle of the end: copy, bundle, cases."""
    before = [(SWIFT, GONE), (SLOW, GONE), (SWIFT, LIVING), (SWIFT, SCOPED), (SLOW, WAITING)]
    await shared(house, *before)
    copy = await house.copied()
    await shared(house, (SWIFT, GONE), (SLOW, LIVING), (SWIFT, NEW))
    cases = {GONE: await house.opened_case(GONE)}
    await house.until_closed(cases[GONE]["case"])
    cases[SCOPED] = await house.opened_case(SCOPED, scope={"partners": [SWIFT]})
    await house.until_closed(cases[SCOPED]["case"])
    house.recipients[SLOW].notices.plan = acknowledge_only()
    cases[WAITING] = await house.opened_case(WAITING)
    await house.until(cases[WAITING]["case"], SLOW, state="acknowledged")
    return copy, await house.exported(), cases
