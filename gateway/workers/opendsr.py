"""Calls back who asked in OpenDSR, while the gateway runs."""

import asyncio

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows import opendsr_calls, opendsr_keys
from gateway.flows.gateway import Gateway
from gateway.workers.pace import first_of

LOOK_SECONDS = 2.0
FORGET_SECONDS = 600.0
# Between two rounds, however fast cases change.
PAUSE_SECONDS = 0.1


async def call_back(gateway: Gateway) -> None:
    """Tell each status soon after it changed, until the gateway stops."""
    if not opendsr_keys.spoken(gateway):
        return
    changed, forget_at = asyncio.Event(), 0.0
    gateway.watchers.add(changed)
    try:
        while not gateway.stopping.is_set():
            changed.clear()
            try:
                await opendsr_calls.tell(gateway)
                if (now := asyncio.get_running_loop().time()) >= forget_at:
                    await opendsr_calls.forget(gateway)
                    forget_at = now + FORGET_SECONDS
            except StoreFailed:
                gateway.log.warning("store-failed")
            except LedgerContradiction:
                raise
            except Exception:
                # One who cannot be called back must not end what all others wait for.
                gateway.log.exception("worker-failed", worker="opendsr")
            await first_of(gateway.stopping, seconds=PAUSE_SECONDS)
            await first_of(changed, gateway.stopping, seconds=LOOK_SECONDS)
    finally:
        gateway.watchers.discard(changed)
