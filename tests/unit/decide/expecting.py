"""How a test says what a decision must be."""

from gateway.errors import Reason
from gateway.model.shares import Decision, Permitted, Refused


def refused(decision: Decision) -> tuple[str, set[str]]:
    """The code and the clauses of a refusal; fails on a permission."""
    assert isinstance(decision, Refused), decision
    return decision.reason.value, set(decision.clauses)


def permitted(decision: Decision) -> Permitted:
    """The permission; fails on a refusal."""
    assert isinstance(decision, Permitted), decision
    return decision


def carried(decision: Decision) -> bool:
    """Whether the share may leave."""
    return isinstance(decision, Permitted)


def reason(decision: Decision) -> Reason | None:
    """The reason of a refusal, or None."""
    return decision.reason if isinstance(decision, Refused) else None
