"""
A person is deleted, and every recipient is told (contract §9; A1, R2, R3).

    request -> verify identity -> fence -> read disclosures -> plan notices -> outbox

Three steps, each durable before the next, each repeated after a crash:

1. `begin`: the fence and the case. From here on no intent of the person enters.
2. `plan`: the notices with their escrows. The request is answered after this.
3. `finish`: once every intent of before has its outcome and every escrow what it
   needs, the person's keys and everything under them are destroyed.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gateway.cases.certificate import subject_hash
from gateway.cases.deadlines import case_deadline, earliest_send
from gateway.cases.plan import PlannedNotice
from gateway.cases.refusals import check_ground
from gateway.cases.requests import check_request, fence_of
from gateway.cases.restrictions import Restriction
from gateway.errors import CallerError, Fenced, KeyTaken, Reason, Stale, StoreFailed
from gateway.flows import corrections, idempotency, restrictions
from gateway.flows.about import About
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id, stamp
from gateway.flows.finishing import finish_case, tombstone_month
from gateway.flows.gateway import Gateway
from gateway.flows.planning import (
    kept_answer,
    new_notice,
    plan_case,
    read_plan,
    salt_text,
    seal_details,
)
from gateway.flows.subjects import Person
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.cases import Action, Case, CaseScope, CaseState, Exemption
from gateway.model.ids import CaseId, SubjectId
from gateway.model.mass import MassId, MassPlace
from gateway.ports import IdempotencyRow, NewCase
from gateway.seal.storage import reveal

MAX_TRIES = 8


class BeingErased(CallerError):
    """This person is being erased already, by the case that it names."""

    def __init__(self, case: str) -> None:
        detail = "this person is being erased already"
        super().__init__(Reason.CASE_OPEN, detail, clauses=("A1",))
        self.case = case


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRequest:
    """What `POST /v1/cases` asks for."""

    action: str
    subject: SubjectId = field(repr=False)
    reason: str
    scope: CaseScope
    method: str
    reference: str = field(repr=False)
    verified_at: datetime
    exemptions: tuple[Exemption, ...] = ()
    announced_at: datetime | None = None
    ended: tuple[int, ...] = ()
    """The shares that it is about, by seq, where time opened it; empty: all in its scope."""
    changes: Mapping[str, Any] | None = field(default=None, repr=False)
    """`rectify`: new values, by category or field."""
    ground: str | None = None
    """On what the request is refused from the start (R7); None: it is carried out."""
    id: CaseId | None = None
    """Of a case that the gateway itself opens and must find again; None: a fresh one."""
    mass: MassPlace | None = None
    """Where its person waits, where it is part of a mass case; that was checked as a whole."""
    mass_id: MassId | None = None
    """And which one that is."""


async def preview(gateway: Gateway, request: CaseRequest) -> dict[str, Any]:
    """What a case would do, with nothing done and no ids."""
    _check(gateway, request)
    now = gateway.clock()
    person = await gateway.subjects.get(request.subject)
    ended = await _ended(gateway, request, person)
    planned: Sequence[PlannedNotice] = ()
    if person.number is not None and not person.facts.erased and request.ground is None:
        await gateway.store.flush()
        stored = await gateway.store.subject_row(person.number)
        if stored is not None and stored.person is not None:
            about = About(changes=request.changes or {}, ended=ended)
            planned = await read_plan(
                gateway, stored.person, request.scope, request.exemptions, about=about
            )
    rights = gateway.policy.policy.rights
    deadline = case_deadline(request.reason, rights, now)
    start = earliest_send(request.reason, request.announced_at, rights, now)
    action = Action(request.action)
    notices = [new_notice(gateway, one, deadline, start, None, action) for one in planned]
    shown = [{k: v for k, v in one.shown().items() if k != "notice"} for one in notices]
    state = CaseState.OPEN if request.ground is None else CaseState.REFUSED
    return {"state": state.value, "deadline": stamp(deadline), "notices": shown}


async def open_once(
    gateway: Gateway, request: CaseRequest, slot: IdempotencyRow | None
) -> dict[str, Any]:
    """Open a case, unless the same request opened it before: then the same answer again."""
    if slot is None:
        return await open_case(gateway, request, None)
    if slot.key in gateway.running:
        raise CallerError(Reason.IDEMPOTENCY_IN_PROGRESS)
    gateway.running[slot.key] = slot.fingerprint
    try:
        answer = await repeated(gateway, slot)
        return await open_case(gateway, request, slot) if answer is None else answer
    finally:
        del gateway.running[slot.key]


async def open_case(
    gateway: Gateway, request: CaseRequest, slot: IdempotencyRow | None
) -> dict[str, Any]:
    """
    Open a case; when this returns its fence and its notices are durable.

    Raises `CallerError` for what makes no sense, `Declined` where the disk does
    not take it.
    """
    _check(gateway, request)
    for _ in range(MAX_TRIES):
        person = await gateway.subjects.get(request.subject)
        salt = gateway.random(16)
        ended = await _ended(gateway, request, person)
        new = _new_case(gateway, request, person, salt, slot, ended)
        try:
            running = await gateway.store.begin_case(new)
        except (Stale, Fenced):
            gateway.subjects.forget(person)
            continue
        except KeyTaken as error:
            raise CallerError(Reason.IDEMPOTENCY_IN_PROGRESS) from error
        except StoreFailed as error:
            raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
        # Whoever holds this person looks again before a byte leaves.
        gateway.subjects.forget(person)
        if running is None and request.ground is not None:
            gateway.appended.set()
            gateway.case_changed()
            gateway.log.info("case-refused", case=new.case.id, reason=request.ground)
            return refused_answer(new.case, salt)
        if running is not None:
            raise BeingErased(running)
        gateway.opening.add(new.case.id)
        try:
            return await _answered(gateway, new.case.id, salt)
        finally:
            gateway.opening.discard(new.case.id)
    raise Declined(problem(Reason.LEDGER_UNAVAILABLE, "the facts of this person keep changing"))


async def _ended(gateway: Gateway, request: CaseRequest, person: Person) -> tuple[Restriction, ...]:
    """The restrictions that this request takes away."""
    if request.ground is not None:
        return ()
    number = person.row.person if person.row is not None else None
    return await restrictions.lifted(gateway, request.action, request.scope, number)


async def _answered(gateway: Gateway, id: str, salt: bytes) -> dict[str, Any]:
    row = await gateway.store.case_row(id)
    if row is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such case")
    answer = await plan_case(gateway, row)
    try:
        await finish_case(gateway, id)
    except StoreFailed:
        # Fence and notices are durable, and the closer does the rest.
        gateway.log.warning("ledger-unavailable", case=id)
    gateway.case_changed()
    # What the last step changed (a case of a person never shared closes at once) shows.
    # The closer may have been faster, and then the salt is stored nowhere any more.
    now = await gateway.store.case_row(id)
    state = {"state": now.case.state.value} if now else {}
    return answer | state | {"salt": salt_text(salt)}


def _check(gateway: Gateway, request: CaseRequest) -> None:
    if request.ended or request.id is not None or request.mass is not None:
        # The gateway's own. What has left must end, also where the policy no longer knows
        # its purpose.
        return
    policy = gateway.policy.policy
    check_request(
        request.action,
        request.reason,
        request.scope,
        request.method,
        request.announced_at,
        policy.rights,
        now=gateway.clock(),
    )
    if request.ground is not None:
        check_ground(request.ground, policy.rights.refusal_grounds)
    rectify = request.action == Action.RECTIFY
    corrections.check(gateway, request.changes, request.scope, rectify=rectify)
    if any(category not in policy.categories for category in request.scope.categories) and not all(
        any(known == one or known.startswith(f"{one}.") for known in policy.categories)
        for one in request.scope.categories
    ):
        raise CallerError(Reason.REQUEST_INVALID, "scope.categories holds one that is not known")
    if any(purpose not in policy.purposes for purpose in request.scope.purposes):
        raise CallerError(Reason.REQUEST_INVALID, "scope.purposes holds one that is not known")
    _check_recipients(gateway, request)


def _check_recipients(gateway: Gateway, request: CaseRequest) -> None:
    """A name that is misspelled must neither tell nobody, nor tell whom it exempts."""
    known = {*gateway.policy.policy.partners, *gateway.partners.states}
    if not known.issuperset(request.scope.partners):
        raise CallerError(Reason.REQUEST_INVALID, "scope.partners holds one that was never known")
    if not known.issuperset(one.partner for one in request.exemptions):
        raise CallerError(Reason.REQUEST_INVALID, "exempt.partner: one of them was never known")


def _case(gateway: Gateway, request: CaseRequest, id: CaseId, salt: bytes, now: datetime) -> Case:
    """A request's case as it begins; or as it ends, where it is refused from the start."""
    return Case(
        id=id,
        action=Action(request.action),
        state=CaseState.OPEN if request.ground is None else CaseState.REFUSED,
        reason=request.reason,
        deadline=case_deadline(request.reason, gateway.policy.policy.rights, now),
        accepted_at=now,
        closed_at=None if request.ground is None else now,
        ground=request.ground,
        subject_hash=subject_hash(salt, request.subject),
        scope=request.scope,
        method=request.method,
        verified_at=request.verified_at,
    )


