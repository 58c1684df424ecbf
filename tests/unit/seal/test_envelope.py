"""Sealing: what opens where, and what never does."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import assume, given
from hypothesis import strategies as st
from jwcrypto.jwe import JWE, InvalidJWEData
from jwcrypto.jwk import JWK

from gateway.recipient import RecipientError, open_sealed
from gateway.seal.encoding import b64, unb64
from gateway.seal.envelope import PreparedSealer, concat_kdf, other_info, seal
from tests.marks import promise
from tests.unit.seal.builders import (
    SHARE,
    Stream,
    context,
    p256_jwk,
    sealing_key,
    vectors,
    x25519_jwk,
)

CURVES = pytest.mark.parametrize("jwk", [x25519_jwk(), p256_jwk()], ids=["X25519", "P-256"])
PURPOSES = ["order-fulfilment", "payment", "advertising", "analytics", "fraud-prevention"]
PARTNERS = ["swift-parcel", "swift-parcel2", "pay-corp"]


def header_of(jwe: str) -> dict[str, Any]:
    """The protected header."""
    header: dict[str, Any] = json.loads(unb64(jwe.split(".")[0]))
    return header


def test_the_key_derivation_is_that_of_the_rfc() -> None:
    """The worked example of RFC 7518 appendix C comes out, key agreement and all."""
    vector = vectors("rfc7518_appendix_c.json")
    own, other = (
        ec.derive_private_key(int.from_bytes(unb64(vector[who]["d"]), "big"), ec.SECP256R1())
        for who in ("ephemeral", "recipient")
    )
    secret = own.exchange(ec.ECDH(), other.public_key())
    info = other_info(
        vector["enc"], apu=unb64(vector["apu"]), apv=unb64(vector["apv"]), bits=vector["bits"]
    )

    assert b64(concat_kdf(secret, info, bits=vector["bits"])) == vector["derived"]


@CURVES
def test_another_library_opens_a_seal(jwk: dict[str, Any]) -> None:
    """A partner may open with any JOSE library: jwcrypto opens ours."""
    jwe = seal('{"名": 1}'.encode(), sealing_key(jwk), context(), random=Stream())
    opened = JWE()
    opened.deserialize(jwe, key=JWK(**jwk))

    assert opened.payload == '{"名": 1}'.encode()


@CURVES
def test_the_kit_opens_a_seal(jwk: dict[str, Any]) -> None:
    """What is sealed for a partner opens with the kit that partners use."""
    jwe = seal(b'"13800138000"', sealing_key(jwk), context(field="/phone"), random=Stream())
    opened = open_sealed(
        jwe,
        {"keys": [jwk]},
        partner="swift-parcel",
        purpose="order-fulfilment",
        field="/phone",
        jti=SHARE,
    )

    assert opened == b'"13800138000"'


@CURVES
def test_the_header_is_the_one_of_the_contract(jwk: dict[str, Any]) -> None:
    """Exactly the contract's members stand in the header, in its order; a field adds `field`."""
    key = sealing_key(jwk)
    body = header_of(seal(b"{}", key, context(), random=Stream()))
    field = header_of(seal(b"1", key, context(field="/a/0/ü"), random=Stream()))
    members = ["alg", "enc", "epk", "kid", "cty", "purpose", "purpose_version", "jti", "apv"]

    assert list(body) == members
    assert list(field) == [*members, "field"]
    assert body | {"epk": None} == {
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "epk": None,
        "kid": jwk["kid"],
        "cty": "json",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "jti": SHARE,
        "apv": b64(b"swift-parcel|order-fulfilment"),
    }
    assert field["field"] == "/a/0/ü"
    assert "d" not in body["epk"]


@promise("S3", "S4d")
@given(
    sealed_for=st.tuples(st.sampled_from(PARTNERS), st.sampled_from(PURPOSES)),
    opened_for=st.tuples(st.sampled_from(PARTNERS), st.sampled_from(PURPOSES)),
    plaintext=st.binary(max_size=64),
    jwk=st.sampled_from([x25519_jwk(), p256_jwk()]),
)
def test_a_seal_opens_for_its_purpose_alone(
    sealed_for: tuple[str, str], opened_for: tuple[str, str], plaintext: bytes, jwk: dict[str, Any]
) -> None:
    """What is sealed for one recipient and purpose never opens for another, though the key is the
    same."""
    (partner, purpose), (other_partner, other_purpose) = sealed_for, opened_for
    sealed_context = context(partner=partner, purpose=purpose)
    jwe = seal(plaintext, sealing_key(jwk), sealed_context, random=Stream())

    if sealed_for == opened_for:
        keys = {"keys": [jwk]}
        assert open_sealed(jwe, keys, partner=partner, purpose=purpose) == plaintext
    else:
        with pytest.raises(RecipientError):
            open_sealed(jwe, {"keys": [jwk]}, partner=other_partner, purpose=other_purpose)


