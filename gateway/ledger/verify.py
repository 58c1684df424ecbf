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

And of the whole: size and root are those of the checkpoint.

What cannot be checked here: whether an intent stands behind the fence of its
own subject, because only the subject's key tells which leaves are one
person's; whether times are true (the order of leaves is that of the ledger,
and clocks of several machines may disagree, so times are not compared); and
what a pruned leaf said. An outcome whose share is missing is let pass only as
long as there are pruned leaves before it to account for it.

It is a stream. What is kept is every id and share seen, some 300 bytes a leaf:
a million leaves take about 300 MB.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final

from gateway.errors import GatewayError
from gateway.ledger.bundle import BundleReader, pruned_hash
from gateway.ledger.checkpoint import Checkpoint, open_checkpoint
from gateway.ledger.encode import LedgerEncodeError, canonical, leaf_hash
from gateway.ledger.leaf import REQUIRED, SHARES, Kind
from gateway.ledger.merkle import Peaks
from gateway.ledger.note import Verifier
from gateway.model.shares import Outcome

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_KINDS: Final = frozenset(Kind)
_OUTCOMES: Final = frozenset(Outcome)


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
    reader, checker = BundleReader(stream), Checker()
    for leaf in reader.leaves():
        checker.add(leaf)
    checkpoint = open_checkpoint(reader.checkpoint, verifiers)
    if checkpoint.origin != reader.header.origin:
        raise LedgerInvalid(None, "the checkpoint is of another ledger than the header names")
    return checker.finish(checkpoint)


class Checker:
    """The check as it goes on: `add` every leaf in order, then `finish`."""

    def __init__(self) -> None:
        self._tree = Peaks()
        self._ids: set[str] = set()
        self._kinds: Counter[str] = Counter()
        self._pruned = 0
        self._shares = _Shares()

    @property
    def size(self) -> int:
        """How many leaves were added."""
        return self._tree.size

    def add(self, leaf: bytes | Mapping[str, Any]) -> None:
        """Check the next leaf. Raises `LedgerInvalid`; then the check is over."""
        try:
            self._add(leaf)
        except _Wrong as wrong:
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
        )

    def _add(self, leaf: bytes | Mapping[str, Any]) -> None:
        members, data = _parse(leaf)
        digest = pruned_hash(members)
        if digest is None:
            digest = leaf_hash(data)
            self._read(members)
        else:
            self._pruned += 1
        self._tree.add(digest)

    def _read(self, leaf: dict[str, Any]) -> None:
        kind = _kind(leaf)
        _check_members(kind, leaf)
        if leaf["id"] in self._ids:
            raise _Wrong(f"an earlier leaf has its id {leaf['id']!a}")
        self._ids.add(leaf["id"])
        self._kinds[kind] += 1
        if kind in SHARES or kind is Kind.DECLARED:
            self._shares.open_one(leaf["share"], leaf["partner"], kind)
        elif kind is Kind.OUTCOME:
            self._shares.close_one(leaf["share"], leaf["partner"], pruned=self._pruned)


class _Wrong(Exception):
    """What is wrong with the leaf at hand."""


class _Shares:
    """Which shares were opened, for whom, and how many of their attempts have no outcome."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}
        self._partners: dict[str, str] = {}
        self._declared: set[str] = set()
        self._unmatched = 0

    def open_one(self, share: str, partner: str, kind: Kind) -> None:
        if self._partners.setdefault(share, partner) != partner:
            raise _Wrong(f"its share {share!a} was opened for another partner")
        if kind is Kind.DECLARED:
            self._declared.add(share)
        else:
            self.open[share] = self.open.get(share, 0) + 1

    def close_one(self, share: str, partner: str, *, pruned: int) -> None:
        if self._partners.get(share, partner) != partner:
            raise _Wrong(f"its share {share!a} was opened for another partner")
        if share in self.open:
            self.open[share] -= 1
            if not self.open[share]:
                del self.open[share]
        elif share in self._declared:
            self._declared.remove(share)
        elif self._unmatched < pruned:
            self._unmatched += 1
        elif share in self._partners:
            raise _Wrong(f"every attempt at its share {share!a} has an outcome already")
        else:
            raise _Wrong(f"no earlier leaf opens its share {share!a}")


def _parse(leaf: bytes | Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """A leaf's members and the bytes that are hashed, which must be canonical."""
    try:
        members = json.loads(leaf.decode()) if isinstance(leaf, bytes) else dict(leaf)
        data = canonical(members)
    except LedgerEncodeError as error:
        raise _Wrong(f"it holds {error}") from error
    except (ValueError, RecursionError) as error:
        raise _Wrong("it is no JSON in UTF-8") from error
    if not isinstance(members, dict):
        raise _Wrong("it is no JSON object")
    if isinstance(leaf, bytes) and data != leaf:
        raise _Wrong("it is not in canonical form")
    return members, data


def _kind(leaf: Mapping[str, Any]) -> Kind:
    kind = leaf.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _Wrong("it is of no known kind")
    return Kind(kind)


def _check_members(kind: Kind, leaf: dict[str, Any]) -> None:
    if not all(map(_sound, leaf.values())):
        raise _Wrong("it holds something else than strings, integers, booleans, lists, objects")
    if not isinstance(leaf.get("id"), str) or not leaf["id"]:
        raise _Wrong("it has no id")
    if not _is_time(leaf.get("at")):
        raise _Wrong("its time `at` is not of the form 2026-03-01T12:00:00.123Z")
    if missing := REQUIRED[kind] - leaf.keys():
        raise _Wrong(f"it has no {min(missing)}, and is of kind {kind}")
    if not all(isinstance(leaf.get(name, ""), str) for name in ("share", "partner", "outcome")):
        raise _Wrong("its share, partner or outcome is no text")
    if kind is Kind.OUTCOME and leaf["outcome"] not in _OUTCOMES:
        raise _Wrong("its outcome is not known")


def _sound(value: Any) -> bool:
    match value:
        case str() | int():
            return True
        case list():
            return all(map(_sound, value))
        case dict():
            return all(map(_sound, value.values()))
        case _:
            return False


def _is_time(text: Any) -> bool:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
