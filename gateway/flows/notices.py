"""
One try of one notice, and what comes of it (contract §9).

Dying at any `await` leaves the notice claimed; the next start frees it and it is
tried again under the same id, so a recipient may be told twice and is never
told as if it were new.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.cases import states
from gateway.cases.deadlines import LONGEST_PAUSE, retry_at
from gateway.cases.states import Event
from gateway.errors import GatewayError
from gateway.flows import chasing, trying
from gateway.flows.clockwork import new_id
from gateway.flows.finishing import closing_leaf, unfenced
from gateway.flows.gateway import Gateway
from gateway.flows.trying import LeftAlone, Tried
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.cases import Notice, NoticeState, Proof
from gateway.notices.base import Interpreted, Signed
from gateway.ports import Changed, Claimed

# How far retries may reach of a notice whose exemption is over.
EXEMPT_TRIES = timedelta(days=30)

How = Callable[[Notice], Notice]
"""What becomes of a notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A try that was made, to be written."""

    how: How
    tried: Tried | None = None


async def deliver(claimed: Claimed, gateway: Gateway) -> Work:
    """
    Send one claimed notice once; what becomes of it then, to be given to
    `change` until the disk takes it. Whatever went wrong, it is tried again.
    """
    notice, outcome = claimed.notice, Tried()
    try:
        outcome = await trying.tried(gateway, claimed)
    except LeftAlone as left:
        seconds = left.seconds
        return Work(how=lambda now: _waiting(gateway, now, seconds))
    except LookupError:
        # Its recipient settled meanwhile: there is nothing left that could be said.
        pass
    except GatewayError as error:
        gateway.log.info("notice-failed", notice=notice.id, partner=notice.partner, code=error.code)
    except Exception:
        # One notice that nobody can send must not end the process that sends all others.
        gateway.log.exception("worker-failed", worker="lanes", notice=notice.id)
    return Work(how=lambda now: _tried(gateway, now, outcome), tried=outcome)


def taken(work: Work) -> bool:
    """Whether the recipient took what it was sent."""
    said = work.tried.said if work.tried else ()
    return any(one.event not in (None, Event.GONE) for one in said)


def silent(work: Work) -> bool:
    """Whether nothing came back from the recipient."""
    return work.tried is not None and work.tried.last is trying.NOT_TAKEN


def _waiting(gateway: Gateway, notice: Notice, seconds: float) -> Notice:
    """The notice after a try that was none: due later, and no attempt is counted."""
    due = gateway.clock() + timedelta(seconds=seconds)
    return replace(notice, attempts=max(0, notice.attempts - 1), next_at=_still(notice, due))


def _still(notice: Notice, due: datetime) -> datetime | None:
    """When it is due again, where nothing that came meanwhile has ended its tries."""
    return due if notice.next_at is not None else None


def _tried(gateway: Gateway, notice: Notice, outcome: Tried) -> Notice:
    """The notice after a try. `next_at` says when it goes out again, if ever."""
    if notice.settled and notice.state is not NoticeState.EXEMPT:
        return states.touched(notice, attempts=notice.attempts, next_at=None)
    if outcome.person:
        return _by_person(notice)
    now = gateway.clock()
    asked = states.asked_on(notice)
    went = outcome.last.event is not None or outcome.last.follow_up is not None
    if asked and went and not notice.course.reminders:
        # Who was told already was only asked: that is no try.
        notice = replace(notice, attempts=max(0, notice.attempts - 1))
    heard = [one for one in outcome.said if one.event is not None]
    for one in heard:
        notice = said(notice, one, now)
    if heard and outcome.last.event != Event.GONE:
        notice = states.told_again(notice, attempts=notice.attempts, now=now)
    if outcome.last.hand_over:
        return _by_person(notice)
    if outcome.last.follow_up is not None:
        return states.followed_up(notice, outcome.last.follow_up, now=now)
    if outcome.last.event is not None:
        return notice
    notice = _put_off(notice, outcome.last, now)
    due = _again(gateway, notice, notice.attempts, outcome.last, now)
    if (asked or heard) and states.going_on(notice):
        return replace(notice, next_at=due or notice.resend_at)
    return states.touched(notice, attempts=notice.attempts, next_at=due)


def _by_person(notice: Notice) -> Notice:
    """Nobody can carry it by program any further: a person's task, unless it is settled."""
    over = notice.state is NoticeState.EXEMPT or notice.settled
    return replace(notice, reason=notice.reason if over else states.BY_PERSON, next_at=None)


def said(notice: Notice, one: Interpreted, now: datetime) -> Notice:
    """The notice after its recipient said something in its protocol's own way."""
    if one.event == Event.GONE:
        return states.apply(notice, Event.GONE, now=now, reason=states.GONE)
    reached = states.apply(notice, Event.ATTEMPTED_OK, now=now)
    return states.apply(
        reached,
        one.event or Event.ATTEMPTED_OK,
        now=now,
        reason=one.reason,
        backups_until=one.backups_until,
        proof=_proof(one),
    )


