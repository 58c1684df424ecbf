"""
One try of one notice, and what comes of it (contract §9).

Dying at any `await` leaves the notice claimed; the next start frees it and it is
tried again under the same id, so a recipient may be told twice and is never
told as if it were new.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.cases import states
from gateway.cases.deadlines import retry_at
from gateway.cases.states import Event
from gateway.errors import GatewayError
from gateway.flows import escrow
from gateway.flows.clockwork import new_id
from gateway.flows.finishing import closing_leaf, unfenced
from gateway.flows.gateway import Gateway
from gateway.flows.snapshots import recipient
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.cases import Notice, NoticeState
from gateway.model.recipients import Partner
from gateway.notices import webhook
from gateway.notices.base import Interpreted, carried
from gateway.notices.webhook import NoticeTooLarge
from gateway.ports import Changed, NotNow, Outgoing, Use
from gateway.seal.jwk import load_private_jwk
from gateway.seal.webhooks import webhook_shared_signature, webhook_signature

# Standard Webhooks asks for 15 to 30 seconds.
TIMEOUT_SECONDS = 20.0
CONNECT_SECONDS = 5.0
ANSWER_LIMIT = 64 * 1024

# How far retries may reach of a notice whose exemption is over.
EXEMPT_TRIES = timedelta(days=30)

How = Callable[[Notice], Notice]
"""What becomes of a notice."""

NOT_TAKEN = Interpreted(event=None)


async def deliver(notice: Notice, gateway: Gateway) -> How:
    """
    Send one claimed notice once; what becomes of it then, to be given to
    `change` until the disk takes it. Whatever went wrong, it is tried again.
    """
    interpreted: Interpreted | None = NOT_TAKEN
    try:
        interpreted = await _attempt(notice, gateway)
    except _Waits as waits:
        seconds = waits.seconds
        return lambda now: _waiting(gateway, now, seconds)
    except LookupError:
        # Its recipient settled meanwhile: there is nothing left that could be said.
        pass
    except NoticeTooLarge:
        interpreted = None
    except GatewayError as error:
        gateway.log.info("notice-failed", notice=notice.id, partner=notice.partner, code=error.code)
    except Exception:
        # One notice that nobody can send must not end the process that sends all others.
        gateway.log.exception("worker-failed", worker="lanes", notice=notice.id)
    return lambda now: _tried(gateway, now, interpreted)


async def _attempt(notice: Notice, gateway: Gateway) -> Interpreted | None:
    partner = recipient(gateway, notice.partner)
    deletion = partner.deletion if partner else None
    case = await gateway.store.case_row(notice.case)
    if partner is None or deletion is None or case is None:
        return None
    if carried(deletion, case.case.action) == "manual":
        return None
    told = await escrow.opened(gateway, notice.id)
    now = gateway.clock()
    row = gateway.keys.signing("notice")
    signer = load_private_jwk(row.private_jwk)
    secret = deletion.secret
    request = webhook.prepare(
        notice_id=notice.id,
        action=case.case.action,
        told=told,
        issuer=gateway.issuer,
        partner=notice.partner,
        deadline=notice.deadline,
        receipts_url=f"{gateway.config.public_url}/receipts",
        created=case.case.accepted_at,
        attempt_at=now,
        sign=lambda id, at, body: webhook_signature(signer, id, at, body),
        shared=None
        if secret is None
        else lambda id, at, body: webhook_shared_signature(
            gateway.egress.secret(secret), id, at, body
        ),
        url=deletion.url or "",
    )
    return await _sent(gateway, partner, request.url, request.headers, request.body)


async def _sent(
    gateway: Gateway,
    partner: Partner,
    url: str,
    headers: tuple[tuple[str, str], ...],
    body: bytes,
) -> Interpreted:
    outgoing = Outgoing(
        method="POST",
        url=url,
        headers=headers,
        body=body,
        timeout_seconds=TIMEOUT_SECONDS,
        connect_timeout_seconds=CONNECT_SECONDS,
        response_limit=ANSWER_LIMIT,
    )
    way = gateway.egress.partner(partner, Use.NOTICES)
    permit = gateway.egress.admit(partner, Use.NOTICES)
    if isinstance(permit, NotNow):
        raise _Waits(permit.seconds)
    with permit:
        told = permit.begin()
        if told is not None:
            raise _Waits(told.seconds)
        answer = await way.send(outgoing, last_look=_nothing_more)
    return webhook.interpret(answer.status, answer.headers, answer.body, now=gateway.clock())


def _nothing_more() -> None:
    """A notice is due whatever changed meanwhile."""


class _Waits(GatewayError):
    """The recipient is left alone for so many seconds; nothing was tried."""

    code = "partner-left-alone"

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


def _waiting(gateway: Gateway, notice: Notice, seconds: float) -> Notice:
    """The notice after a try that was none: due later, and no attempt is counted."""
    due = gateway.clock() + timedelta(seconds=seconds)
    return states.touched(notice, attempts=max(0, notice.attempts - 1), next_at=due)


def _tried(gateway: Gateway, notice: Notice, interpreted: Interpreted | None) -> Notice:
    """The notice after a try. `next_at` says when it goes out again, if ever."""
    now = gateway.clock()
    if notice.settled and notice.state is not NoticeState.EXEMPT:
        return states.touched(notice, attempts=notice.attempts, next_at=None)
    attempts = notice.attempts
    if interpreted is None:
        # Nobody can carry it by program: a person's task.
        exempt = notice.state is NoticeState.EXEMPT
        return replace(notice, reason=notice.reason if exempt else "manual", next_at=None)
    if interpreted.event is None:
        due = _again(gateway, notice, attempts, interpreted, now)
        return states.touched(notice, attempts=attempts, next_at=due)
    if interpreted.event == Event.GONE:
        changed = states.apply(notice, Event.GONE, now=now, reason="gone")
        return states.touched(changed, attempts=attempts, next_at=None)
    reached = states.apply(notice, Event.ATTEMPTED_OK, now=now)
    changed = states.apply(reached, interpreted.event, now=now, reason=interpreted.reason)
    return states.told_again(changed, attempts=attempts, now=now)


def _again(
    gateway: Gateway, notice: Notice, attempts: int, interpreted: Interpreted, now: datetime
) -> datetime | None:
    jitter = int.from_bytes(gateway.random(4), "big") / 2**32
    # Whose exemption ended is told however late it is by the case's clock.
    exempt = notice.state is NoticeState.EXEMPT
    deadline = now + EXEMPT_TRIES if exempt else notice.deadline
    return retry_at(attempts, now, jitter, interpreted.retry_after, deadline)


async def change(gateway: Gateway, id: str, how: How, *, keep_claim: bool = False) -> Notice | None:
    """
    Change a notice by a plain function of its value, with the leaf that says so.

    `keep_claim`: somebody may be sending it at this moment, and goes on.
    """

    def changed(before: Notice) -> Changed | None:
        after = how(before)
        leaves = leaves_of(gateway, before, after)
        return Changed(notice=after, leaves=leaves, keep_claim=keep_claim)

    after = await gateway.store.change_notice(
        id, changed, lambda case: closing_leaf(gateway, case), gateway.clock()
    )
    await noted(gateway, after)
    return after


async def noted(gateway: Gateway, after: Notice | None) -> None:
    """Let everybody who waits for a changed notice look again."""
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


async def look_at_deadlines(gateway: Gateway) -> None:
    """What was not reached by its deadline has failed; what was and is not done is overdue."""
    now = gateway.clock()
    for id in await gateway.store.notices_to_look_at(now):
        await change(gateway, id, lambda notice: _looked_at(notice, now), keep_claim=True)


def _looked_at(notice: Notice, now: datetime) -> Notice:
    if notice.deadline > now:
        return states.resettled(notice, now=now)
    return states.apply(notice, Event.DEADLINE, now=now)


def requeued(gateway: Gateway, notice: Notice) -> Notice:
    """The notice as it is told once more, now, because a person said so."""
    queued = states.apply(notice, Event.RETRIED, now=gateway.clock())
    return states.touched(queued, attempts=queued.attempts, next_at=gateway.clock())
