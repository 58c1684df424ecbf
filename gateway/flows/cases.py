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
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gateway.cases.certificate import subject_hash
from gateway.cases.deadlines import case_deadline, earliest_send, notice_deadline
from gateway.cases.plan import PlannedNotice, merge_references, plan
from gateway.cases.requests import check_request, fence_of
from gateway.errors import CallerError, Fenced, Reason, Stale, StoreFailed
from gateway.flows import escrow, idempotency
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id, parse_stamp, stamp
from gateway.flows.gateway import Gateway
from gateway.flows.snapshots import recipient
from gateway.flows.subjects import Person
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.cases import (
    Action,
    Case,
    CaseScope,
    CaseState,
    Exemption,
    Notice,
    NoticeState,
    ToldShare,
)
from gateway.model.ids import CaseId, CategoryId, NoticeId, PartnerId, PurposeId, SubjectId
from gateway.notices.base import carried
from gateway.ports import (
    CaseRow,
    IdempotencyRow,
    NewCase,
    NewNotice,
    PlanRow,
    ReferenceRow,
    Release,
    SubjectRow,
)
from gateway.seal.pseudonym import pseudonym
from gateway.seal.storage import protect, reveal

MAX_TRIES = 8

# How many bytes of references one notice may carry; a webhook stays below 20 kB.
REFERENCES_BUDGET = 12_000


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


async def preview(gateway: Gateway, request: CaseRequest) -> dict[str, Any]:
    """What a case would do, with nothing done and no ids."""
    _check(gateway, request)
    now = gateway.clock()
    person = await gateway.subjects.get(request.subject)
    planned: Sequence[PlannedNotice] = ()
    if person.number is not None and not person.facts.erased:
        await gateway.store.flush()
        stored = await gateway.store.subject_row(person.number)
        if stored is not None and stored.person is not None:
            planned = await _planned(gateway, stored.person, request.scope, request.exemptions, now)
    deadline = case_deadline(request.reason, gateway.policy.policy.rights, now)
    notices = [_notice(gateway, one, CaseId(""), deadline, now, request) for one in planned]
    shown = [{k: v for k, v in one.shown().items() if k != "notice"} for one in notices]
    return {"state": CaseState.OPEN.value, "deadline": stamp(deadline), "notices": shown}


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
        new = _new_case(gateway, request, person, salt, slot)
        try:
            running = await gateway.store.begin_case(new)
        except (Stale, Fenced):
            gateway.subjects.forget(person)
            continue
        except StoreFailed as error:
            raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
        # Whoever holds this person looks again before a byte leaves.
        gateway.subjects.forget(person)
        if running is not None:
            raise CallerError(
                Reason.CASE_OPEN, "this person is being erased already", clauses=("A1",)
            )
        return await _answered(gateway, new.case.id)
    raise Declined(problem(Reason.LEDGER_UNAVAILABLE, "the facts of this person keep changing"))


async def _answered(gateway: Gateway, id: str) -> dict[str, Any]:
    row = await gateway.store.case_row(id)
    if row is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such case")
    answer = await plan_case(gateway, row)
    await finish_case(gateway, id)
    gateway.case_changed()
    # What the last step changed (a case of a person never shared closes at once) shows.
    case = await gateway.store.case(id)
    return answer | ({"state": case.state.value} if case else {})


def _check(gateway: Gateway, request: CaseRequest) -> None:
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
    if any(category not in policy.categories for category in request.scope.categories) and not all(
        any(known == one or known.startswith(f"{one}.") for known in policy.categories)
        for one in request.scope.categories
    ):
        raise CallerError(Reason.REQUEST_INVALID, "scope.categories holds one that is not known")
    if any(purpose not in policy.purposes for purpose in request.scope.purposes):
        raise CallerError(Reason.REQUEST_INVALID, "scope.purposes holds one that is not known")


def _new_case(
    gateway: Gateway,
    request: CaseRequest,
    person: Person,
    salt: bytes,
    slot: IdempotencyRow | None,
) -> NewCase:
    now = gateway.clock()
    rights = gateway.policy.policy.rights
    id = CaseId(new_id("case", gateway.random))
    case = Case(
        id=id,
        action=Action(request.action),
        state=CaseState.OPEN,
        reason=request.reason,
        deadline=case_deadline(request.reason, rights, now),
        accepted_at=now,
        closed_at=None,
        subject_hash=subject_hash(salt, request.subject),
        scope=request.scope,
    )
    fence = None if request.scope.whole else fence_of(request.reason, request.scope)
    return NewCase(
        case=case,
        subject=person.row,
        lookup=person.lookup,
        tombstone=person.mark,
        tombstone_expires=tombstone_month(now, rights.tombstone_months),
        fence=None if fence is None else _sealed_fence(gateway, request, now, fence.until_consent),
        whole=request.scope.whole,
        sealed=_seal_details(gateway, id, request, salt, slot),
        leaves=_opening_leaves(gateway, request, case, person, fenced=fence is not None),
        idempotency=slot,
    )


