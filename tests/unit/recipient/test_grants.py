"""Grants: whose they are, and whether they still hold."""

import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.recipient import RecipientError, verify_grant
from gateway.seal.keys import public_jwk
from tests.unit.recipient.builders import (
    GRANT_KEY,
    ISSUED,
    ISSUER,
    JWKS,
    NOTICE_KEY,
    PARTNER,
    claims,
    code_of,
    grant_by_hand,
    granted,
)
from tests.unit.seal.builders import NOW, p256_jwk, public, signer

PUBLIC = public_jwk(GRANT_KEY.private, "grant-1")
HEADER = '{"alg":"EdDSA","kid":"grant-1","typ":"sharing-grant+jwt"'


def verify(token: str, jwks: Any = JWKS, **changed: Any) -> dict[str, Any]:
    """The grant as its recipient reads it."""
    usual: dict[str, Any] = {"partner": PARTNER, "issuer": ISSUER, "now": NOW}
    return verify_grant(token, jwks, **usual | changed)


def test_a_grant_gives_its_claims() -> None:
    """A valid grant gives all claims as they were signed."""
    assert verify(granted()) == claims()
    assert verify(granted(), body=b"{}") == claims()


def test_now_is_a_datetime_or_seconds_or_the_clock() -> None:
    """All three ways to say when it is are understood."""
    assert verify(granted(), now=ISSUED) == verify(granted(), now=float(ISSUED))
    fresh = int(time.time())
    assert verify(granted(iat=fresh, exp=fresh + 300), now=None)["iat"] == fresh
    assert code_of(lambda: verify(granted(iat=1, exp=2), now=None)) == "grant-expired"


def test_both_names_of_the_algorithm_are_read() -> None:
    """`EdDSA` and `Ed25519` are one algorithm, in the token and in the key."""
    token = grant_by_hand(HEADER.replace("EdDSA", "Ed25519") + "}")

    assert verify(token)["aud"] == PARTNER
    assert verify(token, {"keys": [PUBLIC | {"alg": "Ed25519"}]})["aud"] == PARTNER
    without = {name: value for name, value in PUBLIC.items() if name != "alg"}
    assert verify(token, {"keys": [without]})["aud"] == PARTNER


def test_keys_of_other_kinds_may_stand_in_the_set() -> None:
    """A set with keys of a later day still serves for this one."""
    others = [{"kty": "AKP", "kid": "grant-pq"}, public(p256_jwk("grant-es", use="sig"))]

    assert verify(granted(), {"keys": [*others, PUBLIC]})["aud"] == PARTNER


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"iss": "https://other.example"}, "issuer-mismatch"),
        ({"iss": ISSUER + "/"}, "issuer-mismatch"),
        ({"iss": None}, "issuer-mismatch"),
        ({"iss": [ISSUER]}, "issuer-mismatch"),
        ({"aud": "other-parcel"}, "audience-mismatch"),
        ({"aud": [PARTNER, "other-parcel"]}, "audience-mismatch"),
        ({"aud": None}, "audience-mismatch"),
        ({"iat": None}, "grant-invalid"),
        ({"iat": str(ISSUED)}, "grant-invalid"),
        ({"iat": True}, "grant-invalid"),
        ({"exp": None}, "grant-invalid"),
        ({"exp": ISSUED + 301}, "grant-invalid"),
        ({"exp": ISSUED}, "grant-invalid"),
        ({"iat": ISSUED + 61, "exp": ISSUED + 361}, "grant-early"),
        ({"iat": ISSUED - 360, "exp": ISSUED - 60}, "grant-expired"),
        ({"jti": ""}, "grant-invalid"),
        ({"jti": 7}, "grant-invalid"),
        ({"purpose_version": "1"}, "grant-invalid"),
        ({"purpose_version": True}, "grant-invalid"),
        ({"sub": ""}, "grant-invalid"),
        ({"sub": 7}, "grant-invalid"),
    ],
    ids=str,
)
def test_claims_that_do_not_fit_are_refused(changed: dict[str, Any], code: str) -> None:
    """Claims are compared with what the recipient expects, by type and by value."""
    assert code_of(lambda: verify(granted(**changed))) == code


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "grant-invalid"),
        (None, "grant-invalid"),
        (b"a.b.c", "grant-invalid"),
        ("a.b", "grant-invalid"),
        (granted() + ".", "grant-invalid"),
        (granted() + "=", "grant-invalid"),
        (granted() + "\n", "grant-invalid"),
        (" " + granted(), "grant-invalid"),
        ("é" + granted(), "grant-invalid"),
        (granted().replace(".", ".é", 1), "grant-invalid"),
        (json.dumps({"payload": "e30", "signatures": []}), "grant-invalid"),
        (granted(typ="sharing-receipt+jwt"), "grant-invalid"),
        (granted(typ="JWT"), "grant-invalid"),
        (granted(NOTICE_KEY), "grant-invalid"),
        (granted(signer("grant-1", seed=99)), "grant-invalid"),
        (granted(signer("grant-2")), "signing-key-unknown"),
        (grant_by_hand(HEADER + ',"crit":["exp"]}'), "grant-invalid"),
        (grant_by_hand(HEADER + ',"crit":[]}'), "grant-invalid"),
        (grant_by_hand(HEADER + ',"b64":false}'), "grant-invalid"),
        (grant_by_hand(HEADER + ',"jwk":{}}'), "grant-invalid"),
        (grant_by_hand(HEADER + ',"jku":"https://keys.example/"}'), "grant-invalid"),
        (grant_by_hand(HEADER + ',"x5u":"https://keys.example/"}'), "grant-invalid"),
        (grant_by_hand(HEADER + ',"x5t#S256":"AA"}'), "grant-invalid"),
        (grant_by_hand(HEADER + ',"kid":"grant-1"}'), "grant-invalid"),
        (grant_by_hand(HEADER.replace("EdDSA", "none") + "}"), "grant-invalid"),
        (grant_by_hand(HEADER.replace("EdDSA", "ES256") + "}"), "grant-invalid"),
        (grant_by_hand(HEADER.replace('"EdDSA"', '["EdDSA"]') + "}"), "grant-invalid"),
        (grant_by_hand(HEADER.replace('"grant-1"', "7") + "}"), "grant-invalid"),
        (grant_by_hand("[]"), "grant-invalid"),
        (grant_by_hand(HEADER + "}", "[]"), "grant-invalid"),
        (grant_by_hand(HEADER + "}", '{"iss":"a","iss":"b"}'), "grant-invalid"),
        (grant_by_hand(HEADER + "}", '{"iat":NaN}'), "grant-invalid"),
        (
            grant_by_hand(HEADER + "}", json.dumps(claims()).replace(str(ISSUED), "1e999")),
            "grant-invalid",
        ),
    ],
)
def test_a_forged_grant_is_refused(token: Any, code: str) -> None:
    """Other kinds, keys, algorithms and spellings are refused, also when the signature is right."""
    assert code_of(lambda: verify(token)) == code


