"""The transparency report: counts by authority and purpose, and nobody in it."""

from gateway.model.ids import PartnerId
from gateway.reports.counts import Demand, RefusalCount, ShareCount
from gateway.reports.period import Period
from gateway.reports.transparency import (
    Counted,
    transparency,
    transparency_page,
    transparency_rows,
)
from tests.unit.reports.builders import HOSTILE, the_policy, with_partner
from tests.unit.reports.pages import check

COURT = "city-court"


def demand(type: str = "subpoena", *, may_tell: bool = True, purposes: int = 1) -> Demand:
    """A demand of the court for one purpose, or for two."""
    named = ("legal-demand", "payment")[:purposes]
    return Demand(partner=COURT, purposes=named, type=type, may_tell=may_tell)


COUNTED = Counted(
    demands=[demand(), demand(may_tell=False, purposes=2), demand("a\nb")],
    given=[
        ShareCount(
            partner=COURT,
            purpose="legal-demand",
            outcome="delivered",
            shares=3,
            categories=("basic.name", "none"),
        ),
        ShareCount(
            partner=COURT,
            purpose="legal-demand",
            outcome="unknown",
            shares=1,
            categories=("basic.name",),
            untold=True,
        ),
        ShareCount(partner=COURT, purpose="legal-demand", outcome="not-sent", shares=9),
    ],
    refused=[
        RefusalCount(partner=COURT, purpose="legal-demand", code="evidence-not-valid", refusals=2),
        RefusalCount(partner=COURT, purpose=None, code="purpose-unknown", refusals=1),
    ],
    exempt={COURT: 4},
)


def test_demands_gifts_refusals_and_withheld_notices_are_counted() -> None:
    """Each demand once in all and once for each purpose; what was not sent was not given."""
    policy = the_policy()
    value = transparency(policy, [policy.partners[PartnerId(COURT)]], COUNTED, period=Period())
    (court,) = value["authorities"]
    unknown, legal, payment = court["purposes"]

    assert value["totals"] == {
        "demands": 3,
        "demands_that_may_not_be_told": 1,
        "given": 4,
        "given_that_may_not_be_told": 1,
        "refused": 3,
        "exempt_notices": 4,
    }
    assert legal["demands"] == {
        "registered": 3,
        "may_not_be_told": 1,
        "by_type": {"other": 1, "subpoena": 2},
    }
    assert legal["given"] == {
        "shares": 4,
        "may_not_be_told": 1,
        "by_category": {"Personal name": 4},
    }
    assert legal["refused"]["by_reason"] == {"evidence-not-valid": 2}
    assert (unknown["purpose"], unknown["refused"]["shares"]) == (None, 1)
    assert payment["demands"]["registered"] == 1
    assert len(transparency_rows(value)) == 3
    assert "City Court, Registry" in check(transparency_page(value)).text


def test_an_authority_that_asked_for_nothing_is_named_so() -> None:
    """That there was nothing is an answer; and a hostile name is a name."""
    policy = with_partner(COURT, name=HOSTILE)
    value = transparency(policy, [policy.partners[PartnerId(COURT)]], Counted(), period=Period())
    read = check(transparency_page(value))

    assert "Nothing was demanded, given or refused." in read.text
    assert value["totals"]["given"] == 0
