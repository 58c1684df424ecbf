"""Redemptions: what a recipient signs to use a value that stayed with the gateway."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.recipient import sign_redemption
from gateway.seal.jws import verify_jws
from gateway.seal.keys import parse_partner_keys, private_jwk
from tests.marks import promise
from tests.unit.recipient.builders import ISSUED, ISSUER, PARTNER, PURPOSE, code_of
from tests.unit.seal.builders import NOW, p256_jwk, public, x25519_jwk

ED = private_jwk(Ed25519PrivateKey.from_private_bytes(bytes([5]) * 32), "sig-ed")
ES = p256_jwk("sig-es", use="sig")


def sign(key: Any = ED, **changed: Any) -> str:
    """A redemption."""
    usual: dict[str, Any] = {
        "partner": PARTNER,
        "audience": ISSUER,
        "token": "tok_1",
        "purpose": PURPOSE,
        "now": NOW,
    }
    return sign_redemption(key, **usual | changed)


@promise("S4c")
@pytest.mark.parametrize("key", [ED, ES], ids=["Ed25519", "P-256"])
def test_a_redemption_is_what_the_gateway_takes(key: dict[str, Any]) -> None:
    """It verifies under the partner's published key and says exactly what was meant."""
    keys = parse_partner_keys({"keys": [public(key)]}).sig
    claims = verify_jws(sign(key), keys, "sharing-redemption+jwt")

    assert len(claims.pop("jti")) >= 16
    assert claims == {
        "iss": PARTNER,
        "aud": ISSUER,
        "iat": ISSUED,
        "token": "tok_1",
        "purpose": PURPOSE,
    }


def test_each_redemption_has_an_id_of_its_own() -> None:
    """So that two of the same token are two."""
    ids = {jwt.decode(sign(), options={"verify_signature": False})["jti"] for _ in range(5)}

    assert len(ids) == 5


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"token": ""}, "redemption-invalid"),
        ({"token": None}, "redemption-invalid"),
        ({"purpose": 7}, "redemption-invalid"),
        ({"partner": b"x"}, "redemption-invalid"),
        ({"audience": ""}, "redemption-invalid"),
        ({"now": "today"}, "argument-invalid"),
        ({"key": {}}, "key-unusable"),
        ({"key": x25519_jwk("enc-1")}, "key-unusable"),
        ({"key": public(ED)}, "key-unusable"),
    ],
    ids=str,
)
def test_what_the_gateway_would_refuse_is_not_signed(changed: dict[str, Any], code: str) -> None:
    """A mistake is told where it is made."""
    assert code_of(lambda: sign(changed.pop("key", ED), **changed)) == code
