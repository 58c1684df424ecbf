"""What a mask shows, and that it shows no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shape.masks import mask_email, mask_name, mask_phone, mask_tail, truncate
from gateway.shape.text import clusters, visible
from tests.marks import promise
from tests.unit.shape.test_text import UNRULY


@promise("P7", "C6")
@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("欧阳明", "欧**"),
        ("王伟", "王*"),
        ("明", "*"),
        ("", ""),
        ("  欧阳明 ", "欧**"),
        ("Li Na", "L****"),
        ("买买提·艾力", "买*****"),
        ("Zoe\u0308", "Z**"),
        ("E\u0301mile", "E\u0301****"),
        ("שרה", "ש**"),
        ("\u202eשרה", "ש**"),
        ("欧\u200d阳\u200d明", "欧\u200d**"),
        ("👩\u200d👩\u200d👧家", "👩\u200d👩\u200d👧*"),
        ("🇨🇳李", "🇨🇳*"),
        ("🇱\u200d🇮\u200d🇳", "🇱\u200d**"),
        ("Ⓛ\u200dⒾ\u200dⓃ", "Ⓛ\u200d**"),
        ("a\ufe00\ufe01\ufe02", "a\ufe00**"),
        ("王\U000e0100伟", "王\U000e0100*"),
        ("欧" * 1001, None),
    ],
)
def test_a_name_shows_its_first_character(name, masked):
    """Of a name the first character is left, and one asterisk for each other."""
    assert mask_name(name) == masked


@given(UNRULY | st.text())
def test_a_masked_name_is_one_character_and_asterisks(name):
    """Whatever the name, no more than its first character is left of it."""
    masked = mask_name(name)
    assert masked is not None
    shown = masked.rstrip("*")
    assert len(clusters(shown)) <= 1
    assert len(shown) <= 8
    assert "*" in masked or not visible(name)


@promise("P7", "C2")
@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13800138000", "138****8000"),
        ("+8613800138000", "138****8000"),
        ("008613800138000", "138****8000"),
        ("86 138-0013-8000", "138****8000"),
        ("138 0013 8000", "138****8000"),
        ("１３８００１３８０００", "138****8000"),
        ("+49 151 23456789", "+491******6789"),
        ("+13802255500", "+138****5500"),
        ("028-12345678", "028****5678"),
        ("4008001234", "******1234"),
        ("12345678", "****5678"),
        ("12345", "****5"),
        ("110", "***"),
        ("call Li on 13800138000", "138****8000"),
        ("unknown", None),
        ("", None),
        ("1" * 21, None),
    ],
)
def test_a_phone_number_shows_seven_digits_at_most(phone, masked):
    """Of a phone number the first three and last four digits are left, of a short one fewer."""
    assert mask_phone(phone) == masked


@given(st.text(st.sampled_from("0123456789+ -()xé１٣"), max_size=40))
def test_a_masked_phone_number_hides_four_digits(phone):
    """Whatever is given as a number, at least four of its digits are hidden and seven shown."""
    masked = mask_phone(phone)
    if masked is not None:
        digits = sum(each.isdigit() for each in masked)
        assert digits <= 7
        assert masked.count("*") >= min(4, digits + masked.count("*"))
        assert set(masked) <= set("0123456789+*")


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("zhang@mail.example", "z***@mail.example"),
        ("z@mail.example", "***@mail.example"),
        (" a.b+c@mail.example ", "a***@mail.example"),
        ("李雷@邮件.example", "李***@邮件.example"),
        ("a@b@mail.example", "a***@mail.example"),
        ("zhang@localhost", None),
        ("zhang", None),
        ("@mail.example", None),
        ("zhang@", None),
        ("zhang@mail..example", None),
        ("zhang@-mail.example", None),
        ("zhang@mail.exam ple", None),
        ("zhang@" + "a" * 64 + ".example", None),
        ("z" * 400 + "@mail.example", None),
    ],
)
def test_an_address_shows_one_character_and_its_domain(email, masked):
    """Of an e-mail address the first character and the domain are left; no address is none."""
    assert mask_email(email) == masked


@pytest.mark.parametrize(
    ("text", "count", "masked"),
    [
        ("A12345678", 4, "A1234****"),
        ("1234", 4, "****"),
        ("123", 4, "***"),
        ("", 4, ""),
        ("欧阳e\u0301", 1, "欧阳*"),
        ("13800138000    ", 4, "1380013****"),
        ("13800138000\u200b\u200b\u200b\u200b", 4, "1380013****"),
        ("13800138000 home", 4, "1380013*********"),
        ("138 0013 8 0 0 0", 4, "138 0013 *******"),
        ("1234----", 4, "********"),
        ("----", 4, "****"),
        ("6222-0212-3456", 6, "6222-02*******"),
    ],
)
def test_the_tail_is_hidden(text, count, masked):
    """The last characters become asterisks; a text that is no longer is hidden whole."""
    assert mask_tail(text, count) == masked


@pytest.mark.parametrize(
    ("text", "count", "kept"),
    [
        ("610041", 2, "61"),
        ("61", 4, "61"),
        ("e\u0301te\u0301", 1, "e\u0301"),
        ("", 3, ""),
        ("a\U000e0062\U000e0063", 1, "a"),
        ("\u202eab", 1, "a"),
        ("a\nb", 2, "a\n"),
    ],
)
def test_the_head_is_kept(text, count, kept):
    """Only the first characters are left, each with its marks."""
    assert truncate(text, count) == kept


@given(UNRULY, st.integers(1, 6))
def test_head_and_tail_show_what_they_say(text, count):
    """Neither shows a character more than it says, whatever the script."""
    total = len(clusters(visible(text)))
    assert mask_tail(text, count).endswith("*" * min(count, total))
    assert visible(text).startswith(mask_tail(text, count).rstrip("*"))
    assert len(clusters(truncate(text, count))) <= count
