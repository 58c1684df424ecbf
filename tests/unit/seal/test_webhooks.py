"""Signatures of notices, against the vectors of Standard Webhooks."""

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from standardwebhooks import Webhook

from gateway.seal.keys import SigningKey
from gateway.seal.webhooks import webhook_shared_signature, webhook_signature
from tests.unit.seal.builders import signer, vectors

V1A = vectors("ed25519_v1a.json")
V1 = vectors("hmac_v1.json")["sign"][0]


def test_the_asymmetric_vector_comes_out() -> None:
    """Signing the standard's example with its key gives the standard's signature."""
    seed = base64.b64decode(V1A["secret_key"].removeprefix("whsk_"))[:32]
    key = SigningKey(kid="notice-1", private=Ed25519PrivateKey.from_private_bytes(seed))
    signature = webhook_signature(key, V1A["msg_id"], V1A["timestamp"], V1A["body"].encode())

    assert signature == V1A["signature"]


def test_the_shared_vector_comes_out() -> None:
    """The HMAC of the standard's example is the standard's, with and without the prefix."""
    arguments = (V1["msg_id"], V1["timestamp"], V1["body"].encode())

    assert webhook_shared_signature(V1["secret"], *arguments) == V1["signature"]
    bare = V1["secret"].removeprefix("whsec_")
    assert webhook_shared_signature(bare, *arguments) == V1["signature"]


def test_the_reference_library_accepts_a_shared_signature() -> None:
    """A partner that uses the standard's own library can check what we sign."""
    body = json.dumps({"type": "subject.erase", "data": {}}).encode()
    seconds = int(datetime.now(UTC).timestamp())
    headers = {
        "webhook-id": "ntc_1",
        "webhook-timestamp": str(seconds),
        "webhook-signature": webhook_shared_signature(V1["secret"], "ntc_1", seconds, body),
    }

    assert Webhook(V1["secret"]).verify(body, headers) == {"type": "subject.erase", "data": {}}


@pytest.mark.parametrize("changed", [{"id": "other"}, {"at": 2}, {"body": b"{ }"}])
def test_a_signature_covers_id_time_and_body(changed: dict[str, object]) -> None:
    """Id, timestamp and the raw body are signed: another of any is another message."""
    signature = webhook_signature(signer("notice-1"), "ntc_1", 1, b"{}")
    key: Ed25519PublicKey = signer("notice-1").private.public_key()
    parts = {"id": "ntc_1", "at": 1, "body": b"{}"} | changed
    message = f"{parts['id']}.{parts['at']}.".encode() + bytes(parts["body"])  # type: ignore[call-overload]
    octets = base64.b64decode(signature.removeprefix("v1a,"))

    key.verify(octets, b"ntc_1.1.{}")
    with pytest.raises(InvalidSignature):
        key.verify(octets, message)


@pytest.mark.parametrize("name", ["", "a.b"])
def test_an_id_has_an_end(name: str) -> None:
    """An id with a full stop could be read two ways and is not signed."""
    with pytest.raises(ValueError, match="full stop"):
        webhook_signature(signer(), name, 1, b"{}")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AA==", "whsec_!", "whsec_" + "A" * 88])
def test_a_weak_shared_secret_is_refused(secret: str) -> None:
    """A secret that is no base64, too short or too long signs nothing, and is not repeated."""
    with pytest.raises(ValueError) as refused:
        webhook_shared_signature(secret, "ntc_1", 1, b"{}")

    assert len(secret) < 7 or secret not in str(refused.value)
