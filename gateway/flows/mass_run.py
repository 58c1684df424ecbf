"""
Who carries a mass case out: looks up its people, and opens the case of each.

Whatever is done is one durable write: somebody's case and that they wait no longer are
stored together, and only while the mass case runs. So a process may die anywhere, each
person has one case, and who is paused or cancelled before has none.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.cases.mass import Withheld, allowance, needs_second
from gateway.errors import CallerError, LedgerContradiction, Reason, StoreFailed
from gateway.flows import mass as flow
from gateway.flows import mass_records as records
from gateway.flows.answers import Declined
from gateway.flows.cases import CaseRequest, open_case
from gateway.flows.gateway import Gateway
from gateway.flows.mass_lists import opened
from gateway.flows.mass_records import Details
from gateway.flows.subjects import Person
from gateway.model.cases import VerifiedBy
from gateway.model.ids import SubjectId
from gateway.model.mass import Chosen, MassCase, MassEvent, MassPlace, MassState
from gateway.model.payload import Private
from gateway.ports import MassPerson, Use

# How many cases are opened before anything else is looked at, and how many of them at
# once: their writes share commits, and shares go on between them.
BATCH = 64
AT_ONCE = 32

# How many notices may be due at a recipient that answers: a queue that no longer grows
# keeps every look at it short.
MOST_DUE = 1000

# How long a mass case waits for one who has that many. Who is still behind then would be so for
# days, and nobody else would hear of anybody who comes later.
PATIENCE = timedelta(seconds=60)

# How many of a cancelled list are destroyed in one go.
FORGOTTEN = 1000

# How long somebody is left alone whose case cannot be opened now.
TROUBLE = timedelta(seconds=10)

# How often is looked whether all cases of a mass case are over.
OVER = timedelta(seconds=2)


@dataclass(slots=True)
class _Pace:
    left: float
    at: datetime


class Masses:
    """Carries mass cases out. What is left to be done is in the store."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._aside: dict[tuple[int, int], datetime] = {}
        self._pace = _Pace(0.0, gateway.clock())
        self._looked: dict[int, datetime] = {}
        self._behind_since: datetime | None = None

    async def look(self) -> bool:
        """Do some of what is left to be done; true if more may be waiting. Raises `StoreFailed`."""
        now = self._gateway.clock()
        # A clock that was set back puts nobody aside for longer.
        late = now + TROUBLE
        self._aside = {who: end for who, end in self._aside.items() if now < end <= late}
        moved = False
        for mass in await self._gateway.store.unfinished_masses():
            if self._gateway.stopping.is_set():
                return False
            moved = await self._further(mass, now) or moved
        return moved

    async def _further(self, mass: MassCase, now: datetime) -> bool:
        match mass.state:
            case MassState.DROPPED | MassState.CANCELLED:
                return await self._gateway.store.forget_mass_people(mass, FORGOTTEN)
            case MassState.WAITING if mass.starts_at <= now:
                return await self._happens(mass, MassEvent.STARTED)
            case MassState.RUNNING if mass.gathered is not None:
                return await self._gather(mass, mass.gathered)
            case MassState.RUNNING:
                return await self._open_some(mass, now)
            case MassState.OPENED:
                return await self._close(mass, now)
            case _:
                return False

    async def _happens(self, mass: MassCase, event: MassEvent) -> bool:
        try:
            after = await records.change(self._gateway, mass.id, event)
        except CallerError:
            # Somebody decided otherwise at this moment.
            return True
        records.told(self._gateway, after)
        return True

    async def _gather(self, mass: MassCase, after: int) -> bool:
        """Look up some more of its people; at the end a second person may be asked for."""
        gateway = self._gateway
        people, last = await gateway.store.people_chosen(
            mass, after, flow.LOOKED_AT, ending=flow.ends_shares(mass)
        )
        await gateway.store.gather_people(mass, people, last)
        above = gateway.config["cases.second_person_above"]
        if last is None and needs_second(mass.people, above, mass.approver):
            return await self._happens(mass, MassEvent.PROPOSED)
        return True

    async def _open_some(self, mass: MassCase, now: datetime) -> bool:
        """Open as many cases as the pace allows and recipients keep up with."""
        pace, rate = self._pace, flow.rate_of(self._gateway)
        pace.left = allowance(pace.left, now - pace.at, rate)
        pace.at = now
        if pace.left < 1 or await self._behind(now):
            return False
        some = min(BATCH, int(pace.left))
        waiting = await self._gateway.store.mass_people(mass.no, some + len(self._aside))
        if not waiting:
            return await self._all_opened(mass)
        people = [one for one in waiting if (mass.no, one.place) not in self._aside][:some]
        pace.left -= len(people)
        details = await records.details(self._gateway, mass)
        moved = False
        for start in range(0, len(people), AT_ONCE):
            if self._gateway.stopping.is_set():
                return False
            each = (self._person(mass, details, one) for one in people[start : start + AT_ONCE])
            moved = any(await asyncio.gather(*each)) or moved
        return moved

    async def _behind(self, now: datetime) -> bool:
        """Whether a recipient that answers has enough to do already, and is waited for."""
        gateway, since = self._gateway, self._behind_since
        alone = gateway.egress.resting(Use.NOTICES)
        if not await gateway.store.recipient_behind(now, MOST_DUE, alone):
            self._behind_since = None
            return False
        if since is None or since > now:
            self._behind_since = since = now
        return now - since < PATIENCE

    async def _all_opened(self, mass: MassCase) -> bool:
        """Nobody waits any more; of everybody, those who came meanwhile are looked up first."""
        gateway = self._gateway
        if mass.chosen is Chosen.EVERYBODY:
            newer, _ = await gateway.store.people_chosen(mass, 0, 1, ending=False)
            if newer:
                return await gateway.store.gather_people(mass, (), 0) >= 0
        return await self._happens(mass, MassEvent.OPENED)

    async def _close(self, mass: MassCase, now: datetime) -> bool:
        looked = self._looked.get(mass.no)
        if looked is not None and timedelta() <= now - looked < OVER:
            return False
        self._looked[mass.no] = now
        if not await self._gateway.store.mass_is_over(mass.no):
            return False
        await self._happens(mass, MassEvent.CLOSED)
        await self._gateway.store.forget_mass_people(mass, FORGOTTEN)
        return True

    async def _person(self, mass: MassCase, details: Details, who: MassPerson) -> bool:
        """Open one person's case; whom it cannot be opened for now is put aside."""
        gateway, at = self._gateway, MassPlace(mass=mass.no, place=who.place)
        try:
            await _open(gateway, mass, details, who, at)
            return True
        except (LedgerContradiction, Withheld) as error:
            if isinstance(error, LedgerContradiction):
                raise
            return False
        except CallerError as error:
            if error.reason is Reason.CASE_OPEN:
                # They are being erased, and everybody is told anyway.
                await gateway.store.pass_mass_person(at)
                return True
            gateway.log.error("worker-failed", worker="mass", code=error.code)
        except (StoreFailed, Declined):
            gateway.log.warning("ledger-unavailable")
        except Exception:
            # One of whom nobody can tell must not hold all others back.
            gateway.log.exception("worker-failed", worker="mass")
        self._aside[mass.no, who.place] = gateway.clock() + TROUBLE
        return False


