"""The cases' part of the SQLite store: what is told to whom, and when a person is gone."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.cases.course import stamped
from gateway.errors import Fenced, Stale, StoreFailed
from gateway.model.cases import (
    Action,
    Case,
    CaseState,
    EraseReason,
    Notice,
    written_until,
)
from gateway.ports import (
    CaseEvent,
    CaseRow,
    ChangeNotice,
    Claimed,
    CloseLeaf,
    NewCase,
    NewNotice,
    PlanRow,
    ReferenceRow,
    Release,
    SubjectRow,
    ToldRow,
)
from gateway.stores.sqlite.base import StorePart, milliseconds
from gateway.stores.sqlite.case_rows import (
    FINISHED,
    PLANNING,
    TOLD,
    course_columns,
    milliseconds_of,
    moment_of,
    notice_columns,
    stored_case,
    stored_case_row,
    stored_notice,
    stored_plan,
    stored_told,
)
from gateway.stores.sqlite.claiming import Turns, Wanted, claim
from gateway.stores.sqlite.database import connect
from gateway.stores.sqlite.ledger import (
    add_person,
    append_leaf,
    keep_key,
    put_idempotency,
    same_key,
)
from gateway.stores.sqlite.mass import take_person
from gateway.stores.sqlite.people import subject_row
from gateway.stores.sqlite.reader import Row, Snapshot
from gateway.stores.sqlite.statements import SQL
from gateway.stores.sqlite.terms import end_shares
from gateway.stores.sqlite.tokens import drop_tokens
from gateway.stores.sqlite.tombstones import put_tombstone

# The order matters only for the ends: keys first, and last the rows that others point to.
ERASURES = (
    "erase_keys",
    "erase_shares",
    "erase_reads",
    "erase_references",
    "erase_redemptions",
    "erase_tokens",
    "erase_answers",
    "erase_queued",
    "erase_ended_queued",
    "erase_evidence",
    "erase_consents",
    "erase_refusals",
    "erase_fences",
    "erase_notices",
    "erase_mass_places",
    "erase_subjects",
    "erase_row",
)

# How long cutting the log may keep other writes waiting; somebody who reads for
# long is not waited for, it is tried again.
SCRUB_SECONDS = 0.2


class CasePart(StorePart):
    """Implements `CaseStore`."""

    path: Path

    def __init__(self) -> None:
        super().__init__()
        # A process that died may have destroyed something and not got as far as the log.
        self._unscrubbed = True
        self._scrubbing = asyncio.Lock()
        self._turns = Turns()

    async def begin_case(self, new: NewCase) -> str | None:
        """See `CaseStore.begin_case`."""
        return await self.write(lambda db: _begin(db, new, self.clock()))

    async def plan_rows(self, person: int) -> tuple[list[PlanRow], list[ReferenceRow]]:
        """See `CaseStore.plan_rows`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("plan_rows", (person,))
            references = await view.all("plan_references", (person,))
        return (
            [stored_plan(row) for row in rows],
            [ReferenceRow(share=r[0], subject=r[1], sealed=r[2]) for r in references],
        )

    async def rows_of_person(self, person: int) -> list[SubjectRow]:
        """See `CaseStore.rows_of_person`."""
        return [subject_row(row) for row in await self.reader.all("aliases", (person,))]

    async def plan_case(
        self,
        case: str,
        notices: Sequence[NewNotice],
        leaves: Sequence[bytes],
        answer: tuple[bytes, bytes] | None,
    ) -> bool:
        """See `CaseStore.plan_case`."""

        def operation(db: sqlite3.Connection) -> bool:
            row = db.execute(SQL["case_row"], (case,)).fetchone()
            if row is None or row[10] != PLANNING:
                return False
            for leaf in leaves:
                append_leaf(db, leaf)
            for notice in notices:
                add_notice(db, notice, row[11])
            db.execute(SQL["stage_case"], (TOLD, case))
            if answer is not None:
                db.execute(SQL["case_idempotency"], (answer[1], answer[0]))
            return True

        return await self.write(operation)

    async def released(self) -> list[Notice]:
        """See `CaseStore.released`."""
        return [stored_notice(row) for row in await self.reader.all("released")]

    async def release(
        self, releases: Sequence[Release], more: Sequence[NewNotice], leaves: Sequence[bytes]
    ) -> None:
        """See `CaseStore.release`."""

        def operation(db: sqlite3.Connection) -> None:
            for leaf in leaves:
                append_leaf(db, leaf)
            for one in releases:
                db.execute(SQL["put_escrow"], (one.escrow, one.notice))
                due, again = milliseconds_of(one.next_at), milliseconds_of(one.resend_at)
                db.execute(SQL["release"], (due, again, one.notice))
            for notice in more:
                add_notice(db, notice, None)

        await self.write(operation)

    async def finish_case(
        self,
        case: str,
        tombstones: Sequence[bytes],
        expires: str,
        leaves: Sequence[bytes],
        close_leaf: CloseLeaf,
        now: datetime,
    ) -> bool:
        """See `CaseStore.finish_case`."""

        def operation(db: sqlite3.Connection) -> bool:
            row = db.execute(SQL["case_row"], (case,)).fetchone()
            if row is None or row[10] == FINISHED:
                return row is not None
            if row[10] == PLANNING or _count(db, "held_of_case", case):
                return False
            person = row[11]
            if row[9] and person is not None:
                if _count(db, "open_of_person", person) or _count(db, "waiting_of_person", person):
                    return False
                _erase(db, person, case)
                for mark in tombstones:
                    put_tombstone(db, mark, expires)
            for leaf in leaves:
                append_leaf(db, leaf)
            db.execute(SQL["destroy_details"], (case,))
            db.execute(SQL["finish_case"], (case,))
            _close_if_settled(db, case, close_leaf, now)
            return True

        done = await self.write(operation)
        self._unscrubbed = self._unscrubbed or done
        return done

    async def scrub(self) -> bool:
        """See `CaseStore.scrub`."""
        # Whoever finds nothing left to do while another one does it would be wrong.
        async with self._scrubbing:
            if not self._unscrubbed:
                return True
            # What is destroyed from here on may miss this turn, and gets the next.
            self._unscrubbed = False
            done = False
            try:
                done = await asyncio.to_thread(_truncate, self.path)
            finally:
                self._unscrubbed = self._unscrubbed or not done
            return done

    async def case(self, id: str) -> Case | None:
        """See `CaseStore.case`."""
        async with self.reader.snapshot() as view:
            row = await view.one("case_row", (id,))
            return await _whole_case(view, row) if row else None

    async def case_row(self, id: str) -> CaseRow | None:
        """See `CaseStore.case_row`."""
        row = await self.reader.one("case_row", (id,))
        return stored_case_row(row) if row else None

    async def unfinished_cases(self) -> list[CaseRow]:
        """See `CaseStore.unfinished_cases`."""
        return [stored_case_row(row) for row in await self.reader.all("unfinished_cases")]

    async def cases(
        self, *, state: str | None, partner: str | None, due_before: datetime | None, limit: int
    ) -> list[Case]:
        """See `CaseStore.cases`."""
        wanted = {
            "state": state,
            "partner": partner,
            "before": milliseconds_of(due_before),
            "limit": limit,
        }
        async with self.reader.snapshot() as view:
            rows = await view.all("list_cases", wanted)
            return [await _whole_case(view, row) for row in rows]

    async def notice(self, id: str) -> Notice | None:
        """See `CaseStore.notice`."""
        row = await self.reader.one("notice", (id,))
        return stored_notice(row) if row else None

    async def claim_notices(
        self,
        now: datetime,
        limit: int,
        per_partner: int,
        without: Sequence[str] = (),
        probing: Sequence[str] = (),
        silent: Sequence[str] = (),
    ) -> list[Claimed]:
        """See `CaseStore.claim_notices`."""

        wanted = Wanted(
            now=milliseconds(now),
            limit=limit,
            per_partner=per_partner,
            without=frozenset(without),
            probing=frozenset(probing),
            silent=frozenset(silent),
        )

        def operation(db: sqlite3.Connection) -> list[Claimed]:
            return [_claimed(db, id) for id in claim(db, wanted, self._turns)]

        return await self.write(operation)

    async def next_notice_at(self) -> datetime | None:
        """See `CaseStore.next_notice_at`."""
        row = await self.reader.one("next_notice_at")
        return moment_of(row[0]) if row else None

    async def notices_to_look_at(self, now: datetime) -> list[str]:
        """See `CaseStore.notices_to_look_at`."""
        in_utc = now.astimezone(UTC)
        until = (written_until(in_utc.date()), written_until(in_utc))
        rows = await self.reader.all("looked_at_notices", (milliseconds(now), *until))
        return [row[0] for row in rows]

    async def free_notices(self) -> None:
        """See `CaseStore.free_notices`."""
        await self.execute("free_notices", ())

    async def change_notice(
        self, id: str, change: ChangeNotice, close_leaf: CloseLeaf, now: datetime
    ) -> Notice | None:
        """See `CaseStore.change_notice`."""
        after = await self.write(lambda db: _change(db, id, change, close_leaf, now))
        self._unscrubbed = self._unscrubbed or (after is not None and after.settled)
        return after

    async def receipt(self, partner: str, jti: str) -> str | None:
        """See `CaseStore.receipt`."""
        row = await self.reader.one("receipt", (partner, jti))
        return row[0] if row else None

    async def count_receipts(self, notice: str) -> int:
        """See `CaseStore.count_receipts`."""
        row = await self.reader.one("count_receipts", (notice,))
        return int(row[0]) if row else 0

    async def escrow(self, notice: str) -> tuple[bytes, bytes] | None:
        """See `CaseStore.escrow`."""
        row = await self.reader.one("escrow", (notice,))
        return (row[0], row[1]) if row and row[0] is not None and row[1] is not None else None

    async def told(self, notice: str) -> ToldRow | None:
        """See `CaseStore.told`."""
        row = await self.reader.one("told", (notice,))
        return stored_told(row) if row else None

    async def events(self, case: str, after: int) -> list[CaseEvent]:
        """See `CaseStore.events`."""
        rows = await self.reader.all("events", (case, after))
        return [CaseEvent(id=row[0], kind=row[1], data=row[2]) for row in rows]


