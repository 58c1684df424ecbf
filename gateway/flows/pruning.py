"""
Pruning the ledger as the policy's record-keeping term says (contract §10).

A step at a time, each by itself durable: dying anywhere, the next run goes on
where this one was. A leaf of kind `policy` says how many were pruned; one that a
dying process owes is written by the next run.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from gateway.errors import CallerError, Reason
from gateway.flows.clockwork import new_id, stamp
from gateway.flows.gateway import Gateway
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.ledger.pruning import Terms, judging, terms
from gateway.model.policy import Rights
from gateway.policy.check_rules import RECORDS_MONTHS
from gateway.ports import PruneStep, PruneStore

# Leaves looked at in one go: a few milliseconds in which no share is recorded.
STEP = 32
# And rows whose room is given back in one go, which is quicker.
ROOM = 128
PAUSE_SECONDS = 0.02
# Leaves looked at for one request, so that it is answered soon.
MOST = 4096

Tell = Callable[[int], None]
"""Is told up to which leaf it went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run did."""

    before: datetime
    looked: int
    pruned: int
    upto: int
    done: bool
    """False: there may be more to do."""

    def shown(self) -> dict[str, Any]:
        """As the answer of a request has it."""
        return {
            "before": stamp(self.before),
            "pruned": self.pruned,
            "looked_at": self.looked,
            "upto": self.upto,
            "done": self.done,
        }


def terms_for(rights: Rights, now: datetime, before: date | None = None) -> Terms:
    """
    The terms as of now; `before`: only leaves from before that UTC day. Raises
    `CallerError` for a day on which the term is not over.
    """
    months = rights.records_months or RECORDS_MONTHS
    found = terms(now, records_months=months, tombstone_months=rights.tombstone_months)
    if before is None:
        return found
    day = datetime.combine(before, time(), UTC)
    if day > found.records:
        last = found.records.date()
        detail = f"before: records are kept for {months} months, write {last} or an earlier day"
        raise CallerError(Reason.REQUEST_INVALID, detail)
    return Terms(records=day, cases=min(day, found.cases))


async def prune(
    gateway: Gateway,
    *,
    before: date | None = None,
    most: int = MOST,
    step_of: int = STEP,
    pause: float = PAUSE_SECONDS,
    tell: Tell = lambda upto: None,
) -> Run:
    """
    Look at `most` leaves, `step_of` at a time, and prune what may go; shares go on
    between the steps.

    Raises `CallerError` as `terms_for` does, `StoreFailed`, and `LedgerContradiction`
    where a leaf is not the one that was signed.
    """
    now, store = gateway.clock(), gateway.store
    found = terms_for(gateway.policy.policy.rights, now, before)
    judge = judging(found, now=now)
    looked, pruned, step = 0, 0, PruneStep(looked=0, pruned=0, upto=0)
    while looked < most and not gateway.stopping.is_set():
        step = await store.prune_some(judge, now, step_of)
        looked, pruned = looked + step.looked, pruned + step.pruned
        if not step.looked:
            break
        tell(step.upto)
        await asyncio.sleep(pause)
    done = not step.looked
    # Until then the store remembers what is to be said.
    if done and (said := await say(gateway, found)):
        gateway.log.info("ledger-pruned", count=said, size=step.upto)
    if done:
        await _tighten(gateway, store, pause)
        await store.scrub()
    return Run(before=found.records, looked=looked, pruned=pruned, upto=step.upto, done=done)


async def say(gateway: Gateway, found: Terms) -> int:
    """Write the leaf that says how many were pruned, if any were since the last one; how many."""
    policy = gateway.policy.policy

    def leaf_of(pruned: int, upto: int) -> bytes:
        return canonical(
            entries.policy(
                id=new_id("leaf", gateway.random),
                at=gateway.clock(),
                edition=policy.edition.number,
                digest=policy.digest,
                event="pruned",
                count=pruned,
                upto=upto,
                before=found.records,
            )
        )

    said = await gateway.store.say_pruned(leaf_of)
    if said:
        gateway.appended.set()
    return said


async def _tighten(gateway: Gateway, store: PruneStore, pause: float) -> None:
    more = True
    while more and not gateway.stopping.is_set():
        more = await store.tighten_some(ROOM)
        await asyncio.sleep(pause)
