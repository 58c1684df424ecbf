"""The ledger's part of the SQLite store."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from gateway.errors import Fenced, KeyTaken, LedgerContradiction, Stale, StoreFailed
from gateway.model.shares import Outcome
from gateway.ports import (
    IdempotencyRow,
    IdempotencyState,
    Intent,
    IntentEntry,
    LedgerHead,
    OutcomeWrite,
    Recorded,
    SubjectRow,
    TokenRow,
)
from gateway.seal.wrapping import epoch_of
from gateway.stores.sqlite.base import NEVER, StorePart, seconds
from gateway.stores.sqlite.statements import SQL

# Outcomes that wait for a disk that refuses them. Beyond this the oldest is let
# go: its intent stays open, which reads "may have received".
MAX_UNSETTLED = 50_000

RETRY_SECONDS = 0.5


class LedgerPart(StorePart):
    """Implements `LedgerStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._unsettled: deque[OutcomeWrite] = deque(maxlen=MAX_UNSETTLED)
        self._settling: set[asyncio.Future[None]] = set()
        self._retry: asyncio.TimerHandle | None = None

    def append(self, leaves: Sequence[bytes]) -> "asyncio.Future[None]":
        """See `LedgerStore.append`."""

        def operation(db: sqlite3.Connection) -> None:
            for leaf in leaves:
                append_leaf(db, leaf)

        return self.begin(operation)

    def intend(self, intent: Intent) -> "asyncio.Future[tuple[Recorded, ...]]":
        """See `LedgerStore.intend`."""
        return self.begin(lambda db: _intend(db, intent, self.clock()))

    def settle(self, outcome: OutcomeWrite) -> None:
        """See `LedgerStore.settle`."""
        future = self.writer.submit(lambda db: _settle(db, outcome))
        self._settling.add(future)
        future.add_done_callback(lambda ended: self._settled(ended, outcome))

    def _settled(self, ended: "asyncio.Future[None]", outcome: OutcomeWrite) -> None:
        self._settling.discard(ended)
        if ended.cancelled():
            return
        error = ended.exception()
        if error is None or isinstance(error, LedgerContradiction):
            return
        self._unsettled.append(outcome)
        if self._retry is None and not self.closing:
            self._retry = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._settle_again)

    def _settle_again(self) -> None:
        self._retry = None
        # What is under way is not in the list, so nothing is written twice.
        waiting = list(self._unsettled)
        self._unsettled.clear()
        for outcome in waiting:
            self.settle(outcome)

    async def flush(self) -> None:
        """See `LedgerStore.flush`."""
        if self._settling:
            await asyncio.wait(set(self._settling))

    async def close_ledger(self) -> None:
        """Write what can be written, once more, and stop trying."""
        if self._retry is not None:
            self._retry.cancel()
            self._settle_again()
        self.closing = True
        await self.flush()

    async def idempotency(self, key: bytes) -> IdempotencyState | None:
        """See `LedgerStore.idempotency`."""
        async with self.reader.snapshot() as view:
            row = await view.one("idempotency", (key, seconds(self.clock())))
        return (
            IdempotencyState(fingerprint=row[0], share=row[1], subject=row[2], answer=row[3])
            if row
            else None
        )

    async def close_open_intents(self, leaf_of: Callable[[str, str], bytes]) -> int:
        """See `LedgerStore.close_open_intents`."""

        def operation(db: sqlite3.Connection) -> int:
            rows = db.execute(SQL["open_shares"]).fetchall()
            for seq, share, partner in rows:
                settled = append_leaf(db, leaf_of(share, partner))
                db.execute(SQL["settle_share"], ("unknown", seq))
                db.execute(SQL["put_settled"], (settled, seq))
            return len(rows)

        return await self.write(operation)

    async def open_intents(self) -> int:
        """See `LedgerStore.open_intents`."""
        async with self.reader.snapshot() as view:
            row = await view.one("count_open")
        return int(row[0]) if row else 0

    async def head(self) -> LedgerHead:
        """See `LedgerStore.head`."""
        async with self.reader.snapshot() as view:
            row = await view.one("head")
            lines = await view.all("cosignatures", row[:2]) if row else []
        if row is None:
            return LedgerHead()
        cosignatures = tuple(line for (line,) in lines)
        return LedgerHead(size=row[0], root=row[1], note=row[2], cosignatures=cosignatures)

    async def size(self) -> int:
        """See `LedgerStore.size`."""
        async with self.reader.snapshot() as view:
            row = await view.one("size")
        return int(row[0]) if row else 0

    async def leaves(self, start: int, limit: int) -> list[bytes]:
        """See `LedgerStore.leaves`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("leaves", (start, limit))
        # Where a leaf was pruned, its hash may stand in all the room that it had.
        return [row[0].rstrip(b" ") for row in rows]

    async def tiles(self, ids: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """See `LedgerStore.tiles`."""
        found: dict[tuple[int, int], bytes] = {}
        async with self.reader.snapshot() as view:
            for level, n in ids:
                row = await view.one("tile", (level, n))
                if row is not None:
                    found[(level, n)] = row[0]
        return found

    async def sequence(
        self, head: LedgerHead, tiles: Mapping[tuple[int, int], bytes], size_before: int
    ) -> None:
        """See `LedgerStore.sequence`."""

        def operation(db: sqlite3.Connection) -> None:
            row = db.execute(SQL["head"]).fetchone()
            stored = row[0] if row else 0
            if stored != size_before:
                raise LedgerContradiction(
                    f"the stored checkpoint is of {stored} leaves and not of {size_before}: "
                    "another process writes to this ledger; stop both, and follow "
                    "deploy/runbooks/ledger-contradiction.md"
                )
            for (level, n), hashes in tiles.items():
                db.execute(SQL["put_tile"], (level, n, hashes))
            db.execute(SQL["put_head"], (head.size, head.root, head.note))

        await self.write(operation)

    async def find_share(self, share: str) -> list[int]:
        """See `LedgerStore.find_share`."""
        async with self.reader.snapshot() as view:
            return [row[0] - 1 for row in await view.all("find_share", (share,))]

    async def outcomes(self, share: str) -> list[str | None]:
        """See `LedgerStore.outcomes`."""
        async with self.reader.snapshot() as view:
            return [row[0] for row in await view.all("outcomes", (share,))]


def append_leaf(db: sqlite3.Connection, leaf: bytes) -> int:
    """Store one leaf; returns its seq."""
    seq = db.execute(SQL["append"], (leaf.decode(),)).lastrowid
    if seq is None:
        raise StoreFailed("the database gave no place to a leaf")
    return seq


def ensure_subject(db: sqlite3.Connection, row: SubjectRow, tombstone: bytes | None) -> int:
    """
    The number of the subject this was decided on; a new one is stored.

    Raises `Fenced` behind a tombstone or an erasure, `Stale` where anything
    about the person is not what the decision saw.
    """
    stored = db.execute(SQL["subject_for_intent"], (row.lookup,)).fetchone()
    if stored is None:
        if tombstone is not None and db.execute(SQL["tombstone"], (tombstone,)).fetchone():
            raise Fenced("the person was erased")
        if row.no is not None:
            raise Stale("the person's row is gone")
        return add_subject(db, row)
    no, key, _, epoch, erased = stored
    if erased:
        raise Fenced("the person is being erased")
    if not same_key(row, no, key) or epoch != row.epoch:
        raise Stale("the person's facts changed")
    return int(no)


def same_key(row: SubjectRow, no: int, key: bytes) -> bool:
    """
    Whether a row that was read, or is to be new, has the key that is stored now.

    A stored row keeps its key for as long as it has its number, and is only wrapped
    anew now and then; of two that are new each has a key of its own.
    """
    return row.no == no or row.key == key


def add_subject(db: sqlite3.Connection, row: SubjectRow) -> int:
    """Store a person of whom nothing is stored yet; their number."""
    return add_person(db, row)[1]


def add_person(db: sqlite3.Connection, row: SubjectRow) -> tuple[int, int]:
    """As `add_subject`, with the number of the group of aliases before it."""
    person = int(db.execute(SQL["new_person"]).lastrowid or 0)
    values = (row.lookup, person, keep_key(db, row.key), row.facts)
    return person, int(db.execute(SQL["new_subject"], values).lastrowid or 0)


def keep_key(db: sqlite3.Connection, key: bytes) -> int:
    """
    Store a wrapped key that is to be destroyed one day; its number. Raises `Stale`
    where it was wrapped under an epoch whose key goes.
    """
    stored = db.execute(SQL["new_key"], (key, epoch_of(key)))
    if not stored.rowcount:
        raise Stale("the key was wrapped under an epoch that is over")
    return int(stored.lastrowid or 0)


def add_share(
    db: sqlite3.Connection,
    entry: IntentEntry,
    share: str,
    kind: str,
    partner: str,
    outcome: str | None,
) -> Recorded:
    """Store one leaf of a share with its erasable index."""
    no = ensure_subject(db, entry.subject, entry.tombstone) if entry.subject else None
    seq = append_leaf(db, entry.leaf)
    until = seconds(entry.retention_until)
    ends = None if no is None else until if entry.ends else NEVER
    values = (seq, share, kind, partner, no, outcome, until, entry.untold, ends)
    db.execute(SQL["new_share"], values)
    return Recorded(seq=seq, subject=no)


def _intend(db: sqlite3.Connection, intent: Intent, now: datetime) -> tuple[Recorded, ...]:
    row = db.execute(SQL["partner_epoch"], (intent.partner,)).fetchone()
    if (row[0] if row else 0) != intent.partner_epoch:
        raise Stale("the partner's state changed")
    recorded = tuple(
        add_share(db, entry, intent.share, intent.kind, intent.partner, None)
        for entry in intent.entries
    )
    first = recorded[0].subject
    for token in intent.tokens:
        _add_token(db, token, intent, first)
    for entry, place in zip(intent.entries, recorded, strict=True):
        for token in entry.tokens:
            _add_token(db, token, intent, place.subject)
    if intent.idempotency is not None:
        put_idempotency(db, intent.idempotency, intent.share, first, now)
    return recorded


def _add_token(
    db: sqlite3.Connection, token: TokenRow, intent: Intent, subject: int | None
) -> None:
    # Never early: up to its last moment the value is there.
    ends = None if token.ends is None else seconds(token.ends) + 1
    about = (intent.partner, token.purpose or None, token.category or None)
    values = (token.mark, intent.share, subject, token.sealed, *about, ends, token.uses)
    db.execute(SQL["new_token"], values)


def put_idempotency(
    db: sqlite3.Connection, slot: IdempotencyRow, share: str, subject: int | None, now: datetime
) -> None:
    """
    Keep a key, so that its request has one outcome.

    Raises `KeyTaken` where another request holds it: one that was given up may
    have been written all the same, after somebody looked.
    """
    values = (slot.key, slot.fingerprint, share, subject, seconds(slot.expires), seconds(now))
    if not db.execute(SQL["new_idempotency"], values).rowcount:
        raise KeyTaken("the key has an outcome")


def _settle(db: sqlite3.Connection, outcome: OutcomeWrite) -> None:
    fresh = False
    for seq, leaf in outcome.leaves:
        # One intent, one outcome: also where a commit that failed was on the disk after all.
        if db.execute(SQL["settle_share"], (outcome.outcome, seq)).rowcount:
            db.execute(SQL["put_settled"], (append_leaf(db, leaf), seq))
            fresh = True
            if outcome.outcome == Outcome.NOT_SENT:
                db.execute(SQL["never_left"], (seq,))
    if not fresh:
        return
    for subject, sealed in outcome.references:
        db.execute(SQL["new_reference"], (outcome.share, sealed, subject))
    if outcome.idempotency_key is not None:
        db.execute(
            SQL["settle_idempotency"],
            (outcome.idempotency_answer, outcome.idempotency_key, outcome.share),
        )
