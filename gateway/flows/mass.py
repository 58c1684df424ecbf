"""
Mass cases: opened, looked at, approved, stopped (contract §9; K3, S4a).

    request -> check -> count -> (a second person) -> wait -> a case of each person

Each step is one durable write with its leaf. The cases themselves are opened by
`mass_run`, one person at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gateway.cases.mass import (
    check_approver,
    check_mass,
    moved,
    needs_second,
    starts_at,
)
from gateway.errors import CallerError, Reason
from gateway.flows import mass_records as records
from gateway.flows.clockwork import new_id, stamp
from gateway.flows.gateway import Gateway
from gateway.model.cases import Action, CaseScope, EraseReason, Exemption
from gateway.model.ids import PartnerId
from gateway.model.mass import Chosen, Expected, MassCase, MassEvent, MassId, MassState

# How many people are looked at in one go.
LOOKED_AT = 2000
MAX_LISTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class MassRequest:
    """What `POST /v1/mass-cases` asks for."""

    action: str
    reason: str
    scope: CaseScope
    chosen: Chosen
    reference: str = field(repr=False)
    announced_at: datetime | None = None
    exemptions: tuple[Exemption, ...] = ()


def check(gateway: Gateway, request: MassRequest) -> None:
    """Raises `CallerError` (`request-invalid`)."""
    policy, scope = gateway.policy.policy, request.scope
    check_mass(
        request.action,
        request.reason,
        scope,
        request.chosen,
        request.announced_at,
        policy.rights,
        now=gateway.clock(),
    )
    # A name that is misspelled must neither tell nobody, nor tell whom it exempts.
    known = {*policy.partners, *gateway.partners.states}
    if not known.issuperset({*scope.partners, *(one.partner for one in request.exemptions)}):
        raise CallerError(Reason.REQUEST_INVALID, "partners: one of them was never known")
    if not scope.purposes <= policy.purposes.keys():
        raise CallerError(Reason.REQUEST_INVALID, "scope.purposes holds one that is not known")


def ends_shares(mass: MassCase) -> bool:
    """Whether it tells only what its recipient was not told the end of yet (S4a)."""
    return mass.reason == EraseReason.AGREEMENT_ENDED


async def preview(gateway: Gateway, request: MassRequest) -> dict[str, Any]:
    """What a mass case would do, with nothing done."""
    check(gateway, request)
    mass = _as_value(gateway, request, opener="")
    mass = replace(mass, people=await count(gateway, mass))
    return await foreseen(gateway, mass, request.exemptions)


async def open_mass(gateway: Gateway, request: MassRequest, *, opener: str) -> dict[str, Any]:
    """
    Open a mass case; durable on return. It waits for a second person where it is about
    more people than the settings let one decide. Raises `CallerError`, `Declined`.
    """
    check(gateway, request)
    mass = _as_value(gateway, request, opener=opener)
    mass = replace(mass, people=await count(gateway, mass))
    event = _accepted(gateway, mass)
    mass = replace(mass, state=moved(MassState.RECEIVING, event))
    stored = await _stored(gateway, request, mass, (records.leaf(gateway, mass, event, opener),))
    records.told(gateway, stored)
    return await shown(gateway, stored)


async def begin_list(gateway: Gateway, request: MassRequest, *, opener: str) -> MassCase:
    """A mass case whose list is on its way in; nobody sees it before `accept_list`."""
    check(gateway, request)
    return await _stored(gateway, request, _as_value(gateway, request, opener=opener), ())


async def accept_list(gateway: Gateway, mass: MassCase, *, opener: str) -> dict[str, Any]:
    """The list is whole: from now on it is a mass case like any other."""
    people = await gateway.store.count_mass_people(mass.no)
    if not people:
        raise CallerError(Reason.REQUEST_INVALID, "the list names nobody")
    event = _accepted(gateway, replace(mass, people=people))
    stored = await records.change(gateway, mass.id, event, by=opener, people=people)
    records.told(gateway, stored)
    return await shown(gateway, stored)


async def foreseen(
    gateway: Gateway, mass: MassCase, exemptions: Sequence[Exemption]
) -> dict[str, Any]:
    """What a mass case would do: people, recipients, notices, how long it takes, what stays."""
    expected = await gateway.store.expected_of_mass(mass, ending=ends_shares(mass))
    exempt = {one.partner: one for one in exemptions}
    above, rate = gateway.config["cases.second_person_above"], rate_of(gateway)
    return {
        "people": mass.people,
        "second_person": needs_second(mass.people, above, None),
        "starts_at": stamp(mass.starts_at),
        "per_second": rate,
        "seconds": -(-mass.people // rate),
        "notices": sum(one.notices for one in expected),
        "recipients": [_expected(one, exempt.get(PartnerId(one.partner))) for one in expected],
    }


def _expected(one: Expected, exempt: Exemption | None) -> dict[str, Any]:
    return {
        "partner": one.partner,
        "people": one.people,
        "notices": one.notices,
        "stays": one.people if exempt else one.withheld,
        "exempt": exempt.reason if exempt else None,
        "until": stamp(exempt.until) if exempt and exempt.until else None,
    }


async def count(gateway: Gateway, mass: MassCase) -> int:
    """How many people it means, as the store stands."""
    await gateway.store.flush()
    people, last = 0, 0
    while True:
        found, looked = await gateway.store.people_chosen(
            mass, last, LOOKED_AT, ending=ends_shares(mass)
        )
        if looked is None:
            return people
        people, last = people + len(found), looked


async def approve(gateway: Gateway, id: str, *, by: str) -> dict[str, Any]:
    """A second person approves it. Raises `CallerError` where they are the first."""
    mass = await records.found(gateway, id)
    check_approver(mass.opener, by)
    return await _moved(gateway, id, MassEvent.APPROVED, by=by, approver=by)


async def pause(gateway: Gateway, id: str, *, by: str) -> dict[str, Any]:
    """Open no further case until it is resumed; those that are open go on."""
    return await _moved(gateway, id, MassEvent.PAUSED, by=by)


async def resume(gateway: Gateway, id: str, *, by: str) -> dict[str, Any]:
    """Go on."""
    return await _moved(gateway, id, MassEvent.RESUMED, by=by)


async def cancel(gateway: Gateway, id: str, *, by: str) -> dict[str, Any]:
    """Open no further case, ever, and destroy who waits; those that are open go on."""
    return await _moved(gateway, id, MassEvent.CANCELLED, by=by)


async def _moved(
    gateway: Gateway, id: str, event: MassEvent, *, by: str, approver: str | None = None
) -> dict[str, Any]:
    await records.found(gateway, id)
    mass = await records.change(gateway, id, event, by=by, approver=approver)
    records.told(gateway, mass)
    return await shown(gateway, mass)


async def shown(gateway: Gateway, mass: MassCase) -> dict[str, Any]:
    """How it stands: counts, how long it still takes, and each recipient."""
    waiting = await gateway.store.count_mass_people(mass.no)
    left = mass.people if mass.gathered is not None and not waiting else waiting
    rate, wait = rate_of(gateway), (mass.starts_at - gateway.clock()).total_seconds()
    over = mass.state in (MassState.CANCELLED, MassState.OPENED, MassState.CLOSED)
    seconds = 0 if over else max(0, round(wait)) + -(-left // rate)
    return {
        **mass.shown(),
        "left": 0 if over else left,
        "per_second": rate,
        "seconds": seconds,
        "recipients": await _reached(gateway, mass),
    }


async def _reached(gateway: Gateway, mass: MassCase) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in await gateway.store.reached_by_mass(mass.no):
        row = found.setdefault(
            one.partner,
            {"partner": one.partner, "notices": 0, "done": 0, "open": 0, "overdue": 0, "failed": 0},
        )
        row["notices"] += one.notices
        late = one.state if one.state in ("overdue", "failed") else "open"
        row["done" if one.settled else late] += one.notices
    return list(found.values())


def rate_of(gateway: Gateway) -> int:
    """How many cases are opened a second at most."""
    return max(1, int(gateway.config["cases.mass_per_second"]))


def _accepted(gateway: Gateway, mass: MassCase) -> MassEvent:
    above = gateway.config["cases.second_person_above"]
    second = needs_second(mass.people, above, mass.approver)
    return MassEvent.PROPOSED if second else MassEvent.ACCEPTED


def _as_value(gateway: Gateway, request: MassRequest, *, opener: str) -> MassCase:
    now, rights = gateway.clock(), gateway.policy.policy.rights
    return MassCase(
        no=0,
        id=MassId(new_id("mass", gateway.random)),
        action=Action(request.action),
        reason=request.reason,
        scope=request.scope,
        chosen=request.chosen,
        state=MassState.RECEIVING,
        opener=opener,
        accepted_at=now,
        starts_at=starts_at(request.reason, request.announced_at, rights, now),
        announced_at=request.announced_at,
        gathered=None if request.chosen is Chosen.LIST else 0,
    )


async def _stored(
    gateway: Gateway, request: MassRequest, mass: MassCase, leaves: tuple[bytes, ...]
) -> MassCase:
    return await records.stored_anew(
        gateway, mass, leaves, reference=request.reference, exemptions=request.exemptions
    )
