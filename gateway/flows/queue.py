"""
Shares that are sent later: `Prefer: respond-async` (contract §6).

What waits is sealed under the person's key. Each try is decided again under
today's policy and consent; behind a fence nothing of the queue leaves.
"""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from gateway.access.scopes import ALL, Reach, Service
from gateway.errors import CallerError, Fenced, LedgerContradiction, Reason, Stale, StoreFailed
from gateway.flows import idempotency
from gateway.flows.answers import Declined, Disclosed, ShareAnswer, problem
from gateway.flows.clockwork import parse_stamp, stamp
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Draft, Incoming, read_draft
from gateway.flows.subjects import Person
from gateway.model.shares import Outcome
from gateway.ports import IdempotencyRow, QueuedShare, Random
from gateway.seal.storage import protect, reveal

# Full jitter between nothing and this, doubled with each try.
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 600.0

CarryNow = Callable[[Incoming, Gateway], Awaitable[ShareAnswer]]


class Fate(Enum):
    """What becomes of a queued share after a try."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    AGAIN = "queued"


async def accept(
    draft: Draft, gateway: Gateway, persons: Sequence[Person], slot: IdempotencyRow | None
) -> ShareAnswer:
    """
    Keep a share to be sent later; when this returns it is durable.

    Raises `Stale` and `Fenced` as an intent does, `Declined` where the disk
    does not take it.
    """
    incoming = draft.incoming
    now = gateway.clock()
    answered = ShareAnswer(
        status=202,
        headers=(
            ("location", f"/v1/shares/{incoming.share}"),
            ("preference-applied", "respond-async"),
            ("content-type", "application/json"),
        ),
        body=json.dumps({"share": incoming.share, "state": "queued"}).encode(),
        share=incoming.share,
    )
    person = persons[0] if persons else None
    row = QueuedShare(
        share=incoming.share,
        partner=draft.partner.partner.id,
        subject=None,
        owner=owner(gateway, incoming.service),
        state="queued",
        due=now,
        expires=now + gateway.config["async.give_up_after"],
        sealed=_seal(gateway, incoming, person),
    )
    answer = idempotency.keep(gateway, slot, incoming.share, persons, answered)
    try:
        recorded = await gateway.store.enqueue(
            row, person.row if person else None, person.mark if person else None, slot, answer
        )
    except (Stale, Fenced, LedgerContradiction):
        raise
    except StoreFailed as error:
        raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
    if person is not None:
        person.recorded(recorded)
    gateway.queue_grew.set()
    return answered


def owner(gateway: Gateway, service: Service) -> bytes:
    """Whose queued share it is: a keyed hash of issuer and service."""
    text = f"{len(service.issuer)}:{service.issuer}{service.name}".encode()
    return hmac.digest(gateway.secret("queue-owner"), text, hashlib.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a try ended, and what is to be written of it."""

    fate: Fate
    status: int | None = None
    code: str | None = None
    due: datetime | None = None
    """When it is tried again; None: it is over."""
    tried: bool = True
    """False: it had to wait, and that counts as no try."""


async def deliver(row: QueuedShare, gateway: Gateway, carry_now: CarryNow) -> Ending:
    """
    One try of a queued share, and how it ended; `conclude` writes that down.

    Dying at any `await` leaves the row claimed; the next start frees it, and an
    intent without outcome reads "may have received". What left once is not sent
    again unless the partner tells repeats apart.
    """
    try:
        incoming = await _open(gateway, row)
    except LookupError:
        # Its person is gone, and so is the key: nobody can send it any more.
        return Ending(fate=Fate.REFUSED, code=Reason.SUBJECT_ERASED.value)
    try:
        gateway.services.check_revoked(incoming.service)
    except CallerError as error:
        return Ending(fate=Fate.REFUSED, code=error.code)
    earlier = await _left_before(row, gateway, incoming)
    if earlier is not None:
        return earlier
    try:
        answer = await carry_now(incoming, gateway)
    except Declined as error:
        return _declined(row, gateway, incoming, error)
    return Ending(fate=Fate.DELIVERED, status=answer.status)


async def conclude(row: QueuedShare, gateway: Gateway, ending: Ending) -> None:
    """Write down how a try ended. Raises `StoreFailed`; then the row stays claimed."""
    if ending.due is not None:
        await gateway.store.requeue(row.share, ending.due, row.attempts + ending.tried)
    else:
        await gateway.store.finish(row.share, ending.fate.value, ending.status, ending.code)


def later(row: QueuedShare, gateway: Gateway, code: Reason) -> Ending:
    """Another try, as long as the share's time is not over."""
    due = gateway.clock() + pause(row.attempts + 1, gateway.random)
    if due < row.expires:
        return Ending(fate=Fate.AGAIN, due=due)
    return Ending(fate=Fate.FAILED, code=code.value)


