"""Grounds that need proof carry nothing without it, nor with proof of something else."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.model.consent import Evidence
from gateway.model.policy import Kind
from gateway.model.shares import Decision
from tests.marks import promise
from tests.unit.decide.builders import (
    DAY,
    LI,
    NOBODY,
    NOW,
    RECORD,
    ZHANG,
    Share,
    a_consent,
    a_record,
    a_route,
    a_share,
    some_facts,
)
from tests.unit.decide.expecting import carried, permitted, refused


def a_fraud_share(**changes: Any) -> Share:
    """Fraud prevention on rights protection, with a registered case that fits."""
    settings = {"claim": RECORD, "evidence": a_record(purposes=("fraud-prevention",))} | changes
    return a_share("fraud-prevention", "rights-protection", "device.id", "basic.name", **settings)


def a_demand_share(*categories: str, **changes: Any) -> Share:
    """An authority's demand, registered."""
    settings: dict[str, Any] = {
        "claim": RECORD,
        "evidence": a_record(purposes=("legal-demand",)),
    }
    return a_share(
        "legal-demand",
        "legal-obligation",
        *(categories or ("basic.name", "basic.phone", "none")),
        kind=Kind.AUTHORITY,
        **(settings | changes),
    )


@promise("S1")
def test_grounds_that_stand_by_themselves_need_no_evidence() -> None:
    """The core function and consent carry without evidence; what is sent changes nothing."""
    share = a_share(about=some_facts(a_consent()))

    assert permitted(share.decided()).evidence is None
    assert permitted(share.but(ground="consent").decided()).evidence is None
    sent = share.but(claim=RECORD, evidence=a_record(categories=("basic.phone",)))
    assert permitted(sent.decided()).evidence is None
    assert permitted(sent.decided()).categories is None


@promise("S1")
def test_a_ground_that_needs_evidence_carries_nothing_without() -> None:
    """The same ground is refused without evidence and carries with a claim of it."""
    share = a_share("order-fulfilment", "legal-obligation")

    assert refused(share.decided()) == ("evidence-missing", {"S1"})
    assert permitted(share.but(claim="statute 12").decided()).evidence is None


@promise("S1", "S5")
def test_rights_protection_needs_a_registered_case() -> None:
    """A case that is merely claimed carries nothing; a registered one does."""
    assert permitted(a_fraud_share().decided()).evidence == RECORD
    missing = a_fraud_share(claim=None, evidence=None).decided()
    assert refused(missing) == ("evidence-missing", {"S1", "S5"})
    claimed = a_fraud_share(claim="case 77", evidence=None).decided()
    assert refused(claimed) == ("evidence-not-valid", {"S1", "S5"})


@promise("D2")
def test_an_authority_needs_a_registered_demand() -> None:
    """An authority gets nothing on a claim, and what the registered demand covers."""
    assert permitted(a_demand_share().decided()).evidence == RECORD
    missing = a_demand_share(claim=None, evidence=None).decided()
    assert refused(missing) == ("evidence-missing", {"S1", "D2"})
    claimed = a_demand_share(evidence=None).decided()
    assert refused(claimed) == ("evidence-not-valid", {"S1", "D2"})


MISFITS: list[dict[str, Any]] = [
    {"id": "record-2"},
    {"partner": "bright-reach"},
    {"purposes": ("order-fulfilment",)},
    {"purposes": ()},
    {"subjects": (LI,)},
    {"subjects": ()},
    {"expires": NOW},
    {"expires": NOW - DAY},
    {"categories": ("basic.phone",)},
    {"categories": ()},
]


@pytest.mark.parametrize("changes", MISFITS)
@promise("S1", "S5")
def test_a_record_of_something_else_carries_nothing(changes: dict[str, Any]) -> None:
    """A record for another recipient, purpose, person, time or data does not carry the share."""
    record = a_record(**({"purposes": ("fraud-prevention",)} | changes))

    decision = a_fraud_share(evidence=record).decided()

    assert refused(decision) == ("evidence-not-valid", {"S1", "S5"})