def test_an_hmac_with_the_public_key_is_refused() -> None:
    """The public key is no shared secret."""
    secret = GRANT_KEY.private.public_key().public_bytes_raw()
    headers = {"kid": "grant-1", "typ": "sharing-grant+jwt"}
    token = jwt.encode(claims(), secret, algorithm="HS256", headers=headers)

    assert code_of(lambda: verify(token)) == "grant-invalid"


@given(st.data())
def test_no_character_can_change(data: st.DataObject) -> None:
    """A grant with any one character changed is refused."""
    token = granted()
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from("ABCdef019-_."))
    assume(token[place] != character)

    with pytest.raises(RecipientError):
        verify(token[:place] + character + token[place + 1 :])


@pytest.mark.parametrize(
    ("jwk", "code"),
    [
        (PUBLIC | {"use": "enc"}, "signing-key-unknown"),
        ({k: v for k, v in PUBLIC.items() if k != "use"}, "signing-key-unknown"),
        (PUBLIC | {"alg": "ES256"}, "signing-key-unknown"),
        (PUBLIC | {"kty": "EC"}, "signing-key-unknown"),
        (PUBLIC | {"crv": "X25519"}, "signing-key-unknown"),
        (PUBLIC | {"kid": 7}, "signing-key-unknown"),
        (PUBLIC | {"x": None}, "signing-key-unknown"),
        (PUBLIC | {"x": "AA"}, "keys-malformed"),
        (PUBLIC | {"x": PUBLIC["x"] + "="}, "keys-malformed"),
        ("grant-1", "keys-malformed"),
    ],
    ids=str,
)
def test_a_key_that_may_not_sign_does_not(jwk: Any, code: str) -> None:
    """Only an Ed25519 key of use sig checks a grant."""
    assert code_of(lambda: verify(granted(), {"keys": [jwk]})) == code


def test_two_keys_of_one_name_check_nothing() -> None:
    """A set in which a name stands twice leaves open which key counts."""
    assert code_of(lambda: verify(granted(), {"keys": [PUBLIC, PUBLIC]})) == "signing-key-unknown"


def test_the_body_must_be_the_one_of_the_grant() -> None:
    """With a body given, its digest must be the grant's."""
    assert code_of(lambda: verify(granted(), body=b"{ }")) == "digest-mismatch"
    assert code_of(lambda: verify(granted(digest="ü\ud800"), body=b"{}")) == "digest-mismatch"
    assert code_of(lambda: verify(granted(), body="{}")) == "argument-invalid"
