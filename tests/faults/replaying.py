"""A replay that dies at one of its writes, and what must be there when it is run again."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.errors import GatewayError, StoreFailed
from gateway.flows import restored_ledger
from gateway.stores.sqlite.base import StorePart
from tests.cases.forgetting import read
from tests.cases.restoring import RestoredHouse, day

# Leaves appended in one go, so that even this small ledger has several batches.
FEW = 6

STATE = {
    "people": "SELECT count(*) FROM person",
    "kept out": "SELECT count(*) FROM tombstone",
    "cases": "SELECT id, state, stage FROM cases ORDER BY id",
    "notices": "SELECT id, partner, state, settled, escrow IS NULL FROM notice ORDER BY id",
    "whose": "SELECT seq, subject IS NULL, outcome, ends IS NULL FROM share ORDER BY seq",
    "replay": "SELECT done, untried FROM replay",
}


class Died(BaseException):
    """The process is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A house that lost its database: the copy, the bundle, and the head that was kept."""

    house: RestoredHouse
    copy: Path
    bundle: Path
    head: bytes

    async def put_back(self) -> None:
        """The copy in its place, and everything else as it was at the loss."""
        await self.house.put_back(self.copy)
        self.house.head.write_bytes(self.head)


async def lose(house: RestoredHouse) -> Loss:
    """A day of shares and deletions, and the end of the disk."""
    copy, bundle, _ = await day(house)
    await house.stop()
    head = house.head.read_bytes()
    kept = house.folder.parent / "kept.jsonl"
    shutil.copy(bundle, kept)
    return Loss(house=house, copy=copy, bundle=kept, head=head)


@contextmanager
def dying_at(number: int, die: Callable[[], None]) -> Iterator[list[int]]:
    """Inside, `die` is called in place of the write with this number; counts the writes."""
    count = [0]
    whole, few = StorePart.begin, restored_ledger.APPENDED

    def begin(self: StorePart, operation: Any) -> Any:
        count[0] += 1
        if count[0] == number:
            die()
        return whole(self, operation)

    StorePart.begin = begin  # type: ignore[method-assign]
    restored_ledger.APPENDED = FEW
    try:
        yield count
    finally:
        StorePart.begin = whole  # type: ignore[method-assign]
        restored_ledger.APPENDED = few


def state(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What must be the same, however often a replay died."""
    return {name: read(database, statement) for name, statement in STATE.items()}


async def refused(house: RestoredHouse) -> bool:
    """Whether the gateway does not start on what a dead replay left."""
    try:
        await house.start()
    except GatewayError as error:
        await house._life.aclose()
        return isinstance(error, StoreFailed) or "contradicts" in str(error)
    await house.stop()
    return False


def leaves(database: Path) -> list[str]:
    """The ledger."""
    return [leaf for (leaf,) in read(database, "SELECT leaf FROM entry ORDER BY seq")]


def bundled(bundle: Path) -> list[str]:
    """The leaves of a bundle."""
    lines = bundle.read_text().splitlines()
    return [line for line in lines if "kind" in json.loads(line)]