async def _left_before(row: QueuedShare, gateway: Gateway, incoming: Incoming) -> Ending | None:
    """
    How the share has ended already, where an earlier try got as far as the
    partner and nobody could write that down any more.
    """
    await gateway.store.flush()
    outcomes = await gateway.store.outcomes(row.share)
    if Outcome.DELIVERED.value in outcomes:
        return Ending(fate=Fate.DELIVERED)
    if None in outcomes:
        # That outcome still waits for the disk.
        return later(row, gateway, Reason.OUTCOME_UNKNOWN)
    left = any(outcome != Outcome.NOT_SENT.value for outcome in outcomes)
    if left and not _repeatable(gateway, incoming):
        return Ending(fate=Fate.FAILED, code=Reason.OUTCOME_UNKNOWN.value)
    return None


def _declined(row: QueuedShare, gateway: Gateway, incoming: Incoming, error: Declined) -> Ending:
    code = error.problem.reason
    if error.problem.retry_after is not None:
        due = gateway.clock() + timedelta(seconds=error.problem.retry_after)
        if due < row.expires:
            return Ending(fate=Fate.AGAIN, due=due, tried=False)
        return Ending(fate=Fate.FAILED, code=code.value)
    fate = _fate(gateway, incoming, error)
    return later(row, gateway, code) if fate is Fate.AGAIN else Ending(fate=fate, code=code.value)


def _fate(gateway: Gateway, incoming: Incoming, error: Declined) -> Fate:
    match error.problem.reason, error.problem.disclosed:
        case Reason.PARTNER_RESPONSE_REFUSED, _:
            return Fate.DELIVERED
        case ((Reason.PARTNER_UNREACHABLE | Reason.LEDGER_UNAVAILABLE | Reason.RATE_LIMITED), _):
            return Fate.AGAIN
        case _, Disclosed.MAYBE:
            # Bytes left: another try only where the partner tells repeats apart.
            return Fate.AGAIN if _repeatable(gateway, incoming) else Fate.FAILED
        case _:
            return Fate.REFUSED


def _repeatable(gateway: Gateway, incoming: Incoming) -> bool:
    try:
        draft = read_draft(incoming, gateway.policy, gateway.limits)
    except CallerError:
        return False
    return draft.route is not None and draft.route.route.idempotency is not None


def pause(attempts: int, random: Random) -> timedelta:
    """How long to wait before the next try: full jitter under a growing ceiling."""
    ceiling = min(FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 16), LONGEST_RETRY_SECONDS)
    return timedelta(seconds=ceiling * int.from_bytes(random(4), "big") / 0xFFFFFFFF)


def _seal(gateway: Gateway, incoming: Incoming, person: Person | None) -> bytes:
    service = incoming.service
    value = {
        "service": {
            "issuer": service.issuer,
            "name": service.name,
            "scopes": sorted(service.scopes),
            "partners": _reach(service.partners),
            "purposes": _reach(service.purposes),
            "grounds": None if service.grounds is None else sorted(service.grounds),
            "expires": stamp(service.expires),
            "token_id": service.token_id,
        },
        "method": incoming.method,
        "partner": incoming.partner,
        "path": incoming.path,
        "query": incoming.query,
        "headers": {
            name: list(values)
            for name, values in incoming.headers.items()
            if name not in ("authorization", "idempotency-key", "prefer")
        },
        "strict": incoming.prefers("handling=strict"),
        "body": None if incoming.body is None else b64encode(incoming.body).decode(),
    }
    text = json.dumps(value).encode("utf-8", "surrogatepass")
    key = person.key if person else gateway.secret("queue")
    return protect(key, text, b"queued|" + incoming.share.encode(), random=gateway.random)


async def _open(gateway: Gateway, row: QueuedShare) -> Incoming:
    key = gateway.secret("queue")
    if row.subject is not None:
        stored = await gateway.store.subject_row(row.subject)
        if stored is None:
            raise LookupError("the person's row is gone")
        key, _ = gateway.subjects.open_row(stored)
    value: dict[str, Any] = json.loads(reveal(key, row.sealed, b"queued|" + row.share.encode()))
    service = value["service"]
    headers = {name: tuple(values) for name, values in value["headers"].items()}
    if value["strict"]:
        headers["prefer"] = ("handling=strict",)
    return Incoming(
        service=Service(
            issuer=service["issuer"],
            name=service["name"],
            scopes=frozenset(service["scopes"]),
            partners=_from_reach(service["partners"]),
            purposes=_from_reach(service["purposes"]),
            grounds=None if service["grounds"] is None else frozenset(service["grounds"]),
            expires=parse_stamp(service["expires"]),
            # What an earlier release queued has none.
            token_id=service.get("token_id"),
        ),
        method=value["method"],
        partner=value["partner"],
        path=value["path"],
        query=value["query"],
        headers=headers,
        body=None if value["body"] is None else b64decode(value["body"]),
        share=row.share,
        queued=True,
    )


def _reach(reach: Reach) -> list[str]:
    return ["*"] if reach is ALL else sorted(reach)


def _from_reach(names: list[str]) -> Reach:
    return ALL if names == ["*"] else frozenset(names)
