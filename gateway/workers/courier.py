"""
The courier: sends queued shares, so many at once, fairly between partners.

A share that is being sent is claimed; a crash frees its claim at the next start,
and the ledger then tells whether it left.
"""

import asyncio

from gateway.errors import GatewayError, Reason, StoreFailed
from gateway.flows import queue, share
from gateway.flows.gateway import Gateway
from gateway.ports import QueuedShare, Use
from gateway.workers.pace import first_of

IDLE_SECONDS = 0.5
WRITE_AGAIN_SECONDS = 0.5
PER_PARTNER = 8


async def carry_queued(gateway: Gateway) -> None:
    """Run until the gateway stops; shares that are under way end first."""
    limit = gateway.config["async.in_flight"]
    async with asyncio.TaskGroup() as under_way:
        tasks: set[asyncio.Task[None]] = set()
        while not gateway.stopping.is_set():
            gateway.queue_grew.clear()
            claimed = await _claim(gateway, limit - len(tasks))
            for row in claimed:
                task = under_way.create_task(_deliver(row, gateway))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                # There is room for the next one of this partner.
                task.add_done_callback(lambda _: gateway.queue_grew.set())
            if not claimed:
                await first_of(gateway.queue_grew, gateway.stopping, seconds=IDLE_SECONDS)
            elif len(tasks) >= limit:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def _claim(gateway: Gateway, limit: int) -> list[QueuedShare]:
    if limit <= 0:
        return []
    try:
        alone = gateway.egress.resting(Use.SHARES)
        return await gateway.store.claim_due(gateway.clock(), limit, PER_PARTNER, alone)
    except StoreFailed:
        return []


async def _deliver(row: QueuedShare, gateway: Gateway) -> None:
    ending = await _tried(row, gateway)
    if ending.tried:
        state = ending.fate.value
        gateway.log.info("share-tried", share=row.share, partner=row.partner, state=state)
    while not await _written(row, gateway, ending) and not gateway.stopping.is_set():
        await first_of(gateway.stopping, seconds=WRITE_AGAIN_SECONDS)


async def _tried(row: QueuedShare, gateway: Gateway) -> queue.Ending:
    try:
        return await queue.deliver(row, gateway, share.share)
    except GatewayError as error:
        gateway.log.warning("share-tried", share=row.share, partner=row.partner, code=error.code)
        return queue.later(row, gateway, Reason.LEDGER_UNAVAILABLE)
    except Exception:
        # One share that nobody can send must not end the process that sends all others.
        gateway.log.exception("worker-failed", worker="courier", share=row.share)
        return queue.Ending(fate=queue.Fate.FAILED, code=Reason.OUTCOME_UNKNOWN.value)


async def _written(row: QueuedShare, gateway: Gateway, ending: queue.Ending) -> bool:
    """
    Whether the end of a try is on the disk. As long as it is not, the share
    stays claimed: given back it would be sent a second time.
    """
    try:
        await queue.conclude(row, gateway, ending)
    except StoreFailed:
        gateway.log.warning("ledger-unavailable", share=row.share)
        return False
    return True
