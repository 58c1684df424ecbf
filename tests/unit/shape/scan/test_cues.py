"""Words that name what follows."""

import pytest

from gateway.shape.scan import cues


@pytest.mark.parametrize(
    ("named", "before"),
    [
        (cues.phone_named, "Tel.: "),
        (cues.phone_named, "Sie erreichen mich unter "),
        (cues.phone_named, "我的手机号码是"),
        (cues.card_named, "credit card no. "),
        (cues.card_named, "银行卡号:"),
        (cues.place_named, "GPS: "),
        (cues.address_named, "IP address "),
        (cues.version_named, "Version "),
        (cues.version_named, "版本号:"),
    ],
)
def test_a_word_right_before_names(named, before):
    """A word names what follows it, with small words and signs between."""
    text = before + "12"
    assert named(text, len(before))


@pytest.mark.parametrize(
    "before", ["hotel ", "phone is broken, order ", "tel" + " " * 60, "cellar "]
)
def test_a_word_far_off_or_inside_another_names_nothing(before):
    """A word inside another, or with other words between, does not name what follows."""
    assert not cues.phone_named(before + "12", len(before))
