"""How a bulk request is answered line by line, and what is counted and logged of it."""

from collections import Counter
from dataclasses import dataclass

from gateway.flows.bulk_frames import Frame, Line
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Head


@dataclass(slots=True)
class Tally:
    """What a bulk request came to."""

    lines: int = 0
    batches: int = 0
    records: int = 0
    """Lines that have an intent."""
    whole: bool = False
    """Every line was read, carried or refused, and answered."""


def answer(frame: Frame) -> bytes:
    """The answers to the lines of a frame, in their order."""
    return b"".join([_answer(line, frame) for line in frame.lines])


def count(frame: Frame, tally: Tally, gateway: Gateway, *, seconds: float) -> None:
    """Add what a frame came to: to the tally, the metrics and, if it left, the log."""
    partner = frame.incoming.partner
    sent = sum(line.recorded for line in frame.lines)
    for line in frame.lines:
        if line.declined is not None:
            gateway.metrics.refused(partner=partner, code=line.declined.reason.value)
    tally.records += sent
    gateway.metrics.bulk(partner=partner, lines=_by_end(frame))
    if sent and isinstance(frame.head, Head):
        tally.batches += 1
        _log(frame, frame.head, gateway, sent=sent, seconds=seconds)


def _log(frame: Frame, head: Head, gateway: Gateway, *, sent: int, seconds: float) -> None:
    route, outcome = head.standing.route, frame.incoming.trail.outcome or ""
    partner = head.partner.partner.id
    gateway.metrics.share(partner=partner, purpose=route.purpose, outcome=outcome, seconds=seconds)
    gateway.log.info(
        "share",
        share=frame.incoming.share,
        service=frame.incoming.service.name,
        partner=partner,
        route=route.id,
        purpose=route.purpose,
        outcome=outcome,
        records=sent,
        status=next(line.status for line in frame.lines if line.recorded),
        milliseconds=seconds * 1000,
    )


def _by_end(frame: Frame) -> Counter[str]:
    """How many lines ended how: the outcome of their batch, or `refused`."""
    outcome = frame.incoming.trail.outcome or "refused"
    return Counter(outcome if line.recorded else "refused" for line in frame.lines)


def _answer(line: Line, frame: Frame) -> bytes:
    """One line of the answer. All of it is plain words, so nothing needs escaping."""
    share = f'"share": "{frame.incoming.share}", ' if line.recorded else ""
    declined = line.declined
    status = line.status if line.recorded or declined is None else declined.status
    code = "" if declined is None else f', "code": "{declined.reason.value}"'
    return f'{{"line": {line.number}, {share}"status": {status}{code}}}\n'.encode()
