"""What time does by itself: retentions and agreements that end (P6, S4a)."""

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows.agreements import Calendar
from gateway.flows.gateway import Gateway
from gateway.flows.terms import Terms
from gateway.workers.pace import first_of

LOOK_SECONDS = 1.0

# Between two looks while much ends at once: shares come first.
BETWEEN_SECONDS = 0.02


async def end_in_time(gateway: Gateway) -> None:
    """Look every second at what has ended, until the gateway stops."""
    calendar, terms = Calendar(gateway), Terms(gateway)
    while not gateway.stopping.is_set():
        pause = LOOK_SECONDS
        try:
            calendar.look()
            if await terms.look():
                pause = BETWEEN_SECONDS
        except StoreFailed:
            gateway.log.warning("ledger-unavailable")
        except LedgerContradiction:
            raise
        except Exception:
            # What cannot be ended now is looked at again; the process goes on.
            gateway.log.exception("worker-failed", worker="terms")
        await first_of(gateway.stopping, seconds=pause)
