"""
A ledger that was restored from a copy, beside a bundle that was exported later.

    verify the bundle -> compare leaf by leaf -> append what is missing -> extend the tree

Where the copy's leaves are the beginning of the bundle's, what is missing is
appended exactly as it is, and the copy's tree grows to the very checkpoint that
was signed: no fork. Where another leaf stands somewhere, the copy was written to
since, and nothing is appended.

The store is owned and nothing serves. Dying anywhere loses nothing: what was
appended is the beginning of what is appended the next time.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Protocol

from gateway.errors import LedgerContradiction
from gateway.ledger import merkle
from gateway.ledger.bundle import BundleReader, pruned_hash
from gateway.ledger.checkpoint import (
    Checkpoint,
    SignedNote,
    open_checkpoint,
    parse_checkpoint,
)
from gateway.ledger.continuity import stored_hash
from gateway.ledger.note import Verifier
from gateway.ledger.past import Past
from gateway.ledger.verify import Checker, LedgerInvalid
from gateway.ports import LedgerHead, LedgerStore, ReplayState, RestoreStore

# Leaves read, appended and hashed at a time.
READ, APPENDED, HASHED = 2000, 500, 4096

OpenBundle = Callable[[], AbstractContextManager[BinaryIO]]
Verifiers = Callable[[str], Iterable[Verifier]]
"""The trusted keys for a ledger of this name."""
Progress = Callable[[int, int, str], None]


class RestoringStore(LedgerStore, RestoreStore, Protocol):
    """What is needed of a store before there is a gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A bundle that verifies, and how the ledger stands to it."""

    origin: str
    size: int
    """Leaves of the bundle."""
    note: str
    """Its checkpoint, as the ledger itself signed it."""
    checkpoint: Checkpoint
    start: int
    """The first leaf that the copy did not have, or had otherwise."""
    held: int
    """Leaves of the ledger now."""
    forked: bool
    done: bool
    """This very bundle was replayed to its end before."""
    untried: int
    """Shares of it that not everybody's key was tried on then."""
    past: Past
    """What the leaves from `start` on say."""


async def compare(
    store: RestoringStore, bundle: OpenBundle, verifiers: Verifiers, origin: str, told: Progress
) -> Compared:
    """
    Verify a bundle and compare it with the ledger of `origin`, leaf by leaf.

    Raises `BundleInvalid`, `LedgerInvalid` and `NoteInvalid` where it does not
    verify, is of another ledger, or does not begin with the first leaf.
    """
    known, held = await store.replay_state(), await store.size()
    # What a replay that was broken off had appended is not done before its end.
    begun = known.start if known is not None and not known.done else held
    with bundle() as stream:
        reader = BundleReader(stream)
        _check_header(reader, origin)
        checker, past, own, forked = Checker(), Past(), _Own(store, held), None
        for index, leaf in enumerate(reader.leaves()):
            checker.add(leaf)
            if forked is None and index < held and not _same(await own.leaf(index), leaf):
                forked = index
            if index >= (begun if forked is None else forked):
                past.add(_parsed(index, leaf))
            if index % READ == 0:
                told(index, max(index, held), "leaves compared")
        note = reader.checkpoint
    checkpoint = open_checkpoint(note, verifiers(origin))
    checker.finish(checkpoint)
    told(checkpoint.size, checkpoint.size, "leaves compared")
    done = known is not None and known.done and _says(known.note, checkpoint)
    start = known.start if known is not None and done else begun
    return Compared(
        origin=origin,
        size=checkpoint.size,
        note=_own_lines(note, origin),
        checkpoint=checkpoint,
        start=min(start, checkpoint.size) if forked is None else forked,
        held=held,
        forked=forked is not None,
        done=done,
        untried=known.untried if known is not None and done else 0,
        past=past,
    )


async def append(
    store: RestoringStore, bundle: OpenBundle, compared: Compared, told: Progress
) -> int:
    """
    Append what is missing, and grow the tree to the bundle's checkpoint; how many
    leaves: none where the ledger forked. From here on the store is not to be served
    before `end_replay`.

    Raises `LedgerContradiction` where what was appended does not have the root that
    was signed.
    """
    if compared.done:
        return 0
    state = ReplayState(start=compared.start, size=compared.size, note=compared.note)
    await store.begin_replay(state)
    if compared.forked:
        return 0
    done = compared.held
    with bundle() as stream:
        rest = islice(BundleReader(stream).leaves(), compared.held, compared.size)
        while some := list(islice(rest, APPENDED)):
            await store.append_past(done, some)
            done += len(some)
            told(done, compared.size, "leaves appended")
    await _grow(store, compared)
    return max(0, done - compared.held)


async def _grow(store: RestoringStore, compared: Compared) -> None:
    """Bring the tree up to the bundle's size, a batch of tiles at a time, and its note with it."""
    head = await store.head()
    if head.size >= compared.size:
        return
    size, tiles = head.size, await store.tiles(merkle.edge(head.size))
    while size < compared.size:
        leaves = await store.leaves(size, min(HASHED, compared.size - size))
        if not leaves:
            raise LedgerContradiction(f"the ledger ends at leaf {size}, and more were appended")
        changed = merkle.extend(tiles, size, [stored_hash(leaf) for leaf in leaves])
        size += len(leaves)
        tiles = {id: ({**tiles, **changed})[id] for id in merkle.edge(size)}
        newer = head
        if size == compared.size:
            if merkle.root(tiles, size) != compared.checkpoint.root:
                raise LedgerContradiction(
                    "the leaves that were appended do not have the root that was signed: the "
                    "bundle changed meanwhile, or the copy was damaged; restore the copy anew"
                )
            newer = LedgerHead(size=size, root=compared.checkpoint.root, note=compared.note)
        # A tile may be wider than the tree of its checkpoint, so they may come first.
        await store.sequence(newer, changed, head.size)


class _Own:
    """The ledger's own leaves, front to back."""

    def __init__(self, store: RestoringStore, size: int) -> None:
        self._store, self._size = store, size
        self._first, self._leaves = 0, list[bytes]()

    async def leaf(self, index: int) -> bytes:
        if index >= self._first + len(self._leaves):
            wanted = min(READ, self._size - index)
            self._first, self._leaves = index, await self._store.leaves(index, wanted)
        return self._leaves[index - self._first]


def _check_header(reader: BundleReader, origin: str) -> None:
    if reader.header.origin != origin:
        raise LedgerInvalid(None, f"the bundle is of another ledger than {origin}")
    if reader.header.start:
        raise LedgerInvalid(
            None, "the bundle begins at a later leaf: write one with `gateway ledger export FILE`"
        )


def _same(own: bytes, leaf: bytes) -> bool:
    # Of a leaf that was pruned here or there the hash is left.
    return own == leaf or stored_hash(own) == stored_hash(leaf)


def _parsed(index: int, leaf: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(leaf)
    if pruned_hash(value) is not None:
        raise LedgerInvalid(index, "it was pruned, so that what it did cannot be done again")
    return value


def _says(note: str, checkpoint: Checkpoint) -> bool:
    known = parse_checkpoint(SignedNote.parse(note).text)
    return (known.size, known.root) == (checkpoint.size, checkpoint.root)


def _own_lines(note: str, origin: str) -> str:
    """The note without the lines of witnesses: as the ledger itself signed it."""
    text, _, lines = note.rpartition("\n\n")
    kept = [line for line in lines.splitlines() if line.startswith(f"\N{EM DASH} {origin} ")]
    return "\n".join([text, "", *kept, ""])
