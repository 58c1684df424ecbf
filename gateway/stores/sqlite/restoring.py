"""A store that was restored from a copy, brought up to what a bundle says."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.errors import LedgerContradiction, Stale
from gateway.model.cases import Action
from gateway.model.shares import Outcome
from gateway.ports import AdoptedCase, OwnedShare, ReplayState, SubjectRow
from gateway.stores.sqlite.base import NEVER, StorePart, milliseconds, seconds
from gateway.stores.sqlite.case_rows import notice_columns
from gateway.stores.sqlite.cases import add_notice
from gateway.stores.sqlite.ledger import append_leaf, keep_key
from gateway.stores.sqlite.people import subject_row
from gateway.stores.sqlite.statements import SQL
from gateway.stores.sqlite.tokens import drop_tokens

UNOWNED_PAGE = 1000

# The kinds of leaf that stand for something that left.
SHARED = frozenset({"intent", "transfer", "public-disclosure", "declared"})


class RestorePart(StorePart):
    """Implements `RestoreStore`."""

    async def replay_state(self) -> ReplayState | None:
        """See `RestoreStore.replay_state`."""
        async with self.reader.snapshot() as view:
            row = await view.one("replay_state")
        if row is None:
            return None
        start, size, note, done, untried = row
        return ReplayState(start=start, size=size, note=note, done=bool(done), untried=untried)

    async def begin_replay(self, state: ReplayState) -> None:
        """See `RestoreStore.begin_replay`."""
        await self.execute("begin_replay", (state.start, state.size, state.note))

    async def end_replay(self, untried: int) -> None:
        """See `RestoreStore.end_replay`."""
        await self.execute("end_replay", (untried,))

    async def append_past(self, start: int, leaves: Sequence[bytes]) -> None:
        """See `RestoreStore.append_past`."""
        await self.write(lambda db: _append(db, start, leaves))

    async def rows_from(self, after: int, limit: int) -> list[SubjectRow]:
        """See `RestoreStore.rows_from`."""
        async with self.reader.snapshot() as view:
            return [subject_row(row) for row in await view.all("rows_from", (after, limit))]

    async def sharers(self, before: int, limit: int) -> list[tuple[int, int]]:
        """See `RestoreStore.sharers`."""
        async with self.reader.snapshot() as view:
            return [(row[0], row[1]) for row in await view.all("sharers", (before, limit))]

    async def unowned_shares(self, start: int, after: int, size: int) -> list[tuple[int, bytes]]:
        """See `RestoreStore.unowned_shares`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("unowned_shares", (start, after, size, UNOWNED_PAGE))
        return [(row[0], row[1]) for row in rows]

    async def own_shares(self, shares: Sequence[OwnedShare]) -> None:
        """See `RestoreStore.own_shares`."""

        def operation(db: sqlite3.Connection) -> None:
            for one in shares:
                values = (one.subject, one.untold, one.ends, NEVER, one.seq)
                db.execute(SQL["own_share"], values)

        await self.write(operation)

    async def adopt_case(self, adopted: AdoptedCase) -> bool:
        """See `RestoreStore.adopt_case`."""
        return await self.write(lambda db: _adopt(db, adopted))

    async def lift_fence(self, case: str) -> None:
        """See `RestoreStore.lift_fence`."""

        def operation(db: sqlite3.Connection) -> None:
            db.execute(SQL["raise_epoch_of_case"], (case,))
            db.execute(SQL["drop_fences"], (case,))

        await self.write(operation)

    async def note_past(
        self, case: str, closed_at: datetime | None, state: str, ground: str | None = None
    ) -> None:
        """See `RestoreStore.note_past`."""

        def operation(db: sqlite3.Connection) -> None:
            at = None if closed_at is None else milliseconds(closed_at)
            if db.execute(SQL["note_past"], (state, at, ground, case)).rowcount:
                db.execute(SQL["drop_ended_fences"], (case,))

        await self.write(operation)


def _append(db: sqlite3.Connection, start: int, leaves: Sequence[bytes]) -> None:
    (size,) = db.execute(SQL["size"]).fetchone()
    if size != start:
        raise LedgerContradiction(
            f"the ledger has {size} leaves and not {start}: another process writes to it"
        )
    for leaf in leaves:
        _follow(db, append_leaf(db, leaf), json.loads(leaf))


