"""Brings an edition into force when its time has come (N1)."""

from gateway.errors import StoreFailed
from gateway.flows import policies
from gateway.flows.gateway import Gateway
from gateway.workers.pace import first_of

# The clock of the machine may be set while an edition waits.
PAUSE_SECONDS = 30.0
# Between two tries where the ledger cannot take the change.
LEAST_SECONDS = 0.2


async def turn(gateway: Gateway) -> None:
    """Run until the gateway stops."""
    while not gateway.stopping.is_set():
        gateway.edition_waits.clear()
        try:
            if await policies.turn_over(gateway):
                gateway.egress.keep(gateway.policy.policy.partners.values())
        except StoreFailed:
            gateway.log.warning("ledger-unavailable")
        await first_of(gateway.edition_waits, gateway.stopping, seconds=_pause(gateway))


def _pause(gateway: Gateway) -> float:
    """Until the waiting edition is effective, within bounds."""
    if gateway.waiting is None:
        return PAUSE_SECONDS
    left = (gateway.waiting.policy.edition.effective - gateway.clock()).total_seconds()
    return min(max(left, LEAST_SECONDS), PAUSE_SECONDS)