def _new_case(
    gateway: Gateway,
    request: CaseRequest,
    person: Person,
    salt: bytes,
    slot: IdempotencyRow | None,
    ended: Sequence[Restriction],
) -> NewCase:
    now = gateway.clock()
    rights = gateway.policy.policy.rights
    id = request.id or CaseId(new_id("case", gateway.random))
    if request.changes:
        scope = corrections.narrowed_scope(gateway, request.changes, request.scope)
        request = replace(request, scope=scope)
    case = _case(gateway, request, id, salt, now)
    # A1: only an erasure is of the whole person; of any other action an empty scope is
    # everything that was shared, and destroys nothing.
    carried = request.ground is None
    whole = case.action is Action.ERASE and request.scope.whole and carried
    fences = carried and not whole
    fence = fence_of(request.reason, request.scope, case.action) if fences else None
    key, sealed = _seal_details(gateway, id, request, salt, slot, ended)
    return NewCase(
        case=case,
        subject=person.row,
        lookup=person.lookup,
        tombstone=person.mark,
        tombstone_expires=tombstone_month(now, rights.tombstone_months),
        fence=None if fence is None else _sealed_fence(gateway, request, now, fence.until_consent),
        whole=whole,
        key=key,
        sealed=sealed,
        leaves=tuple(
            canonical(leaf)
            for leaf in (
                *restrictions.leaves(gateway, case, ended, person),
                *_opening_leaves(
                    gateway, request, case, person, whole=whole, fenced=fence is not None
                ),
            )
        ),
        idempotency=slot,
        ended=request.ended,
        mass=request.mass,
        lifts=tuple(one.case for one in ended),
        answer=kept_answer(gateway, refused_answer(case, salt)) if slot and not carried else None,
    )


