"""
Cases of the past, done again in a store that was restored from before them.

Where the ledger goes on from the very leaves that tell of them (`adopt`), a case
keeps its id and its notices theirs: recipients that have settled are not told
again, and what is still owed goes on under the ids that they know. Where the
ledger forked (`open_again`), each is a new case of this ledger, and everybody who
got anything is told, by what this ledger holds.

Repeating changes nothing: a case with its id is there, or it is not.
"""

import hashlib
from dataclasses import replace
from typing import Any

from gateway.cases.certificate import subject_hash
from gateway.cases.deadlines import case_deadline
from gateway.errors import CallerError, Reason
from gateway.flows.cases import CaseRequest, open_case
from gateway.flows.clockwork import stamp
from gateway.flows.finishing import tombstone_month
from gateway.flows.gateway import Gateway
from gateway.flows.planning import (
    salt_text,
    seal_details,
)
from gateway.flows.restored_notices import notices_of
from gateway.flows.subjects import open_consent, seal_consent
from gateway.ledger.past import PastCase
from gateway.model.cases import (
    Action,
    Case,
    CaseScope,
    CaseState,
    EraseReason,
    VerifiedBy,
)
from gateway.model.consent import Consent
from gateway.model.ids import CaseId, CategoryId, PartnerId, PurposeId, SubjectId
from gateway.ports import AdoptedCase, SubjectRow

# Of these time opens a new case by itself as long as nobody has settled.
ENDS_BY_ITSELF = frozenset({EraseReason.RETENTION_EXPIRED, EraseReason.AGREEMENT_ENDED})

CARRIED = frozenset({Action.ERASE, Action.WITHDRAW, Action.RESTRICT, Action.UNRESTRICT})
"""What leaves say enough of to do it again; a correction's new values are in none."""


def again_id(past: str) -> CaseId:
    """The id of the case that does a case of the past again in a ledger that forked."""
    return CaseId(f"case_{hashlib.sha256(f'replayed|{past}'.encode()).hexdigest()[:32]}")


async def adopt(gateway: Gateway, past: PastCase, row: SubjectRow) -> str | None:
    """
    Store a case that this ledger's own leaves tell of, as it stood; its salt, by which its
    certificate can be matched to the person. None: the store has it already.

    Raises `Stale` where the person is gone.
    """
    if row.person is None or (past.whole and row.erased):
        return None
    if await gateway.store.case(past.id) is not None:
        return None
    key, facts = gateway.subjects.open_row(row)
    salt = gateway.random(16)
    case = _case(gateway, past, subject_hash(salt, facts["id"]))
    details: dict[str, Any] = {
        "salt": salt_text(salt),
        "method": VerifiedBy.SYSTEM.value,
        "reference": f"replay of {past.id}",
        "verified_at": stamp(gateway.clock()),
        "announced_at": stamp(past.announced_at) if past.announced_at else None,
        "exemptions": [],
        "idempotency": None,
        "ended": False,
    }
    wrapped, sealed = seal_details(gateway, past.id, details)
    told = await _ended(gateway, past, row.person)
    notices, leaves = await notices_of(gateway, past, case, row.person, key)
    adopted = AdoptedCase(
        case=case,
        person=row.person,
        tombstones=await _tombstones(gateway, row.person) if past.whole else (),
        tombstone_expires=tombstone_month(
            gateway.clock(), gateway.policy.policy.rights.tombstone_months
        ),
        fence=_fence(gateway, past, case),
        whole=past.whole,
        key=wrapped,
        sealed=sealed,
        notices=notices,
        leaves=leaves,
        told=told,
        mass=past.mass,
    )
    done = await gateway.store.adopt_case(adopted)
    gateway.subjects.forget_all()
    return salt_text(salt) if done else None


def worth_adopting(past: PastCase) -> bool:
    """
    Whether a case is to be stored. One that time opened, and that somebody has not
    settled, is opened anew by time.
    """
    if not past.opened or past.action not in CARRIED:
        return False
    return past.reason not in ENDS_BY_ITSELF or not past.unsettled


async def _tombstones(gateway: Gateway, person: int) -> tuple[bytes, ...]:
    rows = await gateway.store.rows_of_person(person)
    return tuple(gateway.subjects.mark(gateway.subjects.open_row(one)[1]["id"]) for one in rows)


