"""
Who is told what: the notices of a case, made from the ledger (contract §9; R3, A1).

After the fence no intent enters, so the disclosures read here are all there
will be. A recipient with a share in flight is told when that has ended, with
what it brought: a notice never overtakes a share.
"""

import json
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.cases.corrections import REFERENCES_BUDGET as BESIDE_CHANGES
from gateway.cases.corrections import only_changes
from gateway.cases.course import begun
from gateway.cases.deadlines import earliest_send, notice_deadline
from gateway.cases.plan import PlannedNotice, merge_references, plan
from gateway.cases.terms import narrowed
from gateway.errors import LedgerContradiction, Stale, StoreFailed
from gateway.flows import escrow, new_values
from gateway.flows.about import EVERYTHING, About, about_of, concerned
from gateway.flows.clockwork import new_id, parse_stamp, stamp
from gateway.flows.gateway import Gateway
from gateway.flows.snapshots import recipient
from gateway.flows.wrapping import unwrapped, wrapped
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
    Told,
    ToldShare,
)
from gateway.model.ids import CaseId, CategoryId, NoticeId, PartnerId, PurposeId
from gateway.notices.base import by_records, carried, terms_for
from gateway.ports import CaseRow, NewNotice, PlanRow, ReferenceRow, Release
from gateway.seal.pseudonym import pseudonym
from gateway.seal.storage import protect, reveal

# How many bytes of references one notice may carry; a webhook stays below 20 kB.
REFERENCES_BUDGET = 12_000

NO_DETAILS: Mapping[str, Any] = {
    "salt": "",
    "exemptions": [],
    "announced_at": None,
    "idempotency": None,
}


