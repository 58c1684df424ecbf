"""What a redemption must say to be one (contract §4; S4c)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.recipient import sign_redemption
from gateway.seal.jws import verify_jws
from gateway.seal.keys import parse_partner_keys
from gateway.seal.tokens import REDEMPTION_TYPE, Asked, RedemptionInvalid, check_claims
from tests.marks import promise
from tests.unit.seal.builders import p256_jwk, public

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://sharing.shop.example"


def some_claims(**changed: Any) -> dict[str, Any]:
    """Claims of a redemption; None takes one out."""
    members = {
        "iss": "swift-parcel",
        "aud": ISSUER,
        "jti": "r-1",
        "iat": SECONDS,
        "token": "tok_1",
        "purpose": "order-fulfilment",
        **changed,
    }
    return {name: value for name, value in members.items() if value is not None}


def read(claims: Any) -> Asked:
    """The redemption in these claims."""
    return check_claims(claims, partner="swift-parcel", audience=ISSUER, now=NOW)


@promise("S4c")
def test_a_redemption_is_read() -> None:
    """Who, for whom, when, which token and what for; and until when it may be said again."""
    assert read(some_claims(further="unknown")) == Asked(
        jti="r-1",
        token="tok_1",
        purpose="order-fulfilment",
        fresh_until=NOW + timedelta(seconds=300),
    )


def test_what_the_kit_signs_is_read() -> None:
    """The recipient's side and ours agree."""
    key = p256_jwk("sig-es", use="sig")
    jws = sign_redemption(
        key, partner="swift-parcel", audience=ISSUER, token="tok_1", purpose="payment", now=NOW
    )
    keys = parse_partner_keys({"keys": [public(key)]}).sig
    asked = read(verify_jws(jws, keys, REDEMPTION_TYPE))

    assert (asked.token, asked.purpose) == ("tok_1", "payment")
    assert len(asked.jti) >= 16


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"iss": "other"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "https://elsewhere.example"}, "aud"),
        ({"aud": [ISSUER]}, "aud"),
        ({"iat": None}, "iat"),
        ({"iat": True}, "iat"),
        ({"iat": "now"}, "iat"),
        ({"iat": SECONDS - 301}, "iat"),
        ({"iat": SECONDS + 301}, "iat"),
        ({"iat": 1e400}, "iat"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": "x" * 501}, "jti"),
        ({"token": 7}, "token"),
        ({"token": "tok\n1"}, "token"),
        ({"purpose": None}, "purpose"),
        ({"purpose": ["payment"]}, "purpose"),
    ],
    ids=str,
)
def test_one_wrong_claim_is_enough(changed: dict[str, Any], named: str) -> None:
    """The claim is named, and what it said is not repeated."""
    with pytest.raises(RedemptionInvalid) as refused:
        read(some_claims(**changed))

    assert named in str(refused.value)
    assert "elsewhere" not in str(refused.value)


@pytest.mark.parametrize("offset", [-300, 0, 300])
def test_five_minutes_either_way_are_fresh(offset: int) -> None:
    """Clocks may differ by that much."""
    assert read(some_claims(iat=SECONDS + offset)).fresh_until >= NOW


@given(claims=st.dictionaries(st.text(max_size=8), st.integers() | st.text() | st.none()))
def test_whatever_the_claims_are_they_are_read_or_refused(claims: dict[str, Any]) -> None:
    """Nothing else ever comes of them."""
    try:
        read(claims | {"iss": "swift-parcel"})
    except RedemptionInvalid:
        return
    raise AssertionError("random claims are no redemption")
