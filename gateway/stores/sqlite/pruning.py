"""
Pruning in the SQLite store: the content of a leaf goes, its hash stays.

The hash takes the very bytes that the leaf had, with spaces behind it: what is
overwritten in place never moves, and what a B-tree has moved to another page
can be read in the old one for a while, also with secure_delete. The room that the
spaces take is given back later, a stretch at a time, where nothing that goes later
lies near enough to be moved by it. At the end the log is cut (`scrub`).
"""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.ledger.bundle import pruned_hash, pruned_leaf
from gateway.ledger.encode import leaf_hash
from gateway.ledger.leaf import SHARES, Kind
from gateway.ledger.pruning import Facts, Fate, Judge, ShareFacts, Verdict
from gateway.ports import Prunable, PruneStep
from gateway.stores.sqlite.base import StorePart, from_seconds, seconds
from gateway.stores.sqlite.database import connect
from gateway.stores.sqlite.ledger import append_leaf
from gateway.stores.sqlite.statements import SQL

STRETCH: Final = 4096
"""Leaves whose room is given back together."""

MARGIN: Final = 256
"""Leaves on either side that giving it back may move: three pages hold fewer than half of them."""

TOGETHER: Final = 1000
"""Leaves that are read at a time where nothing is changed."""

_NO_TEXT: Final[dict[str, Any]] = {}


class PruningPart(StorePart):
    """Implements `PruneStore`."""

    path: Path
    _unscrubbed: bool

    async def prune_some(self, judge: Judge, now: datetime, limit: int) -> PruneStep:
        """See `PruneStore.prune_some`."""
        step = await self.write(lambda db: _prune(db, judge, seconds(now), limit))
        # What was overwritten is in the log of the database still.
        self._unscrubbed = self._unscrubbed or step.pruned > 0
        return step

    async def prunable(self, judge: Judge, now: datetime, tell: Callable[[int], None]) -> Prunable:
        """See `PruneStore.prunable`."""
        return await asyncio.to_thread(_count, self.path, judge, seconds(now), tell)

    async def say_pruned(self, leaf_of: Callable[[int, int], bytes]) -> int:
        """See `PruneStore.say_pruned`."""

        def operation(db: sqlite3.Connection) -> int:
            upto, unsaid, pruned = _state(db)
            if unsaid:
                append_leaf(db, leaf_of(unsaid, upto))
                db.execute(SQL["put_pruning"], (upto, 0, pruned))
            return unsaid

        return await self.write(operation)

    async def tighten_some(self, limit: int) -> bool:
        """See `PruneStore.tighten_some`."""
        return await self.write(lambda db: _tighten(db, limit))

    async def compact(self) -> None:
        """See `PruneStore.compact`."""

        def operation(db: sqlite3.Connection) -> None:
            db.execute(SQL["tighten_all"])
            db.execute(SQL["all_tight"])

        await self.write(operation)
        # The copies that this made of what goes later are in no page of the new file.
        await asyncio.to_thread(_rewrite, self.path)
        self._unscrubbed = True