def seal_details(gateway: Gateway, case: str, details: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """
    What the plan needs of a request, should the process die before it is made:
    a key of the case's own, wrapped, and the details under it. Both are
    destroyed when the case is done with the person.
    """
    key, label = gateway.random(32), _label(case)
    return (
        wrapped(gateway.keys, label, key, gateway.random),
        protect(key, json.dumps(details).encode(), label, random=gateway.random),
    )


def _details(gateway: Gateway, row: CaseRow) -> Mapping[str, Any]:
    if row.sealed is None or row.key is None:
        return NO_DETAILS
    label = _label(row.case.id)
    key = unwrapped(gateway.keys, label, row.key)
    value: dict[str, Any] = json.loads(reveal(key, row.sealed, label))
    return value


def _label(id: str) -> bytes:
    return b"case|" + id.encode()


def salt_text(salt: bytes) -> str:
    """A salt as the answer of a request has it: base64url, unpadded."""
    return urlsafe_b64encode(salt).decode().rstrip("=")


async def plan_case(gateway: Gateway, row: CaseRow) -> dict[str, Any]:
    """
    Make a case's notices, store them, and answer its request.

    Where somebody else has done so meanwhile, the answer says what is stored.
    """
    details = _details(gateway, row)
    if row.stage == "planning":
        # Outcomes that were noted before the fence are read as what they are.
        await gateway.store.flush()
        planned: Sequence[PlannedNotice] = ()
        if row.person is not None:
            exemptions = _exemptions(details)
            await _correct_tokens(gateway, row, row.person, details)
            planned = await read_plan(
                gateway,
                row.person,
                row.case.scope,
                exemptions,
                told_by=_told_by(row, details),
                about=about_of(details),
            )
        start = _start(gateway, row, details)
        notices = [
            new_notice(gateway, one, row.case.deadline, start, row.case.id, row.case.action)
            for one in planned
        ]
        both = list(zip(notices, planned, strict=True))
        new = [escrow.locked(gateway, notice, one.told) for notice, one in both]
        leaves = [notice_leaf(gateway, notice, one.exemption) for notice, one in both]
        answer = _answer(row.case, details, notices)
        kept = _kept_answer(gateway, details, answer)
        try:
            stored = await gateway.store.plan_case(row.case.id, new, leaves, kept)
        except Stale:
            # The epoch under which their keys were wrapped ended at this moment.
            new = [escrow.locked(gateway, notice, one.told) for notice, one in both]
            stored = await gateway.store.plan_case(row.case.id, new, leaves, kept)
        if stored:
            return answer
    case = await gateway.store.case(row.case.id)
    return _answer(row.case, details, case.notices if case else ())


async def _correct_tokens(
    gateway: Gateway, row: CaseRow, person: int, details: Mapping[str, Any]
) -> None:
    """What recipients redeem from here on is the new value (R1, S4c)."""
    changes = about_of(details).changes
    if changes:
        keys = await person_keys(gateway, person)
        await new_values.correct_tokens(gateway, keys, person, changes, row.case.scope)


def _told_by(row: CaseRow, details: Mapping[str, Any]) -> str | None:
    """A case that time opened is about the shares that were marked with it, and no others."""
    return row.case.id if details.get("ended") else None


def _start(gateway: Gateway, row: CaseRow, details: Mapping[str, Any]) -> datetime:
    announced = parse_stamp(details["announced_at"]) if details["announced_at"] else None
    rights = gateway.policy.policy.rights
    return earliest_send(row.case.reason, announced, rights, row.case.accepted_at)


def _answer(case: Case, details: Mapping[str, Any], notices: Sequence[Notice]) -> dict[str, Any]:
    # Where nothing is left to be settled the case closes with its plan.
    settled = all(notice.settled for notice in notices)
    return {
        "case": case.id,
        "state": (CaseState.CLOSED if settled else CaseState.OPEN).value,
        "deadline": stamp(case.deadline),
        "salt": details["salt"],
        "notices": [dict(notice.shown()) for notice in notices],
    }


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
    return bytes.fromhex(details["idempotency"]), kept_answer(gateway, answer)


def kept_answer(gateway: Gateway, answer: Mapping[str, Any]) -> bytes:
    """An answer as it is kept for whoever asks the same again."""
    return protect(
        gateway.secret("answer"), json.dumps(answer).encode(), b"case-answer", random=gateway.random
    )


async def read_plan(
    gateway: Gateway,
    person: int,
    scope: CaseScope,
    exemptions: tuple[Exemption, ...],
    *,
    told_by: str | None = None,
    about: About = EVERYTHING,
) -> Sequence[PlannedNotice]:
    """
    The notices that a case about this person means, as the ledger stands.

    `told_by`: only of the shares that are marked with this case. `about`: what a
    correction changes, what a lifted restriction frees.
    """
    rows, references = await gateway.store.plan_rows(person)
    keys = await person_keys(gateway, person)
    every = [(row, json.loads(row.leaf)) for row in rows if row.subject in keys]
    read = [one for one in every if told_by in (None, one[0].told_by)]
    told = {leaf["partner"] for row, leaf in read if not row.untold}
    untold = {leaf["partner"] for row, leaf in read if row.untold} - told
    # D2: a notice would tip off whom a demand is about; it is exempt, and counted.
    exempt = tuple(
        Exemption(partner=PartnerId(partner), reason="may-not-be-told", evidence="")
        for partner in sorted(untold)
    )
    kept = references_of(keys, references)
    pairs = [
        (_told_share(row, leaf, keys[row.subject], kept.get((row.share, row.subject), ())), leaf)
        for row, leaf in read
        if not row.untold or leaf["partner"] in untold
    ]
    mine = await concerned(gateway, person, about, scope, pairs)
    planned = plan(
        mine.shares,
        scope=mine.scope,
        exemptions=(*exemptions, *exempt),
        now=gateway.clock(),
        budget=BESIDE_CHANGES if about.changes else REFERENCES_BUDGET,
    )
    if told_by is None:
        return mine.attached(planned)
    naming = {one.partner for one in planned if names_records(gateway, one.partner)}
    return narrowed(planned, mine.shares, staying=_staying(every, keys), naming=naming)


def _staying(
    rows: Sequence[tuple[PlanRow, Mapping[str, Any]]], keys: Mapping[int, bytes]
) -> set[tuple[str, str, str]]:
    """What recipients keep, each by recipient, pseudonym and purpose."""
    return {
        (leaf["partner"], pseudonym(keys[row.subject], leaf["partner"]), leaf["purpose"])
        for row, leaf in rows
        if row.ends
    }


async def person_keys(gateway: Gateway, person: int) -> dict[int, bytes]:
    """The keys of a person's rows, by row: one for each alias."""
    return {
        row.no: gateway.subjects.open_row(row)[0]
        for row in await gateway.store.rows_of_person(person)
        if row.no is not None
    }


def references_of(
    keys: Mapping[int, bytes], rows: Sequence[ReferenceRow]
) -> Mapping[tuple[str, int], Sequence[str]]:
    """The recipients' own ids, by share and subject."""
    found: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for row in rows:
        if row.subject in keys:
            label = f"reference|{row.share}".encode()
            found[row.share, row.subject] += json.loads(
                reveal(keys[row.subject], row.sealed, label)
            )
    return found


def _told_share(
    row: PlanRow, leaf: Mapping[str, Any], key: bytes, references: Sequence[str]
) -> ToldShare:
    return ToldShare(
        share=row.share,
        partner=PartnerId(leaf["partner"]),
        pseudonym=pseudonym(key, leaf["partner"]),
        purpose=PurposeId(leaf["purpose"]),
        categories=tuple(CategoryId(category) for category in leaf["categories"]),
        at=datetime.fromisoformat(leaf["at"]),
        outcome=row.outcome,
        references=tuple(references),
    )


def new_notice(
    gateway: Gateway,
    planned: PlannedNotice,
    deadline: datetime,
    start: datetime,
    case: CaseId | None,
    action: Action = Action.ERASE,
) -> Notice:
    """
    A planned notice as it begins; without a `case` it gets no id.

    `deadline` is the case's, `start` the moment from which notices may leave.
    Who cannot be told by a program is a person's task.
    """
    partner = recipient(gateway, planned.partner)
    deletion = partner.deletion if partner else None
    within = deletion.complete_within if deletion else None
    exempt = planned.exemption
    sendable = _sendable(gateway, planned.partner, action) and new_values.sealable(
        partner, planned.told
    )
    first = start if sendable and not planned.held else None
    made = Notice(
        id=NoticeId(new_id("ntc", gateway.random) if case else ""),
        case=case or CaseId(""),
        partner=planned.partner,
        state=NoticeState.EXEMPT if exempt else NoticeState.QUEUED,
        deadline=notice_deadline(deadline, within, start),
        reason=exempt.reason if exempt else (None if sendable else "manual"),
        next_at=exempt.until if exempt else first,
        settled=exempt is not None,
        # Also where the exemption ends one day: what the share brings is told then.
        held=planned.held and (exempt is None or exempt.until is not None),
        resend_at=None if exempt else planned.resend_at,
    )
    promised = deletion.acknowledge_within if deletion else None
    return begun(made, since=start, within=promised, rights=gateway.policy.policy.rights)


def _sendable(gateway: Gateway, partner: PartnerId, action: Action) -> bool:
    known = recipient(gateway, partner)
    return carried(known.deletion if known else None, action) != "manual"


def names_records(gateway: Gateway, partner: PartnerId) -> bool:
    """Whether this recipient can be told of records by its own ids and of nothing else."""
    known = recipient(gateway, partner)
    terms = terms_for(known.deletion if known else None, Action.ERASE)
    return terms is not None and by_records(terms, Action.ERASE)


def notice_leaf(gateway: Gateway, notice: Notice, exemption: Exemption | None) -> bytes:
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
    waiting: defaultdict[tuple[str, str], list[Notice]] = defaultdict(list)
    for notice in await gateway.store.released():
        waiting[notice.case, notice.partner].append(notice)
    released = False
    for (case, _), notices in waiting.items():
        try:
            released = await _release(gateway, case, notices) or released
        except (StoreFailed, LedgerContradiction):
            raise
        except Exception:
            # One that cannot be let go must not hold all others back.
            gateway.log.exception("worker-failed", worker="closer", case=case)
    if released:
        gateway.case_changed()
    return released


async def _release(gateway: Gateway, case: str, notices: Sequence[Notice]) -> bool:
    """Let the notices of one case to one recipient go."""
    row = await gateway.store.case_row(case)
    if row is None or row.person is None:
        return False
    details = _details(gateway, row)
    planned = await read_plan(
        gateway,
        row.person,
        row.case.scope,
        (),
        told_by=_told_by(row, details),
        about=about_of(details),
    )
    mine = [one for one in planned if one.partner == notices[0].partner]
    start = _start(gateway, row, details)
    told = [(notice, await escrow.opened(gateway, notice.id)) for notice in notices]
    releases: list[Release] = []
    more: list[NewNotice] = []
    for (notice, first, rest), again in _completed(told, mine):
        due = _due(gateway, notice, first, start, row.case.action)
        sealed = await escrow.relocked(gateway, notice.id, first)
        releases.append(Release(notice=notice.id, escrow=sealed, next_at=due, resend_at=again))
        further = replace(notice, held=False, next_at=due, resend_at=again, attempts=0)
        more += [
            escrow.locked(
                gateway, replace(further, id=NoticeId(new_id("ntc", gateway.random))), one
            )
            for one in rest
        ]
    leaves = [notice_leaf(gateway, one.notice, None) for one in more]
    await gateway.store.release(releases, more, leaves)
    return True


def _completed(
    told: Sequence[tuple[Notice, Told]], planned: Sequence[PlannedNotice]
) -> Iterator[tuple[tuple[Notice, Told, Sequence[Told]], datetime | None]]:
    """
    Each notice of one recipient with what it says now, what must go on in
    further notices, and when all of it is told once more.

    Of several notices each says what none of the others does.
    """
    said: defaultdict[str, set[str]] = defaultdict(set)
    for _, one in told:
        said[one.pseudonym].update(one.references)
    for notice, one in told:
        mine = [other for other in planned if other.told.pseudonym == one.pseudonym]
        known = said[one.pseudonym]
        new = [text for other in mine for text in other.told.references if text not in known]
        known.update(new)
        if one.changes:
            # What never left is not told: its recipient would get more than it had.
            had = [value for other in mine for value in other.told.changes]
            one = only_changes(one, had)
        first, *rest = merge_references(one, new, budget=REFERENCES_BUDGET)
        again = max((other.resend_at for other in mine if other.resend_at), default=None)
        yield (notice, first, rest), None if notice.state is NoticeState.EXEMPT else again


def _due(
    gateway: Gateway, notice: Notice, told: Told, start: datetime, action: Action
) -> datetime | None:
    """When a notice that was held goes out."""
    if notice.state is NoticeState.EXEMPT:
        return notice.next_at
    sealable = new_values.sealable(recipient(gateway, notice.partner), told)
    return start if sealable and _sendable(gateway, notice.partner, action) else None
