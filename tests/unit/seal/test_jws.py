"""Signed messages: the gateway's own and those of partners."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.seal.encoding import b64, unb64
from gateway.seal.jws import SignatureRefused, sign_jws, verify_jws
from gateway.seal.keys import VerifyKey, parse_partner_keys, public_jwk
from tests.unit.seal.builders import p256_jwk, public, rsa_jwk, signer

TYP = "sharing-receipt+jwt"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED = Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32)
P256 = ec.derive_private_key(1001, ec.SECP256R1())
KEYS = parse_partner_keys(
    {
        "keys": [
            public_jwk(ED, "ed"),
            public(p256_jwk("es", use="sig", seed=1)),
            rsa_jwk(RSA, "rs"),
            rsa_jwk(RSA, "ps", alg="PS256"),
        ]
    }
).sig
PRIVATE: dict[str, tuple[Any, str]] = {
    "ed": (ED, "EdDSA"),
    "es": (P256, "ES256"),
    "rs": (RSA, "RS256"),
    "ps": (RSA, "PS256"),
}


def by_partner(kid: str = "ed", **header: Any) -> str:
    """A partner's token, made by another library."""
    private, algorithm = PRIVATE[kid]
    headers = {"kid": kid, "typ": TYP} | header
    return jwt.encode({"iss": "swift-parcel"}, private, algorithm=algorithm, headers=headers)


def by_hand(header: str, payload: str) -> str:
    """A token with this very header and payload, and a right signature by `ed`."""
    signed = f"{b64(header.encode())}.{b64(payload.encode())}"
    return f"{signed}.{b64(ED.sign(signed.encode()))}"


def with_signature(token: str, signature: bytes) -> str:
    """The token under another signature."""
    return f"{token.rpartition('.')[0]}.{b64(signature)}"


def test_what_the_gateway_signs_verifies_elsewhere() -> None:
    """A certificate verifies with plain PyJWT; its header names algorithm, key and kind."""
    own = signer("certificate-1")
    token = sign_jws({"case": "c1", "n": 1}, own, "sharing-certificate+jwt")
    claims = jwt.decode(token, own.private.public_key(), algorithms=["EdDSA"])

    assert claims == {"case": "c1", "n": 1}
    assert unb64(token.split(".")[0]) == (
        b'{"alg":"EdDSA","kid":"certificate-1","typ":"sharing-certificate+jwt"}'
    )


def test_bytes_are_signed_as_they_stand() -> None:
    """A document that is canonical already is not written anew."""
    token = sign_jws(b'{ "b": 1, "a": 2 }', signer(), "x+jwt")

    assert unb64(token.split(".")[1]) == b'{ "b": 1, "a": 2 }'


@pytest.mark.parametrize("kid", list(PRIVATE))
def test_a_partners_signature_verifies(kid: str) -> None:
    """Tokens by PyJWT verify under the algorithm of each kind of key."""
    assert verify_jws(by_partner(kid), KEYS, TYP) == {"iss": "swift-parcel"}


def test_both_names_of_ed25519_are_read() -> None:
    """`EdDSA` and `Ed25519` are one algorithm (RFC 9864)."""
    token = by_hand(f'{{"alg":"Ed25519","kid":"ed","typ":"{TYP}"}}', "{}")

    assert verify_jws(token, KEYS, TYP) == {}


@pytest.mark.parametrize("kid", list(PRIVATE))
def test_another_keys_signature_does_not_verify(kid: str) -> None:
    """The signature of one token under the claims of another is refused."""
    token, other = by_partner(kid), by_partner(kid, extra=1)

    with pytest.raises(SignatureRefused, match="not by this key"):
        verify_jws(with_signature(token, unb64(other.rpartition(".")[2])), KEYS, TYP)


