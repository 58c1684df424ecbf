"""
Every write of the store, one row each: what must be there before, and the call.

A row is an asynchronous function with the name of the store's method. It puts
into the store what the call needs, and returns the call.

    @write
    async def append(store): …
        return lambda: store.append([…])

`tests/faults/test_writes.py` breaks each of them at every step, and fails for a
write of the store that has no row here.
"""

from tests.faults.writes import actions, cases, courses, keeping, later, ledger, mass, opendsr
from tests.faults.writes.ledger import sequenced
from tests.faults.writes.rows import WRITES, Call, ending, leaf

__all__ = [
    "WRITES",
    "Call",
    "actions",
    "cases",
    "courses",
    "ending",
    "keeping",
    "later",
    "leaf",
    "ledger",
    "mass",
    "opendsr",
    "sequenced",
]
