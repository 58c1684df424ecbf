"""The sweeper: throws away what has run out, a little at a time."""

from gateway.errors import StoreFailed
from gateway.flows.gateway import Gateway
from gateway.workers.pace import first_of

PAUSE_SECONDS = 60.0
GAUGE_SECONDS = 5.0


async def sweep(gateway: Gateway) -> None:
    """Run until the gateway stops."""
    while not gateway.stopping.is_set():
        try:
            while await gateway.store.forget_old(gateway.clock()):
                pass
        except StoreFailed:
            gateway.log.warning("ledger-unavailable")
        await first_of(gateway.stopping, seconds=PAUSE_SECONDS)


async def gauge(gateway: Gateway) -> None:
    """Keep the gauges of `/metrics` up to date; run until the gateway stops."""
    while not gateway.stopping.is_set():
        try:
            gateway.metrics.open_intents(await gateway.store.open_intents())
            length, oldest = await gateway.store.queue_state(gateway.clock())
            gateway.metrics.queue("shares", length=length, oldest_seconds=oldest)
            await gauge_notices(gateway)
        except StoreFailed:
            gateway.log.warning("store-failed")
        await first_of(gateway.stopping, seconds=GAUGE_SECONDS)


async def gauge_notices(gateway: Gateway) -> None:
    """Set the gauges of notices and cases once."""
    now = gateway.clock()
    waits = await gateway.store.waiting_notices(now)
    ages = {
        partner: (one.count, max(0.0, (now - one.since).total_seconds()))
        for partner, one in waits.items()
    }
    gateway.metrics.notices_waiting(ages)
    oldest = max((age for _, age in ages.values()), default=0.0)
    length = sum(count for count, _ in ages.values())
    gateway.metrics.queue("notices", length=length, oldest_seconds=oldest)
    gateway.metrics.notice_tasks(await gateway.store.task_counts())
    gateway.metrics.cases_overdue(await gateway.store.overdue_cases(now))
