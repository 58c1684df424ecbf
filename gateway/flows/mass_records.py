"""
How a mass case is kept: stored, changed in one write with its leaf, what its cases need
sealed under a key of its own.
"""

import json
from dataclasses import dataclass, field, replace

from gateway.cases.mass import UNSEEN, moved
from gateway.errors import CallerError, Reason, Stale, StoreFailed
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id, parse_stamp, stamp
from gateway.flows.gateway import Gateway
from gateway.flows.wrapping import unwrapped, wrapped
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.cases import Exemption
from gateway.model.ids import PartnerId
from gateway.model.mass import MassCase, MassEvent, MassState
from gateway.ports import ChangedMass, NewMass
from gateway.seal.storage import protect, reveal


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What every case of a mass case needs, while its people wait."""

    key: bytes = field(repr=False)
    reference: str = field(repr=False)
    exemptions: tuple[Exemption, ...]


async def found(gateway: Gateway, id: str) -> MassCase:
    """A mass case that anybody may see. Raises `CallerError` (`not-found`)."""
    mass = await gateway.store.mass(id)
    if mass is None or mass.state in UNSEEN:
        raise CallerError(Reason.NOT_FOUND, "there is no such mass case")
    return mass


async def change(
    gateway: Gateway,
    id: str,
    event: MassEvent,
    *,
    by: str | None = None,
    approver: str | None = None,
    people: int | None = None,
) -> MassCase:
    """
    Bring a mass case into the state after an event, with its leaf; durable on return.
    Raises `CallerError` where that cannot be, also where somebody was faster.
    """
    now = gateway.clock()

    def changed(before: MassCase) -> ChangedMass:
        state = moved(before.state, event)
        over = state in (MassState.CANCELLED, MassState.CLOSED)
        after = replace(
            before,
            state=state,
            approver=approver or before.approver,
            people=before.people if people is None else people,
            ended_at=now if over else None,
        )
        if event is MassEvent.STARTED and before.gathered == 0:
            after = replace(after, people=0)
        unseen = event is MassEvent.DROPPED
        leaves = () if unseen else (leaf(gateway, after, event, by),)
        # Where nobody waits nothing of it is to be opened any more.
        done = over or unseen or event is MassEvent.OPENED
        return ChangedMass(mass=after, leaves=leaves, destroy=done)

    after = await gateway.store.change_mass(id, changed)
    if after is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such mass case")
    gateway.mass_changed.set()
    gateway.case_changed()
    return after


async def details(gateway: Gateway, mass: MassCase) -> Details:
    """What its cases need. Raises `LookupError` where that was destroyed."""
    stored = await gateway.store.mass_details(mass.no)
    if stored is None:
        raise LookupError("what this mass case needs was destroyed")
    label = _label(mass.id)
    key = unwrapped(gateway.keys, label, stored[0])
    value = json.loads(reveal(key, stored[1], label))
    exemptions = tuple(
        Exemption(
            partner=PartnerId(one["partner"]),
            reason=one["reason"],
            evidence=one["evidence"],
            until=parse_stamp(one["until"]) if one["until"] else None,
        )
        for one in value["exemptions"]
    )
    return Details(key=key, reference=value["reference"], exemptions=exemptions)


async def stored_anew(
    gateway: Gateway,
    mass: MassCase,
    leaves: tuple[bytes, ...],
    *,
    reference: str,
    exemptions: tuple[Exemption, ...],
) -> MassCase:
    """Store a new one, with what its cases need under a key of its own. Raises `Declined`."""
    value = {
        "reference": reference,
        "exemptions": [
            {
                "partner": one.partner,
                "reason": one.reason,
                "evidence": one.evidence,
                "until": stamp(one.until) if one.until else None,
            }
            for one in exemptions
        ],
    }
    key, label = gateway.random(32), _label(mass.id)
    sealed = protect(key, json.dumps(value).encode(), label, random=gateway.random)
    new = NewMass(mass=mass, key=wrapped(gateway.keys, label, key, gateway.random), sealed=sealed)
    try:
        return await gateway.store.new_mass(new, leaves)
    except (StoreFailed, Stale) as error:
        raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error


def leaf(gateway: Gateway, mass: MassCase, event: MassEvent, by: str | None) -> bytes:
    """The leaf of an event; nothing in it is about a person."""
    opening = event in (MassEvent.ACCEPTED, MassEvent.PROPOSED)
    return canonical(
        entries.case(
            id=new_id("leaf", gateway.random),
            at=gateway.clock(),
            case=mass.id,
            action=mass.action.value,
            state=event.value,
            reason=mass.reason,
            announced_at=mass.announced_at if opening else None,
            partners=mass.scope.partners,
            purposes=mass.scope.purposes,
            count=mass.people,
            actor=by,
        )
    )


def told(gateway: Gateway, mass: MassCase) -> None:
    """Say in the log how it stands, and wake who opens the cases."""
    gateway.log.info(
        "mass-case", case=mass.id, reason=mass.reason, state=mass.state.value, count=mass.people
    )
    gateway.mass_changed.set()
    gateway.appended.set()


def _label(id: str) -> bytes:
    return b"mass|" + id.encode()
