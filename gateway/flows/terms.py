"""
What ends by itself: a retention, an agreement (contract §9; P6, S4a).

Nobody asks: as soon as its time has come the recipient is told, by a case as
any other, that fences nothing and is about the ended shares alone. The case and
the marks on its shares are durable together, so a process that dies has either
opened it, and plans it after its next start, or left everything as it was; no
share is told twice as if it were new.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from gateway.cases.terms import KeptShare, ended
from gateway.errors import CallerError, LedgerContradiction, StoreFailed
from gateway.flows import agreements
from gateway.flows.answers import Declined
from gateway.flows.cases import CaseRequest, open_case
from gateway.flows.gateway import Gateway
from gateway.flows.planning import names_records, references_of
from gateway.model.cases import Action, CaseScope, EraseReason, VerifiedBy
from gateway.model.ids import PartnerId, PurposeId, SubjectId
from gateway.ports import EndingRow, ReferenceRow, SubjectRow

# How many people are looked at before the next recipient has its turn, and how many of
# them at once: a few commits at a time, and shares go on between them.
BATCH = 16
AT_ONCE = 4

# How many notices may wait to be tried first. A whole agreement that ends fills no more
# memory and no longer queue than this; whoever is silent delays nobody else.
MOST_UNTRIED = 256

# How long somebody is left alone whose case cannot be opened, and whose share is in flight.
TROUBLE = timedelta(seconds=10)
IN_FLIGHT = timedelta(seconds=1)


class Terms:
    """Looks at what has come to its end. What is left to be done is in the store."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._aside: dict[tuple[PartnerId, int], datetime] = {}

    async def look(self) -> bool:
        """
        Open some of the cases whose time has come; true if more may be waiting.

        Dying anywhere loses nothing. Raises `StoreFailed`.
        """
        gateway, now = self._gateway, self._gateway.clock()
        self._aside = {who: until for who, until in self._aside.items() if until > now}
        over = agreements.over(gateway.policy.policy, on=agreements.today(now))
        due = {PartnerId(one) for one in await gateway.store.recipients_with_ends(now)}
        # S4a: with the agreement everything under it ends, whatever its retention.
        looks: list[tuple[PartnerId, datetime | None]]
        looks = [(partner, None) for partner in sorted(over)]
        looks += [(partner, now) for partner in sorted(due - over)]
        return any([await self._recipient(*one) for one in looks])

    async def _recipient(self, partner: PartnerId, due: datetime | None) -> bool:
        """Look at some people of one recipient: whose time is `due`; None: at everybody's."""
        gateway = self._gateway
        most = BATCH + len(self._aside)
        found = await gateway.store.people_with_ends(partner, due, most)
        people = [person for person in found if (partner, person) not in self._aside][:BATCH]
        if not people:
            return False
        untried = await gateway.store.untried_notices(gateway.clock())
        if untried.get(partner, 0) >= MOST_UNTRIED:
            return False
        moved = False
        for start in range(0, len(people), AT_ONCE):
            if gateway.stopping.is_set():
                return False
            some = people[start : start + AT_ONCE]
            looks = (self._person(partner, one, due) for one in some)
            moved = any(await asyncio.gather(*looks)) or moved
        return moved

    async def _person(self, partner: PartnerId, person: int, due: datetime | None) -> bool:
        """Whether anything changed with this person; where nothing can, they are put aside."""
        gateway, pause = self._gateway, TROUBLE
        try:
            if await end_person(gateway, partner, person, due):
                return True
            pause = IN_FLIGHT
        except LedgerContradiction:
            raise
        except (StoreFailed, Declined):
            gateway.log.warning("ledger-unavailable")
        except CallerError:
            # They are being erased by now, and every recipient is told anyway.
            pass
        except Exception:
            # One of whom nobody can tell must not hold all others back.
            gateway.log.exception("worker-failed", worker="terms")
        self._aside[partner, person] = gateway.clock() + pause
        return False


async def end_person(
    gateway: Gateway, partner: PartnerId, person: int, due: datetime | None
) -> bool:
    """
    Open the cases of what has ended between one recipient and one person; true if
    anything changed. `due`: the moment up to which retentions have ended; None: the
    agreement has, and with it everything.
    """
    rows, references = await gateway.store.ending(partner, person)
    aliases = {row.no: row for row in await gateway.store.rows_of_person(person)}
    rows = [row for row in rows if row.subject in aliases]
    if not rows:
        return False
    if due is None:
        scope = CaseScope(partners=frozenset({partner}))
        await _open(gateway, EraseReason.AGREEMENT_ENDED, scope, rows, aliases)
        return True
    kept = _kept(gateway, rows, references, aliases)
    found = ended(kept, now=due, by_reference=names_records(gateway, partner))
    for purpose, told in found.now.items():
        scope = CaseScope(partners=frozenset({partner}), purposes=frozenset({purpose}))
        some = [row for row in rows if row.seq in set(told)]
        await _open(gateway, EraseReason.RETENTION_EXPIRED, scope, some, aliases)
    if found.later:
        await gateway.store.look_again(found.later)
    return bool(found.now or found.later)


def _kept(
    gateway: Gateway,
    rows: Sequence[EndingRow],
    references: Sequence[ReferenceRow],
    aliases: Mapping[int | None, SubjectRow],
) -> list[KeptShare]:
    keys = {no: gateway.subjects.open_row(row)[0] for no, row in aliases.items() if no is not None}
    named = references_of(keys, references)
    return [
        KeptShare(
            seq=row.seq,
            alias=row.subject,
            purpose=PurposeId(json.loads(row.leaf)["purpose"]),
            until=row.until,
            in_flight=row.outcome is None,
            references=tuple(named.get((row.share, row.subject), ())),
        )
        for row in rows
    ]


async def _open(
    gateway: Gateway,
    reason: EraseReason,
    scope: CaseScope,
    rows: Sequence[EndingRow],
    aliases: Mapping[int | None, SubjectRow],
) -> None:
    """Open one case as the system's own, about the person under the first share's alias."""
    _, facts = gateway.subjects.open_row(aliases[rows[0].subject])
    request = CaseRequest(
        action=Action.ERASE.value,
        subject=SubjectId(facts["id"]),
        reason=reason.value,
        scope=scope,
        method=VerifiedBy.SYSTEM.value,
        reference=reason.value,
        verified_at=gateway.clock(),
        ended=tuple(row.seq for row in rows),
    )
    answer = await open_case(gateway, request, None)
    (partner,) = scope.partners
    gateway.log.info("case-opened", case=answer["case"], partner=partner, reason=reason.value)