@pytest.mark.parametrize(
    "changes",
    [
        {"subjects": (LI, ZHANG)},
        {"expires": NOW + DAY},
        {"categories": ("device",)},
        {"purposes": ("payment", "fraud-prevention")},
    ],
)
@promise("S5")
def test_a_record_that_fits_carries(changes: dict[str, Any]) -> None:
    """A record that covers recipient, purpose, person, time and some of the data carries."""
    record = a_record(**({"purposes": ("fraud-prevention",)} | changes))

    assert permitted(a_fraud_share(evidence=record).decided()).evidence == RECORD


def test_a_record_must_cover_everyone() -> None:
    """A record about one person does not carry a share about two."""
    record = a_record(purposes=("fraud-prevention",), subjects=(ZHANG,))
    both = a_fraud_share(evidence=record, subjects=(ZHANG, LI), facts=(some_facts(), some_facts()))

    assert refused(both.decided())[0] == "evidence-not-valid"
    covered = replace(record, subjects=(ZHANG, LI))
    assert carried(both.but(evidence=covered).decided())


def test_a_record_about_named_people_covers_no_share_about_nobody() -> None:
    """On a route about nobody only a record that names nobody carries."""
    route = a_route("statistics", purpose="analytics", ground="research", subject=NOBODY)
    share = a_share("analytics", "research", route=route, subjects=(), facts=(), claim=RECORD)

    def decided(subjects: tuple[str, ...] | None) -> Decision:
        record = a_record(purposes=("analytics",), subjects=subjects)
        return share.but(evidence=record).decided()

    assert carried(decided(None))
    assert refused(decided((ZHANG,)))[0] == "evidence-not-valid"
    assert refused(decided(()))[0] == "evidence-not-valid"


def test_a_claim_that_names_a_record_is_held_to_it() -> None:
    """Where a claim would do, naming a record that does not fit is still refused."""
    share = a_share("order-fulfilment", "legal-obligation", claim=RECORD)

    assert permitted(share.but(evidence=a_record()).decided()).evidence == RECORD
    expired = a_record(expires=NOW - DAY)
    assert refused(share.but(evidence=expired).decided())[0] == "evidence-not-valid"


@promise("D2")
def test_the_demand_limits_what_leaves() -> None:
    """What the demand does not name stays, what is about nobody goes along."""
    demand = a_record(purposes=("legal-demand",), categories=("basic.name", "transaction"))

    limited = permitted(a_demand_share(evidence=demand).decided())
    unlimited = permitted(a_demand_share().decided())

    assert limited.categories == frozenset({"basic.name", "none"})
    assert unlimited.categories is None


@promise("D2")
def test_a_demand_for_a_tree_covers_what_is_below() -> None:
    """A demand for basic information covers name and phone."""
    demand = a_record(purposes=("legal-demand",), categories=("basic",))

    limited = permitted(a_demand_share(evidence=demand).decided())

    assert limited.categories == frozenset({"basic.name", "basic.phone", "none"})


@promise("D2")
def test_a_demand_for_what_the_route_does_not_have_carries_nothing() -> None:
    """Where nothing about a person would be left, the demand does not carry the share."""
    demand = a_record(purposes=("legal-demand",), categories=("location",))

    decision = a_demand_share(evidence=demand).decided()

    assert refused(decision) == ("evidence-not-valid", {"S1", "D2"})


def test_refusals_do_not_repeat_the_evidence() -> None:
    """Neither the claim nor the record's reference stands in a refusal."""
    record: Evidence = a_record(purposes=(), reference="marked reference")
    share = a_fraud_share(claim="marked claim", evidence=record)

    assert refused(share.decided())[0] == "evidence-not-valid"
    assert "marked" not in repr(share.decided())
