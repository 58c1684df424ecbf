"""
What a recipient answers in OpenDSR: to a request, and to the question how far it is
(STANDARDS §2.2, §2.3). Nothing counts that is not signed as it must be.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from gateway.notices.base import AT_ONCE, Answered, Heard, Interpreted, Signed, Telling
from gateway.notices.opendsr_memory import (
    SOON,
    domain_of,
    handed_over,
    kept,
    not_taken,
    pace,
    sent,
    step_of,
    verified,
)
from gateway.notices.opendsr_signed import Message, Unsigned
from gateway.notices.opendsr_words import (
    OpenDsrRefused,
    Report,
    Status,
    encoded,
    read_object,
    read_report,
)

MOST_LOST: Final = 3
"""How often a request that its recipient does not know any more is made again."""

_EVENTS: Mapping[Status, Heard] = {
    Status.PENDING: Heard.ACKNOWLEDGED,
    Status.IN_PROGRESS: Heard.IN_PROGRESS,
    Status.COMPLETED: Heard.COMPLETED,
    # It has no word for failed or refused (STANDARDS §0.2, §2.4).
    Status.CANCELLED: Heard.REFUSED,
}
_ORDER = tuple(Status)


def submitted(telling: Telling, answered: Answered) -> Interpreted:
    """What the answer to the request means."""
    if answered.status in (400, 409, 422):
        # Perhaps it has this very request already: then it is not malformed.
        memory = {**telling.memory, "next": "poll", "doubt": str(answered.status)}
        return Interpreted(event=None, memory=memory, follow_up=AT_ONCE)
    if answered.status == 410:
        return Interpreted(event=Heard.GONE, reason="gone", memory=kept(telling))
    if not 200 <= answered.status < 300:
        return not_taken(telling, answered)
    memory = sent(telling, answered.at)
    try:
        message = verified(telling, answered.headers, answered.body, answered.at)
        report = read_report(read_object(message.body), domain=domain_of(telling), created=True)
    except (Unsigned, OpenDsrRefused):
        return _unverified(telling, Heard.ATTEMPTED_OK, memory)
    wrong = report.encoded and report.encoded != encoded(answered.request.body or b"")
    if report.request != memory["id"] or wrong:
        return _unverified(telling, Heard.ATTEMPTED_OK, memory)
    memory |= {"said": Status.PENDING.value, "expected": report.expected}
    return Interpreted(
        event=Heard.ACKNOWLEDGED, memory=memory, follow_up=pace(telling, memory, answered.at)
    )


def polled(telling: Telling, answered: Answered) -> Interpreted:
    """What the answer to the question how far it is means."""
    doubt = telling.memory.get("doubt")
    if answered.status == 200:
        return _status(telling, answered)
    if doubt is not None and 400 <= answered.status < 500:
        return handed_over(telling, f"opendsr-{doubt}")
    if answered.status == 404 and "sent" in telling.memory:
        return _lost(telling)
    if answered.status == 410:
        return Interpreted(event=Heard.GONE, reason="gone", memory=kept(telling))
    return not_taken(telling, answered)


def _status(telling: Telling, answered: Answered) -> Interpreted:
    memory = sent(telling, answered.at)
    try:
        message = verified(telling, answered.headers, answered.body, answered.at)
        report = read_report(read_object(message.body), domain=domain_of(telling))
    except (Unsigned, OpenDsrRefused):
        # Over a request in doubt it is at least known that it is there.
        return _unverified(telling, Heard.ATTEMPTED_OK if _in_doubt(telling) else None, memory)
    if report.request != memory["id"]:
        return _unverified(telling, None, memory)
    return reported(telling, message, report, answered.at)


def _in_doubt(telling: Telling) -> bool:
    return "doubt" in telling.memory


def reported(telling: Telling, message: Message, report: Report, now: datetime) -> Interpreted:
    """A verified status. What was said before changes nothing, and nothing goes back."""
    memory, status = sent(telling, now), report.status
    memory["expected"] = report.expected or memory.get("expected", "")
    before = Status(memory["said"]) if "said" in memory else None
    if before is not None and (before.final or _ORDER.index(status) <= _ORDER.index(before)):
        waits = None if before.final else pace(telling, memory, now)
        event = Heard.ATTEMPTED_OK if waits is None else None
        return Interpreted(event=event, memory=memory, follow_up=waits)
    memory["said"] = status.value
    token = message.proof(domain=domain_of(telling), request=report.request, status=status)
    return Interpreted(
        event=_EVENTS[status],
        reason=_reason(report),
        signed=Signed(id=f"{report.request}:{status.value}", token=token),
        memory=memory,
        follow_up=None if status.final else pace(telling, memory, now),
    )


def _reason(report: Report) -> str | None:
    if report.status is not Status.CANCELLED:
        return None
    return "opendsr-failed" if report.failed else "cancelled"


def _unverified(telling: Telling, event: Heard | None, memory: dict[str, str]) -> Interpreted:
    """
    What came is not signed as it must be: its certificate may be another by now. Asked
    again at once with its documents read anew, and then only from time to time.
    """
    memory["anew"] = "1"
    if memory.get("retried") == step_of(telling):
        after = pace(telling, memory, telling.attempt_at)
        return Interpreted(event=event, reason=Unsigned.code, memory=memory, follow_up=after)
    memory["retried"] = step_of(telling)
    return Interpreted(event=event, memory=memory, follow_up=AT_ONCE)


def _lost(telling: Telling) -> Interpreted:
    """It does not know the request that it took: it is made again, some times."""
    times = int(telling.memory.get("lost", "0")) + 1
    if times > MOST_LOST:
        return handed_over(telling, "opendsr-unknown")
    memory = kept(telling, lost=str(times))
    memory.pop("sent", None)
    return Interpreted(event=None, reason="opendsr-unknown", memory=memory, follow_up=SOON)
