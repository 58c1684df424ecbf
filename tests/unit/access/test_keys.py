"""Keys of an issuer are read strictly, and decide their algorithm."""

from typing import Any

import pytest

from gateway.access.keys import parse_keys
from gateway.errors import ConfigError
from tests.unit.access.keys_of import EC, ED, RSA, ed25519, public, rsa_key


def one(**members: Any) -> dict[str, Any]:
    """A set with the Ed25519 key, changed."""
    (key,) = public(ED)["keys"]
    return {"keys": [{name: each for name, each in (key | members).items() if each is not None}]}


@pytest.mark.parametrize(
    ("private", "algorithms"),
    [
        (ED, ("EdDSA", "Ed25519")),
        (ED | {"alg": "EdDSA"}, ("EdDSA", "Ed25519")),
        (ED | {"alg": "Ed25519"}, ("EdDSA", "Ed25519")),
        (EC, ("ES256",)),
        (EC | {"alg": "ES256", "use": "sig", "key_ops": ["verify"]}, ("ES256",)),
        (RSA, ("RS256", "PS256")),
        (RSA | {"alg": "RS256"}, ("RS256",)),
        (RSA | {"alg": "PS256"}, ("PS256",)),
    ],
)
def test_a_key_decides_its_algorithms(private: dict[str, Any], algorithms: tuple[str, ...]) -> None:
    """Each kind of key verifies its own algorithms, and a key that names one only that."""
    (key,) = parse_keys(public(private))

    assert key.algorithms == algorithms
    assert key.kid == private["kid"]


def test_a_private_key_is_never_made() -> None:
    """A set that holds private halves by mistake gives public keys only."""
    (key,) = parse_keys({"keys": [ED]})

    assert not hasattr(key.key, "sign")
    assert ED["d"] not in repr(key)


def test_keys_for_other_things_are_passed_over() -> None:
    """A set may hold keys to encrypt with and of other kinds beside."""
    others: list[Any] = [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "OKP", "crv": "X25519", "x": "AA", "use": "enc"},
        {"kty": "OKP", "crv": "Ed448", "x": "AA"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": ["P-256"]},
        {"kty": ["RSA"]},
        public(RSA)["keys"][0] | {"use": "enc"},
        public(RSA)["keys"][0] | {"key_ops": ["encrypt"]},
        public(RSA)["keys"][0] | {"key_ops": "verify"},
        "no key at all",
    ]

    keys = parse_keys({"keys": [*others, *public(ED)["keys"]]})

    assert [key.kid for key in keys] == ["ed-1"]


@pytest.mark.parametrize(
    ("jwks", "told"),
    [
        ({}, 'an array "keys"'),
        ({"keys": {}}, 'an array "keys"'),
        ({"keys": []}, "no key to verify with"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, "no key to verify with"),
        (one(x="AA"), "key 0 of the JWK Set is broken"),
        (one(x="!!"), "key 0 of the JWK Set is broken"),
        (one(x=7), "key 0 of the JWK Set is broken"),
        (one(x=None), "key 0 of the JWK Set is broken"),
        (one(kid=7), '"kid" must be a string'),
        (one(alg="HS256"), "write EdDSA or Ed25519"),
        (one(alg="none"), "write EdDSA or Ed25519"),
        (public(ED, ed25519()), 'share a "kid"'),
        (public(rsa_key(bits=1024)), "is weak"),
        (public(rsa_key(e=3)), "is weak"),
        (public(EC | {"alg": "ES384"}), "write ES256"),
        (public(EC | {"y": EC["x"]}), "is broken"),
    ],
)
def test_broken_and_weak_keys_are_refused(jwks: dict[str, Any], told: str) -> None:
    """A key that would be used and is broken, weak or ambiguous stops the whole set."""
    with pytest.raises(ConfigError, match=told):
        parse_keys(jwks)