def _sealed_fence(
    gateway: Gateway, request: CaseRequest, now: datetime, until_consent: bool
) -> bytes:
    return gateway.subjects.seal_fence(
        {
            "reason": request.action,
            "partners": sorted(request.scope.partners),
            "purposes": sorted(request.scope.purposes),
            "categories": sorted(request.scope.categories),
            "until_consent": until_consent,
            "since": stamp(now),
        }
    )


def _opening_leaves(
    gateway: Gateway,
    request: CaseRequest,
    case: Case,
    person: Person,
    *,
    whole: bool,
    fenced: bool,
) -> list[entries.Leaf]:
    """The fence, where there is one, and the case; about the person only if they are known."""
    known = person.number is not None and not person.facts.erased
    scope = request.scope
    leaves: list[entries.Leaf] = []
    if whole or fenced:
        id = new_id("leaf", gateway.random)
        leaves.append(
            entries.fence(
                id=id,
                at=case.accepted_at,
                reason=request.reason,
                whole=whole,
                case=case.id,
                subject=entries.subject_mark(person.key, id) if known else None,
                partners=scope.partners,
                purposes=scope.purposes,
                categories=scope.categories,
            )
        )
    id = new_id("leaf", gateway.random)
    leaves.append(
        entries.case(
            id=id,
            at=case.accepted_at,
            case=case.id,
            action=case.action.value,
            state=case.state.value,
            reason=case.reason,
            deadline=case.deadline,
            ground=case.ground,
            method=request.method,
            verification=entries.commitment(person.key, request.reference, id) if known else None,
            announced_at=request.announced_at,
            mass=request.mass_id,
            subject=entries.subject_mark(person.key, id) if known else None,
            partners=scope.partners,
            purposes=scope.purposes,
            categories=scope.categories,
        )
    )
    return leaves


