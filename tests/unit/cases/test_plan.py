"""From what was disclosed to who is told what."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cases.plan import PlannedNotice, merge_references, plan, resend_at
from gateway.model.cases import Exemption, Told, ToldShare
from gateway.model.ids import PartnerId
from tests.marks import promise
from tests.unit.cases.builders import NOW, WHOLE, a_scope, a_share

MINUTE = timedelta(minutes=1)


def planned(*shares: ToldShare, **changes: Any) -> tuple[PlannedNotice, ...]:
    """The plan for these shares, over the whole person, with room for many references."""
    given: dict[str, Any] = {"scope": WHOLE, "exemptions": (), "now": NOW, "budget": 12_000}
    return plan(shares, **given | changes)


def a_told(*references: str, **changes: Any) -> Told:
    """What a notice says, with these references."""
    given: dict[str, Any] = {"purposes": (), "categories": (), "pseudonym": "p"}
    return Told(references=references, **given | changes)


@promise("R3")
def test_every_recipient_is_told_once() -> None:
    """Everyone who obtained something has one notice, which says all that they obtained."""
    shares = (
        a_share(1, purpose="payment", categories=("basic.phone",)),
        a_share(2, purpose="order-fulfilment", categories=("basic.name", "basic.phone")),
        a_share(3, partner="harbour-pay", pseudonym="other"),
    )
    pay, parcel = planned(*shares)

    assert (pay.partner, parcel.partner) == ("harbour-pay", "swift-parcel")
    assert parcel.told == Told(
        pseudonym="pseudonym-of-zhang",
        references=("SP-1", "SP-2"),
        purposes=("order-fulfilment", "payment"),
        categories=("basic.name", "basic.phone"),
    )
    assert (parcel.held, parcel.exemption, parcel.resend_at) == (False, None, None)


@pytest.mark.parametrize("outcome", ["delivered", "timeout", "unknown", None])
def test_whatever_may_have_arrived_is_told(outcome: str | None) -> None:
    """A share whose arrival nobody can rule out counts as disclosed."""
    assert len(planned(a_share(outcome=outcome))) == 1


def test_what_never_left_is_not_told() -> None:
    """A recipient to which no byte went learns nothing of the person by a notice."""
    assert planned(a_share(outcome="not-sent")) == ()
    assert planned() == ()


def test_aliases_have_a_notice_each() -> None:
    """A recipient that knows the person by two pseudonyms is told of both, one by one."""
    first, second = planned(a_share(1), a_share(2, pseudonym="alias"))

    assert first.partner == second.partner == "swift-parcel"
    assert {first.told.pseudonym, second.told.pseudonym} == {"pseudonym-of-zhang", "alias"}
    assert (first.told.references, second.told.references) == (("SP-1",), ("SP-2",))


def test_references_are_distinct_and_in_order() -> None:
    """The recipient's own ids come in the order in which it gave them, each once."""
    (only,) = planned(
        a_share(1, references=("b", "a")), a_share(2, references=("a", "c")), a_share(3)
    )

    assert only.told.references == ("b", "a", "c", "SP-3")


def test_a_notice_waits_behind_a_share_in_flight() -> None:
    """While a recipient has an intent without outcome all its notices wait; others do not."""
    shares = (a_share(1), a_share(2, pseudonym="alias", outcome=None), a_share(3, partner="z"))

    assert [one.held for one in planned(*shares)] == [True, True, False]


def test_a_share_that_ended_unknown_is_told_once_more() -> None:
    """Until its grant is over an unknown share may arrive, and is then told again."""
    fresh, fresher = a_share(1, outcome="unknown", at=NOW - 4 * MINUTE), a_share(2, at=NOW)
    (only,) = planned(fresh, fresher)

    assert only.resend_at == NOW + MINUTE
    assert planned(a_share(outcome="unknown", at=NOW - 5 * MINUTE))[0].resend_at is None
    assert planned(a_share(outcome="timeout", at=NOW))[0].resend_at is None
    assert resend_at([fresh, a_share(3, outcome="unknown", at=NOW)], now=NOW) == NOW + 5 * MINUTE


def test_an_exempt_recipient_is_planned_with_its_exemption() -> None:
    """Who need not be told is not forgotten: the notice is there, with the reason."""
    exempt = Exemption(partner=PartnerId("swift-parcel"), reason="legal-duty", evidence="§ 1")
    parcel, other = planned(a_share(), a_share(partner="z"), exemptions=(exempt,))

    assert (parcel.exemption, other.exemption) == (exempt, None)


