"""Identity numbers of digits in free text."""

import pytest

from tests.unit.shape.scan import found, kinds


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("resident-id", "11010519491231002X"),
        ("resident-id", "110105 19491231 002x"),
        ("resident-id", "360426199101010071"),
        ("resident-id", "360426-19910101-0071"),
        ("resident-id", "2 95 10 99 126 111 93"),
        ("resident-id", "295109912611193"),
        ("tax-id", "36 574 261 809"),
        ("tax-id", "36574261809"),
    ],
)
def test_identity_numbers_are_found(kind, number):
    """Resident ids of China and France and tax ids of Germany are found in running text."""
    assert found(f"号码{number}。") == [(kind, number)]


@pytest.mark.parametrize(
    "number",
    [
        "110105194912310021",
        "11010519491331002X",
        "360426199101010072",
        "2 95 10 99 126 111 94",
        "36 574 261 808",
        "3657 426 1809",
    ],
)
def test_a_wrong_check_or_grouping_is_none(number):
    """A number with a wrong date, check digit or grouping is no identity number."""
    assert kinds(f"号码{number}。") == []
