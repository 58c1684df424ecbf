"""The rules: purposes, grounds, kinds, categories, territories, rights (N1, N2)."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.model.ids import ClauseId, GroundId, PurposeId
from gateway.model.policy import Kind, LeafKind
from gateway.policy.comparison import compare
from tests.marks import promise
from tests.unit.policy.comparing import (
    a_set,
    both_ways,
    neither_way,
    told,
    with_partner,
    with_rule,
)

ADVERTISING = {("adverts", "advertising")}
BOTH = {*ADVERTISING, ("courier", "order-fulfilment")}


def without(kind: str, id: str) -> Any:
    """The set without one rule."""
    rules = {key: rule for key, rule in getattr(a_set(), kind).items() if key != id}
    return replace(a_set(), **{kind: rules})


@pytest.mark.parametrize("mark", ["separate_consent", "active_choice", "sale", "deidentified"])
@promise("N1", "C6")
def test_a_mark_that_goes_widens(mark: str) -> None:
    """And it is about the recipients of that purpose only."""
    marked, plain = (
        with_rule("purposes", "advertising", **{mark: value}) for value in (True, False)
    )
    both_ways(marked, plain, "mark", mark, "widens")
    assert compare(marked, plain).widening().keys() == ADVERTISING


def test_a_purpose_that_becomes_core_widens() -> None:
    """It runs without being switched on from then on (C3)."""
    core = with_rule("purposes", "advertising", core=True)
    both_ways(a_set(), core, "mark", "core", "widens")


@pytest.mark.parametrize(
    ("change", "what", "name"),
    [
        ({"version": 2}, "purpose", "version"),
        ({"commercial": False}, "mark", "commercial"),
        ({"leaf": LeafKind.PUBLIC_DISCLOSURE}, "mark", "leaf"),
    ],
)
def test_a_purpose_of_another_meaning_has_no_order(change: Any, what: str, name: str) -> None:
    """Another version, another nature, another operation (S2)."""
    neither_way(a_set(), with_rule("purposes", "advertising", **change), what, name)


@promise("N1", "S1", "S3")
def test_a_purpose_open_on_more_grounds_or_to_more_kinds_widens() -> None:
    """One member more is one difference."""
    purpose = a_set().purposes[PurposeId("advertising")]
    grounds = with_rule("purposes", purpose.id, grounds=(*purpose.grounds, GroundId("agreement")))
    kinds = with_rule("purposes", purpose.id, kinds=purpose.kinds | {Kind.BRANCH})

    both_ways(a_set(), grounds, "ground", "agreement", "widens")
    both_ways(a_set(), kinds, "kind", "branch", "widens")


@promise("N1", "N2")
def test_a_new_purpose_widens() -> None:
    """Also while no recipient has a route for it; then nobody is asked again."""
    both_ways(without("purposes", "payment"), a_set(), "purpose", "payment", "widens")
    assert compare(without("purposes", "payment"), a_set()).widening() == {}


@pytest.mark.parametrize(
    ("id", "tight", "loose", "what", "name"),
    [
        ("agreement", {"evidence": True}, {"evidence": False}, "evidence", "evidence"),
        ("dispute", {"registered": True}, {"registered": False}, "evidence", "registered"),
        (
            "dispute",
            {"registered_kinds": frozenset({Kind.AUTHORITY})},
            {"registered_kinds": frozenset()},
            "evidence",
            "registered_kinds",
        ),
        ("dispute", {"commercial": False}, {"commercial": True}, "ground", "commercial"),
        ("dispute", {"minors": False}, {"minors": True}, "minors", "minors"),
    ],
)
@promise("N1", "S1", "M2")
def test_a_ground_that_asks_for_less_widens(
    id: str, tight: Any, loose: Any, what: str, name: str
) -> None:
    """For the recipients of the purposes that list it."""
    one, other = (with_rule("grounds", id, **change) for change in (tight, loose))
    both_ways(one, other, what, f"{id} {name}", "widens")
    assert compare(one, other).widening().keys() == {("courier", "order-fulfilment")}


def test_a_new_ground_widens() -> None:
    """The list of grounds is closed, and one more is one more."""
    both_ways(without("grounds", "dispute"), a_set(), "ground", "dispute", "widens")


@pytest.mark.parametrize("mark", ["agreement", "sealed", "registered_demand", "deidentified"])
def test_a_kind_that_is_held_to_less_widens(mark: str) -> None:
    """For the recipients of that kind."""
    tight, loose = (with_rule("kinds", Kind.PROCESSOR, **{mark: value}) for value in (True, False))
    both_ways(tight, loose, "kind", f"processor {mark}", "widens")
    assert compare(tight, loose).widening().keys() == {("courier", "order-fulfilment")}


def test_a_kind_that_gets_more_without_consent_widens() -> None:
    """More trees of categories, or all of them (S3)."""
    name = "partner categories_without_consent"
    few = with_rule("kinds", Kind.PARTNER, categories_without_consent=("device",))
    every = with_rule("kinds", Kind.PARTNER, categories_without_consent=None)

    both_ways(few, a_set(), "kind", name, "widens")
    both_ways(a_set(), every, "kind", name, "widens")


@pytest.mark.parametrize(
    ("mark", "wide"),
    [("sensitive", False), ("shareable", True), ("identifying", False), ("personal", False)],
)
@promise("N1", "C2")
def test_a_category_graded_down_widens(mark: str, wide: bool) -> None:
    """For the recipients that get it."""
    tight, loose = (
        with_rule("categories", "device.os", **{mark: value}) for value in (not wide, wide)
    )
    both_ways(tight, loose, "grade", f"device.os {mark}", "widens")
    assert compare(tight, loose).widening().keys() == ADVERTISING


def test_a_category_in_the_catalogue_lets_nothing_out() -> None:
    """It counts where a field uses it."""
    assert told(without("categories", "media.avatar"), a_set()) == []


@promise("N1", "K1", "N2")
def test_a_territory_that_is_allowed_widens() -> None:
    """For who is there; another home has no order, for everybody."""
    closed = replace(a_set(), territories=a_set().territories - {"SG"})
    there = with_partner("adverts", territory="SG")
    closed_there = replace(there, territories=closed.territories)

    both_ways(closed, a_set(), "territory", "SG", "widens")
    assert compare(closed, a_set()).widening() == {}
    assert compare(closed_there, there).widening().keys() == ADVERTISING
    moved = replace(a_set(), home_territory="SG")
    assert {one.name for one in told(a_set(), moved)} == {"home"}
    assert compare(a_set(), moved).widening().keys() == BOTH


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"default_days": 60}, "days"),
        ({"announced_days": 10}, "announced_days"),
        ({"refusal_grounds": ("because",)}, "because"),
    ],
)
@promise("N1", "R6")
def test_rights_that_are_reduced_widen(change: dict[str, Any], name: str) -> None:
    """A later answer, less notice, one more ground to refuse; no consent is about it."""
    base = replace(a_set().rights, refusal_grounds=(), days_by_reason={})
    old = replace(a_set(), rights=base)
    new = replace(a_set(), rights=replace(base, **change))

    both_ways(old, new, "rights", name, "widens")
    assert compare(old, new).widening() == {}


@promise("N1")
def test_how_long_records_are_kept_widens_nothing() -> None:
    """It is told, and no recipient gets more by it."""
    new = replace(a_set(), rights=replace(a_set().rights, records_months=60))

    assert "records_months" in {one.name for one in compare(a_set(), new).differences}
    assert compare(a_set(), new).widening() == {}


@promise("N1")
def test_a_promise_that_goes_widens() -> None:
    """Another wording has no order; how far this release keeps it is no change."""
    clause = ClauseId("N1")
    both_ways(a_set(), without("promises", "N1"), "promise", "N1", "widens")
    neither_way(a_set(), with_rule("promises", clause, text="Other"), "promise", "N1")
    assert told(a_set(), with_rule("promises", clause, enforced_by="Otherwise.")) == []
