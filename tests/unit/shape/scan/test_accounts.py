"""IBANs, and identity numbers with letters, in free text."""

import pytest

from tests.unit.shape.scan import found, kinds


@pytest.mark.parametrize(
    "number",
    [
        "DE89 3704 0044 0532 0130 00",
        "DE89370400440532013000",
        "DE89-3704-0044-0532-0130-00",
        "DE 89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "no9386011117947",
        "GR16 0110 1050 0000 1054 7023 795",
    ],
)
def test_accounts_are_found(number):
    """An IBAN is found, whole, however it is grouped and in whatever case."""
    assert found(f"konto {number}, danke") == [("iban", number)]


def test_an_account_may_stand_right_behind_its_name():
    """IBAN written without a space before the number hides nothing."""
    assert kinds("IBANDE89370400440532013000") == ["iban"]
    assert kinds("我的账户DE89370400440532013000谢谢") == ["iban"]


@pytest.mark.parametrize(
    "number",
    ["DE89370400440532013002", "ZZ89370400440532013000", "XDE89370400440532013000", "DE89 3704"],
)
def test_what_is_no_account_is_left(number):
    """A wrong check digit, an unknown country, another length: no IBAN."""
    assert kinds(f"see {number}.") == []


@pytest.mark.parametrize(
    "number",
    ["54362315K", "54362315-K", "x-2482300w", "RCCMNL83S18D969H", "2 53 07 2B 073 004 70"],
)
def test_identity_numbers_with_letters_are_found(number):
    """Identity numbers of Spain, Italy and Corsica are found."""
    assert found(f"id {number}.") == [("resident-id", number)]


@pytest.mark.parametrize("number", ["54362315A", "X2482300A", "RCCMNL83S18D969A", "A54362315KB"])
def test_a_wrong_letter_is_none(number):
    """A part number that has the form and not the check letter is none."""
    assert kinds(f"part {number}.") == []
