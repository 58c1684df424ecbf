"""Addresses with an @ in free text."""

import pytest

from tests.marks import promise
from tests.unit.shape.scan import found, kinds


@promise("P6")
@pytest.mark.parametrize(
    "address",
    [
        "li.na+parcel@mail.example",
        "müller@büro.example",
        "m\u0308uller@mail.example",
        "o'neill@mail.example",
        "李雷@邮件.测试",
        "zhang@邮件.example",
        "LI@MAIL.EXAMPLE",
        "ＬＩ＠mail．example",
        "li@mail\u3002example",
        "li@xn--fiq228c.xn--g6w251d",
        '"li na"@mail.example',
        "li@[203.0.113.77]",
        "li%40mail.example",
        "שרה@mail.example",
    ],
)
def test_addresses_are_found(address):
    """An address is found, whole, in whatever script its parts are."""
    assert found(f"write to {address} today") == [("email", address)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("邮箱zhang@mail.example谢谢", "zhang@mail.example"),
        ("mail (li@mail.example).", "li@mail.example"),
        ("mailto:li@mail.example?subject=x", "li@mail.example"),
        ("'li@mail.example'", "li@mail.example"),
    ],
)
def test_an_address_ends_where_a_reader_sees_it_end(text, address):
    """What stands around an address is left."""
    assert found(text) == [("email", address)]


@pytest.mark.parametrize(
    "text",
    [
        "meet @ noon",
        "a@localhost",
        "@mail.example",
        "12@3.50",
        "2@9.99 EUR",
        "@kundendienst",
        "li (at) mail dot example",
        '"@mail',
    ],
)
def test_other_uses_of_the_sign_are_left(text):
    """Prices, handles and names without a domain are none; nor is what is spelt out."""
    assert kinds(text) == []
