"""A recipient gets data while it is in service and bound by an agreement."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from gateway.model.policy import Kind, KindRule
from gateway.model.recipients import Agreement, Partner, State
from tests.marks import promise
from tests.unit.decide.builders import Share, a_policy, a_share
from tests.unit.decide.expecting import carried, refused


def with_partner(share: Share, **changes: object) -> Share:
    """The share with something changed in the manifest."""
    partner: Partner = replace(share.partner, **changes)  # type: ignore[arg-type]
    return share.but(partner=partner)


@pytest.mark.parametrize(
    ("state", "suspended", "code"),
    [
        (State.ACTIVE, False, None),
        (State.ACTIVE, True, "partner-suspended"),
        (State.SUSPENDED, False, "partner-suspended"),
        (State.SUSPENDED, True, "partner-suspended"),
        (State.DRAFT, False, "partner-not-active"),
        (State.DRAFT, True, "partner-not-active"),
    ],
)
@promise("S4a")
def test_only_a_recipient_in_service_gets_data(
    state: State, suspended: bool, code: str | None
) -> None:
    """A draft gets nothing, nor does a recipient that its manifest or an operator suspended."""
    decision = with_partner(a_share(suspended=suspended), state=state).decided()

    if code is None:
        assert carried(decision)
    else:
        assert refused(decision) == (code, {"S4a"})


@promise("S4a")
def test_without_an_agreement_nothing_leaves() -> None:
    """A recipient with no agreement on file gets nothing."""
    decision = with_partner(a_share(), agreement=None).decided()

    assert refused(decision) == ("agreement-missing", {"S4a"})


@pytest.mark.parametrize(
    ("now", "covered"),
    [
        (datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 1, tzinfo=UTC), True),
        (datetime(2028, 2, 29, 23, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2028, 3, 1, tzinfo=UTC), False),
        # Still the last day in UTC, whatever the clock on the wall says.
        (datetime(2028, 3, 1, 7, 0, tzinfo=timezone(timedelta(hours=8))), True),
        (datetime(2028, 2, 29, 20, 0, tzinfo=timezone(timedelta(hours=-5))), False),
    ],
)
@promise("S4a")
def test_an_agreement_begins_and_ends_by_itself(now: datetime, covered: bool) -> None:
    """An agreement covers whole UTC days, from the one it was signed on to the last."""
    agreement = Agreement(reference="A-1", signed=date(2026, 3, 1), expires=date(2028, 3, 1))

    decision = with_partner(a_share(now=now), agreement=agreement).decided()

    if covered:
        assert carried(decision)
    else:
        assert refused(decision) == ("agreement-expired", {"S4a"})


@promise("S6")
def test_a_branch_needs_no_agreement() -> None:
    """A branch of the same application gets data without an agreement of its own."""
    decision = with_partner(a_share(kind=Kind.BRANCH), agreement=None).decided()

    assert carried(decision)


def test_a_kind_without_rules_gets_the_strictest() -> None:
    """Where the policy says nothing about a kind of recipient, an agreement is needed."""
    policy = a_policy()
    kinds: dict[Kind, KindRule] = {}
    share = with_partner(a_share(kind=Kind.BRANCH), agreement=None)

    decision = share.but(policy=replace(policy, kinds=kinds)).decided()

    assert refused(decision)[0] == "agreement-missing"
