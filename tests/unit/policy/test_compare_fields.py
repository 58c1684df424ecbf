"""What leaves of a value: more, less, or something else (N1)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.model.ids import CategoryId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Field, Seal, TokenTerms, TransformCall
from gateway.policy.compare_fields import (
    TRANSFORM_ORDER,
    compare_transforms,
    declared,
    selectors,
)
from gateway.policy.comparison import compare
from gateway.policy.differences import LEVEL, NARROWER, UNKNOWN, WIDER, Step
from tests.marks import promise
from tests.unit.policy.comparing import (
    STEPS,
    both_ways,
    neither_way,
    the_route,
    with_route,
)

BACK = {WIDER: NARROWER, NARROWER: WIDER, UNKNOWN: UNKNOWN, LEVEL: LEVEL}


def a_field(category: str = "basic.address", **changes: Any) -> Field:
    """A field of the courier's."""
    return Field(selector="/order", category=CategoryId(category), **changes)


def sending(*fields: Field, **changes: Any) -> PolicySet:
    """The set with these fields on the courier's route."""
    return with_route(send=fields, **changes)


def call(name: str | None, argument: Any = None) -> TransformCall | None:
    """A transform, or none."""
    return None if name is None else TransformCall(name=name, argument=argument)


ORDER = ("drop", "constant", "token", "pseudonym", "hash", "mask-phone", None)


@promise("N1", "C6")
def test_transforms_have_the_order_that_is_told() -> None:
    """From nothing to the value as it is; whatever comes later in the order lets out more."""
    for place, less in enumerate(ORDER):
        for more in ORDER[place + 1 :]:
            there = compare_transforms(CategoryId("basic.phone"), call(less), call(more))
            back = compare_transforms(CategoryId("basic.phone"), call(more), call(less))
            if more == "mask-phone" and less in ("token", "pseudonym", "hash"):
                # A masked phone points to nobody; a lasting stand-in does.
                assert (there, back) == (UNKNOWN, UNKNOWN)
            else:
                assert (there, back) == (WIDER, NARROWER), (less, more)
    assert len(TRANSFORM_ORDER) == len(ORDER)


def test_a_part_that_still_points_to_the_person_is_more_than_a_stand_in() -> None:
    """`mask-email` keeps the domain and hides nobody, so its order is told."""
    account = CategoryId("network.account")

    assert compare_transforms(account, call("hash"), call("mask-tail", 2)) == WIDER
    assert compare_transforms(account, call("mask-tail", 2), call("hash")) == NARROWER


TOKEN = "token"


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("truncate", 1, 4),
        ("coarse-location", 0, 2),
        ("ip-prefix", 16, 24),
        ("ip-prefix", 16, None),
        ("mask-tail", 6, 2),
        ("mask-tail", 6, None),
        ("age-band", 20, 5),
        ("region", "province", "city"),
        ("region", None, "city"),
        (TOKEN, TokenTerms(uses=1), TokenTerms(uses=3)),
        (TOKEN, TokenTerms(ttl=timedelta(days=1)), None),
    ],
)
def test_the_argument_decides_within_one_transform(name: str, less: Any, more: Any) -> None:
    """What leaves more is wider; no argument is the default one."""
    category = CategoryId("basic.address")

    assert compare_transforms(category, call(name, less), call(name, more)) == WIDER
    assert compare_transforms(category, call(name, more), call(name, less)) == NARROWER


@pytest.mark.parametrize(
    ("one", "other", "step"),
    [
        (("truncate", 1), ("mask-name", None), UNKNOWN),
        (("year", None), ("age-band", 10), UNKNOWN),
        ((TOKEN, TokenTerms(uses=1)), (TOKEN, TokenTerms(ttl=timedelta(days=1))), UNKNOWN),
        (("mask-tail", 4), ("mask-tail", None), LEVEL),
        ((TOKEN, None), (TOKEN, TokenTerms()), LEVEL),
        (("constant", "a"), ("constant", "b"), LEVEL),
        (("not-known", 1), ("mask-tail", 4), UNKNOWN),
    ],
)
def test_what_has_no_order_widens_either_way(one: Any, other: Any, step: Step) -> None:
    """Two parts by different transforms cannot be compared; the same part is the same."""
    category = CategoryId("basic.name")

    assert compare_transforms(category, call(*one), call(*other)) == step
    assert compare_transforms(category, call(*other), call(*one)) == BACK[step]


