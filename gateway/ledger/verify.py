"""
Reading a whole ledger and finding the first thing in it that contradicts
something else.

What is checked of each leaf, in order:

1. it is RFC 8785 canonical JSON of strings, integers, booleans, arrays and
   objects, or stands in place of a pruned leaf;
2. `kind` is known, `id` is a text that no earlier leaf has, `at` is a time in
   the ledger's form, and what every leaf of its kind has is there;
3. an outcome names a share that an earlier leaf opened (intent, transfer,
   public-disclosure, declared), and the same partner; no share has more
   outcomes than attempts.

And of the whole: size and root are those of the checkpoint. A bundle has one at
the end of each export; the earlier ones must agree with the tree as it was then,
and the last one must be signed: the keys of the others may be retired by now.

A bundle may begin at a later leaf. What is before it says nothing here, as if
it were pruned; that the tree of before goes on in this one is shown by its
roots in the header, and by a signed checkpoint of before if there is one.

What cannot be checked here: whether an intent stands behind the fence of its
own subject, because only the subject's key tells which leaves are one
person's; whether times are true (the order of leaves is that of the ledger,
and clocks of several machines may disagree, so times are not compared); and
what a pruned leaf said. An outcome whose share is missing is let pass only as
long as there are pruned leaves before it to account for it.

It is a stream. What is kept is every id and share seen, some 300 bytes a leaf:
a million leaves take about 300 MB.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from gateway.errors import GatewayError
from gateway.ledger.bundle import BundleReader, Header, Mark, pruned_hash
from gateway.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from gateway.ledger.encode import leaf_hash
from gateway.ledger.leaf import SHARES, Kind
from gateway.ledger.leaf_form import Wrong, check_members, kind_of, parse
from gateway.ledger.merkle import Peaks
from gateway.ledger.note import NoteInvalid, SignedNote, Verifier


class LedgerInvalid(GatewayError):
    """A ledger contradicts itself or its checkpoint. `index` None: the whole of it."""

    code = "ledger-invalid"

    def __init__(self, index: int | None, what: str) -> None:
        super().__init__(what if index is None else f"leaf {index}: {what}")
        self.index = index
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a ledger without contradiction holds."""

    origin: str
    size: int
    root: str
    """Hex."""
    kinds: Mapping[str, int]
    """How many leaves of each kind there are, by kind; pruned ones are in none."""
    pruned: int
    open_intents: int
    """Attempts without an outcome: they may have been received."""
    open_shares: tuple[str, ...]
    """The shares they belong to, each once, in order."""
    start: int = 0
    """The index of the first leaf that was there."""
    start_root: str = ""
    """Hex: of the leaves before it; empty where there are none."""


def check(
    leaves: Iterable[bytes | Mapping[str, Any]], checkpoint: Checkpoint | None = None
) -> Report:
    """
    Check all leaves of a ledger, in order from index 0, against its checkpoint.

    A leaf is given as its bytes, or as the object they hold. Without a
    checkpoint only the leaves are checked. Raises `LedgerInvalid` at the first
    contradiction.
    """
    checker = Checker()
    for leaf in leaves:
        if checkpoint is not None and checker.size == checkpoint.size:
            raise LedgerInvalid(checker.size, "the checkpoint covers no such leaf")
        checker.add(leaf)
    return checker.finish(checkpoint)


def check_bundle(stream: BinaryIO, verifiers: Iterable[Verifier]) -> Report:
    """
    Check a bundle: its form, its leaves, its root and its checkpoint's signature.

    Raises `BundleInvalid`, `LedgerInvalid` and `NoteInvalid`; and whatever
    `stream` raises.
    """
    trusted, reader = list(verifiers), BundleReader(stream)
    checker = Checker(reader.header.start, reader.header.peaks)
    check_since(reader.header, checker.root, trusted)
    for item in reader.items():
        if isinstance(item, Mark):
            _check_mark(item, reader.header.origin, checker.root)
        else:
            checker.add(item)
    return checker.finish(open_checkpoint(reader.checkpoint, trusted))


def check_since(header: Header, root: bytes, verifiers: Iterable[Verifier]) -> None:
    """
    Check a bundle's checkpoint of the leaves before its first against their root.

    There may be none. Raises `LedgerInvalid` and `NoteInvalid`.
    """
    if header.since is None:
        return
    since = open_checkpoint(header.since, verifiers)
    if (since.origin, since.size, since.root) != (header.origin, header.start, root):
        what = "the leaves before the first have another root than their checkpoint"
        raise LedgerInvalid(None, what)