def _sealed_fence(
    gateway: Gateway, request: CaseRequest, now: datetime, until_consent: bool
) -> bytes:
    return gateway.subjects.seal_fence(
        {
            "reason": "erase",
            "partners": sorted(request.scope.partners),
            "purposes": sorted(request.scope.purposes),
            "categories": sorted(request.scope.categories),
            "until_consent": until_consent,
            "since": stamp(now),
        }
    )


def _opening_leaves(
    gateway: Gateway, request: CaseRequest, case: Case, person: Person, *, fenced: bool
) -> tuple[bytes, ...]:
    """The fence, where there is one, and the case; about the person only if they are known."""
    known = person.number is not None and not person.facts.erased
    scope = request.scope
    leaves: list[entries.Leaf] = []
    if request.scope.whole or fenced:
        id = new_id("leaf", gateway.random)
        leaves.append(
            entries.fence(
                id=id,
                at=case.accepted_at,
                reason=request.reason,
                whole=request.scope.whole,
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
            method=request.method,
            verification=entries.commitment(person.key, request.reference, id) if known else None,
            announced_at=request.announced_at,
            subject=entries.subject_mark(person.key, id) if known else None,
            partners=scope.partners,
            purposes=scope.purposes,
            categories=scope.categories,
        )
    )
    return tuple(canonical(leaf) for leaf in leaves)


def _seal_details(
    gateway: Gateway, id: str, request: CaseRequest, salt: bytes, slot: IdempotencyRow | None
) -> bytes:
    """What the plan needs should the process die before it is made; erased with the person."""
    value = {
        "salt": urlsafe_b64encode(salt).decode().rstrip("="),
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
    }
    key = gateway.secret("case")
    return protect(key, json.dumps(value).encode(), _label(id), random=gateway.random)


def _details(gateway: Gateway, row: CaseRow) -> dict[str, Any]:
    if row.sealed is None:
        return {"salt": "", "exemptions": [], "announced_at": None, "idempotency": None}
    value: dict[str, Any] = json.loads(
        reveal(gateway.secret("case"), row.sealed, _label(row.case.id))
    )
    return value


def _label(id: str) -> bytes:
    return b"case|" + id.encode()


async def plan_case(gateway: Gateway, row: CaseRow) -> dict[str, Any]:
    """
    Make a case's notices from the ledger, store them, and answer its request.

    After the fence no intent enters, so the disclosures read here are all there
    will be; those in flight hold their recipient's notice back.
    """
    now = gateway.clock()
    details = _details(gateway, row)
    exemptions = _exemptions(details)
    # Outcomes that were noted before the fence are read as what they are.
    await gateway.store.flush()
    planned: Sequence[PlannedNotice] = ()
    if row.person is not None:
        planned = await _planned(gateway, row.person, row.case.scope, exemptions, now)
    announced = parse_stamp(details["announced_at"]) if details["announced_at"] else None
    start = earliest_send(row.case.reason, announced, gateway.policy.policy.rights, now)
    notices = [
        _notice(gateway, one, row.case.id, row.case.deadline, start, None) for one in planned
    ]
    new = [
        escrow.locked(gateway, notice, one.told)
        for notice, one in zip(notices, planned, strict=True)
    ]
    leaves = [
        _notice_leaf(gateway, notice, one.exemption)
        for notice, one in zip(notices, planned, strict=True)
    ]
    answer = {
        "case": row.case.id,
        "state": row.case.state.value,
        "deadline": stamp(row.case.deadline),
        "salt": details["salt"],
        "notices": [dict(notice.shown()) for notice in notices],
    }
    await gateway.store.plan_case(row.case.id, new, leaves, _kept_answer(gateway, details, answer))
    return answer


def _exemptions(details: Mapping[str, Any]) -> tuple[Exemption, ...]:
    return tuple(
        Exemption(
            partner=PartnerId(one["partner"]),
            reason=one["reason"],
            evidence=one["evidence"],
            until=parse_stamp(one["until"]) if one["until"] else None,
        )
        for one in details["exemptions"]
    )


