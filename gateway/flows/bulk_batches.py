"""
One batch of a bulk request: recorded, sent, and what became of it (contract §6).

A batch is one request to the partner with a share's id, a grant and a seal of
its own, and one durable wait; in the ledger it is one intent for each record.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter

from gateway.errors import (
    CallerError,
    ConfigError,
    Fenced,
    PartnerFailed,
    PartnerUnreachable,
    Reason,
    Stale,
)
from gateway.flows.admission import admitted, check_alone
from gateway.flows.answers import Declined, Disclosed, Problem, problem, problem_of
from gateway.flows.bulk_frames import Frame, Line
from gateway.flows.bulk_lines import judge_again
from gateway.flows.bulk_sealing import seal_batch, settle_batch
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Head
from gateway.flows.outbound import Sealed
from gateway.flows.prepare import PreparedRoute
from gateway.flows.record import settle
from gateway.flows.share import MAX_DECISIONS, intend, reading
from gateway.model.recipients import Partner, ReceivedField, SubjectFrom
from gateway.model.shares import Outcome
from gateway.ports import Answer, Permit, Recorded
from gateway.shape import Limits
from gateway.shape.in_bulk import References, references_in_bulk

# Consents and agreements end with the clock. A batch that waited longer than this
# behind another one is decided again before it leaves.
FRESH_SECONDS = 5.0

# How long a batch waits for room at its partner before its lines are refused.
ROOM_SECONDS = 60.0


async def carry(frame: Frame, gateway: Gateway) -> None:
    """
    Send what is to leave of a frame. Afterwards each of its lines has an outcome or is
    declined. Who changed meanwhile is taken out and decided again; the rest goes on.
    """
    for _ in range(MAX_DECISIONS):
        records = frame.leaving()
        if not records:
            return
        try:
            await _attempt(frame, gateway)
            return
        except (Stale, Fenced):
            await _look_again(frame, records, gateway)
        except CallerError as error:
            _decline(records, problem_of(error))
        except Declined as error:
            _decline(records, error.problem)
    detail = "the facts of this share keep changing"
    _decline(frame.leaving(), problem(Reason.LEDGER_UNAVAILABLE, detail))


def _decline(lines: Sequence[Line], declined: Problem) -> None:
    for line in lines:
        line.decline(declined)


async def _look_again(frame: Frame, records: Sequence[Line], gateway: Gateway) -> None:
    """Decide again whoever changed; where nobody can be named, everybody is looked at anew."""
    outdated = _outdated(frame, gateway)
    people = [line.person for line in records if line.person is not None]
    named = any(person.stale for person in people)
    if not named and not outdated:
        for person in people:
            gateway.subjects.forget(person)
    await judge_again(frame, gateway, everything=outdated or not named)


def _outdated(frame: Frame, gateway: Gateway) -> bool:
    """Whether more than single people changed since the frame was decided."""
    head = frame.head
    return (
        not isinstance(head, Head)
        or head.policy is not gateway.policy
        or gateway.partners.state(head.partner.partner.id).epoch != frame.epoch
        or perf_counter() - frame.decided > FRESH_SECONDS
    )


async def _attempt(frame: Frame, gateway: Gateway) -> None:
    """
    Record the batch and send it. Raises `Stale` or `Fenced` where something changed
    before the first byte left, `CallerError` or `Declined` where nothing was tried.
    """
    head = frame.head
    if not isinstance(head, Head):
        raise Stale("the route is gone")
    with await _room(gateway, head.partner.partner) as permit:
        if _outdated(frame, gateway):
            raise Stale("the batch waited too long")
        check_alone(permit)
        gateway.in_flight += 1
        try:
            records = frame.leaving()
            sealed = seal_batch(gateway, frame, head, records)
            recorded = await intend(gateway, sealed)
            for line, place in zip(records, recorded, strict=True):
                if line.person is not None:
                    line.person.recorded(place)
            gateway.appended.set()
            await _send(frame, head, gateway, records, sealed, recorded)
        finally:
            gateway.in_flight -= 1


async def _room(gateway: Gateway, partner: Partner) -> Permit:
    """
    Leave to send one batch. The caller of a bulk request waits at his socket, so it
    waits for room here rather than being refused at once.
    """
    until = perf_counter() + ROOM_SECONDS
    while True:
        try:
            return admitted(gateway, partner)
        except CallerError as error:
            seconds = error.retry_after
            if seconds is None or perf_counter() + seconds > until:
                raise
        await asyncio.sleep(seconds)


async def _send(
    frame: Frame,
    head: Head,
    gateway: Gateway,
    records: Sequence[Line],
    sealed: Sealed,
    recorded: tuple[Recorded, ...],
) -> None:
    partner, epoch = head.partner.partner, frame.epoch
    # Emptied at the end: timers of the connection keep what is looked at here in
    # memory for seconds, and it would be all these people and what leaves of them.
    watched = [line.person for line in records if line.person is not None]

    def last_look() -> None:
        # Right before the first byte: is everybody in it still as it was decided?
        if any(person.stale for person in watched):
            raise Stale("a person's facts changed")
        if gateway.partners.state(partner.id).epoch != epoch:
            raise Stale("the partner's state changed")

    started = perf_counter()
    try:
        answer = await _way(gateway, partner, sealed, last_look)
        references = _references(head.standing, answer, len(records), gateway, sealed)
    except Stale:
        settle(gateway, sealed, recorded, Outcome.NOT_SENT)
        raise
    except PartnerFailed as error:
        _failed(frame, gateway, records, sealed, recorded, error)
        return
    except BaseException:
        # Cancelled, or something nobody foresaw: it may have arrived.
        frame.incoming.trail.outcome = Outcome.UNKNOWN.value
        settle(gateway, sealed, recorded, Outcome.UNKNOWN)
        raise
    finally:
        watched.clear()
        gateway.metrics.upstream(partner=partner.id, seconds=perf_counter() - started)
    _delivered(frame, head.standing, gateway, records, answer.status, references)
    settle_batch(gateway, sealed, recorded, records, status=answer.status, references=references)


async def _way(
    gateway: Gateway, partner: Partner, sealed: Sealed, last_look: Callable[[], None]
) -> Answer:
    try:
        way = gateway.egress.partner(partner)
    except ConfigError as error:
        # The manifest asks for what this program cannot do: nothing was tried.
        raise PartnerUnreachable(str(error)) from error
    return await way.send(sealed.outgoing, last_look=last_look)


def _references(
    route: PreparedRoute, answer: Answer, records: int, gateway: Gateway, sealed: Sealed
) -> tuple[References, ...]:
    """What the partner calls each record; nothing where that is not declared or not told."""
    nothing: tuple[References, ...] = ((),) * records
    fields = _declared(route)
    if not fields or answer.status >= 300:
        return nothing
    limits = Limits(depth=gateway.limits.depth, bytes=sealed.outgoing.response_limit)
    media = answer.headers.get("content-type", "")
    found = references_in_bulk(fields, answer.body, media, records=records, limits=limits)
    return nothing if found is None else found


def _declared(route: PreparedRoute) -> tuple[ReceivedField, ...]:
    received = route.route.receive
    # C6: of what identifies nobody no id of a record is kept.
    if not isinstance(received, tuple) or (route.purpose and route.purpose.deidentified):
        return ()
    return tuple(field for field in received if field.reference)


def _needs_reference(route: PreparedRoute) -> bool:
    """R3: whether the partner's own id is all by which it could be told to delete a record."""
    place = route.route.subject
    return place.source is not SubjectFrom.NONE and not any(
        field.selector == place.name
        and field.transform is not None
        and field.transform.name == "pseudonym"
        for field in route.route.send
    )


def _delivered(
    frame: Frame,
    route: PreparedRoute,
    gateway: Gateway,
    records: Sequence[Line],
    status: int,
    references: Sequence[References],
) -> None:
    frame.incoming.trail.outcome = Outcome.DELIVERED.value
    strict = status < 300 and bool(_declared(route)) and _needs_reference(route)
    untold = problem(
        Reason.PARTNER_RESPONSE_REFUSED,
        "the partner does not say what it calls this record",
        disclosed=Disclosed.YES,
        share=frame.incoming.share,
    )
    for line, own in zip(records, references, strict=True):
        line.status, line.recorded = status, True
        if strict and not own:
            line.declined, line.status = untold, untold.status


def _failed(
    frame: Frame,
    gateway: Gateway,
    records: Sequence[Line],
    sealed: Sealed,
    recorded: tuple[Recorded, ...],
    error: PartnerFailed,
) -> None:
    """The partner failed; what that says about the data is in the outcome."""
    outcome, reason, disclosed = reading(error)
    frame.incoming.trail.outcome = outcome.value
    told = problem(reason, str(error), disclosed=disclosed, share=frame.incoming.share)
    for line in records:
        line.declined, line.status, line.recorded = told, told.status, True
    settle(gateway, sealed, recorded, outcome)