@promise("S3")
@CURVES
def test_a_relabelled_seal_does_not_open(jwk: dict[str, Any]) -> None:
    """Rewriting the purpose in the header does not help: the key itself is of the old purpose, so
    a library that never looks at the purpose fails too."""
    jwe = seal(b"{}", sealing_key(jwk), context(purpose="payment"), random=Stream())
    header = header_of(jwe) | {"purpose": "advertising", "apv": b64(b"swift-parcel|advertising")}
    forged = ".".join([b64(json.dumps(header).encode()), *jwe.split(".")[1:]])

    with pytest.raises(RecipientError) as refused:
        open_sealed(forged, {"keys": [jwk]}, partner="swift-parcel", purpose="advertising")
    with pytest.raises(InvalidJWEData):
        JWE().deserialize(forged, key=JWK(**jwk))
    assert refused.value.code == "sealed-broken"


@given(st.binary(max_size=40), st.data())
def test_no_bit_can_change(plaintext: bytes, data: st.DataObject) -> None:
    """A seal with any one character changed does not open."""
    jwk = x25519_jwk()
    jwe = seal(plaintext, sealing_key(jwk), context(), random=Stream())
    place = data.draw(st.integers(0, len(jwe) - 1))
    character = data.draw(st.sampled_from("ABCdef019-_."))
    assume(jwe[place] != character)
    changed = jwe[:place] + character + jwe[place + 1 :]

    with pytest.raises(RecipientError):
        open_sealed(changed, {"keys": [jwk]}, partner="swift-parcel", purpose="order-fulfilment")


@CURVES
def test_every_seal_has_a_key_of_its_own(jwk: dict[str, Any]) -> None:
    """The same text sealed twice shares neither ephemeral key nor nonce nor ciphertext."""
    random = Stream()
    sealer = PreparedSealer.of(
        sealing_key(jwk), partner="swift-parcel", purpose="payment", purpose_version=1
    )
    one, two = (sealer.seal(b"{}", share=SHARE, random=random) for _ in range(2))

    assert header_of(one)["epk"] != header_of(two)["epk"]
    assert not set(one.split(".")) & set(two.split(".")) - {""}


def test_a_key_of_another_purpose_is_never_sealed_for() -> None:
    """Even a caller that chose the wrong key cannot seal with it."""
    bound = sealing_key(x25519_jwk(purpose="payment"))

    with pytest.raises(ValueError, match="bound to another purpose"):
        seal(b"{}", bound, context(purpose="advertising"), random=Stream())
    assert seal(b"{}", bound, context(purpose="payment"), random=Stream())


@CURVES
def test_too_little_randomness_is_refused(jwk: dict[str, Any]) -> None:
    """A source that gives fewer bytes than asked for seals nothing."""
    with pytest.raises(ValueError, match="random source"):
        seal(b"{}", sealing_key(jwk), context(), random=lambda length: bytes(length - 1))


def test_names_that_need_escaping_are_escaped() -> None:
    """A kid, share or pointer with quotes stays one member and opens nothing else."""
    jwk = x25519_jwk('k","purpose":"x')
    jwe = seal(b"1", sealing_key(jwk), context(share='s","a":"', field='/"},{\\'), random=Stream())
    header = header_of(jwe)

    assert header["kid"] == 'k","purpose":"x'
    assert (header["jti"], header["field"]) == ('s","a":"', '/"},{\\')


def test_a_sealer_prints_no_secret() -> None:
    """The prepared sealer shows which key it is for and nothing else."""
    sealer = PreparedSealer.of(
        sealing_key(x25519_jwk()), partner="swift-parcel", purpose="payment", purpose_version=1
    )

    assert repr(sealer) == (
        "PreparedSealer(key=EncryptionKey(kid='enc-x', curve='X25519', purpose=None))"
    )
