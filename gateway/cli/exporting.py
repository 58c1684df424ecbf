"""`gateway ledger export`: the ledger in one file, added to at each export."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gateway.cli.bundles import BundleFile, BundleForeign, Found, place_of
from gateway.cli.output import Output, fail, progress
from gateway.ledger import merkle
from gateway.ledger.bundle import Header, checkpoint_line, header_line
from gateway.ledger.checkpoint import Checkpoint, NoteInvalid, SignedNote, parse_checkpoint
from gateway.ledger.proofs import ProofInvalid, verify_consistency
from gateway.ports import LedgerHead, LedgerStore

# Leaves read from the store at a time: a moment for it, and a megabyte for a gzip member.
BATCH = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The first leaf that is wanted, and the signed checkpoint of those before it."""

    start: int = 0
    note: str | None = None
    checkpoint: Checkpoint | None = None


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--since",
    help="Only leaves from here on: their number, or a file with a checkpoint that somebody kept.",
)
@click.pass_obj
def export(output: Output, file: Path, since: str | None) -> None:
    """Write the ledger into a file that anybody can verify, or add to it what is new."""
    begin = _since(since) if since is not None else None
    try:
        done = asyncio.run(_export(output.home, file, begin))
    except (BundleForeign, ProofInvalid) as error:
        fail(f"{error}; nothing was changed: name another file", 1)
    except OSError as error:
        # What is there is whole up to a line, and the next export goes on behind it.
        fail(f"{file}: {error.strerror or 'it broke off'}; the same command goes on from here", 1)
    held = done["size"] - done["start"]
    output.result(done, f"{held} leaves in {file}, {done['added']} of them new")


def _since(text: str) -> Begin:
    if text.isdecimal() and text.isascii():
        return Begin(start=int(text))
    try:
        note = Path(text).read_text(encoding="utf-8")
        checkpoint = parse_checkpoint(SignedNote.parse(note).text)
    except (OSError, UnicodeError, NoteInvalid):
        fail("--since: write a number of leaves, or the file of a checkpoint", 2)
    return Begin(start=checkpoint.size, note=note, checkpoint=checkpoint)


async def _export(home: Path, file: Path, begin: Begin | None) -> dict[str, Any]:
    from gateway.cli.looking import looking

    async with looking(home) as store:
        head = await store.head()
        if not head.note:
            fail("this ledger has no checkpoint yet", 1)
        path = place_of(file)
        with BundleFile(path, compressed=file.suffix == ".gz") as bundle:
            done = await _Export(store, head, bundle).run(begin or Begin(), asked=begin is not None)
        if path != file:
            path.replace(file)
    return {"file": str(file), **done}


class _Export:
    """One run: check what is there, add what is missing, end it with the checkpoint."""

    def __init__(self, store: LedgerStore, head: LedgerHead, bundle: BundleFile) -> None:
        self._store, self._head, self._bundle = store, head, bundle
        self._origin = head.note.partition("\n")[0]

    async def run(self, begin: Begin, *, asked: bool) -> dict[str, int]:
        """
        What the file holds then; `asked`: it was said where it is to begin. Raises
        `BundleForeign` and `ProofInvalid`.
        """
        found = self._bundle.read(lambda size: self._tell(size, "checked"))
        if found.header is None:
            found = await self._begun(found, begin)
        elif asked and begin.start != found.header.start:
            starts = f"begins at leaf {found.header.start}, not at {begin.start}"
            raise BundleForeign(f"{self._bundle.path} {starts}")
        else:
            await self._check(found, found.header)
        self._bundle.cut(found.end)
        if not found.whole or found.size < self._head.size:
            await self._add(found.size)
        start = found.header.start if found.header else begin.start
        size = self._head.size
        return {"start": start, "size": size, "added": size - found.size}

    async def _begun(self, found: Found, begin: Begin) -> Found:
        """A new bundle; what a kill left of a header is written again."""
        if found.cut and self._bundle.path.suffix != ".part":
            raise BundleForeign(f"{self._bundle.path} is no bundle")
        peaks = await self._peaks(begin)
        self._bundle.cut(0)
        header = header_line(origin=self._origin, start=begin.start, peaks=peaks, since=begin.note)
        self._bundle.write([header])
        return Found(end=self._bundle.sync(), size=begin.start)

    async def _peaks(self, begin: Begin) -> Sequence[bytes]:
        if begin.start > self._head.size:
            fail(f"--since: this ledger has {self._head.size} leaves", 1)
        tiles = await self._store.tiles(merkle.edge(begin.start))
        then = begin.checkpoint
        if then and (then.origin, then.root) != (self._origin, merkle.root(tiles, begin.start)):
            fail("--since: that checkpoint is not of the beginning of this ledger", 1)
        return merkle.peaks(tiles, begin.start)

    async def _check(self, found: Found, header: Header) -> None:
        """What is there must be the beginning of this very ledger."""
        name = self._bundle.path
        if header.origin != self._origin:
            raise BundleForeign(f"{name} is of another ledger than {self._origin}")
        if found.size > self._head.size:
            raise BundleForeign(
                f"{name} has {found.size} leaves, and this ledger {self._head.size}: it is another "
                "one, or was restored from an older copy"
            )
        if not found.size:
            return
        tiles = await self._store.tiles(merkle.consistency_tiles(found.size, self._head.size))
        hashes = merkle.consistency(tiles, found.size, self._head.size)
        root = merkle.Peaks(found.size, found.peaks).root()
        try:
            verify_consistency(found.size, self._head.size, hashes, root, self._head.root)
        except ProofInvalid as error:
            raise ProofInvalid(
                f"{name} is not the beginning of this ledger: its {found.size} leaves have another "
                "root, so it is damaged or of another one"
            ) from error

    async def _add(self, done: int) -> None:
        from gateway.wiring import utc_now

        size = self._head.size
        while done < size:
            leaves = await self._store.leaves(done, min(BATCH, size - done))
            if not leaves:
                fail(f"the store ends at leaf {done}: run `gateway ledger verify`", 1)
            self._bundle.write_leaves(leaves)
            done += len(leaves)
            self._tell(done, "written")
        # A checkpoint on the disk before its leaves could outlive them.
        self._bundle.sync()
        self._bundle.write([checkpoint_line(self._head.cosigned_note, utc_now())])
        self._bundle.sync()

    def _tell(self, done: int, what: str) -> None:
        if done % BATCH == 0 or done == self._head.size:
            progress(done, self._head.size, what)
