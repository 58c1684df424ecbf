"""Writes of mass cases: one decision, and those who wait for a case of their own."""

from dataclasses import replace
from datetime import datetime

from gateway.model.cases import Action, CaseScope
from gateway.model.mass import Chosen, MassCase, MassId, MassPlace, MassState
from gateway.ports import ChangedMass, ListedPerson, NewMass
from gateway.stores.sqlite import SQLiteStore
from tests.conformance.builders import NOW, stored
from tests.faults.writes.rows import Call, leaf, write

LISTED = [ListedPerson(person=None, mark=bytes([n]), sealed=b"an id") for n in range(3)]


def a_mass(state: MassState = MassState.RUNNING, gathered: int | None = None) -> MassCase:
    """A mass case as it is asked for."""
    return MassCase(
        no=0,
        id=MassId("mass_1"),
        action=Action.ERASE,
        reason="user-request",
        scope=CaseScope(),
        chosen=Chosen.LIST,
        state=state,
        opener="privacy",
        accepted_at=NOW,
        starts_at=NOW,
        gathered=gathered,
    )


async def begun(store: SQLiteStore, mass: MassCase, *, listed: bool = True) -> MassCase:
    """It is in the store, with those who wait."""
    kept = await store.new_mass(NewMass(mass=mass, key=b"wrapped", sealed=b"why"), [])
    if listed:
        await store.list_people(kept.no, LISTED)
    return kept


def told(name: str, state: str) -> bytes:
    """What the ledger says of it."""
    return leaf(name, "case", case="mass_1", action="erase", state=state)


@write
async def new_mass(store: SQLiteStore) -> Call:
    new = NewMass(mass=a_mass(), key=b"wrapped", sealed=b"why")
    return lambda: store.new_mass(new, [told("accepted", "running")])


def _ended(mass: MassCase, at: datetime = NOW) -> ChangedMass:
    over = replace(mass, state=MassState.CANCELLED, ended_at=at)
    return ChangedMass(mass=over, leaves=(told("cancelled", "cancelled"),), destroy=True)


@write
async def change_mass(store: SQLiteStore) -> Call:
    await begun(store, a_mass())
    return lambda: store.change_mass("mass_1", _ended)


@write
async def list_people(store: SQLiteStore) -> Call:
    kept = await begun(store, a_mass(MassState.RECEIVING), listed=False)
    return lambda: store.list_people(kept.no, LISTED)


@write
async def gather_people(store: SQLiteStore) -> Call:
    (row,) = await stored(store, "ming")
    kept = await begun(store, a_mass(gathered=0), listed=False)
    return lambda: store.gather_people(kept, [row.person or 1], None)


@write
async def pass_mass_person(store: SQLiteStore) -> Call:
    kept = await begun(store, a_mass())
    (first, *_) = await store.mass_people(kept.no, 9)
    return lambda: store.pass_mass_person(MassPlace(mass=kept.no, place=first.place))


@write
async def forget_mass_people(store: SQLiteStore) -> Call:
    kept = await begun(store, a_mass(MassState.CANCELLED))
    return lambda: store.forget_mass_people(kept, 2)


@write
async def drop_unreceived(store: SQLiteStore) -> Call:
    await begun(store, a_mass(MassState.RECEIVING))
    return store.drop_unreceived