def _check_mark(mark: Mark, origin: str, root: bytes) -> None:
    """An earlier export's checkpoint, whoever signed it, is of the same tree."""
    try:
        checkpoint = parse_checkpoint(SignedNote.parse(mark.note).text)
    except NoteInvalid as error:
        raise LedgerInvalid(None, f"the checkpoint after {mark.size} leaves: {error}") from error
    if checkpoint.origin != origin:
        raise LedgerInvalid(None, "the checkpoint is of another ledger than the header names")
    if checkpoint.size != mark.size:
        what = f"the checkpoint is of {checkpoint.size} leaves, and there are {mark.size}"
        raise LedgerInvalid(None, what)
    if checkpoint.root != root:
        raise LedgerInvalid(None, "the leaves have another root than the checkpoint")


class Checker:
    """
    The check as it goes on: `add` every leaf in order, then `finish`. From a later
    leaf on it needs the `peaks` of those before (`merkle.peaks`).
    """

    def __init__(self, start: int = 0, peaks: Sequence[bytes] = ()) -> None:
        self._tree = Peaks(start, peaks)
        self._start = start
        self._start_root = self._tree.root().hex() if start else ""
        self._ids: set[str] = set()
        self._kinds: Counter[str] = Counter()
        self._pruned = 0
        self._shares = _Shares()

    @property
    def size(self) -> int:
        """How many leaves there are, those before the first one included."""
        return self._tree.size

    @property
    def root(self) -> bytes:
        """The root of all of them."""
        return self._tree.root()

    def add(self, leaf: bytes | Mapping[str, Any]) -> None:
        """Check the next leaf. Raises `LedgerInvalid`; then the check is over."""
        try:
            self._add(leaf)
        except Wrong as wrong:
            raise LedgerInvalid(self.size, str(wrong)) from wrong.__cause__
        except RecursionError as error:
            raise LedgerInvalid(self.size, "it is nested too deeply") from error

    def finish(self, checkpoint: Checkpoint | None = None) -> Report:
        """Compare size and root with the checkpoint and say what was found."""
        root = self._tree.root()
        if checkpoint is not None and checkpoint.size != self.size:
            what = f"the checkpoint is of {checkpoint.size} leaves, and there are {self.size}"
            raise LedgerInvalid(None, what)
        if checkpoint is not None and checkpoint.root != root:
            raise LedgerInvalid(None, "the leaves have another root than the checkpoint")
        return Report(
            origin=checkpoint.origin if checkpoint is not None else "",
            size=self.size,
            root=root.hex(),
            kinds=dict(sorted(self._kinds.items())),
            pruned=self._pruned,
            open_intents=sum(self._shares.open.values()),
            open_shares=tuple(self._shares.open),
            start=self._start,
            start_root=self._start_root,
        )

    @property
    def _unknown(self) -> int:
        """Leaves before this one that say nothing here."""
        return self._start + self._pruned

    def _add(self, leaf: bytes | Mapping[str, Any]) -> None:
        members, data = parse(leaf)
        digest = pruned_hash(members)
        if digest is None:
            digest = leaf_hash(data)
            self._read(members)
        else:
            self._pruned += 1
        self._tree.add(digest)

    def _read(self, leaf: dict[str, Any]) -> None:
        kind = kind_of(leaf)
        check_members(kind, leaf)
        if leaf["id"] in self._ids:
            raise Wrong(f"an earlier leaf has its id {leaf['id']!a}")
        self._ids.add(leaf["id"])
        self._kinds[kind] += 1
        if kind in SHARES or kind is Kind.DECLARED:
            self._shares.open_one(leaf["share"], leaf["partner"], kind)
        elif kind is Kind.OUTCOME:
            self._shares.close_one(leaf["share"], leaf["partner"], unknown=self._unknown)


class _Shares:
    """Which shares were opened, for whom, and how many of their attempts have no outcome."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}
        self._partners: dict[str, str] = {}
        self._declared: set[str] = set()
        self._unmatched = 0

    def open_one(self, share: str, partner: str, kind: Kind) -> None:
        if self._partners.setdefault(share, partner) != partner:
            raise Wrong(f"its share {share!a} was opened for another partner")
        if kind is Kind.DECLARED:
            self._declared.add(share)
        else:
            self.open[share] = self.open.get(share, 0) + 1

    def close_one(self, share: str, partner: str, *, unknown: int) -> None:
        if self._partners.get(share, partner) != partner:
            raise Wrong(f"its share {share!a} was opened for another partner")
        if share in self.open:
            self.open[share] -= 1
            if not self.open[share]:
                del self.open[share]
        elif share in self._declared:
            self._declared.remove(share)
        elif self._unmatched < unknown:
            self._unmatched += 1
        elif share in self._partners:
            raise Wrong(f"every attempt at its share {share!a} has an outcome already")
        else:
            raise Wrong(f"no earlier leaf opens its share {share!a}")
