"""Telephone numbers in free text."""

import pytest

from tests.marks import promise
from tests.unit.shape.scan import found, kinds


@promise("P6")
@pytest.mark.parametrize(
    "number",
    [
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "1 3 8 0 0 1 3 8 0 0 0",
        "+86 138 0013 8000",
        "86 13800138000",
        "008613800138000",
        "１３８００１３８０００",
        "١٣٨٠٠١٣٨٠٠٠",
        "138\u200b0013\u200b8000",
        "一三八零零一三八零零零",
        "0755-8765 4321",
        "(020)87654321",
        "010-12345678",
        "+852 5490 9558",
        "+1 212 555 0147",
        "(212) 555-0147",
        "212-555-0147",
        "212.555.0147",
        "1-212-555-0147",
        "020 7946 0958",
        "07700900123",
        "+44 (0)20 7946 0958",
        "030 1234567",
        "030/1234567",
        "0221 - 427 123",
        "(030) 123 45 67",
        "0151 23456789",
        "015123456789",
        "+49 (0) 30 1234-567",
        "0049 151 23456789",
        "044 668 18 00",
        "01 23 45 67 89",
    ],
)
def test_numbers_are_found_as_people_write_them(number):
    """A telephone number is found, whole, in the ways of writing of many countries."""
    assert found(f"请联系 {number} 。") == [("phone", number)]


@pytest.mark.parametrize(
    "text",
    [
        "Tel. 1234567",
        "phone: 2125550147",
        "电话87654321",
        "手机号是 66542211",
        "Sie erreichen mich unter 4567 89",
        "call me at 555 0147",
        "Rufnummer 03012345678",
    ],
)
def test_a_word_makes_a_number_a_telephones(text):
    """Behind a word that says telephone any six to fifteen digits are a number."""
    assert kinds(text) == ["phone"]
    assert kinds(text.split(" ")[-1].lstrip("电话")) == []


@pytest.mark.parametrize(
    "text",
    [
        "12800138000",
        "1380013800",
        "138001380001",
        "call 110 or 4008001234",
        "call 2026-11-22",
        "call on 20261122",
        "Anruf am 22.11.2026",
        "phone 128 GB",
        "hotel 12345678",
        "HT-010-12345678",
        "RE-2026-0815-47110",
        "KD030 1234567",
        "6324 0397 6214 1661",
        "13.800.138.000",
        "13 800 138 000",
        "+20.000.000",
        "00340123456789012345",
        "100.155.212",
        "172.16.205.154",
        "2125550147",
    ],
)
def test_other_numbers_are_left(text):
    """Parts of longer numbers, dates, amounts, and digits without a shape are no telephone's."""
    assert kinds(text) == []


def test_a_wrong_find_hides_no_right_one():
    """A card right behind something that looks like the code of a country is covered to its end."""
    text = "+123 456 4111 1111 1111 1111"
    assert found(text) == [("phone", text)]


def test_numbers_side_by_side_are_two():
    """Two numbers with a space between are found apart."""
    assert kinds("13800138000 13900139000") == ["phone", "phone"]
    assert kinds("13800138000/13900139000") == ["phone", "phone"]