def _follow(db: sqlite3.Connection, seq: int, leaf: Mapping[str, Any]) -> None:
    """What follows from a leaf alone."""
    match leaf["kind"]:
        case kind if kind in SHARED:
            outcome = "delivered" if kind == "declared" else None
            # A recipient's terms of that time, or those of the day it was declared for.
            until = seconds(datetime.fromisoformat(leaf.get("retention_until", leaf["at"])))
            values = (seq, leaf["share"], kind, leaf["partner"], outcome, until)
            db.execute(SQL["past_share"], values)
        case "outcome":
            _settle(db, seq, leaf)
        case "read":
            db.execute(SQL["past_read"], (seq,))
        case "case":
            said = (leaf["state"], leaf["at"], leaf.get("actor"), leaf["case"])
            db.execute(SQL["past_mass_step"], (seq, *said))
        case _:
            pass


def _settle(db: sqlite3.Connection, seq: int, leaf: Mapping[str, Any]) -> None:
    opened = db.execute(SQL["first_open"], (leaf["share"], leaf["partner"])).fetchone()
    if opened is None:
        return
    db.execute(SQL["settle_share"], (leaf["outcome"], opened[0]))
    db.execute(SQL["put_settled"], (seq, opened[0]))
    if leaf["outcome"] == Outcome.NOT_SENT:
        db.execute(SQL["never_left"], (opened[0],))


def _adopt(db: sqlite3.Connection, adopted: AdoptedCase) -> bool:
    case, person = adopted.case, adopted.person
    if db.execute(SQL["case_row"], (case.id,)).fetchone() is not None:
        return False
    if not db.execute(SQL["aliases"], (person,)).fetchall():
        raise Stale("the person's row is gone")
    _keep_out(db, adopted)
    scope = {
        "partners": sorted(case.scope.partners),
        "purposes": sorted(case.scope.purposes),
        "categories": sorted(case.scope.categories),
    }
    values = (
        *(case.id, case.action.value, case.state.value, case.reason, json.dumps(scope)),
        *(milliseconds(case.accepted_at), milliseconds(case.deadline)),
        None if case.closed_at is None else milliseconds(case.closed_at),
        *(case.subject_hash, adopted.whole, person, keep_key(db, adopted.key), adopted.sealed),
    )
    db.execute(SQL["adopt_case"], values)
    verified = None if case.verified_at is None else milliseconds(case.verified_at)
    db.execute(SQL["note_more"], (case.method, verified, case.ground, case.id))
    for new in adopted.notices:
        add_notice(db, new, person)
        db.execute(SQL["put_notice"], (*notice_columns(new.notice), new.notice.id))
    if adopted.mass is not None:
        _join(db, adopted.mass, case.id, person)
    for leaf in adopted.leaves:
        append_leaf(db, leaf)
    for seq in adopted.told:
        db.execute(SQL["end_share"], (case.id, seq))
    db.execute(SQL["new_event"], (case.id, "case", json.dumps(_event(adopted))))
    return True


def _join(db: sqlite3.Connection, mass: str, case: str, person: int) -> None:
    """A case is one of a mass case's, where that is of before the copy: nobody waits for it."""
    if db.execute(SQL["past_case_of_mass"], (mass, case)).rowcount:
        for name in ("past_notices_of_mass", "past_mass_opened"):
            db.execute(SQL[name], (case,))
        db.execute(SQL["erase_mass_place"], (case, person))


def _event(adopted: AdoptedCase) -> dict[str, str]:
    return {"case": adopted.case.id, "state": adopted.case.state.value}


def _keep_out(db: sqlite3.Connection, adopted: AdoptedCase) -> None:
    """The fence, as it stood."""
    case, person = adopted.case, adopted.person
    if adopted.whole:
        db.execute(SQL["erase_person"], (person,))
        for mark in adopted.tombstones:
            db.execute(SQL["new_tombstone"], (mark, adopted.tombstone_expires))
        return
    if adopted.fence is not None:
        db.execute(SQL["put_fence"], (case.id, person, adopted.fence))
    db.execute(SQL["raise_epoch"], (person,))
    if case.action is Action.ERASE and not adopted.told:
        drop_tokens(db, person, case.scope)
