"""
Asks the witnesses to cosign checkpoints, away from every share.

All of them are asked about the same checkpoint at once, so that one checkpoint
comes to have as many lines as there are witnesses. One that is slow or fails holds up
no other: the next round goes on without it.
"""

import asyncio

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows import witnessing
from gateway.flows.gateway import Gateway
from gateway.flows.witnesses import Witness
from gateway.workers.pace import first_of

# Between two rounds, however fast the ledger grows.
PAUSE_SECONDS = 1.0
# So long a round waits for its slowest witness.
ROUND_SECONDS = 2.0
LOOK_SECONDS = 5.0


async def ask_witnesses(gateway: Gateway) -> None:
    """Run until the gateway stops, if there are witnesses. Raises `LedgerContradiction`."""
    if not gateway.witnesses.all or not await _begun(gateway):
        return
    async with asyncio.TaskGroup() as under_way:
        tasks: set[asyncio.Task[None]] = set()
        while not gateway.stopping.is_set():
            gateway.checkpointed.clear()
            asked = [under_way.create_task(_one(gateway, one)) for one in await _due(gateway)]
            tasks = {task for task in (*tasks, *asked) if not task.done()}
            if asked:
                await asyncio.wait(asked, timeout=ROUND_SECONDS)
            await first_of(gateway.stopping, seconds=PAUSE_SECONDS)
            await first_of(gateway.checkpointed, gateway.stopping, seconds=LOOK_SECONDS)
        for task in tasks:
            task.cancel()


async def _begun(gateway: Gateway) -> bool:
    """Take up what was kept before; true once the store gave it."""
    keys = [str(one.verifier) for one in gateway.witnesses.all]
    while not gateway.stopping.is_set():
        try:
            gateway.witnesses.came_to(await gateway.store.keep_witnesses(keys))
        except StoreFailed:
            gateway.log.warning("store-failed")
            await first_of(gateway.stopping, seconds=LOOK_SECONDS)
        else:
            return True
    return False


async def _due(gateway: Gateway) -> list[Witness]:
    now = asyncio.get_running_loop().time()
    try:
        size = (await gateway.store.head()).size
    except StoreFailed:
        return []
    return [one for one in gateway.witnesses.all if size and one.wants(size, now)]


async def _one(gateway: Gateway, witness: Witness) -> None:
    witness.busy = True
    try:
        await witnessing.ask(gateway, witness)
    except StoreFailed:
        gateway.log.warning("store-failed")
    except LedgerContradiction:
        raise
    except Exception:
        # What one witness answers must not end what the others are asked.
        gateway.log.exception("worker-failed", worker="witnesses")
    finally:
        witness.busy = False
