"""Personal data in free text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shape import find_personal, mask_personal
from tests.marks import promise


@promise("P6")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("请拨打13800138000谢谢", "phone"),
        ("138 0013 8000", "phone"),
        ("138-0013-8000", "phone"),
        ("+86 138 0013 8000", "phone"),
        ("008613800138000", "phone"),
        ("１３８００１３８０００", "phone"),
        ("138\u200b0013\u200b8000", "phone"),
        ("١٣٨٠٠١٣٨٠٠٠", "phone"),
        ("2026-11-22 13800138000", "phone"),
        ("write to li.na+parcel@mail.example today", "email"),
        ("邮箱zhang@邮件.example和li@mail.example", "email"),
        ("müller@mail.example", "email"),
        ("ＬＩ＠mail.example", "email"),
        ("id 11010519491231002X.", "resident-id"),
        ("110105 19491231 002x", "resident-id"),
        ("card 4111 1111 1111 1111", "bank-card"),
        ("6222021234567890128", "bank-card"),
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("konto GB82WEST12345698765432, danke", "iban"),
        ("no9386011117947", "iban"),
    ],
)
def test_personal_data_is_recognised(text, kind):
    """Phone numbers, addresses, resident ids, cards and IBANs are found in running text."""
    assert [finding.kind for finding in find_personal(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ring twice, second floor",
        "order 20261122000123",
        "12800138000",
        "1380013800",
        "138001380001",
        "call 110 or 4008001234",
        "110105194912310021",
        "110105194913310021",
        "4111 1111 1111 1112",
        "9111111111111111",
        "DE89 3704 0044 0532 0130 02",
        "ZZ89370400440532013000",
        "XDE89370400440532013000",
        "meet @ noon",
        "a@localhost",
        "@mail.example",
        "29.90 CNY, 2 pieces, 31.2304",
    ],
)
def test_other_text_is_left_alone(text):
    """Order numbers, prices and numbers with a wrong check digit are no personal data."""
    assert find_personal(text) == ()
    assert mask_personal(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 138 0013 8000, please", "call *************, please"),
        ("a@mail.example b@mail.example", "************** **************"),
        ("13800138000 13900139000", "*********** ***********"),
        ("13800138000@mail.example", "*" * 24),
        ("１３８００１３８０００!", "***********!"),
    ],
)
def test_findings_become_asterisks_of_equal_length(text, masked):
    """Every character of a finding becomes an asterisk; nothing else changes."""
    assert mask_personal(text) == masked


@given(
    st.text(st.sampled_from("ab 1２.-\u200b中@")),
    st.sampled_from(["13800138000", "li@mail.example", "11010519491231002X"]),
    st.text(st.sampled_from("ab .中\u200b")),
)
def test_masking_keeps_the_length_and_leaves_nothing_to_find(before, secret, after):
    """A masked text has the length of the original and holds nothing that could be found."""
    text = f"{before} ; {secret} ; {after}"
    masked = mask_personal(text)
    assert len(masked) == len(text)
    assert secret not in masked
    assert find_personal(masked) == ()


@pytest.mark.parametrize(
    "unit",
    ["AA00 ", "DE89 ", "1 ", "1", "@", "a@", "a.b@c.", "é1@", "13800138000", "1.", "4 1-", "DE8９"],
)
def test_hostile_text_takes_linear_time(unit):
    """A long text made to confuse the recognisers is judged in linear time."""

    def seconds(length: int) -> float:
        begun = time.perf_counter()
        find_personal(unit * (length // len(unit)))
        return time.perf_counter() - begun

    assert seconds(60_000) < 2
