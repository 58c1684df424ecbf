"""A partner's public keys: what passes, what does not, which one is taken."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.seal.encoding import b64
from gateway.seal.jwk import octets_member
from gateway.seal.keys import KeyRefused, choose, parse_partner_keys, public_jwk
from tests.unit.seal.builders import p256_jwk, public, rsa_jwk, signer, uint, x25519_jwk

X = public(x25519_jwk())
P = public(p256_jwk())
ED = public_jwk(signer().private, "sig-ed")
ES = public(p256_jwk("sig-es", use="sig"))
RSA_PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA = rsa_jwk(RSA_PRIVATE)
P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1


def keys_of(*jwks: Any) -> dict[str, Any]:
    """A JWK Set."""
    return {"keys": list(jwks)}


def without(jwk: dict[str, Any], name: str) -> dict[str, Any]:
    """A key that lacks a member."""
    return {member: value for member, value in jwk.items() if member != name}


def fingerprinted_modulus() -> int:
    """A number of 2048 bits with the mark of the broken generator, which is no key of anybody."""
    primorial = 1
    for prime in (n for n in range(2, 168) if all(n % d for d in range(2, n))):
        primorial *= prime
    return pow(65537, 12345, primorial) + primorial * (2**2047 // primorial + 2)


def test_a_partner_may_have_keys_of_every_kind() -> None:
    """Sealing keys on both curves and signing keys of all four algorithms are read, in order."""
    ps = rsa_jwk(RSA_PRIVATE, "sig-ps", alg="PS256")
    keys = parse_partner_keys(keys_of(X, ED, P, ES, RSA, ps))

    assert [(key.kid, key.curve) for key in keys.enc] == [("enc-x", "X25519"), ("enc-p", "P-256")]
    assert [(key.kid, key.algorithms) for key in keys.sig] == [
        ("sig-ed", ("EdDSA", "Ed25519")),
        ("sig-es", ("ES256",)),
        ("sig-rsa", ("RS256",)),
        ("sig-ps", ("PS256",)),
    ]


def test_a_partner_may_have_no_keys() -> None:
    """An empty set is a set; there is nothing to seal with."""
    keys = parse_partner_keys(keys_of())

    assert (keys.enc, keys.sig) == ((), ())
    assert choose(keys, "payment") is None


@pytest.mark.parametrize(
    ("purpose", "bound"),
    [("payment", {"payment"}), (["payment", "analytics"], {"payment", "analytics"})],
)
def test_a_key_may_be_bound_to_purposes(purpose: Any, bound: set[str]) -> None:
    """`purpose` is an id or an array of ids."""
    assert parse_partner_keys(keys_of(X | {"purpose": purpose})).enc[0].purpose == bound


@pytest.mark.parametrize(
    ("jwk", "why"),
    [
        ("a string", "is not an object"),
        (x25519_jwk(), "private or shared secret"),
        (RSA | {"p": "AQ"}, "private or shared secret"),
        ({"kty": "oct", "kid": "k", "use": "sig"}, "private or shared secret"),
        (ED | {"k": "AQ"}, "private or shared secret"),
        (without(X, "kid"), "kid is missing"),
        (X | {"kid": ""}, "kid is missing"),
        (X | {"kid": 7}, "kid is missing"),
        (without(X, "use"), "use is missing or unknown"),
        (X | {"use": "both"}, "use is missing or unknown"),
        (X | {"use": ["enc"]}, "use is missing or unknown"),
        (X | {"key_ops": ["verify"]}, "key_ops contradicts"),
        (X | {"key_ops": [["deriveKey"]]}, "key_ops contradicts"),
        (X | {"key_ops": "deriveKey"}, "key_ops contradicts"),
        (ED | {"key_ops": ["sign"]}, "key_ops contradicts"),
        (X | {"crv": "X448"}, "cannot be sealed for"),
        (X | {"kty": "EC"}, "cannot be sealed for"),
        (X | {"kty": ["OKP"]}, "cannot be sealed for"),
        (P | {"crv": "P-384"}, "cannot be sealed for"),
        (RSA | {"use": "enc"}, "cannot be sealed for"),
        (ED | {"use": "enc"}, "cannot be sealed for"),
        (X | {"use": "sig"}, "cannot check signatures"),
        (ES | {"crv": "secp256k1"}, "cannot check signatures"),
        (X | {"alg": "ECDH-ES+A256KW"}, "alg contradicts"),
        (X | {"alg": ["ECDH-ES"]}, "alg contradicts"),
        (X | {"alg": None}, "alg contradicts"),
        (P | {"alg": "ES256"}, "alg contradicts"),
        (ED | {"alg": "ES256"}, "alg contradicts"),
        (ES | {"alg": "EdDSA"}, "alg contradicts"),
        (RSA | {"alg": "RS512"}, "alg contradicts"),
        (RSA | {"alg": "none"}, "alg contradicts"),
        (X | {"purpose": []}, "purpose names nothing"),
        (X | {"purpose": None}, "purpose names nothing"),
        (X | {"purpose": {"payment": True}}, "purpose names nothing"),
        (X | {"purpose": ""}, "purpose is not an id"),
        (X | {"purpose": ["payment", 7]}, "purpose is not an id"),
        (X | {"purpose": "payment@1"}, "purpose is not an id"),
        (without(X, "x"), "x is missing"),
        (X | {"x": X["x"] + "="}, "x is not base64url"),
        (X | {"x": b64(bytes(31))}, "x has the wrong length"),
        (X | {"x": b64(bytes(32))}, "low order"),
        (X | {"x": b64(b"\x01" + bytes(31))}, "low order"),
        (P | {"y": P["x"]}, "no point of P-256"),
        (P | {"x": b64(bytes(32)), "y": b64(bytes(32))}, "no point of P-256"),
        (P | {"x": b64(P256_PRIME.to_bytes(32, "big"))}, "no point of P-256"),
        (P | {"x": b64(bytes(1) + octets_member(P, "x", ""))}, "x has the wrong length"),
        (ES | {"y": ES["x"]}, "no point of P-256"),
        (ED | {"x": "AA"}, "x has the wrong length"),
        (RSA | {"n": uint(2**2046 + 1)}, "too short or too long"),
        (RSA | {"n": uint(2**8192 + 1)}, "too short or too long"),
        (RSA | {"e": uint(3)}, "e is weak"),
        (RSA | {"e": uint(1)}, "e is weak"),
        (RSA | {"e": uint(65538)}, "e is weak"),
        (RSA | {"n": uint(2**2047)}, "n is even"),
        (RSA | {"e": uint(2**2048 + 1)}, "no RSA key"),
        (RSA | {"n": uint(fingerprinted_modulus())}, "broken generator"),
    ],
)
def test_a_doubtful_key_is_refused(jwk: Any, why: str) -> None:
    """A key that is private, weak, malformed or contradicts itself refuses the whole file."""
    with pytest.raises(KeyRefused) as refused:
        parse_partner_keys(keys_of(public(x25519_jwk("first", seed=9)), jwk))

    assert refused.value.path == "keys[1]"
    assert why in refused.value.why
    assert refused.value.remedy


@pytest.mark.parametrize("second", [P | {"kid": "enc-x"}, ED | {"kid": "enc-x"}])
def test_a_kid_stands_once(second: dict[str, Any]) -> None:
    """Two keys with one name are refused, also of different use."""
    with pytest.raises(KeyRefused, match=r"keys\[1\]: its kid is used twice"):
        parse_partner_keys(keys_of(X, second))


@pytest.mark.parametrize("jwks", [{}, {"keys": None}, {"keys": {"kid": X}}, {"keys": "X"}])
def test_what_is_no_set_is_refused(jwks: dict[str, Any]) -> None:
    """A file without an array of keys is told what one looks like."""
    with pytest.raises(KeyRefused, match="write"):
        parse_partner_keys(jwks)


def test_a_refusal_holds_no_key_material() -> None:
    """The message names the place and the rule, never a member of the key."""
    secret = x25519_jwk()
    with pytest.raises(KeyRefused) as refused:
        parse_partner_keys(keys_of(secret))

    assert secret["d"] not in str(refused.value)
    assert secret["x"] not in str(refused.value)


@pytest.mark.parametrize(
    ("bindings", "purpose", "taken"),
    [
        ([None, "payment"], "payment", 1),
        ([None, "payment"], "analytics", 0),
        (["analytics", None, None], "payment", 2),
        (["payment", "payment"], "payment", 1),
        (["payment", ["analytics", "payment"], None], "payment", 1),
        (["payment"], "analytics", None),
        (["payment"], "pay", None),
        ([None, None], "payment", 1),
    ],
)
def test_the_right_key_is_taken(bindings: list[Any], purpose: str, taken: int | None) -> None:
    """A bound key comes before a free one, the last in the set before earlier ones, and a key of
    another purpose never."""
    jwks = [
        public(x25519_jwk(f"key-{place}", seed=place + 1))
        | ({} if bound is None else {"purpose": bound})
        for place, bound in enumerate(bindings)
    ]
    chosen = choose(parse_partner_keys(keys_of(*jwks)), purpose)

    assert (None if chosen is None else chosen.kid) == (None if taken is None else f"key-{taken}")
