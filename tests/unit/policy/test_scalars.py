"""What a plain scalar means."""

import pytest

from gateway.policy.scalars import AmbiguousScalar, plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("2026-03-01", "2026-03-01"),
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("30d", "30d"),
        ("203.0.113.7", "203.0.113.7"),
        ("env:TOKEN", "env:TOKEN"),
        ("order-fulfilment@1", "order-fulfilment@1"),
        ("nothing", "nothing"),
        ("tRuE", "tRuE"),
    ],
)
def test_plain_scalars_follow_the_core_schema(text, value):
    """A plain scalar is null, a truth value, a decimal number or text, and dates are text."""
    found = plain(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "no", "on", "off", "NO", "Off"),
        *("010", "-007", "1_000", "0x1f", "0o17", "0b1", "12:30", "1:20:30.5"),
        *("1e3", "1.5e-3", ".5", "5.", ".inf", "-.INF", ".nan", "1234567890123456789"),
    ],
)
def test_what_two_readers_understand_differently_is_refused(text):
    """A scalar that another YAML reader takes for something else asks for quotes."""
    with pytest.raises(AmbiguousScalar, match="in quotes"):
        plain(text)


@pytest.mark.parametrize("text", ["013800138000", "138_0013_8000", "1380013800013800138"])
def test_an_ambiguous_number_is_not_repeated(text):
    """A number could be somebody's, so the message does not say it again (P2)."""
    with pytest.raises(AmbiguousScalar) as caught:
        plain(text)
    assert "138" not in str(caught.value)
