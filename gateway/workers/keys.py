"""
Fetches keys of others, away from every share: recipients' and issuers' by URL.

Each set is asked for once in five minutes; between two looks nothing is missed
but what changed meanwhile. A hold that is over ends on the moment.
"""

from gateway.errors import ConfigError, LedgerContradiction, StoreFailed
from gateway.flows import published
from gateway.flows.gateway import Gateway
from gateway.workers.pace import first_of

LOOK_SECONDS = 15.0
# Between two looks where much changes at once.
LEAST_SECONDS = 0.2


async def look_after_keys(gateway: Gateway) -> None:
    """Run until the gateway stops."""
    while not gateway.stopping.is_set():
        gateway.keys_wanted.clear()
        try:
            await published.look(gateway)
            await gateway.services.refresh()
        except StoreFailed:
            gateway.log.warning("ledger-unavailable")
        except ConfigError:
            gateway.log.warning("keys-stale", source="gateway.toml", error=ConfigError.code)
        except LedgerContradiction:
            raise
        except Exception:
            # What cannot be had now is looked for again; the process goes on.
            gateway.log.exception("worker-failed", worker="keys")
        await first_of(gateway.keys_wanted, gateway.stopping, seconds=_pause(gateway))


def _pause(gateway: Gateway) -> float:
    """Until the next look, or the moment at which a hold is over."""
    change = published.next_change(gateway)
    if change is None:
        return LOOK_SECONDS
    left = (change - gateway.clock()).total_seconds()
    return min(max(left, LEAST_SECONDS), LOOK_SECONDS)
