"""A text as the recognisers read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shape.scan.fold import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("plain 138", "plain 138"),
        ("１３８", "138"),
        ("١٣٨", "138"),
        ("①③⑧", "138"),
        ("1\u200b3\u00ad8", "138"),
        ("1\x003\x7f8", "138"),
        ("1\u03363\u03368", "138"),
        ("1\u31643", "13"),
        ("138\u20110013", "138-0013"),
        ("138\u00a00013", "138 0013"),
        ("138\u30000013", "138 0013"),
        ("138·0013", "138.0013"),
        ("ＬＩ＠", "LI@"),
        ("℡", "TEL"),
        ("1\r\n2", "1\n\n2"),
        ("31\u00ba13\u2032", "31\u00b013'"),
        ("欧é", "欧é"),
    ],
)
def test_what_reads_alike_is_the_same(text, folded):
    """Digits, letters, spaces and signs of other forms are the plain ones; the rest stays."""
    assert fold(text)[0] == folded


@given(st.text())
def test_every_character_keeps_its_place(text):
    """Each character of the folded text points to one of the original, in order."""
    folded, places = fold(text)
    assert len(folded) == len(places)
    assert list(places) == sorted(places)
    assert all(0 <= place < len(text) for place in places)