def _kept_answer(
    gateway: Gateway, details: Mapping[str, Any], answer: Mapping[str, Any]
) -> tuple[bytes, bytes] | None:
    if details["idempotency"] is None:
        return None
    key = bytes.fromhex(details["idempotency"])
    return key, protect(
        gateway.secret("answer"), json.dumps(answer).encode(), b"case-answer", random=gateway.random
    )


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


async def _planned(
    gateway: Gateway,
    person: int,
    scope: CaseScope,
    exemptions: tuple[Exemption, ...],
    now: datetime,
) -> Sequence[PlannedNotice]:
    rows, references = await gateway.store.plan_rows(person)
    keys = await _keys(gateway, person)
    told = {_partner(row) for row in rows if not row.untold}
    untold = {_partner(row) for row in rows if row.untold} - told
    # D2: a notice would tip off whom a demand is about; it is exempt, and counted.
    exempt = tuple(
        Exemption(partner=partner, reason="may-not-be-told", evidence="")
        for partner in sorted(untold)
    )
    shares = [
        _told_share(row, keys, references)
        for row in rows
        if row.subject in keys and (not row.untold or _partner(row) in untold)
    ]
    return plan(
        shares,
        scope=scope,
        exemptions=(*exemptions, *exempt),
        now=now,
        budget=REFERENCES_BUDGET,
    )


def _partner(row: PlanRow) -> PartnerId:
    return PartnerId(json.loads(row.leaf)["partner"])


async def _keys(gateway: Gateway, person: int) -> dict[int, bytes]:
    return {
        row.no: gateway.subjects.open_row(row)[0]
        for row in await gateway.store.rows_of_person(person)
        if row.no is not None
    }


def _told_share(
    row: PlanRow, keys: Mapping[int, bytes], references: Sequence[ReferenceRow]
) -> ToldShare:
    leaf = json.loads(row.leaf)
    key = keys[row.subject]
    return ToldShare(
        share=row.share,
        partner=PartnerId(leaf["partner"]),
        pseudonym=pseudonym(key, leaf["partner"]),
        purpose=PurposeId(leaf["purpose"]),
        categories=tuple(CategoryId(category) for category in leaf["categories"]),
        at=datetime.fromisoformat(leaf["at"]),
        outcome=row.outcome,
        references=tuple(
            reference
            for one in references
            if one.share == row.share and one.subject == row.subject
            for reference in _reference_values(key, one)
        ),
    )


def _reference_values(key: bytes, row: ReferenceRow) -> Sequence[str]:
    values: list[str] = json.loads(reveal(key, row.sealed, f"reference|{row.share}".encode()))
    return values


def _notice(
    gateway: Gateway,
    planned: PlannedNotice,
    case: CaseId,
    deadline: datetime,
    start: datetime,
    request: CaseRequest | None,
) -> Notice:
    """A planned notice as it begins. Who cannot be told by a program is a person's task."""
    partner = recipient(gateway, planned.partner)
    deletion = partner.deletion if partner else None
    within = deletion.complete_within if deletion else None
    now = gateway.clock()
    exempt = planned.exemption
    sendable = carried(deletion, Action.ERASE) != "manual"
    first = start if sendable and not planned.held else None
    return Notice(
        id=NoticeId(new_id("ntc", gateway.random) if case else ""),
        case=case,
        partner=planned.partner,
        state=NoticeState.EXEMPT if exempt else NoticeState.QUEUED,
        deadline=notice_deadline(deadline, within, now),
        reason=exempt.reason if exempt else (None if sendable else "manual"),
        next_at=(exempt.until if exempt else first),
        settled=exempt is not None,
        held=planned.held and exempt is None,
        resend_at=None if exempt else planned.resend_at,
    )


def _notice_leaf(gateway: Gateway, notice: Notice, exemption: Exemption | None) -> bytes:
    id = new_id("leaf", gateway.random)
    return canonical(
        entries.notice(
            id=id,
            at=gateway.clock(),
            notice=notice.id,
            case=notice.case,
            partner=notice.partner,
            state=notice.state.value,
            reason=notice.reason,
            deadline=notice.deadline,
            settled=notice.settled,
            evidence=entries.commitment(gateway.secret("exemption"), exemption.evidence, id)
            if exemption and exemption.evidence
            else None,
        )
    )


async def release_held(gateway: Gateway) -> bool:
    """
    Let notices go whose recipient's shares have ended, with what these brought
    (the recipient's own ids); true if there were any.
    """
    notices = await gateway.store.released()
    releases: list[Release] = []
    more: list[NewNotice] = []
    for notice in notices:
        row = await gateway.store.case_row(notice.case)
        if row is None or row.person is None:
            continue
        one, further = await _released(gateway, notice, row)
        releases.append(one)
        more += further
    if not releases:
        return False
    leaves = [_notice_leaf(gateway, one.notice, None) for one in more]
    await gateway.store.release(releases, more, leaves)
    gateway.case_changed()
    return True


