"""
The lines of a bulk request, each decided by itself (contract §6).

Lines are taken some at a time, so that the store is asked once about all their
people. What is decided lasts until the batch leaves: whoever changed by then is
decided again, alone.
"""

import asyncio
from collections.abc import Mapping, Sequence
from time import perf_counter

from gateway.decide.engine import decide
from gateway.errors import CallerError, Reason, StoreFailed
from gateway.flows.answers import Problem, problem, problem_of, refusal
from gateway.flows.bulk_frames import Frame, Line, epoch_of, head_of
from gateway.flows.evidence import registered
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Draft, Head, evidence_or_later, subjects_of
from gateway.flows.outbound import pack, require_key
from gateway.flows.prepare import PreparedRoute
from gateway.flows.record import refusal_entries
from gateway.flows.subjects import Person
from gateway.model.consent import Evidence
from gateway.model.ids import SubjectId
from gateway.model.shares import Refused
from gateway.ports import RefusalEntry
from gateway.shape import Limits, parse_json
from gateway.shape.lines import NDJSON
from gateway.shape.parse import too_large

# How many lines are decided before others get their turn: a few milliseconds' worth.
IN_ONE_GO = 16


async def judge(frame: Frame, lines: Sequence[Line], gateway: Gateway) -> None:
    """
    Understand, decide and cut these lines; each is then on its way out, or declined.
    """
    head = frame.head
    if isinstance(head, Problem):
        for line in lines:
            line.decline(head)
        return
    limits = head.standing.limits(gateway.limits)
    drafts = []
    for place, line in enumerate(lines):
        await _give_way(place)
        draft = _understood(line, head, limits)
        if draft is not None:
            drafts.append((line, draft))
    asked = tuple(dict.fromkeys(one for _, draft in drafts for one in draft.ask.subjects))
    try:
        persons = dict(zip(asked, await gateway.subjects.crowd(asked), strict=True))
        evidence = await _evidence(head, asked, gateway)
    except StoreFailed:
        for line, _ in drafts:
            line.decline(problem(Reason.LEDGER_UNAVAILABLE))
        return
    for place, (line, draft) in enumerate(drafts):
        await _give_way(place)
        _decide(line, draft, persons, evidence, gateway)


async def _give_way(place: int) -> None:
    if place % IN_ONE_GO == IN_ONE_GO - 1:
        await asyncio.sleep(0)


def _understood(line: Line, head: Head, limits: Limits) -> Draft | None:
    """The share that a line asks for; None, and the line is declined, where it cannot be read."""
    try:
        if line.octets is None:
            raise too_large(limits.bytes)
        document = parse_json(line.octets, limits)
        subjects = subjects_of(head.incoming, head.standing, head.params, document)
    except CallerError as error:
        line.decline(problem_of(error))
        return None
    return draft_of(head, document, subjects)


def draft_of(head: Head, document: object, subjects: tuple[SubjectId, ...]) -> Draft:
    """One record as a share of its own."""
    return Draft(
        incoming=head.incoming,
        partner=head.partner,
        candidates=head.candidates,
        route=head.route,
        params=head.params,
        document=document,
        content_type=NDJSON,
        ask=head.ask(subjects, evidence_or_later(head.incoming)),
        policy=head.policy,
    )


async def _evidence(
    head: Head, subjects: tuple[SubjectId, ...], gateway: Gateway
) -> Evidence | None:
    """The registered record that the request names, as far as it is about these people."""
    claim = evidence_or_later(head.incoming)
    if claim is None:
        return None
    ask = head.ask(subjects, claim)
    return await registered(ask, gateway.store, gateway.subjects, gateway.secret("evidence"))


def _decide(
    line: Line,
    draft: Draft,
    persons: Mapping[SubjectId, Person],
    evidence: Evidence | None,
    gateway: Gateway,
) -> None:
    people = [persons[subject] for subject in draft.ask.subjects]
    route, partner = _route(draft), draft.partner.partner
    line.understood, line.person = True, next(iter(people), None)
    decision = decide(
        draft.ask,
        policy=draft.policy.policy,
        partner=partner,
        route=route.route,
        suspended=gateway.partners.state(partner.id).suspended,
        facts=[person.facts for person in people],
        evidence=evidence,
        now=gateway.clock(),
    )
    if isinstance(decision, Refused):
        line.decline(refusal(decision))
        return
    try:
        packed = pack(gateway, draft, route, people, decision)
        require_key(draft, route)
    except CallerError as error:
        line.decline(problem_of(error))
    else:
        line.permitted, line.packed, line.declined = decision, packed, None


def _route(draft: Draft) -> PreparedRoute:
    # `read_bulk` lets no request without one pass.
    return draft.route or draft.candidates[0]


async def judge_again(frame: Frame, gateway: Gateway, *, everything: bool = False) -> None:
    """
    Decide again whoever changed since; with `everything`, all that were to leave,
    under the policy in force now.
    """
    if everything:
        frame.head, frame.decided = head_of(frame.incoming, gateway), perf_counter()
        frame.epoch = epoch_of(frame.incoming, gateway)
    lines = [line for line in frame.leaving() if everything or _changed(line)]
    await judge(frame, lines, gateway)


def _changed(line: Line) -> bool:
    # Tokens are made anew: those of a try that was recorded are taken.
    tokens = line.packed is not None and line.packed.tokens
    return bool(tokens) or (line.person is not None and line.person.stale)


def refusals(frame: Frame, gateway: Gateway) -> list[RefusalEntry]:
    """The leaves of a frame's refusals, one a line."""
    found: list[RefusalEntry] = []
    head = frame.head
    draft = draft_of(head, None, ()) if isinstance(head, Head) else None
    for line in frame.lines:
        if line.declined is None or line.recorded:
            continue
        who = line.person
        known = who is not None and who.facts.known and not who.facts.erased
        found += refusal_entries(
            frame.incoming,
            gateway,
            line.declined,
            draft=draft if line.understood else None,
            persons=[who] if known and who is not None else (),
        )
    return found