def _begin(db: sqlite3.Connection, new: NewCase, now: datetime) -> str | None:
    stored = db.execute(SQL["subject"], (new.lookup,)).fetchone()
    person = None
    if stored is not None:
        row = subject_row(stored)
        person = row.person
        if row.erased:
            running = db.execute(SQL["open_case_of"], (person,)).fetchone()
            if running is not None:
                return str(running[0])
        # The epoch as well: whoever holds an alias that was added since must hear of this.
        if new.subject is None or not _as_known(row, new.subject):
            raise Stale("the person is not as the case was opened on")
        _fence(db, new, person)
        carried = new.case.state is CaseState.OPEN
        erases = carried and new.case.action is Action.ERASE and not new.whole and not new.ended
        if erases and person is not None:
            drop_tokens(db, person, new.case.scope)
    elif new.subject is not None and new.subject.no is not None:
        raise Stale("the person's row is gone")
    elif new.whole:
        put_tombstone(db, new.tombstone, new.tombstone_expires)
        db.execute(SQL["erase_evidence_of"], (new.lookup,))
    elif new.fence is not None and new.subject is not None:
        person = _unknown_until_now(db, new.subject, new.tombstone)
        _fence(db, new, person)
    for leaf in new.leaves:
        append_leaf(db, leaf)
    _add_case(db, new, person)
    end_shares(db, new.case.id, new.ended)
    if new.mass is not None:
        take_person(db, new.mass, new.case.id)
    if new.idempotency is not None:
        put_idempotency(db, new.idempotency, new.case.id, None, now)
        if new.answer is not None:
            db.execute(SQL["case_idempotency"], (new.answer, new.idempotency.key))
    if new.case.state is CaseState.REFUSED:
        # Nothing is planned, and nothing kept that a plan would need.
        db.execute(SQL["destroy_details"], (new.case.id,))
        db.execute(SQL["refused_at_once"], (new.case.id,))
    return None


