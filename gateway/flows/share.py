"""
A share, from the request to the answer.

    request -> route -> decide -> minimise -> seal -> record intent -> send
            -> record outcome -> filter -> reply

The process may die at any `await`. The intent is durable before the first byte
leaves, so the ledger may name a partner that received nothing; a partner that
received and is not named cannot happen.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from gateway.decide.engine import decide
from gateway.errors import (
    CallerError,
    ConfigError,
    Fenced,
    LedgerContradiction,
    PartnerCut,
    PartnerFailed,
    PartnerResponseRefused,
    PartnerTimeout,
    PartnerUnreachable,
    Reason,
    Stale,
    StoreFailed,
)
from gateway.flows import idempotency, queue
from gateway.flows.admission import admitted, check_alone
from gateway.flows.answers import (
    Declined,
    Disclosed,
    Problem,
    ShareAnswer,
    problem,
    problem_of,
    refusal,
)
from gateway.flows.evidence import registered
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Draft, Incoming, read_draft
from gateway.flows.outbound import Packed, Sealed, pack, require_key, wrap
from gateway.flows.prepare import PreparedRoute
from gateway.flows.record import record_refusal, settle
from gateway.flows.subjects import Person
from gateway.model.recipients import ReceivedFile
from gateway.model.shares import Outcome, Permitted, Refused
from gateway.ports import Answer, IdempotencyRow, Recorded
from gateway.shape import Limits, Received

# RFC 9110 §10.2.3: seconds, or a date. Declared by no manifest, so it may be nothing else.
_RETRY_AFTER = re.compile(
    r"[0-9]{1,9}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
)

# A share is decided again when facts change between the decision and the first
# byte. Facts that change faster than this are somebody's mistake.
MAX_DECISIONS = 8


async def share(incoming: Incoming, gateway: Gateway) -> ShareAnswer:
    """
    Carry one share to its partner, or decline it (`Declined`).

    Every refusal is in the ledger when this returns, as far as the disk takes it.
    """
    try:
        draft = read_draft(incoming, gateway.policy, gateway.limits)
        return await idempotency.once(draft, gateway, carry)
    except CallerError as error:
        declined = problem_of(error)
    except Declined as error:
        declined = error.problem
    if declined.share is None:
        await record_refusal(incoming, gateway, declined)
    raise Declined(declined)


async def carry(draft: Draft, gateway: Gateway, slot: IdempotencyRow | None) -> ShareAnswer:
    """One share that is understood and no repeat: decided, cut, sealed, recorded, sent."""
    for _ in range(MAX_DECISIONS):
        persons = [await gateway.subjects.get(subject) for subject in draft.ask.subjects]
        try:
            route, permitted = await judge(draft, gateway, persons)
            packed = pack(gateway, draft, route, persons, permitted)
            if draft.incoming.prefers("respond-async"):
                require_key(draft, route)
                return await queue.accept(draft, gateway, persons, slot)
            with admitted(gateway, draft.partner.partner) as permit:
                require_key(draft, route)
                check_alone(permit)
                return await attempt(draft, gateway, route, persons, permitted, packed, slot)
        except (Stale, Fenced):
            for person in persons:
                gateway.subjects.forget(person)
        except CallerError as error:
            raise Declined(await _with_subject(error, draft, gateway, persons)) from None
    raise Declined(problem(Reason.LEDGER_UNAVAILABLE, "the facts of this share keep changing"))


async def judge(
    draft: Draft, gateway: Gateway, persons: Sequence[Person]
) -> tuple[PreparedRoute, Permitted]:
    """May it leave? Raises `CallerError` with the refusal's own clauses and remedy."""
    partner = draft.partner.partner
    standing = draft.route or None
    evidence = (
        await registered(draft.ask, gateway.store, gateway.subjects, gateway.secret("evidence"))
        if draft.ask.evidence is not None
        else None
    )
    decision = decide(
        draft.ask,
        policy=draft.policy.policy,
        partner=partner,
        route=standing.route if standing else None,
        suspended=gateway.partners.state(partner.id).suspended,
        facts=[person.facts for person in persons],
        evidence=evidence,
        now=gateway.clock(),
    )
    match decision:
        case Refused():
            raise refused_as(decision)
        case Permitted():
            if standing is None:
                raise CallerError(Reason.PURPOSE_NOT_PERMITTED)
            trail = draft.incoming.trail
            trail.route, trail.purpose = standing.route.id, standing.route.purpose
            trail.ground = decision.ground
            return standing, decision


