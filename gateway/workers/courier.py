"""
The courier: sends queued shares, so many at once, fairly between partners.

A share that is being sent is claimed; a crash frees its claim at the next start.
"""

import asyncio

from gateway.errors import GatewayError, StoreFailed
from gateway.flows import queue, share
from gateway.flows.gateway import Gateway
from gateway.ports import QueuedShare
from gateway.workers.pace import first_of

IDLE_SECONDS = 0.5
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
            if not claimed:
                await first_of(gateway.queue_grew, gateway.stopping, seconds=IDLE_SECONDS)
            elif len(tasks) >= limit:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def _claim(gateway: Gateway, limit: int) -> list[QueuedShare]:
    if limit <= 0:
        return []
    try:
        return await gateway.store.claim_due(gateway.clock(), limit, PER_PARTNER)
    except StoreFailed:
        return []


async def _deliver(row: QueuedShare, gateway: Gateway) -> None:
    try:
        fate = await queue.deliver(row, gateway, share.share)
    except GatewayError as error:
        # The row stays claimed or goes back below; the share's own outcome is in the ledger.
        gateway.log.warning("share-tried", share=row.share, partner=row.partner, code=error.code)
        await _give_back(row, gateway)
        return
    gateway.log.info("share-tried", share=row.share, partner=row.partner, state=fate.value)


async def _give_back(row: QueuedShare, gateway: Gateway) -> None:
    try:
        due = gateway.clock() + queue.pause(row.attempts + 1, gateway.random)
        await gateway.store.requeue(row.share, due, row.attempts + 1)
    except StoreFailed:
        gateway.log.warning("ledger-unavailable")