def _as_known(row: SubjectRow, known: SubjectRow) -> bool:
    """Whether the stored row is the one that was decided on, as it was then."""
    same = row.no is not None and same_key(known, row.no, row.key)
    return same and row.epoch == known.epoch


def _unknown_until_now(db: sqlite3.Connection, row: SubjectRow, tombstone: bytes) -> int:
    """A person whom a fence is the first thing to be known of: it must hold them all the same."""
    if db.execute(SQL["tombstone"], (tombstone,)).fetchone():
        raise Fenced("the person was erased")
    return add_person(db, row)[0]


def _fence(db: sqlite3.Connection, new: NewCase, person: int | None) -> None:
    if new.whole:
        db.execute(SQL["erase_person"], (person,))
    elif new.fence is not None:
        db.execute(SQL["put_fence"], (new.case.id, person, new.fence))
        db.execute(SQL["raise_epoch"], (person,))
    for lifted in new.lifts:
        if not db.execute(SQL["drop_fences"], (lifted,)).rowcount:
            raise Stale("the restriction was lifted meanwhile")
        db.execute(SQL["raise_epoch"], (person,))


def _add_case(db: sqlite3.Connection, new: NewCase, person: int | None) -> None:
    case = new.case
    scope = {
        "partners": sorted(case.scope.partners),
        "purposes": sorted(case.scope.purposes),
        "categories": sorted(case.scope.categories),
    }
    db.execute(
        SQL["new_case"],
        (
            case.id,
            case.action.value,
            case.state.value,
            case.reason,
            json.dumps(scope),
            milliseconds(case.accepted_at),
            milliseconds(case.deadline),
            case.subject_hash,
            new.whole,
            person,
            keep_key(db, new.key),
            new.sealed,
        ),
    )
    verified = None if case.verified_at is None else milliseconds(case.verified_at)
    db.execute(SQL["note_more"], (case.method, verified, case.ground, case.id))
    put_event(db, case.id, "case", {"case": case.id, "state": case.state.value})


