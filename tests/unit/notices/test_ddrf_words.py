"""The claims of DDRF's three JWTs, whatever stands in them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.notices.ddrf_acknowledgements import claims_of, header_of, key_for, token_in
from gateway.notices.ddrf_words import (
    Code,
    DdrfRefused,
    Identifier,
    id_claims,
    read_acknowledgement,
    read_identity,
    read_request,
    request_claims,
    written,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SUB = Identifier(value="u-1", type="subject", format="plaintext")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
CLAIMS = st.dictionaries(
    st.sampled_from(["version", "jti", "iss", "sub", "iat", "exp", "nbf", "aud", "idJWT", "rqJWT"]),
    JSON | st.just("1.0") | st.just(SUB.claim()),
)


def a_request(**changes: Any) -> dict[str, Any]:
    """The claims of a right rqJWT, unless `changes` say otherwise."""
    right = request_claims(
        jti="j", iss="desk.example", aud="app.example", sub=SUB, id_jwt="a.b.c", now=NOW
    )
    return {**right, **changes}


def refusal(read: Callable[[], Any]) -> DdrfRefused | None:
    """What a reader refuses; any other error is raised."""
    try:
        read()
    except DdrfRefused as refused:
        return refused
    return None


@settings(max_examples=60)
@given(CLAIMS)
def test_whatever_is_signed_is_read_or_refused(claims: dict[str, Any]) -> None:
    """A trusted signer's mistake is a result code, never an error of ours, and quotes nothing."""
    for read in (
        lambda: read_request({**a_request(), **claims}, now=NOW, domain="app.example"),
        lambda: read_request(claims, now=NOW, domain="app.example", strict=True),
        lambda: read_identity(claims, now=NOW),
        lambda: read_acknowledgement(
            claims, request="a.b.c", issuer="v.example", domain="app.example", now=NOW
        ),
    ):
        refused = refusal(read)
        assert refused is None or refused.result is not Code.RECEIVED
        assert "u-1" not in str(refused)


@settings(max_examples=60)
@given(st.binary(max_size=60) | st.text('ey.{}"J0=-_', max_size=40).map(str.encode))
def test_whatever_is_sent_is_a_token_or_refused(body: bytes) -> None:
    """What is no JWT is told so."""
    for read in (
        lambda: token_in(body),
        lambda: header_of(token_in(body)),
        lambda: claims_of(body.decode("latin-1")),
    ):
        refused = refusal(read)
        assert refused is None or refused.result is Code.TOKEN


def test_times_are_good_up_to_their_edges() -> None:
    """300 seconds ahead and 24 hours old are accepted, and not a second more."""
    now = int(NOW.timestamp())
    for good in ({"iat": now + 300}, {"iat": now - 86_400}, {"exp": now + 1}, {"nbf": now + 300}):
        assert read_request(a_request(**good), now=NOW, domain="app.example").sub == SUB
    for bad in ({"iat": now + 301}, {"iat": now - 86_401}, {"exp": now}, {"nbf": now + 301}):
        with pytest.raises(DdrfRefused) as caught:
            read_request(a_request(**bad), now=NOW, domain="app.example")
        assert caught.value.result is Code.TIMESTAMP


def test_the_strict_want_an_audience_and_an_end() -> None:
    """A requester of whom the settings say so must say whom it means, and for how long."""
    for name, code in (("aud", Code.TOKEN), ("exp", Code.MALFORMED)):
        claims = a_request()
        del claims[name]
        assert read_request(claims, now=NOW, domain="app.example").jti == "j"
        with pytest.raises(DdrfRefused) as caught:
            read_request(claims, now=NOW, domain="app.example", strict=True)
        assert caught.value.result is code
    several = a_request(aud=["other.example", "app.example"])
    assert read_request(several, now=NOW, domain="app.example", strict=True).jti == "j"


def test_sub_is_read_in_both_forms() -> None:
    """The framework declares a text and shows an object."""
    text = a_request(sub=json.dumps(SUB.claim()))
    assert read_request(text, now=NOW, domain="app.example").sub == SUB
    assert "u-1" not in repr(SUB)


def test_an_identity_may_be_old_and_never_of_the_future() -> None:
    """It goes from hop to hop; when the person asked is what it says, and not later than now."""
    old = id_claims(jti="i", iss="desk.example", sub=SUB, now=NOW - timedelta(days=40))
    ahead = id_claims(jti="i", iss="desk.example", sub=SUB, now=NOW + timedelta(seconds=200))
    assert read_identity(old, now=NOW) == NOW - timedelta(days=40)
    assert read_identity(ahead, now=NOW) == NOW
    with pytest.raises(DdrfRefused):
        read_identity({**old, "iat": int(NOW.timestamp()) + 301}, now=NOW)


def test_a_value_is_written_in_the_formats_that_are_known() -> None:
    """As it stands, or its SHA-256 in hex; nothing is guessed."""
    assert [written("a", form) for form in ("plaintext", "plain", "raw")] == ["a"] * 3
    assert written("a", "sha256") == (
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    )
    assert [written("a", form) for form in ("md5", "hash", "SHA256", "")] == [None] * 4


def test_a_name_of_two_keys_is_nobodys() -> None:
    """Of two keys with one kid neither is taken."""
    token = "eyJ0eXAiOiJKV1QiLCJraWQiOiIxIn0.e30.AA"
    assert key_for(token, [{"kid": "1"}, {"kid": "2"}]) == {"keys": [{"kid": "1"}]}
    for keys in ([{"kid": "1"}, {"kid": "1"}], [{"kid": "2"}], []):
        with pytest.raises(DdrfRefused) as caught:
            key_for(token, keys)
        assert caught.value.result is Code.SIGNATURE
