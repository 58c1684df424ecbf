"""Which restrictions a request lifts, and whom that concerns."""

from datetime import UTC, datetime

import pytest

from gateway.cases.restrictions import Restriction, freed, lifted
from gateway.errors import CallerError
from gateway.model.cases import ToldShare
from gateway.model.ids import CaseId, PartnerId, PurposeId
from tests.unit.cases.builders import WHOLE, a_scope

SWIFT = a_scope(partners={"swift"})
ORDERS = a_scope(purposes={"orders"})
IN_FORCE = [
    Restriction(case=CaseId(f"case_{number}"), scope=scope)
    for number, scope in enumerate((WHOLE, SWIFT, ORDERS))
]


def a_share(partner: str, purpose: str = "orders") -> ToldShare:
    """A share that was delivered."""
    return ToldShare(
        share="shr_1",
        partner=PartnerId(partner),
        pseudonym="p",
        purpose=PurposeId(purpose),
        categories=(),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        outcome="delivered",
    )


def test_without_a_scope_all_are_lifted() -> None:
    """And with one those of exactly that scope."""
    assert lifted(IN_FORCE, WHOLE) == tuple(IN_FORCE)
    assert [one.case for one in lifted(IN_FORCE, SWIFT)] == ["case_1"]


@pytest.mark.parametrize("scope", [WHOLE, a_scope(partners={"slow"})])
def test_nothing_that_is_not_there_is_lifted(scope: object) -> None:
    """Nobody is told of an end that was none."""
    there = IN_FORCE[1:] if scope != WHOLE else []
    with pytest.raises(CallerError, match="restrict"):
        lifted(there, scope)  # type: ignore[arg-type]


def test_what_another_restriction_covers_is_not_free() -> None:
    """Only shares that were restricted, and are so by nothing else."""
    swift, slow, other = a_share("swift"), a_share("slow"), a_share("slow", "ads")

    assert freed([swift, slow, other], [ORDERS], [SWIFT]) == [slow]
    assert freed([swift, slow, other], [WHOLE], []) == [swift, slow, other]
    assert freed([swift, slow, other], [SWIFT], [WHOLE]) == []
