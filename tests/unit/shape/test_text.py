"""Characters as people count them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shape.text import (
    MAX_CLUSTER,
    ascii_digits,
    ascii_form,
    clusters,
    counted,
    printed,
    visible,
)

UNRULY = st.text(
    st.sampled_from(
        "aZ1欧é\u0301\u0308\u200d\u200c\u200f\u202e\ufe0f\u1112\u1161\u11ab😀👩🏽שם\U000e0041"
    )
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Li", 2),
        ("欧阳明", 3),
        ("Zoe\u0308", 3),
        ("é", 1),
        ("e\u0301\u0323", 1),
        ("👩\u200d👩\u200d👧", 1),
        ("👍🏽", 1),
        ("❤\ufe0f", 1),
        ("\u1112\u1161\u11ab", 1),
        ("שרה", 3),
        ("שׂ", 1),
        ("กำ", 2),
        ("नि", 1),
        ("🇨🇳🇩🇪", 2),
        ("🇨🇳🇩", 2),
        ("1\ufe0f\u20e3", 1),
        ("🏳\ufe0f\u200d🌈", 1),
        ("Ⓛ\u200dⒾ", 2),
        ("a\ufe00\ufe01", 2),
    ],
)
def test_a_letter_with_its_marks_is_one(text, count):
    """What a reader calls one character is counted as one."""
    assert len(clusters(text)) == count


@given(UNRULY)
def test_nothing_is_lost_and_nothing_hides(text):
    """Clusters join to the text, and each holds one base character and few marks."""
    parts = clusters(text)
    assert "".join(parts) == text
    for part in parts:
        letters = [each for each in part[1:] if unicodedata.category(each) in ("Lu", "Ll", "Nd")]
        assert len(part) <= MAX_CLUSTER
        assert letters == []


def test_joiners_cannot_glue_letters_together():
    """A name whose letters are glued with joiners still has as many characters."""
    assert len(clusters("欧\u200d阳\u200d明")) == 3
    assert len(clusters("1\u200d3\u200d8")) == 3


def test_marks_cannot_carry_a_text():
    """A letter under a pile of marks breaks up, so a mask of one letter shows a few marks."""
    assert len(clusters("a" + "\u0301" * 100)) > 10


def test_what_prints_nothing_is_taken_out():
    """Direction marks, controls and spaces around do not count as characters of a name."""
    assert visible("\u202e 欧阳明\u200f\x00 ") == "欧阳明"
    assert visible(" Li ") == "Li"
    assert visible("نام\u200cه") == "نام\u200cه"


def test_digits_of_every_script_count():
    """Full-width and Arabic digits are digits; superscripts and letters are not."""
    assert ascii_digits("１３٨ x²-0") == "1380"
    assert ascii_digits("1-3 8") == "138"


def test_signs_of_other_widths_are_plain():
    """Digits of every script and full-width signs become ASCII; letters of other scripts stay."""
    assert ascii_form("１９９０－٠٥\u200f 年") == "1990-05 年"
    assert ascii_form("plain") == "plain"


def test_only_what_prints_nothing_is_left_out():
    """Spaces and ends of lines are printed; controls and marks of direction are not."""
    assert printed(" a\n\u202eb\x00 ") == " a\nb "


def test_letters_digits_and_symbols_count():
    """Punctuation, spaces and stray marks do not count as something to hide."""
    assert [each for each in "a1欧😀- .\u0301" if counted(each)] == ["a", "1", "欧", "😀"]
