"""Single keys: thumbprints and the gateway's own."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwcrypto.jwk import JWK

from gateway.seal.keys import KeyRefused, load_private_jwk, private_jwk, public_jwk, thumbprint
from tests.unit.seal.builders import p256_jwk, public, vectors, x25519_jwk

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.mark.parametrize(
    "vector",
    [vectors("jwk_thumbprint_rfc7638.json"), *vectors("format.json")["thumbprints"]],
    ids=lambda vector: vector["source"],
)
def test_thumbprints_are_those_of_the_rfcs(vector: dict[str, Any]) -> None:
    """A key's thumbprint is the one that the RFCs print."""
    assert thumbprint(vector["jwk"]) == vector["sha256_thumbprint"]


@pytest.mark.parametrize("jwk", [x25519_jwk(), p256_jwk()], ids=["X25519", "P-256"])
def test_a_thumbprint_is_of_the_public_half(jwk: dict[str, Any]) -> None:
    """Private members and names do not change a thumbprint, and another library agrees."""
    assert thumbprint(jwk) == thumbprint(public(jwk) | {"kid": "other"})
    assert thumbprint(jwk) == JWK(**jwk).thumbprint()


@pytest.mark.parametrize("jwk", [{}, {"kty": "oct", "k": "AA"}, {"kty": ["RSA"]}, {"kty": "RSA"}])
def test_no_thumbprint_without_its_members(jwk: dict[str, Any]) -> None:
    """A key that lacks what a thumbprint is made of is refused."""
    with pytest.raises(KeyRefused):
        thumbprint(jwk)


def test_own_keys_survive_the_file() -> None:
    """An own key written as JWK loads as the same key, and its public half holds no secret."""
    loaded = load_private_jwk(private_jwk(PRIVATE, "grant-2026-1"))

    assert loaded.kid == "grant-2026-1"
    assert loaded.private.private_bytes_raw() == PRIVATE.private_bytes_raw()
    assert public_jwk(PRIVATE, "grant-2026-1") == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
        "kid": "grant-2026-1",
        "use": "sig",
        "alg": "EdDSA",
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"kty": "EC"},
        {"crv": "Ed448"},
        {"use": "enc"},
        {"alg": "ES256"},
        {"kid": ""},
        {"kid": None},
        {"d": None},
        {"d": "AA"},
        {"d": "not base64!"},
        {"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    ],
    ids=str,
)
def test_a_doubtful_own_key_is_refused(changed: dict[str, Any]) -> None:
    """A key of another kind, without a name, cut, or of two halves does not load."""
    with pytest.raises(KeyRefused) as refused:
        load_private_jwk(private_jwk(PRIVATE, "grant-1") | changed, "keys/grant.json")

    assert str(refused.value).startswith("keys/grant.json: ")


def test_keys_do_not_print_themselves() -> None:
    """Neither an own key nor its refusal shows the secret."""
    jwk = private_jwk(PRIVATE, "grant-1")
    with pytest.raises(KeyRefused) as refused:
        load_private_jwk(jwk | {"x": jwk["d"]})

    assert jwk["d"] not in str(refused.value)
    assert repr(load_private_jwk(jwk)) == "SigningKey(kid='grant-1')"
