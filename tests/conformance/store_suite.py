"""
The specification of `gateway.ports.Store`, as tests.

An implementation subclasses `StoreSuite` and gives three fixtures:

    store    a started store with nothing in it
    reopen   makes a started store on what is on the disk at this moment, as
             after a crash of the first one, which stays open
    plant    puts rows into `store` that other parts of the product make (`Plant`)
"""

from tests.conformance.ledger_suite import LedgerSuite
from tests.conformance.people_suite import PeopleSuite
from tests.conformance.queue_suite import QueueSuite
from tests.conformance.token_suite import TokenSuite


class StoreSuite(LedgerSuite, PeopleSuite, QueueSuite, TokenSuite):
    """All that a store promises."""