def _seal_details(
    gateway: Gateway,
    id: str,
    request: CaseRequest,
    salt: bytes,
    slot: IdempotencyRow | None,
    ended: Sequence[Restriction],
) -> tuple[bytes, bytes]:
    value = {
        "salt": salt_text(salt),
        "method": request.method,
        "reference": request.reference,
        "verified_at": stamp(request.verified_at),
        "announced_at": stamp(request.announced_at) if request.announced_at else None,
        "exemptions": [
            {
                "partner": one.partner,
                "reason": one.reason,
                "evidence": one.evidence,
                "until": stamp(one.until) if one.until else None,
            }
            for one in request.exemptions
        ],
        "idempotency": slot.key.hex() if slot else None,
        "ended": bool(request.ended),
        "changes": dict(request.changes) if request.changes else None,
        "lifts": restrictions.dumped(ended),
    }
    return seal_details(gateway, id, value)


def refused_answer(case: Case, salt: bytes) -> dict[str, Any]:
    """How a request that is refused from the start is answered."""
    return {
        "case": case.id,
        "state": case.state.value,
        "ground": case.ground,
        "deadline": stamp(case.deadline),
        "salt": salt_text(salt),
        "notices": [],
    }


async def repeated(gateway: Gateway, slot: IdempotencyRow) -> dict[str, Any] | None:
    """
    The answer that the same request had before; None where it is the first.

    Raises `CallerError` where the first still runs, or the key is another request's.
    """
    known = await gateway.store.idempotency(slot.key)
    if known is None:
        return None
    if not hmac.compare_digest(known.fingerprint, slot.fingerprint):
        raise CallerError(Reason.IDEMPOTENCY_MISMATCH)
    if known.answer is None:
        raise CallerError(Reason.IDEMPOTENCY_IN_PROGRESS)
    kept: dict[str, Any] = json.loads(
        reveal(gateway.secret("answer"), known.answer, b"case-answer")
    )
    return kept


def slot_for(gateway: Gateway, issuer: str, service: str, key: str, body: bytes) -> IdempotencyRow:
    """Where a request with an `Idempotency-Key` is remembered: keyed hashes only."""
    bare = key[1:-1] if len(key) >= 2 and key[0] == key[-1] == '"' else key
    if not bare or len(bare) > idempotency.MAX_KEY_LENGTH:
        raise CallerError(Reason.REQUEST_INVALID, "an Idempotency-Key has 1 to 255 characters")
    scope = f"case|{len(issuer)}:{issuer}{len(service)}:{service}{bare}".encode()
    return IdempotencyRow(
        key=hmac.digest(gateway.secret("idempotency-key"), scope, hashlib.sha256),
        fingerprint=hmac.digest(gateway.secret("idempotency-request"), body, hashlib.sha256),
        expires=gateway.clock() + idempotency.KEPT_FOR,
    )