def refused_as(decision: Refused) -> CallerError:
    """The error that a refused decision is, with its own clauses and remedy."""
    told = refusal(decision)
    return CallerError(told.reason, told.detail, clauses=told.clauses, remedy=told.remedy)


async def _with_subject(
    error: CallerError, draft: Draft, gateway: Gateway, persons: Sequence[Person]
) -> Problem:
    """
    Record a refusal with its subjects, where they are known and not erased. A queued
    share that is not tried now is refused to nobody.
    """
    declined = problem_of(error)
    if not draft.incoming.queued or error.retry_after is None:
        known = [person for person in persons if person.facts.known and not person.facts.erased]
        await record_refusal(draft.incoming, gateway, declined, draft=draft, persons=known)
    # Recorded: the flow above must not record it once more.
    return replace(declined, share=draft.incoming.share)


async def attempt(
    draft: Draft,
    gateway: Gateway,
    route: PreparedRoute,
    persons: Sequence[Person],
    permitted: Permitted,
    packed: Packed,
    slot: IdempotencyRow | None,
) -> ShareAnswer:
    """
    Record the intent, send, record the outcome.

    Raises `Stale` or `Fenced` where something changed before the first byte
    left; nothing was sent then, and the caller decides again.
    """
    sealed = wrap(gateway, draft, route, persons, permitted, packed, slot)
    draft.incoming.trail.fields = len(packed.fields)
    gateway.in_flight += 1
    try:
        recorded = await intend(gateway, sealed)
        for person, place in zip(persons, recorded, strict=False):
            person.recorded(place)
        gateway.appended.set()
        return await _send(draft, gateway, route, persons, sealed, recorded, packed, slot)
    finally:
        gateway.in_flight -= 1


async def intend(gateway: Gateway, sealed: Sealed) -> tuple[Recorded, ...]:
    """Make the intent durable. A caller that gives up meanwhile leaves an intent `not-sent`."""
    writing = asyncio.ensure_future(gateway.store.intend(sealed.intent))
    try:
        return await asyncio.shield(writing)
    except asyncio.CancelledError:
        writing.add_done_callback(lambda done: _given_up(gateway, sealed, done))
        raise
    except (Stale, Fenced, LedgerContradiction):
        raise
    except StoreFailed as error:
        raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error


def _given_up(
    gateway: Gateway, sealed: Sealed, done: "asyncio.Future[tuple[Recorded, ...]]"
) -> None:
    if not done.cancelled() and done.exception() is None:
        settle(gateway, sealed, done.result(), Outcome.NOT_SENT)


async def _send(
    draft: Draft,
    gateway: Gateway,
    route: PreparedRoute,
    persons: Sequence[Person],
    sealed: Sealed,
    recorded: tuple[Recorded, ...],
    packed: Packed,
    slot: IdempotencyRow | None,
) -> ShareAnswer:
    partner = draft.partner.partner
    epoch = sealed.intent.partner_epoch

    def last_look() -> None:
        # Right before the first byte: is everything still as it was decided?
        if any(person.stale for person in persons):
            raise Stale("the person's facts changed")
        if gateway.partners.state(partner.id).epoch != epoch:
            raise Stale("the partner's state changed")

    ended = _Ending(draft, gateway, persons, sealed, recorded, slot)
    try:
        way = gateway.egress.partner(partner)
    except ConfigError as error:
        # The manifest asks for what this program cannot do: nothing was tried.
        raise Declined(ended.failed(PartnerUnreachable(str(error)))) from error
    started = perf_counter()
    try:
        answer = await way.send(sealed.outgoing, last_look=last_look)
        limits = Limits(depth=gateway.limits.depth, bytes=sealed.outgoing.response_limit)
        received = _filtered(route, answer, limits)
    except Stale:
        ended.settle(Outcome.NOT_SENT)
        raise
    except PartnerFailed as error:
        raise Declined(ended.failed(error)) from error
    except BaseException:
        # Cancelled, or something nobody foresaw: it may have arrived.
        ended.settle(Outcome.UNKNOWN)
        raise
    finally:
        gateway.metrics.upstream(partner=partner.id, seconds=perf_counter() - started)
    return ended.delivered(route, answer, received, packed)


