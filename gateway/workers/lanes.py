"""
Delivery lanes: notices go out to each recipient by itself, so that a silent one
never holds up another. Beside them the closer, which brings cases to their end.
"""

import asyncio

from gateway.errors import GatewayError, StoreFailed
from gateway.flows import cases, notices
from gateway.flows.gateway import Gateway
from gateway.model.cases import Notice
from gateway.workers.pace import first_of

IN_FLIGHT = 256
PER_PARTNER = 4
IDLE_SECONDS = 0.5
DEADLINE_SECONDS = 1.0

# While a case waits for shares in flight.
BUSY_SECONDS = 0.05


async def tell(gateway: Gateway) -> None:
    """Deliver notices that are due until the gateway stops; those under way end first."""
    async with asyncio.TaskGroup() as under_way:
        tasks: set[asyncio.Task[None]] = set()
        while not gateway.stopping.is_set():
            gateway.cases_changed.clear()
            claimed = await _claim(gateway, IN_FLIGHT - len(tasks))
            for notice in claimed:
                task = under_way.create_task(_deliver(notice, gateway))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            if not claimed:
                await first_of(gateway.cases_changed, gateway.stopping, seconds=IDLE_SECONDS)


async def _claim(gateway: Gateway, limit: int) -> list[Notice]:
    if limit <= 0:
        return []
    try:
        return await gateway.store.claim_notices(gateway.clock(), limit, PER_PARTNER)
    except StoreFailed:
        return []


async def _deliver(notice: Notice, gateway: Gateway) -> None:
    try:
        await notices.deliver(notice, gateway)
    except GatewayError as error:
        gateway.log.warning("notice-failed", notice=notice.id, code=error.code)


async def close(gateway: Gateway) -> None:
    """
    Bring cases to their end until the gateway stops: let held notices go, destroy
    keys, notice deadlines.
    """
    looked = 0.0
    loop = asyncio.get_running_loop()
    while not gateway.stopping.is_set():
        gateway.cases_opened.clear()
        unfinished = True
        try:
            unfinished = await cases.resume(gateway)
            if loop.time() - looked >= DEADLINE_SECONDS:
                looked = loop.time()
                await notices.look_at_deadlines(gateway)
        except StoreFailed:
            gateway.log.warning("ledger-unavailable")
        pause = BUSY_SECONDS if unfinished else DEADLINE_SECONDS
        await first_of(gateway.cases_opened, gateway.stopping, seconds=pause)
