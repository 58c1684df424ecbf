"""
Calls back who asked in OpenDSR, while the gateway runs.

Each address has a few places and no more, so that a tool that does not answer holds up
its own calls, and no other's.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows import opendsr_calls, opendsr_keys
from gateway.flows.gateway import Gateway
from gateway.ports import OpenDsrRow
from gateway.workers.pace import first_of

LOOK_SECONDS = 2.0
FORGET_SECONDS = 600.0
# Between two looks, however fast cases change.
PAUSE_SECONDS = 0.1

# Requests that are called back for at once, in all and at one address.
AT_ONCE = 32
PER_ADDRESS = 4


async def call_back(gateway: Gateway) -> None:
    """Tell each status soon after it changed, until the gateway stops; calls then end first."""
    if not opendsr_keys.spoken(gateway):
        return
    changed = asyncio.Event()
    gateway.watchers.add(changed)
    try:
        async with asyncio.TaskGroup() as group:
            calls = _Calls(gateway, group, changed)
            while not gateway.stopping.is_set():
                changed.clear()
                await calls.look()
                await first_of(gateway.stopping, seconds=PAUSE_SECONDS)
                await first_of(changed, gateway.stopping, seconds=LOOK_SECONDS)
    finally:
        gateway.watchers.discard(changed)


class _Calls:
    """Who is being called back, and where."""

    def __init__(self, gateway: Gateway, group: asyncio.TaskGroup, changed: asyncio.Event) -> None:
        self._gateway, self._group, self._changed = gateway, group, changed
        self._under_way: set[bytes] = set()
        self._places: Counter[str] = Counter()
        self._forget_at = 0.0

    async def look(self) -> None:
        """Begin what is due and has a place, and forget what is old."""
        async with _nothing_ends(self._gateway):
            # What ends while this is read is not due any more.
            begun = frozenset(self._under_way)
            for row, origins in await opendsr_calls.due(self._gateway):
                if row.mark not in begun:
                    self._begin(row, origins)
            await self._forget()

    def _begin(self, row: OpenDsrRow, origins: frozenset[str]) -> None:
        room = len(self._under_way) < AT_ONCE
        if room and all(self._places[one] < PER_ADDRESS for one in origins):
            self._under_way.add(row.mark)
            self._places.update(origins)
            self._group.create_task(self._call(row, origins))

    async def _call(self, row: OpenDsrRow, origins: frozenset[str]) -> None:
        try:
            async with _nothing_ends(self._gateway):
                await opendsr_calls.tell(self._gateway, row)
        finally:
            self._under_way.discard(row.mark)
            self._places.subtract(origins)
            self._places = +self._places
            # There is room for the next one.
            self._changed.set()

    async def _forget(self) -> None:
        if (now := asyncio.get_running_loop().time()) >= self._forget_at:
            await opendsr_calls.forget(self._gateway)
            self._forget_at = now + FORGET_SECONDS


@asynccontextmanager
async def _nothing_ends(gateway: Gateway) -> AsyncIterator[None]:
    """One who cannot be called back must not end what all others wait for."""
    try:
        yield
    except StoreFailed:
        gateway.log.warning("store-failed")
    except LedgerContradiction:
        raise
    except Exception:
        gateway.log.exception("worker-failed", worker="opendsr")
