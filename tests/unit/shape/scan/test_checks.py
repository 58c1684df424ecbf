"""Check digits, against the examples of public documents, and that one wrong digit is noticed."""

from collections.abc import Callable

import pytest

from gateway.shape.scan import checks

GOOD: list[tuple[Callable[[str], bool], str]] = [
    (checks.luhn, "4111111111111111"),
    (checks.luhn, "79927398713"),
    (checks.resident_id, "11010519491231002X"),
    (checks.resident_id, "360426199101010071"),
    (checks.tax_id, "36574261809"),
    (checks.tax_id, "86095742719"),
    (checks.iban, "DE89370400440532013000"),
    (checks.iban, "GB82WEST12345698765432"),
    (checks.iban, "no9386011117947"),
    (checks.dni, "54362315K"),
    (checks.dni, "X2482300W"),
    (checks.codice_fiscale, "RCCMNL83S18D969H"),
    (checks.nir, "295109912611193"),
    (checks.nir, "253072A07300443"),
    (checks.nir, "253072B07300470"),
]


@pytest.mark.parametrize(("check", "number"), GOOD)
def test_a_right_number_holds(check, number):
    """A published example passes its check."""
    assert check(number)


@pytest.mark.parametrize(("check", "number"), GOOD)
def test_one_wrong_digit_is_noticed(check, number):
    """With any one digit changed the number passes no more."""
    for place, each in enumerate(number):
        if each.isdecimal() and number[place : place + 2] not in ("2A", "2B"):
            other = str((int(each) + 1) % 10)
            assert not check(number[:place] + other + number[place + 1 :])


@pytest.mark.parametrize("number", ["12345678903", "11111111111", "36554266806"])
def test_a_tax_id_repeats_one_digit_only(number):
    """Eleven digits of which several are repeated, or none, are no tax id."""
    assert not checks.tax_id(number)