async def _open(
    gateway: Gateway, mass: MassCase, details: Details, who: MassPerson, at: MassPlace
) -> None:
    """Open the case of one person, or note that there is nothing to be told of them."""
    subject = await _subject(gateway, mass, details, who)
    person = await gateway.subjects.get(subject) if subject is not None else None
    ended = await _ended(gateway, mass, person)
    if person is None or not _meant(mass, person, ended):
        await gateway.store.pass_mass_person(at)
        return
    request = CaseRequest(
        action=mass.action.value,
        subject=person.id,
        reason=mass.reason,
        scope=mass.scope,
        method=VerifiedBy.SYSTEM.value,
        reference=details.reference,
        verified_at=mass.accepted_at,
        exemptions=details.exemptions,
        announced_at=mass.announced_at,
        ended=ended,
        mass=at,
        mass_id=mass.id,
    )
    await open_case(gateway, request, None)


def _meant(mass: MassCase, person: Person, ended: tuple[int, ...]) -> bool:
    """Whether there is anything left to be done for them."""
    if person.facts.erased:
        return False
    if flow.ends_shares(mass):
        return bool(ended)
    # A part of somebody of whom nothing is known is nothing; nobody is made known by it.
    return mass.scope.whole or person.number is not None


async def _subject(
    gateway: Gateway, mass: MassCase, details: Details, who: MassPerson
) -> SubjectId | None:
    """Their id, or that of the first of their aliases; None: they are gone."""
    if mass.chosen is Chosen.LIST:
        return opened(mass, details.key, who)
    rows = [] if who.person is None else await gateway.store.rows_of_person(who.person)
    if not rows:
        return None
    return SubjectId(Private(gateway.subjects.open_row(rows[0])[1]["id"]))


async def _ended(gateway: Gateway, mass: MassCase, person: Person | None) -> tuple[int, ...]:
    """With an agreement that ended: the shares whose end its recipient was not told yet."""
    if person is None or person.number is None or not flow.ends_shares(mass):
        return ()
    row = await gateway.store.subject_row(person.number)
    if row is None or row.person is None:
        return ()
    (partner,) = mass.scope.partners
    rows, _ = await gateway.store.ending(partner, row.person)
    return tuple(row.seq for row in rows)