def add_notice(db: sqlite3.Connection, new: NewNotice, person: int | None) -> None:
    notice = new.notice
    (place,) = db.execute(SQL["count_notices"], (notice.case,)).fetchone()
    db.execute(
        SQL["new_notice"],
        (
            notice.id,
            notice.case,
            place,
            notice.partner,
            notice.state.value,
            notice.reason,
            milliseconds(notice.deadline),
            milliseconds_of(notice.next_at),
            notice.settled,
            notice.held,
            milliseconds_of(notice.resend_at),
            person,
            None if new.escrow_key is None else keep_key(db, new.escrow_key),
            new.escrow,
            *course_columns(notice.course)[:3],
        ),
    )
    db.execute(SQL["notice_of_mass"], (notice.id,))
    put_event(db, notice.case, "notice", notice.shown())


def _change(
    db: sqlite3.Connection,
    id: str,
    change: ChangeNotice,
    close_leaf: CloseLeaf,
    now: datetime,
) -> Notice | None:
    row = db.execute(SQL["notice"], (id,)).fetchone()
    if row is None:
        return None
    before = stored_notice(row)
    changed = change(before)
    if changed is None:
        return before
    after = stamped(before, changed.notice, now=now)
    if changed.receipt is not None:
        jti, token = changed.receipt
        known = db.execute(SQL["receipt"], (after.partner, jti)).fetchone()
        if known and changed.keep_claim:
            # The same one twice at the same moment.
            return before
        # Who was sending ends its claim all the same.
        if not known:
            db.execute(SQL["new_receipt"], (after.partner, jti, id, token, milliseconds(now)))
    statement = "put_notice_claimed" if changed.keep_claim else "put_notice"
    db.execute(SQL[statement], (*notice_columns(after), id))
    if changed.memory is not None:
        db.execute(SQL["put_memory"], (changed.memory or None, id))
    if changed.resolution is not None:
        key, sealed = changed.resolution
        db.execute(SQL["put_resolution"], (id, keep_key(db, key), sealed))
    for leaf in changed.leaves:
        append_leaf(db, leaf)
    if after.shown() != before.shown():
        put_event(db, after.case, "notice", after.shown())
    if after.settled:
        if after.next_at is None:
            db.execute(SQL["destroy_escrow_key"], (id,))
            db.execute(SQL["destroy_escrow"], (id,))
        _close_if_settled(db, after.case, close_leaf, now)
    return after


