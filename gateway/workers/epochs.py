"""Turns epochs: begins the next one in time, wraps anew, destroys keys that are due (K2)."""

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows import epochs
from gateway.flows.gateway import Gateway
from gateway.workers.pace import first_of

PAUSE_SECONDS = 60.0
# While somebody reads an old state of the database, or a row was still on its way.
AGAIN_SECONDS = 1.0


async def turn_epochs(gateway: Gateway) -> None:
    """Run until the gateway stops. Between two turns destroyed keys leave the memory too."""
    while not gateway.stopping.is_set():
        gateway.epoch_turned.clear()
        pause = AGAIN_SECONDS
        try:
            gateway.keys.forget_epochs()
            if epochs.period_is_over(gateway):
                await epochs.rotate(gateway, sooner=False)
            if await epochs.advance(gateway):
                pause = PAUSE_SECONDS
            _tell_age(gateway)
        except StoreFailed:
            gateway.log.warning("ledger-unavailable")
        except LedgerContradiction:
            raise
        except Exception:
            # Also where the folder of keys refuses; no key goes while a row may need it.
            gateway.log.exception("worker-failed", worker="epochs")
        await first_of(gateway.epoch_turned, gateway.stopping, seconds=pause)


def _tell_age(gateway: Gateway) -> None:
    since = epochs.began(gateway)
    if since is not None:
        gateway.metrics.epoch((gateway.clock() - since).total_seconds())
