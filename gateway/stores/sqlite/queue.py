"""The queue's and the partners' part of the SQLite store."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.ports import IdempotencyRow, PartnerState, QueuedShare, Recorded, SubjectRow
from gateway.stores.sqlite.base import StorePart, from_milliseconds, milliseconds, seconds
from gateway.stores.sqlite.ledger import append_leaf, ensure_subject, put_idempotency
from gateway.stores.sqlite.reader import Row
from gateway.stores.sqlite.statements import SQL


class QueuePart(StorePart):
    """Implements `QueueStore`."""

    async def enqueue(
        self,
        row: QueuedShare,
        subject: SubjectRow | None,
        tombstone: bytes | None,
        idempotency: IdempotencyRow | None,
        answer: bytes | None,
    ) -> Recorded:
        """See `QueueStore.enqueue`."""

        def operation(db: sqlite3.Connection) -> Recorded:
            no = ensure_subject(db, subject, tombstone) if subject else None
            due, expires = milliseconds(row.due), milliseconds(row.expires)
            values = (row.share, row.partner, no, row.owner, due, expires, row.sealed)
            db.execute(SQL["enqueue"], values)
            if idempotency is not None:
                put_idempotency(db, idempotency, row.share, no, self.clock())
                db.execute(SQL["settle_idempotency"], (answer, idempotency.key, row.share))
            return Recorded(seq=0, subject=no)

        return await self.write(operation)

    async def queued(self, share: str) -> QueuedShare | None:
        """See `QueueStore.queued`."""
        async with self.reader.snapshot() as view:
            row = await view.one("queued", (share,))
        return _queued(row) if row else None

    async def claim_due(
        self, now: datetime, limit: int, per_partner: int, without: Sequence[str] = ()
    ) -> list[QueuedShare]:
        """See `QueueStore.claim_due`."""

        def operation(db: sqlite3.Connection) -> list[QueuedShare]:
            values = (milliseconds(now), json.dumps(without), per_partner, limit)
            rows = db.execute(SQL["due"], values).fetchall()
            claimed = [_queued(row) for row in rows]
            for row in claimed:
                db.execute(SQL["claim"], (row.share,))
            return claimed

        return await self.write(operation)

    async def requeue(self, share: str, due: datetime, attempts: int) -> None:
        """See `QueueStore.requeue`."""
        await self.execute("requeue", (milliseconds(due), attempts, share))

    async def finish(self, share: str, state: str, status: int | None, code: str | None) -> None:
        """See `QueueStore.finish`."""
        await self.execute("finish", (state, status, code, share))

    async def free_claims(self) -> None:
        """See `QueueStore.free_claims`."""
        await self.execute("free_claims", ())

    async def queue_state(self, now: datetime) -> tuple[int, float]:
        """See `QueueStore.queue_state`."""
        async with self.reader.snapshot() as view:
            row = await view.one("queue_state")
        if row is None or not row[0]:
            return 0, 0.0
        return row[0], max(0.0, (milliseconds(now) - row[1]) / 1000)

    async def forget_old(self, now: datetime) -> int:
        """See `QueueStore.forget_old`."""

        def operation(db: sqlite3.Connection) -> int:
            keys = db.execute(SQL["forget_idempotency"], (seconds(now),)).rowcount
            ended = db.execute(SQL["forget_finished"], (milliseconds(now),)).rowcount
            marks = db.execute(SQL["forget_tombstones"], (now.strftime("%Y-%m"),)).rowcount
            values = db.execute(SQL["empty_tokens"], (seconds(now),)).rowcount
            used = db.execute(SQL["forget_redemptions"], (seconds(now),)).rowcount
            return keys + ended + marks + values + used

        return await self.write(operation)


class PartnerPart(StorePart):
    """Implements `PartnerStore`."""

    async def partner_states(self) -> dict[str, PartnerState]:
        """See `PartnerStore.partner_states`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("partner_states")
        return {
            row[0]: PartnerState(
                partner=row[0], suspended=bool(row[1]), epoch=row[2], digest=row[3], snapshot=row[4]
            )
            for row in rows
        }

    async def put_partner_state(self, state: PartnerState, leaf: bytes | None) -> None:
        """See `PartnerStore.put_partner_state`."""

        def operation(db: sqlite3.Connection) -> None:
            values = (state.partner, state.suspended, state.epoch, state.digest, state.snapshot)
            db.execute(SQL["put_partner"], values)
            if leaf is not None:
                append_leaf(db, leaf)

        await self.write(operation)


def _queued(row: Row) -> QueuedShare:
    share, partner, subject, owner, state, due, expires, attempts, sealed, status, code = row
    return QueuedShare(
        share=share,
        partner=partner,
        subject=subject,
        owner=owner,
        state=state,
        due=from_milliseconds(due),
        expires=from_milliseconds(expires).astimezone(UTC),
        attempts=attempts,
        sealed=sealed or b"",
        status=status,
        code=code,
    )