SCOPES: dict[str, tuple[dict[str, set[str]], bool]] = {
    "its partner": ({"partners": {"swift-parcel"}}, True),
    "another partner": ({"partners": {"harbour-pay"}}, False),
    "its purpose": ({"purposes": {"order-fulfilment"}}, True),
    "another purpose": ({"purposes": {"advertising"}}, False),
    "its category": ({"categories": {"basic.phone"}}, True),
    "the tree of its category": ({"categories": {"basic"}}, True),
    "a category below its own": ({"categories": {"basic.phone.home"}}, True),
    "another category": ({"categories": {"device.id"}}, False),
    "a name that begins alike": ({"categories": {"bas"}}, False),
    "all of it": ({"partners": {"swift-parcel"}, "categories": {"basic"}}, True),
    "half of it": ({"partners": {"swift-parcel"}, "purposes": {"advertising"}}, False),
}


@pytest.mark.parametrize("name", SCOPES)
def test_only_what_is_inside_the_scope_is_told(name: str) -> None:
    """A case about a part tells of that part, and of nothing that is none of it."""
    sets, told = SCOPES[name]

    assert bool(planned(a_share(), scope=a_scope(**sets))) is told


def test_a_category_scope_names_its_categories_only() -> None:
    """A recipient is asked for what the case is about, not for all that it has."""
    (only,) = planned(a_share(), scope=a_scope(categories={"basic.phone", "device"}))
    (below,) = planned(a_share(categories=("basic",)), scope=a_scope(categories={"basic.phone"}))

    assert only.told.categories == ("basic.phone",)
    assert below.told.categories == ("basic.phone",)


def test_shares_outside_the_scope_add_nothing() -> None:
    """References and shares in flight of another purpose neither leave nor hold back."""
    other = a_share(2, purpose="payment", outcome=None)
    (only,) = planned(a_share(1), other, scope=a_scope(purposes={"order-fulfilment"}))

    assert (only.told.references, only.held) == (("SP-1",), False)


def test_many_references_go_on_in_further_notices() -> None:
    """What does not fit one message is told in numbered parts, nothing twice, nothing lost."""
    references = tuple(f"parcel-{number:04d}" for number in range(100))
    parts = planned(a_share(references=references), budget=400)

    assert [one.told.part for one in parts] == list(range(1, len(parts) + 1))
    assert {one.told.parts for one in parts} == {len(parts)}
    assert sum((one.told.references for one in parts), ()) == references
    assert {one.told.purposes for one in parts} == {("order-fulfilment",)}


def test_an_overlong_reference_stands_alone() -> None:
    """A reference beyond the budget is not cut and not dropped: it has a notice of its own."""
    parts = planned(a_share(references=("a", "x" * 500, "b")), budget=400)

    assert [len(one.told.references) for one in parts] == [1, 1, 1]


def test_references_that_come_later_are_added() -> None:
    """What a share in flight brought is said by the notice that waited for it."""
    assert merge_references(a_told("a"), ["b", "a"], budget=100) == (a_told("a", "b"),)
    assert merge_references(a_told("a"), [], budget=100) == (a_told("a"),)


def test_references_that_come_later_may_need_further_notices() -> None:
    """What no longer fits goes on in further parts."""
    first, second = merge_references(a_told("aaaa"), ["bbbb"], budget=8)

    assert first == a_told("aaaa", part=1, parts=2)
    assert second == a_told("bbbb", part=2, parts=2)


def test_a_part_keeps_its_number() -> None:
    """A part that grows stays the part it was, and what is new is counted on."""
    part = a_told("aaaa", part=2, parts=3)

    assert merge_references(part, [], budget=8) == (part,)
    assert merge_references(part, ["bbbb", "cccc"], budget=8) == (
        part,
        a_told("bbbb", part=4, parts=5),
        a_told("cccc", part=5, parts=5),
    )


def test_what_is_told_does_not_print() -> None:
    """Pseudonyms and references are in no representation of a plan."""
    shown = repr(planned(a_share()))

    assert "SP-1" not in shown
    assert "zhang" not in shown


@given(st.lists(st.text(max_size=30), max_size=30), st.integers(1, 200))
def test_parts_hold_every_reference_once_within_the_budget(
    references: list[str], budget: int
) -> None:
    """However references are spelt, each is told once, and only a lone one exceeds a part."""
    parts = planned(a_share(references=tuple(references)), budget=budget)
    told = [one.told.references for one in parts]

    assert [text for part in told for text in part] == list(dict.fromkeys(references))
    for part in told:
        assert len(part) <= 1 or len(json.dumps(part, separators=(",", ":"))) <= budget + 2
