"""Mass cases in the SQLite store: who waits, who was reached, how far it is (K3, S4a)."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from gateway.cases.mass import Withheld
from gateway.model.cases import Action, CaseScope
from gateway.model.ids import PartnerId, PurposeId
from gateway.model.mass import (
    Chosen,
    Expected,
    MassCase,
    MassId,
    MassPlace,
    MassState,
    Reached,
)
from gateway.ports import ChangeMass, ListedPerson, MassPerson, NewMass
from gateway.stores.sqlite.base import StorePart, from_milliseconds, milliseconds
from gateway.stores.sqlite.ledger import append_leaf, keep_key
from gateway.stores.sqlite.reader import Row
from gateway.stores.sqlite.statements import SQL


class MassPart(StorePart):
    """Implements `MassStore`."""

    _unscrubbed: bool

    async def new_mass(self, new: NewMass, leaves: Sequence[bytes]) -> MassCase:
        """See `MassStore.new_mass`."""

        def operation(db: sqlite3.Connection) -> MassCase:
            db.execute(SQL["new_mass"], (*_columns(new.mass), keep_key(db, new.key), new.sealed))
            stored = _mass(db.execute(SQL["mass_by_id"], (new.mass.id,)).fetchone())
            for leaf in leaves:
                _append_step(db, stored.no, leaf)
            return stored

        return await self.write(operation)

    async def mass(self, id: str) -> MassCase | None:
        """See `MassStore.mass`."""
        row = await self.reader.one("mass_by_id", (id,))
        return _mass(row) if row else None

    async def masses(self, limit: int) -> list[MassCase]:
        """See `MassStore.masses`."""
        return [_mass(row) for row in await self.reader.all("list_masses", (limit,))]

    async def unfinished_masses(self) -> list[MassCase]:
        """See `MassStore.unfinished_masses`."""
        return [_mass(row) for row in await self.reader.all("unfinished_masses")]

    async def mass_details(self, no: int) -> tuple[bytes, bytes] | None:
        """See `MassStore.mass_details`."""
        row = await self.reader.one("mass_details", (no,))
        return (row[0], row[1]) if row else None

    async def change_mass(self, id: str, change: ChangeMass) -> MassCase | None:
        """See `MassStore.change_mass`."""

        def operation(db: sqlite3.Connection) -> MassCase | None:
            row = db.execute(SQL["mass_by_id"], (id,)).fetchone()
            if row is None:
                return None
            changed = change(_mass(row))
            _put(db, changed.mass)
            if changed.destroy:
                db.execute(SQL["destroy_mass_key"], (changed.mass.no,))
            for leaf in changed.leaves:
                _append_step(db, changed.mass.no, leaf)
            return changed.mass

        after = await self.write(operation)
        self._unscrubbed = True
        return after

    async def list_people(self, no: int, people: Sequence[ListedPerson]) -> int:
        """See `MassStore.list_people`."""

        def operation(db: sqlite3.Connection) -> int:
            rows = [(one.person, one.mark, one.sealed) for one in people]
            return _add_people(db, no, rows)

        return await self.write(operation)

    async def people_chosen(
        self, mass: MassCase, after: int, limit: int, *, ending: bool
    ) -> tuple[list[int], int | None]:
        """See `MassStore.people_chosen`."""
        async with self.reader.snapshot() as view:
            found = [row[0] for row in await view.all("people_from", (after, limit))]
            last = found[-1] if found else None
            if mass.chosen is Chosen.SCOPE and found:
                wanted = (json.dumps(found), *_bounds(mass.scope), ending)
                found = [row[0] for row in await view.all("people_within", wanted)]
        return found, last

    async def gather_people(
        self, mass: MassCase, people: Sequence[int], gathered: int | None
    ) -> int:
        """See `MassStore.gather_people`."""

        def operation(db: sqlite3.Connection) -> int:
            now = _mass(db.execute(SQL["mass_by_id"], (mass.id,)).fetchone())
            if (now.state, now.gathered) != (MassState.RUNNING, mass.gathered):
                return 0
            added = _add_people(db, mass.no, [(one, None, None) for one in people])
            values = (now.state.value, now.approver, None, now.people + added, gathered, now.no)
            db.execute(SQL["put_mass"], values)
            return added

        return await self.write(operation)

    async def mass_people(self, no: int, limit: int) -> list[MassPerson]:
        """See `MassStore.mass_people`."""
        rows = await self.reader.all("mass_people", (no, limit))
        return [MassPerson(place=place, person=one, sealed=sealed) for place, one, sealed in rows]

    async def count_mass_people(self, no: int) -> int:
        """See `MassStore.count_mass_people`."""
        row = await self.reader.one("count_mass_people", (no,))
        return int(row[0]) if row else 0

    async def pass_mass_person(self, at: MassPlace) -> None:
        """See `MassStore.pass_mass_person`."""

        def operation(db: sqlite3.Connection) -> None:
            if db.execute(SQL["pass_mass_person"], (at.mass, at.place)).rowcount:
                db.execute(SQL["mass_passed"], (at.mass,))

        await self.write(operation)

    async def forget_mass_people(self, mass: MassCase, limit: int) -> bool:
        """See `MassStore.forget_mass_people`."""

        def operation(db: sqlite3.Connection) -> bool:
            if db.execute(SQL["forget_mass_people"], (mass.no, limit)).rowcount:
                return True
            db.execute(SQL["destroy_mass_key"], (mass.no,))
            db.execute(SQL["destroy_mass_details"], (mass.no,))
            if mass.state is MassState.DROPPED:
                db.execute(SQL["drop_mass"], (mass.no,))
            return False

        more = await self.write(operation)
        self._unscrubbed = True
        return more

    async def drop_unreceived(self) -> None:
        """See `MassStore.drop_unreceived`."""
        await self.execute("drop_unreceived", ())

    async def recipient_behind(self, now: datetime, most: int, without: Sequence[str]) -> bool:
        """See `MassStore.recipient_behind`."""
        wanted = (milliseconds(now), most, json.dumps(list(without)))
        return await self.reader.one("recipients_behind", wanted) is not None

    async def expected_of_mass(self, mass: MassCase, *, ending: bool) -> list[Expected]:
        """See `MassStore.expected_of_mass`."""
        listed = mass.no if mass.chosen is Chosen.LIST else None
        rows = await self.reader.all("expected_of_mass", (*_bounds(mass.scope), ending, listed))
        return [
            Expected(partner=partner, people=people, notices=notices, withheld=withheld)
            for partner, people, notices, withheld in rows
        ]

    async def reached_by_mass(self, no: int) -> list[Reached]:
        """See `MassStore.reached_by_mass`."""
        rows = await self.reader.all("reached_by_mass", (no,))
        return [
            Reached(partner=partner, state=state, settled=bool(settled), notices=count)
            for partner, state, settled, count in rows
        ]

    async def mass_is_over(self, no: int) -> bool:
        """See `MassStore.mass_is_over`."""
        row = await self.reader.one("open_cases_of_mass", (no,))
        return row is not None and not row[0]


def take_person(db: sqlite3.Connection, at: MassPlace, case: str) -> None:
    """
    Somebody's case is stored now: they wait no longer, and it is part of the mass case.
    Raises `Withheld` where that does not run, or their case was opened before.
    """
    if not db.execute(SQL["take_mass_person"], (at.mass, at.place)).rowcount:
        raise Withheld("not this person, not now")
    db.execute(SQL["mass_opened"], (at.mass,))
    db.execute(SQL["case_of_mass"], (at.mass, case))


def _add_people(
    db: sqlite3.Connection, no: int, rows: Sequence[tuple[int | None, bytes | None, bytes | None]]
) -> int:
    (place,) = db.execute(SQL["last_mass_place"], (no,)).fetchone()
    values = ((no, place + step, *row) for step, row in enumerate(rows, start=1))
    return db.executemany(SQL["new_mass_person"], values).rowcount


def _append_step(db: sqlite3.Connection, no: int, leaf: bytes) -> None:
    seq = append_leaf(db, leaf)
    db.execute(SQL["new_mass_step"], (no, seq, leaf.decode()))


def _put(db: sqlite3.Connection, mass: MassCase) -> None:
    ended = None if mass.ended_at is None else milliseconds(mass.ended_at)
    values = (mass.state.value, mass.approver, ended, mass.people, mass.gathered, mass.no)
    db.execute(SQL["put_mass"], values)


def _bounds(scope: CaseScope) -> tuple[str, str]:
    return json.dumps(sorted(scope.partners)), json.dumps(sorted(scope.purposes))


def _columns(mass: MassCase) -> tuple[object, ...]:
    partners, purposes = _bounds(mass.scope)
    announced = None if mass.announced_at is None else milliseconds(mass.announced_at)
    return (
        mass.id,
        mass.action.value,
        mass.reason,
        json.dumps({"partners": json.loads(partners), "purposes": json.loads(purposes)}),
        mass.chosen.value,
        mass.state.value,
        mass.opener,
        milliseconds(mass.accepted_at),
        milliseconds(mass.starts_at),
        announced,
        mass.people,
        mass.gathered,
    )


def _mass(row: Row) -> MassCase:
    no, id, action, reason, scope, chosen, state, opener, approver, *rest = row
    accepted, starts, announced, ended, people, opened, passed, gathered = rest
    bounds = json.loads(scope)
    return MassCase(
        no=no,
        id=MassId(id),
        action=Action(action),
        reason=reason,
        scope=CaseScope(
            partners=frozenset(PartnerId(one) for one in bounds["partners"]),
            purposes=frozenset(PurposeId(one) for one in bounds["purposes"]),
        ),
        chosen=Chosen(chosen),
        state=MassState(state),
        opener=opener,
        approver=approver,
        accepted_at=from_milliseconds(accepted),
        starts_at=from_milliseconds(starts),
        announced_at=_moment(announced),
        ended_at=_moment(ended),
        people=people,
        opened=opened,
        passed=passed,
        gathered=gathered,
    )


def _moment(value: int | None) -> datetime | None:
    return None if value is None else from_milliseconds(value)