def _filtered(route: PreparedRoute, answer: Answer, limits: Limits) -> Received | None:
    """What may come back; nothing but the status where nothing is declared (C5)."""
    if route.receive is None:
        return None
    media = answer.headers.get("content-type", "")
    if answer.status >= 300 and not _declared_type(route, media):
        # An error page is no declared response. Its status passes, nothing of its body.
        return None
    return route.receive.apply(answer.body, media, limits)


def _declared_type(route: PreparedRoute, media: str) -> bool:
    kind = media.partition(";")[0].strip().lower()
    declared = route.route.receive
    if isinstance(declared, ReceivedFile):
        return kind == declared.content.lower()
    return kind == "application/json" or kind.endswith("+json")


class _Ending:
    """How a share that has an intent ends: its outcome, and the answer a repeat gets."""

    def __init__(
        self,
        draft: Draft,
        gateway: Gateway,
        persons: Sequence[Person],
        sealed: Sealed,
        recorded: tuple[Recorded, ...],
        slot: IdempotencyRow | None,
    ) -> None:
        self._draft = draft
        self._gateway = gateway
        self._persons = persons
        self._sealed = sealed
        self._recorded = recorded
        self._slot = slot

    def settle(self, outcome: Outcome) -> None:
        """An outcome without an answer."""
        self._draft.incoming.trail.outcome = outcome.value
        settle(self._gateway, self._sealed, self._recorded, outcome)

    def delivered(
        self, route: PreparedRoute, answer: Answer, received: Received | None, packed: Packed
    ) -> ShareAnswer:
        """The partner answered, and what is declared of it goes to the app."""
        share = self._draft.incoming.share
        answered = ShareAnswer(
            status=answer.status,
            headers=_reply_headers(route, answer, received),
            body=received.body if received else b"",
            share=share,
            dropped=packed.dropped,
        )
        self._draft.incoming.trail.outcome = Outcome.DELIVERED.value
        settle(
            self._gateway,
            self._sealed,
            self._recorded,
            Outcome.DELIVERED,
            status=answer.status,
            received=received,
            persons=self._persons,
            slot=self._slot,
            answer=idempotency.keep(self._gateway, self._slot, share, self._persons, answered),
        )
        return answered

    def failed(self, error: PartnerFailed) -> Problem:
        """The partner failed; what that says about the data is in the outcome."""
        outcome, reason, disclosed = reading(error)
        self._draft.incoming.trail.outcome = outcome.value
        share = self._draft.incoming.share
        declined = problem(reason, str(error), disclosed=disclosed, share=share)
        settle(
            self._gateway,
            self._sealed,
            self._recorded,
            outcome,
            slot=self._slot,
            answer=idempotency.keep(self._gateway, self._slot, share, self._persons, declined),
        )
        return declined


def reading(error: PartnerFailed) -> tuple[Outcome, Reason, Disclosed]:
    """What a partner's failure says: the outcome, the caller's code, whether data left."""
    match error:
        case PartnerUnreachable():
            return Outcome.NOT_SENT, Reason.PARTNER_UNREACHABLE, Disclosed.NO
        case PartnerTimeout():
            return Outcome.TIMEOUT, Reason.PARTNER_TIMEOUT, Disclosed.MAYBE
        case PartnerResponseRefused():
            return Outcome.DELIVERED, Reason.PARTNER_RESPONSE_REFUSED, Disclosed.YES
        case PartnerCut() | _:
            return Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN, Disclosed.MAYBE


def _reply_headers(
    route: PreparedRoute, answer: Answer, received: Received | None
) -> tuple[tuple[str, str], ...]:
    headers = [
        (name, value)
        for name in route.route.receive_headers
        # Bytes beyond ASCII are nobody's declared text (RFC 9110 §5.5).
        if (value := answer.headers.get(name)) is not None and value.isascii()
    ]
    later = answer.headers.get("retry-after")
    if later is not None and _RETRY_AFTER.fullmatch(later):
        headers.append(("retry-after", later))
    if received is not None and received.body:
        declared = route.route.receive
        media = declared.content if isinstance(declared, ReceivedFile) else "application/json"
        headers.append(("content-type", media))
    return tuple(headers)
