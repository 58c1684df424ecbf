"""
How the rule of each clause is taken out, and what must fail then.

Where a rule is data, a document is changed: a mark, a ground, a kind's rule, a
declared field. Where it is a check, a part of the engine or of a flow is
replaced by one that does nothing. Each removal names the stories that fail with
it, and the decision cases; a clause of which no decision case can speak says so
in its row of `policies/promises.yaml`.
"""

from tests.promises.removal import Pending, Removal
from tests.promises.removals_keeping import KEEPING
from tests.promises.removals_rights import RIGHTS
from tests.promises.removals_sharing import SHARING
from tests.promises.removals_using import USING

PENDING: tuple[Pending, ...] = ()

REMOVALS: tuple[Removal, ...] = (*USING, *SHARING, *KEEPING, *RIGHTS)
"""A rule or more of every clause."""
