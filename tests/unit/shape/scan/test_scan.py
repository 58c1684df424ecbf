"""Personal data in free text, found and masked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shape import find_personal, mask_personal
from gateway.shape.scan.finding import Finding
from tests.marks import promise
from tests.unit.shape.scan import kinds

SECRETS = [
    "13800138000",
    "+49 30 1234567",
    "(212) 555-0147",
    "li@mail.example",
    "11010519491231002X",
    "36 574 261 809",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "31.2304, 121.4737",
    "203.0.113.77",
    "ghp_" + "a1" * 18,
]


@promise("P6")
@pytest.mark.parametrize("secret", SECRETS)
def test_what_prints_nothing_hides_nothing(secret):
    """Characters that print nothing, wherever they stand in a value, leave it found and gone."""
    for hidden in ("\u200b", "\u00ad", "\u202e", "\x00", "\u2060", "\ufe0f", "\u3164"):
        text = f"备注 {hidden.join(secret)} end"
        assert kinds(text) == kinds(f"备注 {secret} end")
        assert mask_personal(text).endswith("*** end")


@promise("P6")
@pytest.mark.parametrize("secret", SECRETS)
def test_other_widths_and_scripts_hide_nothing(secret):
    """A value in full-width forms is found like the plain one."""
    wide = "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in secret)
    assert kinds(f"备注 {wide} 。") == kinds(f"备注 {secret} 。")
    assert wide[:6] not in mask_personal(f"备注 {wide} 。")


@promise("P6")
@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 138 0013 8000, please", "call ***, please"),
        ("a@mail.example b@mail.example", "*** ***"),
        ("13800138000 13900139000", "*** ***"),
        ("13800138000@mail.example", "***"),
        ("(020)87654321转3", "***转3"),
        ("(13800138000)", "(***)"),
        ("１３８００１３８０００!", "***!"),
        ("密码：abc12345 ok", "密码：*** ok"),
        ("nothing here", "nothing here"),
        ("", ""),
    ],
)
def test_three_asterisks_stand_for_what_was_found(text, masked):
    """Of a finding neither kind nor length is left; all around it stays as it is."""
    assert mask_personal(text) == masked


def test_findings_that_overlap_are_one():
    """Where two kinds share characters, what is found reaches from the first to the last of them."""
    assert find_personal("IBAN DE89 3704 0044 0532 0130 00.") == (
        Finding(kind="iban", start=5, end=32),
    )
    assert kinds("+1 4111 1111 1111 1111") == ["phone"]


@given(
    st.text(st.sampled_from("ab 1２.-\u200b中@:")),
    st.sampled_from(SECRETS),
    st.text(st.sampled_from("ab .中\u200b")),
)
def test_masking_leaves_nothing_to_find(before, secret, after):
    """A masked text holds nothing that could be found, and none of the value."""
    masked = mask_personal(f"{before} ; {secret} ; {after}")
    assert secret not in masked
    assert mask_personal(masked) == masked


@given(st.text())
def test_findings_are_in_order_and_inside_the_text(text):
    """Whatever the text, findings lie in it one behind the other, and the rest is left as it is."""
    findings = find_personal(text)
    places = [place for each in findings for place in (each.start, each.end)]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)
    assert all(each.start < each.end for each in findings)
    if not findings:
        assert mask_personal(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ring twice, second floor",
        "order 20261122000123",
        "1763808000000",
        "2026-11-22 10:30:00",
        "01.02.2026 17.30",
        "call 2026-11-22",
        "ISBN 978-3-16-148410-0",
        "EAN 4006381333931",
        "IMEI 356938035643809",
        "SF1402233445566",
        "1Z999AA10123456784",
        "INV-0301-234567",
        "RE-2026-0815-4711",
        "13.800.138.000 CNY",
        "¥12,345,678.90",
        "v1.2.3.4",
        "192.168.0.1",
        "31.2, 121.4",
        "5@3.50",
        "0.13800138000",
        "550e8400-e29b-41d4-a716-446655440000",
        "password: ********",
        "密码错误",
        "sizes 36 37 38 39 40 41 42 43",
    ],
)
def test_what_only_looks_personal_is_left_alone(text):
    """Orders, parcels, prices, dates, books, devices and versions are no personal data."""
    assert kinds(text) == []
    assert mask_personal(text) == text