def called_back(notice: Notice, one: Interpreted, now: datetime) -> Notice:
    """The notice after its recipient called back; nothing before the first try counts."""
    if notice.settled or not states.accepts_receipt(notice):
        return notice
    after = said(notice, one, now) if one.event is not None else notice
    if one.follow_up is not None:
        return states.followed_up(after, one.follow_up, now=now)
    return after


def _put_off(notice: Notice, said: Interpreted, now: datetime) -> Notice:
    """The notice with the moment until which its recipient asked to be left alone with it."""
    seconds = min(said.retry_after or 0, LONGEST_PAUSE.total_seconds())
    until = now + timedelta(seconds=seconds) if seconds else None
    return replace(notice, course=replace(notice.course, not_before=until))


def _proof(one: Interpreted) -> Proof | None:
    if one.signed is not None:
        return Proof.RECEIPT
    answers = (Event.PARTIAL, Event.REFUSED, Event.COMPLETED)
    return Proof.RESPONSE if one.event in answers else None


def _again(
    gateway: Gateway, notice: Notice, attempts: int, interpreted: Interpreted, now: datetime
) -> datetime | None:
    jitter = int.from_bytes(gateway.random(4), "big") / 2**32
    # Whose exemption ended is told however late it is by the case's clock.
    exempt = notice.state is NoticeState.EXEMPT
    deadline = now + EXEMPT_TRIES if exempt else notice.deadline
    return retry_at(attempts, now, jitter, interpreted.retry_after, deadline)


async def concluded(gateway: Gateway, id: str, work: Work) -> Notice | None:
    """Write what became of a notice that was sent, with what the recipient signed."""
    outcome = work.tried
    signed = [one for one in outcome.said if one.signed] if outcome else []
    return await change(
        gateway,
        id,
        work.how,
        memory=outcome.memory if outcome else None,
        signed=signed[-1] if signed else None,
    )


async def change(
    gateway: Gateway,
    id: str,
    how: How,
    *,
    keep_claim: bool = False,
    memory: bytes | None = None,
    signed: Interpreted | None = None,
) -> Notice | None:
    """
    Change a notice by a plain function of its value, with the leaf that says so.

    `keep_claim`: somebody may be sending it at this moment, and goes on. `signed`:
    what the recipient signed in its protocol's own way; it is kept, and is a leaf.
    """

    found: list[Notice] = []

    def changed(before: Notice) -> Changed | None:
        found[:] = [before]
        after = how(before)
        leaves = leaves_of(gateway, before, after)
        if signed is None or signed.signed is None or before.settled:
            return Changed(notice=after, leaves=leaves, keep_claim=keep_claim, memory=memory)
        return Changed(
            notice=after,
            leaves=(_signed_leaf(gateway, before, signed, signed.signed), *leaves),
            receipt=(signed.signed.id, signed.signed.token),
            keep_claim=keep_claim,
            memory=memory,
        )

    after = await gateway.store.change_notice(
        id, changed, lambda case: closing_leaf(gateway, case), gateway.clock()
    )
    await noted(gateway, after, *found)
    return after


def _signed_leaf(gateway: Gateway, notice: Notice, said: Interpreted, signed: Signed) -> bytes:
    leaf = entries.receipt(
        id=new_id("leaf", gateway.random),
        at=gateway.clock(),
        notice=notice.id,
        partner=notice.partner,
        status=said.event or Event.ATTEMPTED_OK,
        digest=hashlib.sha256(signed.token.encode()).hexdigest(),
        reason=said.reason,
        backups_until=said.backups_until,
    )
    return canonical(leaf)


async def noted(gateway: Gateway, after: Notice | None, before: Notice | None = None) -> None:
    """Let everybody who waits for a changed notice look again; count what it came to."""
    if after is not None and before is not None:
        chasing.stepped(gateway, before, after)
    if after is not None and after.settled:
        await unfenced(gateway, after.case)
    gateway.case_changed()


def leaves_of(
    gateway: Gateway,
    before: Notice,
    after: Notice,
    *,
    by_person: str | None = None,
    evidence: str | None = None,
    reason: str | None = None,
) -> tuple[bytes, ...]:
    """A leaf where the state of a notice, or that it is settled, changed."""
    if (before.state, before.settled) == (after.state, after.settled):
        return ()
    id = new_id("leaf", gateway.random)
    return (
        canonical(
            entries.notice(
                id=id,
                at=gateway.clock(),
                notice=after.id,
                case=after.case,
                partner=after.partner,
                state=after.state.value,
                reason=reason or after.reason,
                attempts=after.attempts,
                deadline=after.deadline,
                backups_until=after.backups_until,
                by=after.proof.value if after.proof else None,
                settled=after.settled,
                actor=by_person,
                evidence=entries.commitment(gateway.secret("resolution"), evidence, id)
                if evidence
                else None,
            )
        ),
    )


def requeued(gateway: Gateway, notice: Notice) -> Notice:
    """The notice as it is told once more, now, because a person said so."""
    queued = states.apply(notice, Event.RETRIED, now=gateway.clock())
    return states.touched(queued, attempts=queued.attempts, next_at=gateway.clock())
