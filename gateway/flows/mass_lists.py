"""
A list of people for a mass case: read as it comes, stored sealed row by row, never in
the clear and never as a whole in memory (P2).
"""

import hmac
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from gateway.errors import CallerError, Reason
from gateway.flows import mass as flow
from gateway.flows import mass_records as records
from gateway.flows.gateway import Gateway
from gateway.flows.mass import MassRequest
from gateway.model.ids import SubjectId
from gateway.model.mass import MassCase, MassEvent
from gateway.model.payload import Private
from gateway.ports import ListedPerson, MassPerson
from gateway.seal.storage import protect, reveal

# How many ids are looked up and stored in one go.
TOGETHER = 500


async def open_list(
    gateway: Gateway, request: MassRequest, ids: AsyncIterator[SubjectId], *, opener: str
) -> dict[str, Any]:
    """
    Open a mass case about the people of a list; where that breaks off, nothing is left.
    Who stands there twice counts once. Raises `CallerError`, `Declined`.
    """
    mass = await flow.begin_list(gateway, request, opener=opener)
    try:
        await _receive(gateway, mass, ids)
        return await flow.accept_list(gateway, mass, opener=opener)
    except BaseException:
        await records.change(gateway, mass.id, MassEvent.DROPPED)
        raise


async def preview_list(
    gateway: Gateway, request: MassRequest, ids: AsyncIterator[SubjectId]
) -> dict[str, Any]:
    """What it would do. The list is destroyed as soon as it is counted."""
    mass = await flow.begin_list(gateway, request, opener="")
    try:
        await _receive(gateway, mass, ids)
        await gateway.store.flush()
        people = await gateway.store.count_mass_people(mass.no)
        return await flow.foreseen(gateway, replace(mass, people=people), request.exemptions)
    finally:
        await records.change(gateway, mass.id, MassEvent.DROPPED)


async def _receive(gateway: Gateway, mass: MassCase, ids: AsyncIterator[SubjectId]) -> None:
    details = await records.details(gateway, mass)
    some: list[SubjectId] = []
    async for id in ids:
        some.append(id)
        if len(some) == TOGETHER:
            await _store(gateway, mass, details.key, some)
            some = []
    if some:
        await _store(gateway, mass, details.key, some)


async def _store(gateway: Gateway, mass: MassCase, key: bytes, ids: list[SubjectId]) -> None:
    people = gateway.subjects
    lookups = {id: people.lookup(id) for id in ids}
    rows, _ = await gateway.store.rows_by_mark(tuple(lookups.values()), ())
    listed = []
    for id, lookup in lookups.items():
        row = rows.get(lookup)
        text = id.encode()
        listed.append(
            ListedPerson(
                person=row.person if row else None,
                mark=hmac.digest(key, b"listed|" + text, "sha256")[:16],
                sealed=protect(key, text, _label(mass), random=gateway.random),
            )
        )
    await gateway.store.list_people(mass.no, listed)


def opened(mass: MassCase, key: bytes, person: MassPerson) -> SubjectId:
    """Whose row of a list it is. Raises `SealBroken`, `CallerError` where it is of no list."""
    if person.sealed is None:
        raise CallerError(Reason.NOT_FOUND, "nobody's id was listed here")
    return SubjectId(Private(reveal(key, person.sealed, _label(mass)).decode()))


def _label(mass: MassCase) -> bytes:
    return b"listed|" + mass.id.encode()
