"""What corrections, restrictions and refusals need of the SQLite store (R1, R2, R7)."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from gateway.errors import CallerError, Reason
from gateway.model.cases import CaseState
from gateway.ports import EditionRow, RefuseCase, RestrictionRow, StoredToken
from gateway.stores.sqlite.base import StorePart, milliseconds
from gateway.stores.sqlite.case_rows import (
    PLANNING,
    notice_columns,
    stored_case,
    stored_notice,
    stored_scope,
)
from gateway.stores.sqlite.cases import put_event
from gateway.stores.sqlite.editions import edition_row
from gateway.stores.sqlite.ledger import append_leaf
from gateway.stores.sqlite.statements import SQL


class ActionPart(StorePart):
    """Implements `ActionStore`."""

    _unscrubbed: bool

    async def restrictions(self, person: int) -> list[RestrictionRow]:
        """See `ActionStore.restrictions`."""
        rows = await self.reader.all("restrictions", (person,))
        return [RestrictionRow(case=id, scope=stored_scope(scope)) for id, scope in rows]

    async def refuse_case(self, id: str, refuse: RefuseCase, now: datetime) -> bool:
        """See `ActionStore.refuse_case`."""
        done = await self.write(lambda db: _refuse(db, id, refuse, now))
        self._unscrubbed = self._unscrubbed or done
        return done

    async def editions_of(self, number: str, before: datetime) -> list[EditionRow]:
        """See `ActionStore.editions_of`."""
        rows = await self.reader.all("editions_of", (number, milliseconds(before)))
        return [edition_row(row) for row in rows]

    async def sealed_tokens(self, person: int) -> list[StoredToken]:
        """See `ActionStore.sealed_tokens`."""
        rows = await self.reader.all("sealed_tokens", (person,))
        return [
            StoredToken(mark=mark, share=share, subject=subject, partner=partner, sealed=sealed)
            for mark, share, subject, partner, sealed in rows
        ]

    async def reseal_tokens(self, changes: Sequence[tuple[bytes, bytes, bytes]]) -> None:
        """See `ActionStore.reseal_tokens`."""

        def operation(db: sqlite3.Connection) -> None:
            for mark, before, after in changes:
                db.execute(SQL["reseal_token"], (after, mark, before))

        await self.write(operation)


def _refuse(db: sqlite3.Connection, id: str, refuse: RefuseCase, now: datetime) -> bool:
    row = db.execute(SQL["case_row"], (id,)).fetchone()
    if row is None:
        return False
    if row[2] != CaseState.OPEN.value:
        raise CallerError(Reason.NOTICE_SETTLED, "the case is over already", clauses=("R7",))
    whole, planned = bool(row[9]), row[10] != PLANNING
    if whole and not planned:
        raise CallerError(
            Reason.CASE_OPEN,
            "the case is being opened at this moment",
            clauses=("R7",),
            remedy="Refuse it again in a second.",
        )
    notices = [stored_notice(one) for one in db.execute(SQL["notices_of_case"], (id,)).fetchall()]
    decided = refuse(stored_case(row, notices), whole)
    for notice in decided.notices:
        db.execute(SQL["put_notice"], (*notice_columns(notice), notice.id))
        db.execute(SQL["destroy_escrow_key"], (notice.id,))
        db.execute(SQL["destroy_escrow"], (notice.id,))
        put_event(db, id, "notice", notice.shown())
    for leaf in decided.leaves:
        append_leaf(db, leaf)
    db.execute(SQL["refuse_case"], (milliseconds(now), decided.ground, id))
    if not whole:
        # Of a whole person the closer goes on: the keys are destroyed all the same.
        db.execute(SQL["destroy_details"], (id,))
        db.execute(SQL["need_nobody"], (id,))
        db.execute(SQL["drop_fences"], (id,))
        if row[11] is not None:
            db.execute(SQL["raise_epoch"], (row[11],))
    put_event(db, id, "case", {"case": id, "state": CaseState.REFUSED.value})
    return True
