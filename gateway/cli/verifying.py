"""The check of a home's own ledger: leaves, tiles, checkpoint, and the head beside the keys."""

from collections.abc import Iterable
from typing import Any

from gateway.cli.output import progress
from gateway.flows.continuity import where
from gateway.ledger.checkpoint import Checkpoint, open_checkpoint, trusted_keys
from gateway.ledger.continuity import check_kept, read_note, stored_hash
from gateway.ledger.merkle import TILE_WIDTH, TileId
from gateway.ledger.tiling import Tiling, compare
from gateway.ledger.verify import Checker, Report
from gateway.model.settings import Config
from gateway.ports import LedgerStore

BATCH = 2000


async def verify_stored(
    config: Config, store: LedgerStore, jwks: dict[str, Any], kept_note: str | None
) -> Report | None:
    """
    Check everything that a store holds; None where it has no checkpoint yet.

    `kept_note` was read before the store was asked for anything: the gateway that
    runs beside this writes it first. Raises `LedgerInvalid`, `NoteInvalid` and
    `LedgerContradiction`.
    """
    place = where(config)
    head = await store.head()
    kept = None if kept_note is None else _kept(kept_note, jwks, place.kept)
    walk = _Walk(store, None if kept is None else kept.size)
    await walk.until(head.size, tiled=True)
    report = None
    if head.note:
        await walk.compare(walk.tiling.rest())
        origin = head.note.partition("\n")[0]
        report = walk.checker.finish(open_checkpoint(head.note, trusted_keys(jwks, origin)))
    if kept is not None:
        # Signed, and not yet stored when the process died, or at this very moment.
        await walk.until(kept.size, tiled=False)
        check_kept(kept, walk.checker.size, walk.root_there, place)
    return report


def _kept(note: str, jwks: dict[str, Any], at: str) -> Checkpoint:
    return read_note(note, trusted_keys(jwks, note.partition("\n")[0]), at)


class _Walk:
    """Leaves one after the other, through everything that checks them."""

    def __init__(self, store: LedgerStore, kept_size: int | None) -> None:
        self.checker = Checker()
        self.tiling = Tiling()
        self.root_there: bytes | None = self.checker.root if kept_size == 0 else None
        self._store = store
        self._kept_size = kept_size

    async def until(self, size: int, *, tiled: bool) -> None:
        """Go on to so many leaves, or to the last one; `tiled`: they are in stored tiles."""
        while self.checker.size < size:
            first = self.checker.size
            leaves = await self._store.leaves(first, min(BATCH, size - first))
            if not leaves:
                return
            for leaf in leaves:
                self.checker.add(leaf)
                if self.checker.size == self._kept_size:
                    self.root_there = self.checker.root
            if tiled:
                full = [made for leaf in leaves for made in self.tiling.add(stored_hash(leaf))]
                await self.compare(full)
            progress(self.checker.size, size, "leaves")

    async def compare(self, made: Iterable[tuple[TileId, bytes]]) -> None:
        """Compare tiles that the leaves give with those that are stored."""
        made = list(made)
        ids = {id for id, _ in made} | {(level + 1, n // TILE_WIDTH) for (level, n), _ in made}
        stored = await self._store.tiles(sorted(ids))
        for id, data in made:
            compare(id, data, stored.get(id), stored)
