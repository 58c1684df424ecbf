"""Mass cases: one decision, carried out person by person (K3, S4a)."""

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows.gateway import Gateway
from gateway.flows.mass_run import Masses
from gateway.workers.pace import first_of

LOOK_SECONDS = 0.5

# Between two looks while there is much to do: shares come first.
BETWEEN_SECONDS = 0.01


async def open_masses(gateway: Gateway) -> None:
    """Carry mass cases out until the gateway stops."""
    masses = Masses(gateway)
    while not gateway.stopping.is_set():
        gateway.mass_changed.clear()
        pause = LOOK_SECONDS
        try:
            if await masses.look():
                pause = BETWEEN_SECONDS
        except StoreFailed:
            gateway.log.warning("ledger-unavailable")
        except LedgerContradiction:
            raise
        except Exception:
            # What cannot be done now is tried again; the process goes on.
            gateway.log.exception("worker-failed", worker="mass")
        await first_of(gateway.mass_changed, gateway.stopping, seconds=pause)