def _prune(db: sqlite3.Connection, judge: Judge, now: int, limit: int) -> PruneStep:
    upto, unsaid, before = _state(db)
    start, looked, pruned = upto, 0, 0
    again = db.execute(SQL["prune_again"], (now, 0, limit)).fetchall()
    fresh = db.execute(SQL["prune_next"], (upto, limit - len(again))).fetchall()
    for seq, leaf in again + fresh:
        verdict = _judged(db, judge, leaf)
        if verdict is Fate.YOUNG and seq > upto:
            break
        looked += 1
        pruned += _settle(db, seq, leaf, verdict, now)
        upto = max(upto, seq)
    for stretch in range(start // STRETCH, upto // STRETCH):
        db.execute(SQL["new_loose"], (stretch, stretch * STRETCH))
    db.execute(SQL["put_pruning"], (upto, unsaid + pruned, before + pruned))
    return PruneStep(looked=looked, pruned=pruned, upto=upto)


def _settle(db: sqlite3.Connection, seq: int, leaf: bytes, verdict: Verdict, now: int) -> bool:
    """Do what the verdict says with one leaf; true if it was pruned."""
    match verdict:
        case Fate.PRUNED:
            _replace(db, seq, leaf)
            db.execute(SQL["not_kept_back"], (seq,))
            return True
        case Fate.LASTS:
            db.execute(SQL["not_kept_back"], (seq,))
        case Fate.YOUNG:
            # A longer term than before holds for what was looked at under a shorter one.
            db.execute(SQL["keep_back"], (seq, now + 86_400))
        case later:
            db.execute(SQL["keep_back"], (seq, seconds(later)))
    return False


def _replace(db: sqlite3.Connection, seq: int, leaf: bytes) -> None:
    digest = leaf_hash(leaf)
    held = db.execute(SQL["leaf_in_tile"], divmod(seq - 1, 256)).fetchone()
    if held is None or held[0] != digest:
        raise LedgerContradiction(
            f"leaf {seq - 1} is not the one that the tree has, so it was not pruned: stop, keep a "
            "copy of data/, and run `gateway ledger verify`"
        )
    text = pruned_leaf(digest).decode()
    db.execute(SQL["replace_leaf"], (text.ljust(len(leaf)), seq))
    attempt = db.execute(SQL["attempt_at"], (seq,)).fetchone()
    for name in ("forget_attempt", "forget_refusal", "forget_read"):
        db.execute(SQL[name], (seq,))
    if attempt is not None:
        db.execute(SQL["forget_references"], attempt)


def _judged(db: sqlite3.Connection, judge: Judge, leaf: bytes) -> Verdict:
    try:
        members = json.loads(leaf)
    except ValueError:
        members = _NO_TEXT
    # What cannot be read is for `gateway ledger verify`; what is pruned is done with.
    if "kind" not in members or pruned_hash(members) is not None:
        return Fate.LASTS
    return judge(members, _facts(db, members))


def _facts(db: sqlite3.Connection, leaf: dict[str, Any]) -> Facts:
    kind = leaf["kind"]
    if kind in SHARES or kind in (Kind.DECLARED, Kind.OUTCOME):
        rows = db.execute(SQL["prunable_shares"], (leaf["share"],))
        return Facts(shares=[_share(*row) for row in rows])
    case = leaf.get("case")
    if kind == Kind.RECEIPT:
        case = next(iter(db.execute(SQL["case_of_notice"], (leaf["notice"],))), (None,))[0]
    if case is None:
        return Facts()
    row = db.execute(SQL["prunable_case"], (case,)).fetchone()
    return Facts(case_open=bool(row and row[0]))


def _share(at: str, until: int, needed: int) -> ShareFacts:
    return ShareFacts(at=at, until=from_seconds(until), needed=bool(needed))


def _tighten(db: sqlite3.Connection, limit: int) -> bool:
    row = db.execute(SQL["next_loose"], (STRETCH, MARGIN)).fetchone()
    if row is None:
        return False
    stretch, upto = row
    end = min(upto + limit, (stretch + 1) * STRETCH)
    for seq, leaf in db.execute(SQL["wide_leaves"], (upto, end)).fetchall():
        db.execute(SQL["take_leaf"], (seq,))
        db.execute(SQL["put_leaf"], (seq, leaf))
    if end == (stretch + 1) * STRETCH:
        db.execute(SQL["tight"], (stretch,))
    else:
        db.execute(SQL["tightened"], (end, stretch))
    return True


def _state(db: sqlite3.Connection) -> tuple[int, int, int]:
    upto, unsaid, pruned = db.execute(SQL["pruning"]).fetchone() or (0, 0, 0)
    return upto, unsaid, pruned


def _rewrite(path: Path) -> None:
    try:
        db = connect(path)
        try:
            db.execute("VACUUM")
        finally:
            db.close()
    except sqlite3.Error as error:
        raise StoreFailed(
            "the database cannot be rewritten: is there as much room on the disk as it takes?"
        ) from error


def _count(path: Path, judge: Judge, now: int, tell: Callable[[int], None]) -> Prunable:
    """What a run would do, without doing it: on a connection of its own, a page at a time."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA query_only = ON")
        counts = Counter(_verdicts(db, judge, now, tell))
    finally:
        db.close()
    return Prunable(
        pruned=counts[Fate.PRUNED],
        kept=sum(count for verdict, count in counts.items() if isinstance(verdict, datetime)),
    )


def _verdicts(
    db: sqlite3.Connection, judge: Judge, now: int, tell: Callable[[int], None]
) -> Iterator[Verdict]:
    after = 0
    while again := db.execute(SQL["prune_again"], (now, after, TOGETHER)).fetchall():
        for _, leaf in again:
            yield _judged(db, judge, leaf)
        after = again[-1][0]
    after = _state(db)[0]
    while fresh := db.execute(SQL["prune_next"], (after, TOGETHER)).fetchall():
        for _, leaf in fresh:
            verdict = _judged(db, judge, leaf)
            if verdict is Fate.YOUNG:
                return
            yield verdict
        after = fresh[-1][0]
        tell(after)
