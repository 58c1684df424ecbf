"""
A store that was restored from before deletions is brought up to a bundle that was
exported after them (contract §3; A1, R2, K2).

    verify the bundle, append what is missing      (`restored_ledger`, nothing else runs)
      -> find whom its cases are about             (`restored_people`)
      -> fence, tombstones, notices, consents      (`restored_cases`)
      -> destroy the keys, cut the log

From its first write until its last the store is marked, and is not served. Dying
anywhere loses nothing: running it again with the same bundle does what is left, and
once all is done changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.errors import StoreFailed
from gateway.flows import epochs, finishing
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.restored_cases import (
    CARRIED,
    ENDS_BY_ITSELF,
    adopt,
    again_id,
    open_again,
    withdraw_consents,
    worth_adopting,
)
from gateway.flows.restored_ledger import Compared, OpenBundle
from gateway.flows.restored_lost import SERVICE, declare_lost
from gateway.flows.restored_notices import bring_up
from gateway.flows.restored_people import Owned, Search, own_shares, search
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.ledger.past import PastCase
from gateway.model.cases import Action, CaseState
from gateway.model.ids import PartnerId
from gateway.ports import RestoreStore, SubjectRow

Progress = Callable[[int, int, str], None]

# How often destroying goes on where a case had to wait for another.
ROUNDS = 3


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What a replay did, and what it could not do. Nothing in it is about a person."""

    erased: int = 0
    """People who were erased by it."""
    cases: list[dict[str, Any]] = field(default_factory=list)
    consents: int = 0
    suspended: list[str] = field(default_factory=list)
    declared: int = 0
    """Shares of a ledger that forked, declared in this one."""
    shares: Owned = field(default_factory=Owned)
    unknown: int = 0
    """Cases about people whom this store does not know."""
    unknown_erased: int = 0
    """Those of them that erased somebody: no tombstone keeps these people out."""
    not_replayed: int = 0
    """Corrections: their new values are in no leaf."""
    unreadable: int = 0
    """People's rows that no key opens."""
    given_up: int = 0


async def refuse_unfinished(store: RestoreStore) -> None:
    """Raise `StoreFailed` where a replay was begun and not ended: nothing may be served then."""
    state = await store.replay_state()
    if state is not None and not state.done:
        raise StoreFailed(
            "this database was restored, and bringing it up to date was not finished: run "
            "`gateway ledger replay-erasures` with the same bundle again"
        )


async def replay(
    gateway: Gateway,
    bundle: OpenBundle,
    compared: Compared,
    *,
    tries: int | None,
    give_up: bool,
    told: Progress,
) -> Replayed:
    """
    Do again what the bundle says was done after the copy was made. `tries`: the most
    that looking for the people of shares may take, None for no limit. `give_up`:
    destroy what no key opens.

    Raises `StoreFailed`; what is done by then is durable.
    """
    result = Replayed()
    cases = [] if compared.done else list(compared.past.cases.values())
    people = await search(gateway, [one for one in cases if one.opened], told)
    result.unreadable = len(people.unreadable)
    rows = list({row.no: row for row in people.found.values()}.values())
    if compared.forked:
        result.declared = await declare_lost(gateway, bundle, compared, rows, told)
    else:
        result.shares = await own_shares(
            gateway, compared.start, compared.size, first=rows, tries=tries, told=told
        )
    for case in cases:
        await _again(gateway, compared, case, people, result)
    if not compared.done:
        await _suspend(gateway, compared, result)
    if give_up:
        result.given_up = await _give_up(gateway)
    await _destroy(gateway)
    await gateway.store.end_replay(result.shares.untried)
    return result


async def _again(
    gateway: Gateway, compared: Compared, case: PastCase, people: Search, result: Replayed
) -> None:
    """Do one case again."""
    if not case.opened:
        # It was opened before the copy was made.
        if not compared.forked:
            await bring_up(gateway, case)
        return
    if case.action not in CARRIED:
        result.not_replayed += 1
        return
    row = people.found.get(case.id)
    if row is None:
        result.unknown += 1
        result.unknown_erased += case.whole
        return
    if case.action == Action.WITHDRAW:
        result.consents += await withdraw_consents(gateway, case, row)
    done = await (_forked if compared.forked else _adopted)(gateway, case, row)
    if done is not None:
        result.erased += case.whole
        result.cases.append(_shown(case, *done))


async def _adopted(gateway: Gateway, case: PastCase, row: SubjectRow) -> tuple[str, str] | None:
    if not worth_adopting(case):
        return None
    salt = await adopt(gateway, case, row)
    return None if salt is None else (case.id, salt)


async def _forked(gateway: Gateway, case: PastCase, row: SubjectRow) -> tuple[str, str] | None:
    if case.reason in ENDS_BY_ITSELF:
        # Time opens it by itself, by what this ledger holds.
        return None
    if case.action != Action.RESTRICT:
        return await open_again(gateway, case, row)
    again = replace(case, id=again_id(case.id), state=CaseState.CLOSED.value, notices={})
    if not case.fenced or await gateway.store.case(again.id) is not None:
        return None
    await gateway.store.append([_fence_leaf(gateway, again, row)])
    salt = await adopt(gateway, again, row)
    return None if salt is None else (again.id, salt)


def _fence_leaf(gateway: Gateway, case: PastCase, row: SubjectRow) -> bytes:
    id = new_id("leaf", gateway.random)
    key, _ = gateway.subjects.open_row(row)
    return canonical(
        entries.fence(
            id=id,
            at=gateway.clock(),
            reason=case.reason,
            case=case.id,
            subject=entries.subject_mark(key, id),
            partners=case.partners,
            purposes=case.purposes,
            categories=case.categories,
        )
    )


def _shown(case: PastCase, id: str, salt: str) -> dict[str, Any]:
    return {
        "case": id,
        "was": case.id,
        "action": case.action,
        "reason": case.reason,
        "whole": case.whole,
        "unsettled": len(case.unsettled),
        "salt": salt,
    }


async def _suspend(gateway: Gateway, compared: Compared, result: Replayed) -> None:
    """
    Suspend whom an operator has suspended since, and, where it is the same ledger,
    resume whom they have resumed.
    """
    for id, suspended in compared.past.suspended.items():
        partner = PartnerId(id)
        state = gateway.partners.raised(partner, suspended=suspended)
        if suspended == gateway.partners.own(partner).suspended or (
            compared.forked and not suspended
        ):
            continue
        leaf = None
        if compared.forked:
            leaf = canonical(
                entries.partner(
                    id=new_id("leaf", gateway.random),
                    at=gateway.clock(),
                    partner=partner,
                    event="suspended",
                    actor=SERVICE,
                )
            )
        await gateway.store.put_partner_state(state, leaf)
        gateway.partners.put(state)
        if suspended:
            result.suspended.append(id)


async def _give_up(gateway: Gateway) -> int:
    """Destroy what no key opens any more; how many people."""
    people = 0
    for number in await epochs.locked_out(gateway.store, gateway.keys):
        lost, _ = await epochs.give_up(gateway, number, by=SERVICE)
        people += lost
    return people


async def _destroy(gateway: Gateway) -> None:
    """Keys of the erased, and what lies under them, in the log of the database too."""
    for _ in range(ROUNDS):
        if not await finishing.resume(gateway):
            break
    await gateway.store.scrub()
