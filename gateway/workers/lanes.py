"""
Delivery lanes: notices go out to each recipient by itself, so that a silent one
never holds up another. Beside them the closer, which brings cases to their end.
"""

import asyncio
from collections import Counter

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows import chasing, finishing, looking, notices
from gateway.flows.gateway import Gateway
from gateway.model.cases import Notice
from gateway.ports import Claimed, Use
from gateway.workers.pace import first_of
from gateway.workers.recovery import Recovery

# Notices under way beyond the one that each recipient may have.
SHARED = 256
PER_PARTNER = 4
IDLE_SECONDS = 0.5
WRITE_AGAIN_SECONDS = 0.5
BEAT_SECONDS = 0.02
DEADLINE_SECONDS = 1.0

# While a case waits for shares in flight.
BUSY_SECONDS = 0.05

# Between two tries to cut the database's log, while somebody reads an old state of it.
LONGEST_SCRUB_PAUSE_SECONDS = 30.0


async def tell(gateway: Gateway) -> None:
    """Deliver notices that are due until the gateway stops; those under way end first."""
    recovery = Recovery(gateway)
    async with asyncio.TaskGroup() as under_way:
        lanes: Counter[str] = Counter()
        while not gateway.stopping.is_set():
            gateway.cases_changed.clear()
            shared = sum(lanes.values()) - len(+lanes)
            claimed = await _claim(gateway, SHARED - shared, recovery)
            for one in claimed:
                lanes[one.notice.partner] += 1
                under_way.create_task(_deliver(one, gateway, recovery, lanes))
            if not claimed:
                await first_of(gateway.cases_changed, gateway.stopping, seconds=IDLE_SECONDS)


async def _claim(gateway: Gateway, limit: int, recovery: Recovery) -> list[Claimed]:
    try:
        alone = gateway.egress.resting(Use.NOTICES)
        probing = recovery.probing(alone)
        silent = sorted(recovery.silent)
        now = gateway.clock()
        return await gateway.store.claim_notices(
            now, max(0, limit), PER_PARTNER, alone, probing, silent
        )
    except StoreFailed:
        return []


async def _deliver(
    claimed: Claimed, gateway: Gateway, recovery: Recovery, lanes: Counter[str]
) -> None:
    try:
        work = await notices.deliver(claimed, gateway)
        await _beat()
        await _concluded(claimed.notice, gateway, recovery, work)
    except LedgerContradiction:
        raise
    except Exception:
        # It stays claimed, and is free again at the next start; all others go on.
        gateway.log.exception("worker-failed", worker="lanes", notice=claimed.notice.id)
    finally:
        lanes[claimed.notice.partner] -= 1


async def _concluded(
    notice: Notice, gateway: Gateway, recovery: Recovery, work: notices.Work
) -> None:
    while not await _written(notice, gateway, work) and not gateway.stopping.is_set():
        await first_of(gateway.stopping, seconds=WRITE_AGAIN_SECONDS)
    try:
        await recovery.tried(notice, work)
    except StoreFailed:
        # Nothing is lost: what waits goes out when its own pause is over.
        gateway.log.warning("ledger-unavailable", notice=notice.id)


async def _beat() -> None:
    """
    Wait for the next beat, on which everything that was told is written at once: one
    commit, and one look for what is due next, instead of one for every notice.
    """
    now = asyncio.get_running_loop().time()
    await asyncio.sleep(BEAT_SECONDS - now % BEAT_SECONDS)


async def _written(notice: Notice, gateway: Gateway, work: notices.Work) -> bool:
    """
    Whether the end of a try is on the disk. As long as it is not, the notice
    stays claimed; given back it would be told once more for nothing.
    """
    try:
        await notices.concluded(gateway, notice.id, work)
    except StoreFailed:
        gateway.log.warning("ledger-unavailable", notice=notice.id)
        return False
    return True


async def close(gateway: Gateway) -> None:
    """
    Bring cases to their end until the gateway stops: let held notices go, destroy
    keys, notice deadlines, and leave nothing of what was destroyed in the log.
    """
    aside = _Aside(gateway)
    while not gateway.stopping.is_set():
        gateway.cases_opened.clear()
        pause = DEADLINE_SECONDS
        try:
            if await finishing.resume(gateway):
                pause = BUSY_SECONDS
            await aside.step()
        except StoreFailed:
            gateway.log.warning("ledger-unavailable")
        except LedgerContradiction:
            raise
        except Exception:
            # A case that nobody can bring further must not end what all others need.
            gateway.log.exception("worker-failed", worker="closer")
        await first_of(gateway.cases_opened, gateway.stopping, seconds=pause)


class _Aside:
    """What the closer does now and then, however often it is woken."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._look_at = self._scrub_at = 0.0
        self._scrub_pause = DEADLINE_SECONDS

    async def step(self) -> None:
        """Look at deadlines, and scrub, each where its time has come."""
        now = asyncio.get_running_loop().time()
        if now >= self._look_at:
            self._look_at = now + DEADLINE_SECONDS
            await looking.look_at_deadlines(self._gateway)
            await looking.look_again(self._gateway)
            await chasing.remind_of_cases(self._gateway)
        if now >= self._scrub_at:
            self._scrub_at = now + self._scrub_pause
            done = await self._gateway.store.scrub()
            longer = min(2 * self._scrub_pause, LONGEST_SCRUB_PAUSE_SECONDS)
            self._scrub_pause = DEADLINE_SECONDS if done else longer