def _close_if_settled(
    db: sqlite3.Connection, case: str, close_leaf: CloseLeaf, now: datetime
) -> None:
    row = db.execute(SQL["case_row"], (case,)).fetchone()
    if row is None or row[2] != CaseState.OPEN.value or row[10] != FINISHED:
        return
    if _count(db, "unsettled_of_case", case):
        return
    closing = stored_case(row)
    append_leaf(db, close_leaf(closing))
    db.execute(SQL["close_case"], (milliseconds(now), case))
    # Two fences outlive their case: of a withdrawal only a newer consent lifts it, of a
    # restriction only somebody who says so (R5).
    if closing.reason != EraseReason.CONSENT_WITHDRAWN and closing.action is not Action.RESTRICT:
        db.execute(SQL["drop_fences"], (case,))
        db.execute(SQL["raise_epoch"], (row[11],))
    put_event(db, case, "case", {"case": case, "state": CaseState.CLOSED.value})


def _erase(db: sqlite3.Connection, person: int, case: str) -> None:
    db.execute(SQL["erase_other_cases"], (person, case))
    for name in ERASURES:
        db.execute(SQL[name], (person,))


def put_event(db: sqlite3.Connection, case: str, kind: str, data: Mapping[str, Any]) -> None:
    """Tell whoever watches a case."""
    db.execute(SQL["new_event"], (case, kind, json.dumps(data)))


def _count(db: sqlite3.Connection, name: str, argument: Any) -> int:
    (count,) = db.execute(SQL[name], (argument,)).fetchone()
    return int(count)


def _truncate(path: Path) -> bool:
    """Write the log back into the database and cut it; true once nothing of it is left."""
    try:
        db = connect(path, patience_seconds=SCRUB_SECONDS)
    except sqlite3.Error as error:
        raise StoreFailed("the database's log cannot be cut") from error
    try:
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise StoreFailed("the database's log cannot be cut") from error
    finally:
        db.close()
    return not busy


async def _whole_case(view: Snapshot, row: Row) -> Case:
    notices = await view.all("notices_of_case", (row[0],))
    receipts: dict[str, list[str]] = {}
    for notice, token in await view.all("receipts_of_case", (row[0],)):
        receipts.setdefault(notice, []).append(token)
    case = stored_case(row, [stored_notice(one, receipts.get(one[0], ())) for one in notices])
    more = await view.one("case_more", (row[0],))
    method, verified_at, ground = more or (None, None, None)
    return replace(case, method=method, verified_at=moment_of(verified_at), ground=ground)


def _claimed(db: sqlite3.Connection, id: str) -> Claimed:
    notice = stored_notice(db.execute(SQL["notice"], (id,)).fetchone())
    return Claimed(notice=notice, told=stored_told(db.execute(SQL["told"], (id,)).fetchone()))
