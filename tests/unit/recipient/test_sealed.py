"""Opening seals: every way in which one can be wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.recipient import RecipientError, open_sealed
from gateway.seal.encoding import b64, unb64
from tests.marks import promise
from tests.unit.recipient.builders import KEYS, OWN, PARTNER, PURPOSE, code_of, resealed, sealed
from tests.unit.seal.builders import p256_jwk, public, x25519_jwk

P = p256_jwk()
JWE = sealed(b"secret")
PARTS = JWE.split(".")


def open_it(jwe: Any, keys: Any = KEYS, **changed: Any) -> bytes:
    """The seal as its recipient opens it."""
    usual: dict[str, Any] = {"partner": PARTNER, "purpose": PURPOSE}
    return open_sealed(jwe, keys, **usual | changed)


def parts(*, place: int, text: str) -> str:
    """The seal with one part replaced."""
    return ".".join([*PARTS[:place], text, *PARTS[place + 1 :]])


def epk(**changed: Any) -> str:
    """The seal with another ephemeral key."""
    header = json.loads(unb64(PARTS[0]))
    return resealed(JWE, epk=header["epk"] | changed)


@pytest.mark.parametrize("jwk", [OWN, P], ids=["X25519", "P-256"])
def test_a_seal_opens(jwk: dict[str, Any]) -> None:
    """Body and field open with the key that the seal names, whichever others there are."""
    assert open_it(sealed(b"secret", jwk=jwk)) == b"secret"
    assert open_it(sealed(b"1", jwk=jwk, field="/a"), field="/a", jti=None) == b"1"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"purpose": "payment"}, "purpose-mismatch"),
        ({"partner": "other-parcel"}, "audience-mismatch"),
        ({"field": "/a"}, "field-mismatch"),
        ({"field": ""}, "field-mismatch"),
        ({"jti": "another"}, "share-mismatch"),
    ],
    ids=str,
)
def test_a_seal_for_elsewhere_is_refused(changed: dict[str, Any], code: str) -> None:
    """Purpose, recipient, field and share are compared with what the recipient expects."""
    assert code_of(lambda: open_it(JWE, **changed)) == code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"alg": "ECDH-ES+A256KW"}, "algorithm-refused"),
        ({"alg": "dir"}, "algorithm-refused"),
        ({"alg": "RSA1_5"}, "algorithm-refused"),
        ({"alg": "PBES2-HS256+A128KW"}, "algorithm-refused"),
        ({"alg": ["ECDH-ES"]}, "algorithm-refused"),
        ({"alg": None}, "algorithm-refused"),
        ({"enc": "A128GCM"}, "algorithm-refused"),
        ({"enc": "A256CBC-HS512"}, "algorithm-refused"),
        ({"enc": None}, "algorithm-refused"),
        ({"crit": []}, "header-refused"),
        ({"crit": ["purpose"]}, "header-refused"),
        ({"zip": "DEF"}, "header-refused"),
        ({"jwk": {}}, "header-refused"),
        ({"jku": "https://keys.example/"}, "header-refused"),
        ({"x5u": "https://keys.example/"}, "header-refused"),
        ({"x5c": []}, "header-refused"),
        ({"x5t": "AA"}, "header-refused"),
        ({"x5t#S256": "AA"}, "header-refused"),
        ({"apu": "AA"}, "header-refused"),
        ({"p2c": 1_000_000_000}, "header-refused"),
        ({"kid": None}, "sealed-malformed"),
        ({"kid": 7}, "sealed-malformed"),
        ({"kid": "who"}, "key-missing"),
        ({"purpose": None}, "sealed-malformed"),
        ({"purpose": "payment"}, "purpose-mismatch"),
        ({"purpose_version": "1"}, "sealed-malformed"),
        ({"purpose_version": 2}, "sealed-broken"),
        ({"cty": 7}, "sealed-malformed"),
        ({"cty": "text/plain"}, "sealed-broken"),
        ({"jti": None}, "sealed-malformed"),
        ({"jti": "another"}, "sealed-broken"),
        ({"apv": None}, "sealed-malformed"),
        ({"apv": b64(b"swift-parcel|payment")}, "audience-mismatch"),
        ({"apv": b64(b"swift-parcel|order-fulfilment") + "="}, "audience-mismatch"),
        ({"field": "/a"}, "field-mismatch"),
        ({"epk": None}, "sealed-malformed"),
        ({"epk": "x"}, "sealed-malformed"),
        ({"epk": public(P)}, "sealed-malformed"),
        ({"anything": "else"}, "sealed-broken"),
    ],
    ids=str,
)
def test_a_changed_header_is_refused(header: dict[str, Any], code: str) -> None:
    """Every member that counts is checked, and every other change breaks the seal."""
    assert code_of(lambda: open_it(resealed(JWE, **header))) == code


def test_a_null_field_is_no_absent_field() -> None:
    """A header that says `field: null` is not the header of a body."""
    header = unb64(PARTS[0])[:-1] + b',"field":null}'

    assert code_of(lambda: open_it(parts(place=0, text=b64(header)))) == "field-mismatch"


@pytest.mark.parametrize(
    "jwe",
    [
        None,
        b"bytes",
        "",
        ".".join(PARTS[:4]),
        JWE + ".",
        parts(place=0, text=""),
        parts(place=0, text=b64(b"[]")),
        parts(place=0, text=b64(b'{"alg":"ECDH-ES","alg":"ECDH-ES"}')),
        parts(place=0, text=b64(unb64(PARTS[0]).replace(b'"cty"', b'"kid":"enc-x","cty"'))),
        parts(place=0, text=PARTS[0] + "="),
        parts(place=1, text="AA"),
        parts(place=2, text=""),
        parts(place=2, text=b64(bytes(16))),
        parts(place=2, text=PARTS[2] + "=="),
        parts(place=3, text=PARTS[3] + "\n"),
        parts(place=3, text=PARTS[3][:-1] + "é"),
        parts(place=4, text=b64(unb64(PARTS[4])[:12])),
        parts(place=4, text=b64(unb64(PARTS[4]) + b"\x00")),
        parts(place=4, text=PARTS[4][:-1] + "B"),
        json.dumps({"protected": PARTS[0], "iv": PARTS[2], "ciphertext": PARTS[3]}),
        epk(d=OWN["d"]),
        epk(crv="X448"),
        epk(kty="EC"),
        epk(x="AA"),
        epk(x=7),
        epk(x=b64(bytes(32))),
    ],
)
def test_what_is_no_seal_is_refused(jwe: Any) -> None:
    """Other serialisations, lengths, spellings and points are refused before anything is opened."""
    assert code_of(lambda: open_it(jwe)) == "sealed-malformed"


def test_a_point_off_the_curve_is_refused() -> None:
    """An ephemeral key that is no point of P-256 could tell the private key bit by bit."""
    jwe = sealed(b"secret", jwk=P)
    header = json.loads(unb64(jwe.split(".")[0]))
    off = resealed(jwe, epk=header["epk"] | {"y": header["epk"]["x"]})

    assert code_of(lambda: open_it(off)) == "sealed-malformed"


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"keys": []}, "key-missing"),
        ({"keys": [x25519_jwk("other")]}, "key-missing"),
        ({"keys": [x25519_jwk(seed=2)]}, "sealed-broken"),
        ({"keys": [OWN, OWN]}, "key-unusable"),
        ({"keys": [public(OWN)]}, "key-unusable"),
        ({"keys": [OWN | {"use": "sig"}]}, "key-unusable"),
        ({"keys": [OWN | {"alg": "ECDH-ES+A256KW"}]}, "key-unusable"),
        ({"keys": [OWN | {"crv": "X448"}]}, "key-unusable"),
        ({"keys": [OWN | {"d": "AA"}]}, "key-unusable"),
        ({"keys": [OWN | {"d": x25519_jwk(seed=2)["d"]}]}, "key-unusable"),
        ({"keys": [P | {"kid": "enc-x", "d": p256_jwk(seed=2)["d"]}]}, "key-unusable"),
        ({"keys": [P | {"kid": "enc-x", "d": b64(bytes(32))}]}, "key-unusable"),
        ({"keys": [P | {"kid": "enc-x"}]}, "sealed-malformed"),
        ({"keys": [OWN | {"purpose": "payment"}]}, "key-other-purpose"),
        ({"keys": None}, "keys-malformed"),
        ({"keys": ["enc-x"]}, "keys-malformed"),
        ([], "keys-malformed"),
        (None, "keys-malformed"),
    ],
)
def test_a_key_that_does_not_fit_opens_nothing(keys: Any, code: str) -> None:
    """Missing, public, doubled, foreign and broken own keys each have their code."""
    assert code_of(lambda: open_it(JWE, keys)) == code


@promise("S3")
@given(
    bound=st.lists(st.sampled_from(["payment", "analytics", PURPOSE]), max_size=3),
    purpose=st.sampled_from(["payment", "analytics", PURPOSE]),
)
def test_a_bound_key_opens_for_its_purposes_alone(bound: list[str], purpose: str) -> None:
    """Whatever was sealed, a key opens only what is for a purpose that it is bound to."""
    jwe = sealed(b"secret", purpose=purpose)
    code = code_of(lambda: open_it(jwe, {"keys": [OWN | {"purpose": bound}]}, purpose=purpose))

    assert code == (None if purpose in bound else "key-other-purpose")


@promise("P2")
def test_a_refusal_holds_nothing_of_the_data() -> None:
    """Messages name the rule, never a value of header, key or content."""
    with pytest.raises(RecipientError) as refused:
        open_it(resealed(JWE, jti="person-42"))

    assert "person-42" not in str(refused.value)
    assert str(refused.value).startswith("sealed-broken: ")