@promise("N1", "S4d")
def test_a_weaker_transform_of_a_field_is_told() -> None:
    """From a mask to the value as it is: wider."""
    masked = a_field("basic.name", transform=call("mask-name"))
    both_ways(sending(masked), sending(a_field("basic.name")), "transform", "/order", "widens")


@promise("N1", "N2")
def test_a_field_of_another_category_is_told_as_a_category() -> None:
    """New for this recipient and purpose; a further field of a known category is a field."""
    first, more = a_field(), replace(a_field(), selector="/more")
    other = replace(a_field("basic.gender"), selector="/more")

    both_ways(sending(first), sending(first, more), "field", "/more", "widens")
    both_ways(sending(first), sending(first, other), "category", "/more", "widens")


@pytest.mark.parametrize(
    ("limit", "direction"),
    [
        ({"pattern": "^[A-Z]+$"}, "neutral"),
        ({"enum": ("a", "b")}, "neutral"),
        ({"type": "integer"}, "neutral"),
        ({"max_length": 200, "scan": "block"}, "widens"),
        ({}, "widens"),
    ],
)
def test_a_bounded_field_about_nobody_is_neutral(limit: dict[str, Any], direction: str) -> None:
    """An article's number tells nothing of a person; free text may."""
    first, more = a_field(), replace(a_field("none", **limit), selector="/more")
    there, back = (
        [one.direction.value for one in compare(*pair).differences]
        for pair in (
            (sending(first), sending(first, more)),
            (sending(first, more), sending(first)),
        )
    )

    assert (there, back) == ([direction], [STEPS[direction]])


def test_a_field_that_is_dropped_is_none() -> None:
    """`drop` says that a field stays, so letting it out is a new field."""
    dropped = replace(a_field("basic.gender", transform=call("drop")), selector="/more")
    out = replace(a_field("basic.gender"), selector="/more")

    both_ways(sending(a_field(), dropped), sending(a_field(), out), "category", "/more", "widens")
    assert selectors(replace(the_route(), send=(a_field(), dropped))) == {"/order"}


def test_another_category_of_the_same_field_has_no_order() -> None:
    """What a field is said to be changes what left under that name."""
    neither_way(sending(a_field()), sending(a_field("basic.gender")), "category", "/order")


@promise("N1", "S4d")
def test_a_dropped_seal_widens() -> None:
    """Of one field, where the route seals fields."""
    sealed = sending(a_field(sealed=True), seal=Seal.FIELDS)
    both_ways(sealed, sending(a_field(), seal=Seal.FIELDS), "seal", "/order", "widens")


@pytest.mark.parametrize(
    ("name", "tight", "loose"),
    [
        ("type", {"type": "string"}, {}),
        ("type", {"type": "integer"}, {"type": "number"}),
        ("pattern", {"pattern": "^a$"}, {}),
        ("enum", {"enum": ("a",)}, {"enum": ("a", "b")}),
        ("enum", {"enum": ("a",)}, {}),
        ("max_length", {"max_length": 10}, {"max_length": 20}),
        ("max_length", {"max_length": 10}, {}),
        ("scan", {"scan": "block"}, {"scan": "mask"}),
        ("scan", {"scan": "mask"}, {}),
    ],
)
@promise("N1", "P6")
def test_a_looser_limit_widens(name: str, tight: dict[str, Any], loose: dict[str, Any]) -> None:
    """What may stand in a field is part of what leaves."""
    both_ways(
        sending(a_field(**tight)), sending(a_field(**loose)), "limit", f"/order {name}", "widens"
    )


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("type", {"type": "string"}, {"type": "number"}),
        ("pattern", {"pattern": "^a$"}, {"pattern": "^b$"}),
        ("enum", {"enum": ("a", "b")}, {"enum": ("b", "c")}),
        ("enum", {"enum": (1,)}, {"enum": (True,)}),
    ],
)
def test_another_limit_has_no_order(name: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    """Nobody can tell which of two patterns lets more through."""
    neither_way(sending(a_field(**one)), sending(a_field(**other)), "limit", f"/order {name}")


@pytest.mark.parametrize("place", ["path_fields", "query_fields", "header_fields"])
def test_parameters_are_fields_too(place: str) -> None:
    """Wherever it stands in the request, a value that leaves is told with its place."""
    parameter = Field(selector="who", category=CategoryId("basic.gender"))
    name = f"{place.removesuffix('_fields')}.who"

    both_ways(with_route(), with_route(**{place: {"who": parameter}}), "category", name, "widens")
    assert declared(replace(the_route(), **{place: {"who": parameter}}))
