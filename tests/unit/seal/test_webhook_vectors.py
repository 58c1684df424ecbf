"""Every published vector of Standard Webhooks that concerns who signs, or who is told."""

from typing import Any

import pytest

from gateway.recipient import RecipientError, verify_notice
from gateway.seal.webhooks import webhook_shared_signature
from tests.unit.seal.builders import vectors

V1 = vectors("hmac_v1.json")
V1A = vectors("ed25519_v1a.json")
JWKS = {
    "keys": [
        {
            **{"kty": "OKP", "crv": "Ed25519", "kid": "notice-1", "use": "sig"},
            "x": V1A["public_key"].removeprefix("whpk_").rstrip("=").translate({43: 45, 47: 95}),
        }
    ]
}


@pytest.mark.parametrize("case", V1["verify_ok"], ids=lambda case: case["name"])
def test_what_others_accept_is_what_we_sign(case: Any) -> None:
    """For each message that the standard's libraries accept, ours is one of its signatures."""
    headers = case["headers"]
    id, at = headers["webhook-id"], int(headers["webhook-timestamp"])
    signature = webhook_shared_signature(case["secret"], id, at, case["body"].encode())

    assert signature in headers["webhook-signature"].split()


@pytest.mark.parametrize("case", V1["verify_fail"], ids=lambda case: case["name"])
def test_what_others_refuse_is_refused(case: Any) -> None:
    """What the standard's libraries refuse, the recipients' kit refuses too."""
    with pytest.raises(RecipientError):
        verify_notice(case["headers"], case["body"].encode(), JWKS, now=case["now"])


def test_the_asymmetric_example_is_signed_by_its_key() -> None:
    """The kit takes the standard's signed example for signed, and refuses it only as no notice."""
    headers = {
        "webhook-id": V1A["msg_id"],
        "webhook-timestamp": str(V1A["timestamp"]),
        "webhook-signature": V1A["signature"],
    }
    codes = []
    for body in (V1A["body"], V1A["body"] + " "):
        with pytest.raises(RecipientError) as refused:
            verify_notice(headers, body.encode(), JWKS, now=V1A["timestamp"])
        codes.append(refused.value.code)

    assert codes == ["notice-malformed", "notice-signature-invalid"]


@pytest.mark.parametrize(
    "secret", [*V1["secret_invalid"], *V1["svix_rejects_on_registration"]], ids=repr
)
def test_secrets_that_others_refuse_are_refused(secret: str) -> None:
    """A secret that is none, of another kind, or too short or long, signs nothing."""
    with pytest.raises(ValueError, match="webhook secret"):
        webhook_shared_signature(secret, "ntc_1", 1, b"{}")


@pytest.mark.parametrize("secret", V1["svix_accepts_on_registration"], ids=repr)
def test_secrets_that_others_take_are_taken(secret: str) -> None:
    """A secret that others register signs here too."""
    assert webhook_shared_signature(secret, "ntc_1", 1, b"{}").startswith("v1,")


def test_padding_of_a_secret_may_be_left_out() -> None:
    """A secret without its padding is the same secret; one of 23 bytes is too short either way."""
    short, whole = V1["secret_unpadded_equals_padded"]
    signatures = {webhook_shared_signature(one, "ntc_1", 1, b"{}") for one in whole}

    assert len(signatures) == 1
    for one in short:
        with pytest.raises(ValueError, match="24 to 64 bytes"):
            webhook_shared_signature(one, "ntc_1", 1, b"{}")
