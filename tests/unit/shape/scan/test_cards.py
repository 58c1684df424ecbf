"""Bank cards in free text."""

import pytest

from tests.unit.shape.scan import found, kinds


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "3714 496353 98431",
        "6222021234567890128",
        "6222 0212 3456 7890 128",
        "30569309025904",
        "2223003122003222",
        "5555555555554444",
    ],
)
def test_cards_of_every_scheme_are_found(number):
    """A card number is found however it is grouped."""
    assert found(f"refund to {number} please") == [("bank-card", number)]


@pytest.mark.parametrize(
    "number", ["4111 1111 1111 1112", "9111111111111111", "356938035643809", "4006381333931"]
)
def test_other_numbers_with_such_a_digit_are_none(number):
    """A wrong check digit, and numbers of devices and goods with a right one, are no card."""
    assert kinds(f"see {number} please") == []


def test_a_word_makes_a_card_of_an_unusual_length():
    """Behind a word for a card every length counts that cards ever had."""
    assert kinds("see 4222222222222") == []
    assert kinds("card no. 4222222222222") == ["bank-card"]
    assert kinds("卡号：4222222222222") == ["bank-card"]