async def _released(
    gateway: Gateway, notice: Notice, row: CaseRow
) -> tuple[Release, list[NewNotice]]:
    now = gateway.clock()
    told = await escrow.opened(gateway, notice.id)
    planned = await _planned(gateway, row.person or 0, row.case.scope, (), now)
    mine = [
        one
        for one in planned
        if one.partner == notice.partner and one.told.pseudonym == told.pseudonym
    ]
    references = [reference for one in mine for reference in one.told.references]
    first, *rest = merge_references(told, references, budget=REFERENCES_BUDGET)
    again = max((one.resend_at for one in mine if one.resend_at), default=None)
    details = _details(gateway, row)
    announced = parse_stamp(details["announced_at"]) if details["announced_at"] else None
    start = earliest_send(row.case.reason, announced, gateway.policy.policy.rights, now)
    partner = recipient(gateway, notice.partner)
    manual = carried(partner.deletion if partner else None, Action.ERASE) == "manual"
    further = [
        escrow.locked(
            gateway,
            replace(
                notice,
                id=NoticeId(new_id("ntc", gateway.random)),
                held=False,
                next_at=None if manual else start,
                resend_at=again,
            ),
            one,
        )
        for one in rest
    ]
    release = Release(
        notice=notice.id,
        escrow=await escrow.relocked(gateway, notice.id, first),
        next_at=None if manual else start,
        resend_at=again,
    )
    return release, further


async def finish_case(gateway: Gateway, id: str) -> bool:
    """
    Destroy a person's keys and all that lies under them, as soon as plan,
    escrows and outcomes are durable; true once it is done. Recipients have no
    say in it.
    """
    row = await gateway.store.case_row(id)
    if row is None or row.stage == "finished":
        return row is not None
    now = gateway.clock()
    marks: list[bytes] = []
    leaves: list[bytes] = []
    rows: list[SubjectRow] = []
    if row.whole and row.person is not None:
        rows = await gateway.store.rows_of_person(row.person)
        marks = [gateway.subjects.mark(gateway.subjects.open_row(one)[1]["id"]) for one in rows]
        leaves = [_destroyed_leaf(gateway, id, now)]
    expires = tombstone_month(now, gateway.policy.policy.rights.tombstone_months)
    done = await gateway.store.finish_case(
        id, marks, expires, leaves, lambda case: closing_leaf(gateway, case), now
    )
    if done:
        for one in rows:
            gateway.subjects.forget_lookup(one.lookup)
        if rows:
            await gateway.store.scrub()
        await unfenced(gateway, id)
        gateway.case_changed()
    return done


async def unfenced(gateway: Gateway, id: str) -> None:
    """A scoped case that closed lifted its fence: look at its person anew."""
    row = await gateway.store.case_row(id)
    if row is None or row.whole or row.person is None or row.case.state is CaseState.OPEN:
        return
    for one in await gateway.store.rows_of_person(row.person):
        gateway.subjects.forget_lookup(one.lookup)


def _destroyed_leaf(gateway: Gateway, case: str, now: datetime) -> bytes:
    return canonical(
        entries.key(
            id=new_id("leaf", gateway.random),
            at=now,
            owner="subject",
            event="destroyed",
            case=case,
        )
    )


def closing_leaf(gateway: Gateway, case: Case) -> bytes:
    """The leaf of a case that closes: every notice is settled."""
    return canonical(
        entries.case(
            id=new_id("leaf", gateway.random),
            at=gateway.clock(),
            case=case.id,
            action=case.action.value,
            state=CaseState.CLOSED.value,
            reason=case.reason,
        )
    )


async def resume(gateway: Gateway) -> bool:
    """
    Bring every case that is not done with as far as it can go now; true if one
    is left that has to wait.
    """
    while await release_held(gateway):
        pass
    waiting = False
    for row in await gateway.store.unfinished_cases():
        if row.stage == "planning":
            await plan_case(gateway, row)
        waiting = not await finish_case(gateway, row.case.id) or waiting
    return waiting


def tombstone_month(now: datetime, months: int) -> str:
    """The last month in which a tombstone set now keeps somebody out."""
    total = now.year * 12 + now.month - 1 + months
    return f"{total // 12:04d}-{total % 12 + 1:02d}"
