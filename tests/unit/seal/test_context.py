"""What a seal is bound to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.ids import ID_PATTERN
from gateway.seal.context import content_type_parameter, party_info
from tests.unit.seal.builders import context

IDS = st.from_regex(ID_PATTERN, fullmatch=True)


def test_a_context_names_recipient_and_purpose() -> None:
    """`apv` is base64url of the two ids with a vertical line between, as the contract says."""
    assert context().apv == "c3dpZnQtcGFyY2VsfG9yZGVyLWZ1bGZpbG1lbnQ"


@given(IDS, IDS, IDS, IDS)
def test_no_two_pairs_look_alike(partner: str, purpose: str, other: str, another: str) -> None:
    """Two pairs of recipient and purpose are the same octets only if they are the same pair."""
    same = party_info(partner, purpose) == party_info(other, another)

    assert same == ((partner, purpose) == (other, another))


@pytest.mark.parametrize(
    ("partner", "purpose"),
    [("a|b", "c"), ("a", "b|c"), ("", "c"), ("a", ""), ("A", "c"), ("a", "c@1"), ("a\n", "c")],
)
def test_what_is_no_id_is_refused(partner: str, purpose: str) -> None:
    """A name that could blur where the recipient ends and the purpose begins is refused."""
    with pytest.raises(ValueError, match="ids"):
        party_info(partner, purpose)


@pytest.mark.parametrize(
    ("content_type", "cty"),
    [
        ("application/json", "json"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
    ],
)
def test_the_header_says_what_is_inside(content_type: str, cty: str) -> None:
    """JSON is written short, everything else in full."""
    assert content_type_parameter(content_type) == cty
    assert context(content_type=content_type).cty == cty
