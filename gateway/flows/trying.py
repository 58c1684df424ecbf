"""
One try of one notice, step by step as its protocol wants it (contract §9).

What an earlier step kept is not lost where a later one fails: the next try goes on
from there. Only where the process dies is a step done once more.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from gateway.errors import GatewayError, PartnerFailed
from gateway.flows import telling
from gateway.flows.gateway import Gateway
from gateway.flows.telling import Try
from gateway.model.recipients import Deletion, Partner
from gateway.notices.base import (
    AT_ONCE,
    Answered,
    Cached,
    CannotCarry,
    Dialect,
    Heard,
    Interpreted,
    Request,
    Settles,
)
from gateway.ports import Claimed, NotNow, Outgoing, Use

# Standard Webhooks asks for 15 to 30 seconds.
TIMEOUT_SECONDS = 20.0
CONNECT_SECONDS = 5.0
ANSWER_LIMIT = 64 * 1024

# Of one try. What is left is the next try's, which comes at once: a recipient with
# thousands of records never holds a lane for minutes.
STEPS_AT_ONCE: Final = 64

NOT_TAKEN: Final = Interpreted(event=None)


class LeftAlone(GatewayError):
    """The recipient is left alone for so many seconds; nothing was tried."""

    code = "partner-left-alone"

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a try brought."""

    said: tuple[Interpreted, ...] = (NOT_TAKEN,)
    """What its steps heard, in order; at least one."""
    memory: bytes | None = None
    """What the next try needs, sealed; None: as it was."""
    person: bool = False
    """No program can tell this recipient."""

    @property
    def last(self) -> Interpreted:
        """What the last step heard: when to go on."""
        return self.said[-1]


BY_PERSON: Final = Tried(person=True)


async def tried(gateway: Gateway, claimed: Claimed) -> Tried:
    """
    Tell a recipient once.

    Raises `LeftAlone` where it is not called now, `LookupError` where the escrow
    was destroyed meanwhile, `GatewayError` where the very first step failed.
    """
    notice = claimed.notice
    one = telling.begun(gateway, notice, claimed.told)
    if one is None:
        return BY_PERSON
    if one.dialect.hear is not None:
        token = telling.callback_token(gateway, notice.id)
        mark = telling.callback_mark(gateway, one.dialect.name, token)
        await gateway.store.expect_callback(mark, notice.id)
    try:
        sealed = telling.with_seals(gateway, one)
    except CannotCarry as error:
        _failed(gateway, one, error.code)
        return Tried(said=(Interpreted(event=None, hand_over=True, reason=error.code),))
    return await _steps(gateway, sealed)


async def _steps(gateway: Gateway, one: Try) -> Tried:
    said: list[Interpreted] = []
    while True:
        try:
            interpreted = await _step(gateway, one)
        except CannotCarry as error:
            interpreted = Interpreted(event=None, hand_over=True, reason=error.code)
        except GatewayError as error:
            if not said:
                raise
            interpreted = _cut_short(gateway, one, error)
        said.append(believed(one.dialect, one.terms, interpreted))
        _tell_why(gateway, one, interpreted)
        if interpreted.memory is not None:
            one = one.with_memory(interpreted.memory, gateway)
        if interpreted.follow_up != AT_ONCE or len(said) == STEPS_AT_ONCE:
            break
        if gateway.stopping.is_set():
            # The rest is told at the next start; each step may take as long as it likes.
            break
    memory = one.sealed(gateway) if one.dialect.remembers else None
    return Tried(said=tuple(said), memory=memory)


def _tell_why(gateway: Gateway, one: Try, interpreted: Interpreted) -> None:
    """What the recipient said in its protocol's own words of a notice that it did not take."""
    reason = interpreted.reason
    if interpreted.event is None and reason is not None and not reason.startswith("http-"):
        notice, partner = one.telling.notice, one.partner.id
        if interpreted.hand_over:
            gateway.log.warning("notice-failed", notice=notice, partner=partner, code=reason)
        else:
            gateway.log.info("notice-failed", notice=notice, partner=partner, code=reason)


def _cut_short(gateway: Gateway, one: Try, error: GatewayError) -> Interpreted:
    """A later step failed: what was heard before stays heard."""
    if isinstance(error, LeftAlone):
        return Interpreted(event=None, follow_up=timedelta(seconds=error.seconds))
    _failed(gateway, one, error.code)
    return NOT_TAKEN


def _failed(gateway: Gateway, one: Try, code: str) -> None:
    gateway.log.info("notice-failed", notice=one.telling.notice, partner=one.partner.id, code=code)


def believed(dialect: Dialect, terms: Deletion, said: Interpreted) -> Interpreted:
    """What counts of what was said: nobody is done on less than the contract asks for (§9)."""
    if said.signed is not None and dialect.settles is not Settles.SIGNATURE:
        said = replace(said, signed=None)
    completes = said.signed is not None or (
        dialect.settles is Settles.RESPONSE and terms.response_completes
    )
    if said.event != Heard.COMPLETED or completes:
        return said
    return replace(said, event=Heard.IN_PROGRESS, reason=None, backups_until=None)


async def _step(gateway: Gateway, one: Try) -> Interpreted:
    request = one.dialect.prepare(one.telling)
    answered = await _asked(gateway, one.partner, request)
    interpreted = one.dialect.interpret(one.telling, answered)
    if request.cached is not None and answered.status == 200 and interpreted.follow_up == AT_ONCE:
        gateway.documents[one.partner.id, request.cached.key] = answered
    return interpreted


async def _asked(gateway: Gateway, partner: Partner, request: Request) -> Answered:
    """A recipient's answer, or what is kept of an earlier one."""
    cached = request.cached
    if cached is None:
        return await _sent(gateway, partner, request)
    if not cached.anew:
        kept = _kept(gateway, partner, request, cached, cached.fresh_for)
        if kept is not None:
            return kept
    try:
        return await _sent(gateway, partner, request)
    except PartnerFailed:
        kept = _kept(gateway, partner, request, cached, cached.fresh_for + cached.stale_for)
        if kept is None:
            raise
        return kept


def _kept(
    gateway: Gateway, partner: Partner, request: Request, cached: Cached, within: timedelta
) -> Answered | None:
    kept = gateway.documents.get((partner.id, cached.key))
    # Of another address nothing serves: the manifest may have changed.
    if kept is None or kept.request.url != request.url:
        return None
    # What came later than now came under a clock that was set back since.
    age = gateway.clock() - kept.at
    return replace(kept, request=request) if timedelta() <= age < within else None


async def _sent(gateway: Gateway, partner: Partner, request: Request) -> Answered:
    outgoing = Outgoing(
        method=request.method,
        url=request.url,
        headers=request.headers,
        body=request.body,
        timeout_seconds=TIMEOUT_SECONDS,
        connect_timeout_seconds=CONNECT_SECONDS,
        response_limit=ANSWER_LIMIT,
    )
    way = gateway.egress.partner(partner, Use.NOTICES)
    permit = gateway.egress.admit(partner, Use.NOTICES)
    if isinstance(permit, NotNow):
        raise LeftAlone(permit.seconds)
    with permit:
        told = permit.begin()
        if told is not None:
            raise LeftAlone(told.seconds)
        answer = await way.send(outgoing, last_look=_nothing_more)
    return Answered(
        request=request,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        at=gateway.clock(),
    )


def _nothing_more() -> None:
    """A notice is due whatever changed meanwhile."""
