"""Partners' public keys."""

import json
from typing import Any

import pytest
from jwcrypto.jwk import JWK

from gateway.model.ids import PurposeId
from gateway.policy.jwks import bound_purposes, can_seal, read_jwks


def public(**parameters: Any) -> dict[str, Any]:
    """The public half of a fresh key, made by another implementation."""
    members = {name: parameters.pop(name) for name in ("use", "kid") if name in parameters}
    extra = {name: parameters.pop(name) for name in ("purpose", "alg") if name in parameters}
    key = JWK.generate(**parameters).export_public(as_dict=True)
    return {"kid": "one", **key, **members, **extra}


def read(*keys: dict[str, Any]) -> tuple[Any, list[str]]:
    """What is made of a set of these keys."""
    return read_jwks(json.dumps({"keys": list(keys)}).encode())


@pytest.mark.parametrize(
    "parameters",
    [
        {"kty": "OKP", "crv": "X25519", "use": "enc"},
        {"kty": "OKP", "crv": "X25519", "use": "enc", "alg": "ECDH-ES"},
        {"kty": "EC", "crv": "P-256", "use": "enc"},
        {"kty": "EC", "crv": "P-256", "use": "sig"},
        {"kty": "OKP", "crv": "Ed25519", "use": "sig"},
        {"kty": "RSA", "size": 2048, "use": "sig"},
    ],
)
def test_fit_keys_pass(parameters):
    """Every kind of key that the contract names is read as it stands."""
    key = public(**parameters)
    assert read(key) == ({"keys": [key]}, [])


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (public(kty="OKP", crv="X25519", use="sig"), "write use: enc"),
        (public(kty="OKP", crv="Ed25519", use="enc"), "write use: sig"),
        (public(kty="EC", crv="P-384", use="enc"), "of a kind that is not used here"),
        (public(kty="RSA", size=1024, use="sig"), "is weak: RSA of 1024 bits"),
        (public(kty="RSA", size=2048, use="sig", public_exponent=3), "its exponent is small"),
        (public(kty="EC", crv="P-256", use="enc", alg="ES256"), "write ECDH-ES, or no alg"),
        (public(kty="EC", crv="P-256", use="sig", purpose="payment"), "is bound to no purpose"),
        (public(kty="EC", crv="P-256", use="enc", purpose=[]), "is bound to no purpose"),
        (public(kty="EC", crv="P-256", use="enc") | {"x": "AA"}, "is no valid public key"),
        (public(kty="EC", crv="P-256", use="enc") | {"x": "?!"}, "is no valid public key"),
        (public(kty="OKP", crv="X25519", use="enc") | {"x": 5}, "is no valid public key"),
        ({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "a"}, "is no valid public key"),
        ({"kty": ["OKP"], "use": "sig", "kid": "a"}, "of a kind that is not used here"),
    ],
)
def test_unfit_keys_are_told(key, told):
    """A key that is weak, misused or broken is told by its kid."""
    _, (message,) = read(key)
    assert told in message
    assert message.startswith('key "')


def test_a_private_key_is_refused_and_not_repeated():
    """What should never have been sent is told, and nothing of it said again."""
    key = JWK.generate(kty="OKP", crv="X25519", use="enc", kid="one").export(as_dict=True)
    _, (message,) = read(key)
    assert "is a private key" in message
    assert key["d"] not in message


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"{", "is not JSON (line 1, column 2)"),
        (b"[]", "is no JWK Set"),
        (b'{"keys": [1]}', "is no JWK Set"),
        (b"\xff", "is not UTF-8"),
        (b"[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_that_is_no_key_set_is_told(raw, told):
    """A key file that cannot be read gives no keys and one message."""
    jwks, (message,) = read_jwks(raw)
    assert jwks == {"keys": []}
    assert told in message


def test_a_bound_key_seals_for_its_purpose_only():
    """A key bound to purposes is never used for another (S3)."""
    bound = public(kty="OKP", crv="X25519", use="enc", purpose=["payment", "research"])
    jwks, mistakes = read(bound)
    assert mistakes == []
    assert can_seal(jwks, PurposeId("payment"))
    assert not can_seal(jwks, PurposeId("advertising"))
    assert bound_purposes(jwks) == ("payment", "research")


def test_a_free_key_seals_for_every_purpose():
    """A key that names no purpose serves all; one to sign with serves none."""
    free, _ = read(public(kty="EC", crv="P-256", use="enc"))
    signing, _ = read(public(kty="EC", crv="P-256", use="sig"))
    assert can_seal(free, PurposeId("payment"))
    assert not can_seal(signing, PurposeId("payment"))