def hmac_with_public_key() -> str:
    """The old confusion: an HMAC whose secret is the public key."""
    secret = ED.public_key().public_bytes_raw()
    return jwt.encode({}, secret, algorithm="HS256", headers={"kid": "ed", "typ": TYP})


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("", "not a compact JWS"),
        ("a.b", "not a compact JWS"),
        ("a.b.c.d", "not a compact JWS"),
        (by_partner() + ".", "not a compact JWS"),
        (by_partner() + "é", "not a compact JWS"),
        (by_partner() + "=", "base64url"),
        (by_partner()[:-1] + "B", "base64url"),
        (" " + by_partner(), "base64url"),
        (json.dumps({"payload": "e30", "signatures": []}), "not a compact JWS"),
        (by_partner(kid="ed", typ="JWT"), "typ is not"),
        (by_hand('{"alg":"EdDSA","kid":"ed"}', "{}"), "typ is not"),
        (by_partner(kid="ed", crit=[]), "not allowed"),
        (by_partner(kid="ed", jwk={"kty": "OKP"}), "not allowed"),
        (by_partner(kid="ed", jku="https://keys.example/"), "not allowed"),
        (by_partner(kid="ed", x5c=[]), "not allowed"),
        (by_hand(f'{{"alg":"EdDSA","kid":"who","typ":"{TYP}"}}', "{}"), "no key with this kid"),
        (by_hand(f'{{"alg":"EdDSA","kid":["ed"],"typ":"{TYP}"}}', "{}"), "no key with this kid"),
        (by_hand(f'{{"alg":"EdDSA","typ":"{TYP}"}}', "{}"), "no key with this kid"),
        (by_hand(f'{{"alg":"ES256","kid":"ed","typ":"{TYP}"}}', "{}"), "alg is not the key's"),
        (by_hand(f'{{"alg":["EdDSA"],"kid":"ed","typ":"{TYP}"}}', "{}"), "alg is not the key's"),
        (by_hand(f'{{"alg":"none","kid":"ed","typ":"{TYP}"}}', "{}"), "alg is not the key's"),
        (by_hand(f'{{"alg":"EdDSA","kid":"es","typ":"{TYP}"}}', "{}"), "alg is not the key's"),
        (hmac_with_public_key(), "alg is not the key's"),
        (
            by_hand(f'{{"alg":"EdDSA","kid":"ed","typ":"{TYP}","typ":"{TYP}"}}', "{}"),
            "the header is not one JSON object",
        ),
        (by_hand("[]", "{}"), "the header is not one JSON object"),
        (by_hand(f'{{"alg":"EdDSA","kid":"ed","typ":"{TYP}"}}', "[]"), "the payload is not"),
        (
            by_hand(f'{{"alg":"EdDSA","kid":"ed","typ":"{TYP}"}}', '{"iss":"a","iss":"b"}'),
            "the payload is not one JSON object",
        ),
        (with_signature(by_partner("es"), bytes(63)), "64 bytes"),
        (with_signature(by_partner("es"), bytes(64)), "not by this key"),
        (with_signature(by_partner("ed"), b""), "not by this key"),
    ],
)
def test_a_doubtful_token_is_refused(token: str, told: str) -> None:
    """Foreign kinds, keys, algorithms, spellings and repeats are refused with the broken rule."""
    with pytest.raises(SignatureRefused, match=told):
        verify_jws(token, KEYS, TYP)


def test_a_padding_is_not_exchanged() -> None:
    """An RSA key signs one way: PS256 under an RS256 key is refused, and the other way round."""
    for kid, other in (("rs", "ps"), ("ps", "rs")):
        with pytest.raises(SignatureRefused, match="alg is not the key's"):
            verify_jws(relabelled(other, kid), KEYS, TYP)


def relabelled(signed_as: str, kid: str) -> str:
    """A token signed one way that names a key which signs another way."""
    private, algorithm = PRIVATE[signed_as]
    return jwt.encode({}, private, algorithm=algorithm, headers={"kid": kid, "typ": TYP})


def test_no_keys_verify_nothing() -> None:
    """Without keys every token is refused."""
    none: tuple[VerifyKey, ...] = ()

    with pytest.raises(SignatureRefused, match="no key"):
        verify_jws(by_partner(), none, TYP)
