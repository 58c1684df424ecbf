"""How one change is judged, and how it is told."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.model.ids import PartnerId
from gateway.policy.differences import (
    CLAUSES,
    LEVEL,
    NARROWER,
    UNKNOWN,
    WIDER,
    Direction,
    Site,
    Step,
    What,
    by_limit,
    by_set,
    by_size,
    shown,
)

SITE = Site(partner=PartnerId("courier"))


@pytest.mark.parametrize(
    ("judge", "less", "more"),
    [
        (by_size, 1, 2),
        (by_limit, 1, 2),
        (by_limit, 2, None),
        (by_set, {"a"}, {"a", "b"}),
        (by_set, {"a"}, None),
    ],
)
def test_more_is_wider_and_back_is_narrower(judge: Any, less: Any, more: Any) -> None:
    """Without a limit is the most."""
    assert (judge(less, more), judge(more, less)) == (WIDER, NARROWER)


def test_sets_that_overlap_have_no_order() -> None:
    """One thing came and another went: that is not known to be less."""
    assert by_set({"a", "b"}, {"b", "c"}) == UNKNOWN
    assert UNKNOWN.direction is Direction.WIDENS


def test_what_widens_cites_n1_first() -> None:
    """The clauses of a change are those of its kind, N1 before them where it widens."""
    wider = SITE.change(What.RETENTION, "", "30d", "90d", WIDER)
    narrower = SITE.change(What.RETENTION, "", "90d", "30d", NARROWER)

    assert wider.clauses == ("N1", "N2", "P6")
    assert narrower.clauses == ("N2", "P6")
    assert CLAUSES.keys() == set(What)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (None, "basic.name", "field /a: new, basic.name"),
        (None, "", "field /a: new"),
        ("basic.name", None, "field /a: gone, was basic.name"),
        ("", None, "field /a: gone"),
        ("1", "2", "field /a: 1 becomes 2"),
    ],
)
def test_a_difference_is_told_in_a_line(before: str | None, after: str | None, text: str) -> None:
    """What came, what went, or what became what."""
    assert str(SITE.change(What.FIELD, "/a", before, after, LEVEL)) == text


def test_what_is_the_same_makes_no_difference() -> None:
    """Only changes are told, and each where it stands."""
    assert list(SITE.value(What.FIELD, "", 1, 1, WIDER)) == []
    assert list(SITE.flag(What.MARK, "core", True, True, wide=True)) == []
    (found,) = SITE.flag(What.MARK, "core", False, True, wide=True)
    assert (found.partner, found.before, found.after) == ("courier", "no", "yes")


def test_members_are_told_one_by_one() -> None:
    """Each that came widens, each that went narrows."""
    found = SITE.members(What.GROUND, ("a", "b"), ("b", "c"))

    assert [(one.name, one.direction.value) for one in found] == [
        ("c", "widens"),
        ("a", "narrows"),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "yes"),
        (timedelta(days=30), "30d"),
        (timedelta(hours=36), "1 day, 12:00:00"),
        (frozenset({"b", "a"}), "a, b"),
        ((), "none"),
        (7, "7"),
    ],
)
def test_values_are_shown_as_a_policy_has_them(value: Any, text: str) -> None:
    """A reader of the report knows them again."""
    assert shown(value) == text


def test_a_step_is_ordered_unless_it_says_otherwise() -> None:
    """Only what cannot be compared widens both ways."""
    assert Step(direction=Direction.WIDENS).ordered
    assert not UNKNOWN.ordered
