"""
The sequencer: takes durable leaves into the tree and signs checkpoints.

Appending makes a leaf durable; this gives it its place in a signed tree, at
least every second while there are new ones.
"""

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows import ledger
from gateway.flows.gateway import Gateway
from gateway.workers.pace import first_of

# Between two checkpoints; the contract allows a second.
PAUSE_SECONDS = 0.4


async def sequence(gateway: Gateway) -> None:
    """Run until the gateway stops; then take up what is left. Raises `LedgerContradiction`."""
    while not gateway.stopping.is_set():
        await first_of(gateway.appended, gateway.stopping, seconds=5.0)
        gateway.appended.clear()
        await catch_up(gateway)
        await first_of(gateway.stopping, seconds=PAUSE_SECONDS)


async def catch_up(gateway: Gateway) -> None:
    """Take up every leaf that is durable now. A store that refuses is tried again later."""
    try:
        while await ledger.extend(gateway):
            pass
    except LedgerContradiction:
        raise
    except StoreFailed:
        gateway.log.warning("ledger-unavailable")
        gateway.appended.set()