def _case(gateway: Gateway, past: PastCase, hashed: str) -> Case:
    accepted = past.accepted_at or gateway.clock()
    rights = gateway.policy.policy.rights
    return Case(
        id=CaseId(past.id),
        action=Action(past.action),
        state=CaseState(past.state),
        reason=past.reason,
        deadline=past.deadline or case_deadline(past.reason, rights, accepted),
        accepted_at=accepted,
        closed_at=past.closed_at,
        subject_hash=hashed,
        scope=scope_of(past),
        method=VerifiedBy.SYSTEM.value,
        verified_at=gateway.clock(),
        ground=past.ground,
    )


def scope_of(past: PastCase) -> CaseScope:
    """What the case was about."""
    return CaseScope(
        partners=frozenset(map(PartnerId, past.partners)),
        purposes=frozenset(map(PurposeId, past.purposes)),
        categories=frozenset(map(CategoryId, past.categories)),
    )


def _fence(gateway: Gateway, past: PastCase, case: Case) -> bytes | None:
    """The fence as it stands: until the case ends, a newer consent, or somebody lifts it."""
    lasting = past.until_consent or case.action is Action.RESTRICT
    if past.whole or not past.fenced or (case.state is not CaseState.OPEN and not lasting):
        return None
    return gateway.subjects.seal_fence(
        {
            "reason": case.action.value,
            "partners": sorted(past.partners),
            "purposes": sorted(past.purposes),
            "categories": sorted(past.categories),
            "until_consent": past.until_consent,
            "since": stamp(case.accepted_at),
        }
    )


async def _ended(gateway: Gateway, past: PastCase, person: int) -> tuple[int, ...]:
    """The shares of whose end a case that time opened has told."""
    if past.reason not in ENDS_BY_ITSELF or past.accepted_at is None:
        return ()
    found: list[int] = []
    for partner in past.partners:
        rows, _ = await gateway.store.ending(partner, person)
        found += [
            row.seq
            for row in rows
            if past.reason == EraseReason.AGREEMENT_ENDED
            or (row.until is not None and row.until <= past.accepted_at)
        ]
    return tuple(found)


async def withdraw_consents(gateway: Gateway, past: PastCase, row: SubjectRow) -> int:
    """
    Withdraw every consent of before that a withdrawal of the past may have been about;
    how many. Which one it was is in no leaf, and one too many is asked for again.
    """
    if row.person is None or past.accepted_at is None or not past.purposes:
        return 0
    count = 0
    for alias in await gateway.store.rows_of_person(row.person):
        state = await gateway.store.subject(alias.lookup)
        key, _ = gateway.subjects.open_row(alias)
        for stored in state.consents if state else ():
            consent = open_consent(key, stored)
            if _withdrawn(past, consent):
                consent = replace(consent, withdrawn_at=past.accepted_at)
                sealed = seal_consent(key, consent, gateway.random)
                await gateway.store.update_consent(replace(stored, sealed=sealed))
                count += 1
    gateway.subjects.forget_all()
    return count


def _withdrawn(past: PastCase, consent: Consent) -> bool:
    if consent.withdrawn_at is not None or consent.purpose not in past.purposes:
        return False
    about = not past.partners or consent.partner is None or consent.partner in past.partners
    return about and past.accepted_at is not None and consent.granted_at <= past.accepted_at


async def open_again(gateway: Gateway, past: PastCase, row: SubjectRow) -> tuple[str, str] | None:
    """
    Open a case of the past as a new one of this ledger; its id and salt. None where that
    was done before, or the person is being erased anyway.

    Raises `Declined` where the disk does not take it.
    """
    id = again_id(past.id)
    if await gateway.store.case(id) is not None:
        return None
    _, facts = gateway.subjects.open_row(row)
    request = CaseRequest(
        action=past.action,
        subject=SubjectId(facts["id"]),
        reason=past.reason or EraseReason.USER_REQUEST.value,
        scope=scope_of(past),
        method=VerifiedBy.SYSTEM.value,
        reference=f"replay of {past.id}",
        verified_at=gateway.clock(),
        announced_at=past.announced_at,
        id=id,
    )
    try:
        answer = await open_case(gateway, request, None)
    except CallerError as error:
        if error.reason in (Reason.CASE_OPEN, Reason.SUBJECT_ERASED):
            return None
        if request.action == Action.UNRESTRICT and error.reason is Reason.REQUEST_INVALID:
            # This ledger restricts nothing that it could lift.
            return None
        raise
    return id, str(answer["salt"])
