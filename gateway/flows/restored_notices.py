"""
Notices of the past, in a store that was restored from before them: as the ledger's
leaves say that they stood, under the ids that their recipients know.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from functools import partial

from gateway.cases.deadlines import earliest_send
from gateway.cases.plan import PlannedNotice
from gateway.cases.states import TOLD_AGAIN
from gateway.flows import escrow
from gateway.flows.finishing import closing_leaf
from gateway.flows.gateway import Gateway
from gateway.flows.planning import names_records, new_notice, notice_leaf, read_plan
from gateway.ledger.past import PastCase, PastNotice
from gateway.model.cases import Action, Case, CaseState, Notice, NoticeState, Proof, Told
from gateway.model.ids import NoticeId, PartnerId
from gateway.ports import Changed, NewNotice
from gateway.seal.pseudonym import pseudonym

_UNDER_WAY = frozenset(
    {NoticeState.SENT, NoticeState.ACKNOWLEDGED, NoticeState.IN_PROGRESS, NoticeState.PARTIAL}
)


async def notices_of(
    gateway: Gateway, past: PastCase, case: Case, person: int, key: bytes
) -> tuple[tuple[NewNotice, ...], tuple[bytes, ...]]:
    """
    The case's notices as they stood, each with what it says; and further ones, with
    their leaves, to recipients of whose notice no leaf tells.
    """
    planned = await _planned(gateway, past, case, person)
    owing = {one.partner for one in past.unsettled}
    settled = {one.partner for one in past.notices.values()} - owing
    rights = gateway.policy.policy.rights
    start = earliest_send(case.reason, past.announced_at, rights, case.accepted_at)
    made: list[NewNotice] = []
    for one in past.notices.values():
        waiting = planned[PartnerId(one.partner)]
        told = waiting.pop(0) if waiting and not one.settled else _meant(one, key)
        made.append(_as_it_stood(gateway, one, told, case, start))
    leaves: list[bytes] = []
    for partner, waiting in planned.items():
        # More of them than notices are known, or none: nobody is left out.
        for more in waiting if partner not in settled else ():
            fresh = new_notice(gateway, more, case.deadline, start, case.id, case.action)
            made.append(escrow.locked(gateway, fresh, more.told))
            leaves.append(notice_leaf(gateway, fresh, more.exemption))
    return tuple(made), tuple(leaves)


async def _planned(
    gateway: Gateway, past: PastCase, case: Case, person: int
) -> defaultdict[PartnerId, list[PlannedNotice]]:
    """What this store would tell whom; of a case that has ended nothing is told."""
    planned: defaultdict[PartnerId, list[PlannedNotice]] = defaultdict(list)
    if case.state is CaseState.OPEN:
        known = {one.partner for one in past.notices.values()}
        for one in await read_plan(gateway, person, case.scope, ()):
            # Who stands in another restriction is not told that it is free.
            if case.action is not Action.UNRESTRICT or one.partner in known:
                planned[one.partner].append(one)
    return planned


def _meant(one: PastNotice, key: bytes) -> PlannedNotice:
    """What a notice means of which this store knows no share: all that there is of the person."""
    partner = PartnerId(one.partner)
    told = Told(pseudonym=pseudonym(key, partner), references=(), purposes=(), categories=())
    return PlannedNotice(partner=partner, told=told, held=False)


def _as_it_stood(
    gateway: Gateway, one: PastNotice, told: PlannedNotice, case: Case, start: datetime
) -> NewNotice:
    """A notice under its own id. One that is settled says nothing any more."""
    fresh = new_notice(gateway, told, case.deadline, start, case.id, case.action)
    state, reason = NoticeState(one.state), one.reason
    if state in _UNDER_WAY and not one.settled and not names_records(gateway, fresh.partner):
        # What its protocol kept between the steps is gone: it begins anew.
        state, reason = NoticeState.QUEUED, TOLD_AGAIN
    waits = state is NoticeState.QUEUED
    notice = replace(
        fresh,
        id=NoticeId(one.id),
        state=state,
        reason=reason,
        deadline=one.deadline or fresh.deadline,
        backups_until=one.backups_until,
        attempts=one.attempts if waits else max(1, one.attempts),
        next_at=fresh.next_at if waits else fresh.resend_at,
        proof=Proof(one.by) if one.by in set(Proof) else None,
        settled=one.settled,
    )
    if one.settled:
        notice = replace(notice, next_at=None, resend_at=None, held=False)
    return escrow.locked(gateway, notice, told.told)


async def bring_up(gateway: Gateway, past: PastCase) -> None:
    """Let a case that the store knows stand as the leaves say; nothing for any other."""
    if past.state != CaseState.OPEN:
        await gateway.store.note_past(past.id, past.closed_at, past.state, past.ground)
    if past.lifted:
        await gateway.store.lift_fence(past.id)
    for one in past.notices.values():
        await gateway.store.change_notice(
            one.id,
            partial(_brought_up, one),
            lambda case: closing_leaf(gateway, case),
            gateway.clock(),
        )


def _brought_up(past: PastNotice, notice: Notice) -> Changed | None:
    if notice.settled:
        return None
    waits = past.state == NoticeState.QUEUED
    return Changed(
        notice=replace(
            notice,
            state=NoticeState(past.state),
            reason=past.reason,
            backups_until=past.backups_until,
            attempts=max(notice.attempts, past.attempts, 0 if waits else 1),
            next_at=notice.next_at if waits and not past.settled else None,
            resend_at=None if past.settled else notice.resend_at,
            proof=Proof(past.by) if past.by in set(Proof) else None,
            settled=past.settled,
        )
    )
