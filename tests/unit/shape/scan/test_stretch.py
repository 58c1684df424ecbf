"""Neighbouring groups of digits."""

import pytest

from gateway.shape.scan.stretch import Run, Stretch


def whole(text: str) -> Stretch:
    """All digits of a text as one stretch."""
    first = next(at for at, each in enumerate(text) if each.isdigit())
    last = max(at for at, each in enumerate(text) if each.isdigit())
    run = Run(text, first, last + 1)
    return Stretch(run=run, first=0, last=len(run.sizes) - 1)


def test_a_stretch_knows_its_digits_and_places():
    """Digits, sizes and what stands between are those of its groups, places those of the text."""
    stretch = whole("at +49 (30) 12-34.")
    assert (stretch.digits, stretch.sizes) == ("49301234", (2, 2, 2, 2))
    assert stretch.between == (" (", ") ", "-")
    assert (stretch.start, stretch.opening, stretch.end, stretch.follows) == (4, 3, 17, ".")


@pytest.mark.parametrize(
    ("text", "regular"),
    [
        ("138 0013 8000", True),
        ("138 0013-8000", True),
        ("1-2-3-4", True),
        ("12-34-56", True),
        ("12.34.56", False),
        ("12-34 56", False),
    ],
)
def test_groups_are_wide_or_even(text, regular):
    """Groups of one number are wide, or the whole run is parted by one sign."""
    assert whole(text).regular is regular


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("030 123", True),
        ("- 030 123", True),
        ("-030 123", True),
        ("tel=030 123", True),
        ("INV-030 123", False),
        ("KD030 123", False),
        ("#030 123", True),
        ("a#030 123", False),
        ("030 123x", False),
        ("030 123号", True),
    ],
)
def test_a_number_is_no_part_of_a_longer_one(text, alone):
    """Letters and joining signs right before or behind make it a part of something longer."""
    assert whole(text).stands_alone is alone


def test_digits_are_not_printed():
    """Neither a run nor a stretch shows a digit."""
    stretch = whole("138 0013 8000")
    assert repr(stretch) == "<Stretch of 3 groups>"
    assert repr(stretch.run) == "<Run of 3 groups>"
