"""The pruner: applies the policy's record-keeping term to the ledger, a little at a time."""

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows import pruning
from gateway.flows.gateway import Gateway
from gateway.workers.pace import first_of

LOOK_SECONDS = 3600.0

# Leaves after which it looks whether the policy still says so.
MOST = 200_000


async def prune_in_time(gateway: Gateway) -> None:
    """Look every hour at what is past its term, until the gateway stops."""
    while not gateway.stopping.is_set():
        try:
            # Nothing is pruned by itself where the policy states no term.
            while gateway.policy.policy.rights.records_months is not None:
                run = await pruning.prune(gateway, most=MOST)
                if run.done or gateway.stopping.is_set():
                    break
        except StoreFailed:
            gateway.log.warning("ledger-unavailable")
        except LedgerContradiction:
            raise
        except Exception:
            # What cannot be pruned now is looked at again; the process goes on.
            gateway.log.exception("worker-failed", worker="pruner")
        await first_of(gateway.stopping, seconds=LOOK_SECONDS)
