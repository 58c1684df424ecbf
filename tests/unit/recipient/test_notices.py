"""Notices: only the gateway's, only fresh ones, only as they were sent."""

import json
from base64 import b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.recipient import Notice, verify_notice
from gateway.seal.keys import SigningKey, public_jwk
from gateway.seal.webhooks import webhook_signature
from tests.marks import promise
from tests.unit.recipient.builders import (
    DATA,
    GRANT_KEY,
    ISSUED,
    JWKS,
    NOTICE_KEY,
    NoticeMessage,
    code_of,
    notice,
)
from tests.unit.seal.builders import NOW, signer, vectors

VECTOR = vectors("ed25519_v1a.json")


def verify(message: NoticeMessage, jwks: Any = JWKS, **changed: Any) -> Notice:
    """The notice as its recipient reads it."""
    return verify_notice(message.headers, message.body, jwks, **{"now": NOW} | changed)


@promise("R3")
def test_a_notice_gives_its_data() -> None:
    """A notice is the data in it; beside it stand the kind, the id and the time."""
    told = verify(notice())

    assert told == DATA
    assert json.loads(json.dumps(told)) == DATA
    assert (told.type, told.id, told.timestamp) == ("subject.erase", "ntc_1", ISSUED)


def test_what_the_core_signs_is_read() -> None:
    """The gateway's own signature passes, with header names in any case."""
    message = notice()
    signature = webhook_signature(NOTICE_KEY, "ntc_1", ISSUED, message.body)
    message.headers = {
        "Webhook-Id": "ntc_1",
        "WEBHOOK-TIMESTAMP": str(ISSUED),
        "Webhook-Signature": signature,
    }

    assert verify(message)["notice"] == "ntc_1"


def test_the_standards_vector_is_signed_right() -> None:
    """The standard's own example passes the signature check; only its body is no notice."""
    x = VECTOR["public_key"].removeprefix("whpk_").rstrip("=").replace("+", "-").replace("/", "_")
    jwks = {"keys": [public_jwk(NOTICE_KEY.private, "notice-1") | {"x": x}]}
    headers = {
        "webhook-id": VECTOR["msg_id"],
        "webhook-timestamp": str(VECTOR["timestamp"]),
        "webhook-signature": VECTOR["signature"],
    }

    def outcome(body: str) -> str | None:
        return code_of(lambda: verify_notice(headers, body.encode(), jwks, now=VECTOR["timestamp"]))

    assert outcome(VECTOR["body"]) == "notice-malformed"
    assert outcome(VECTOR["body"] + " ") == "notice-signature-invalid"


def test_one_right_signature_among_several_is_enough() -> None:
    """While keys rotate several signatures stand in the header, of any kind and order."""
    message = notice()
    right = message.headers["webhook-signature"]
    other = webhook_signature(signer("notice-0", seed=3), "ntc_1", ISSUED, message.body)
    several = f"v1,AAAA {other} v2,x v1a,!! v1a,AA== v1a nonsense {right}"
    message.headers["webhook-signature"] = several

    assert verify(message) == DATA
    message.headers["webhook-signature"] = several.removesuffix(right)
    assert code_of(lambda: verify(message)) == "notice-signature-invalid"


def test_every_notice_key_counts() -> None:
    """A retired key that still stands in the JWKS checks what it signed."""
    old = signer("notice-0", seed=3)
    jwks = {"keys": [*JWKS["keys"], public_jwk(old.private, "notice-0")]}

    assert verify(notice(key=old), jwks) == DATA
    assert code_of(lambda: verify(notice(key=old))) == "notice-signature-invalid"


@pytest.mark.parametrize(
    ("apart", "code"),
    [(0, None), (300, None), (-300, None), (301, "notice-stale"), (-301, "notice-stale")],
)
def test_a_notice_is_fresh_for_five_minutes(apart: int, code: str | None) -> None:
    """Exactly three hundred seconds pass, in both directions; one more does not."""
    assert code_of(lambda: verify(notice(), now=ISSUED + apart)) == code


def test_the_tolerance_is_the_recipients() -> None:
    """A recipient may be stricter, down to part of a second."""
    assert code_of(lambda: verify(notice(), now=ISSUED + 11, tolerance=10)) == "notice-stale"
    assert code_of(lambda: verify(notice(), now=ISSUED + 300.5)) == "notice-stale"
    assert code_of(lambda: verify(notice(), now=float("nan"))) == "argument-invalid"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("webhook-id", None, "notice-malformed"),
        ("webhook-id", "", "notice-malformed"),
        ("webhook-id", "ntc.1", "notice-malformed"),
        ("webhook-id", "ntc 1", "notice-malformed"),
        ("webhook-id", "ntc_é", "notice-malformed"),
        ("webhook-id", "ntc_\udcff", "notice-malformed"),
        ("webhook-id", "ntc_2", "notice-signature-invalid"),
        ("webhook-timestamp", None, "notice-malformed"),
        ("webhook-timestamp", "now", "notice-malformed"),
        ("webhook-timestamp", f"0{ISSUED}", "notice-malformed"),
        ("webhook-timestamp", f"+{ISSUED}", "notice-malformed"),
        ("webhook-timestamp", f"{ISSUED}.0", "notice-malformed"),
        ("webhook-timestamp", "9" * 5000, "notice-malformed"),
        ("webhook-timestamp", str(ISSUED + 1), "notice-signature-invalid"),
        ("webhook-signature", None, "notice-malformed"),
        ("webhook-signature", "v1a,", "notice-signature-invalid"),
        ("webhook-signature", "v1a", "notice-signature-invalid"),
        ("webhook-signature", "v1,AAAA", "notice-signature-invalid"),
        ("Webhook-Id", "ntc_1", "header-repeated"),
        ("Webhook-Signature", "v1a,AAAA", "header-repeated"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(name: str, value: str | None, code: str) -> None:
    """Missing, malformed, repeated and foreign headers are refused."""
    message = notice()
    message.headers = {key: old for key, old in message.headers.items() if key != name}
    if value is not None:
        message.headers[name] = value

    assert code_of(lambda: verify(message)) == code


def test_a_signature_is_of_the_raw_bytes() -> None:
    """The same JSON in another spelling is not what was signed."""
    message = notice()
    message.body = json.dumps(json.loads(message.body), indent=1).encode()

    assert code_of(lambda: verify(message)) == "notice-signature-invalid"
    assert code_of(lambda: verify_notice(message.headers, "{}", JWKS)) == "argument-invalid"  # type: ignore[arg-type]


@promise("R3")
@pytest.mark.parametrize("kid", ["grant-1", "checkpoint-1", "certificate-1"])
def test_only_notice_keys_sign_notices(kid: str) -> None:
    """A key of the gateway for something else signs no notice."""
    key = SigningKey(kid=kid, private=GRANT_KEY.private)
    jwks = {"keys": [public_jwk(key.private, kid)]}

    assert code_of(lambda: verify(notice(key=key))) == "notice-signature-invalid"
    assert code_of(lambda: verify(notice(key=key), jwks)) == "signing-key-unknown"


def test_a_stranger_signs_nothing() -> None:
    """A right signature by a key that is not in the JWKS is refused."""
    stranger = SigningKey(kid="notice-1", private=Ed25519PrivateKey.generate())

    assert code_of(lambda: verify(notice(key=stranger))) == "notice-signature-invalid"


def test_a_signature_is_not_spelt_otherwise() -> None:
    """Loose bits at the end of a signature are refused, so that it has one spelling."""
    message = notice()
    right = message.headers["webhook-signature"]
    message.headers["webhook-signature"] = right[:-3] + chr(ord(right[-3]) + 1) + "=="

    assert right.endswith("==")
    assert code_of(lambda: verify(message)) == "notice-signature-invalid"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"type":"subject.erase"}',
        b'{"type":"subject.erase","data":[]}',
        b'{"type":7,"data":{}}',
        b'{"data":{}}',
        b'{"type":"subject.erase","type":"subject.restrict","data":{}}',
        b'{"type":"subject.erase","data":{"subject":"a","subject":"b"}}',
        b'{"type":"subject.erase","data":{"n":NaN}}',
        b"\xff",
    ],
)
def test_a_signed_body_must_still_be_a_notice(body: bytes) -> None:
    """A right signature does not make nonsense, or two meanings, a notice."""
    assert code_of(lambda: verify(notice(body))) == "notice-malformed"


@promise("P2")
def test_a_notice_does_not_print_itself() -> None:
    """Printed, a notice shows its id and nothing of the person."""
    told = verify(notice())

    assert repr(told) == str(told) == "<Notice ntc_1>"


def test_padding_is_that_of_the_standard() -> None:
    """Signatures are ordinary padded base64, as the standard writes them."""
    message = notice()
    octets = NOTICE_KEY.private.sign(f"ntc_1.{ISSUED}.".encode() + message.body)
    message.headers["webhook-signature"] = f"v1a,{b64encode(octets).decode().rstrip('=')}"

    assert code_of(lambda: verify(message)) == "notice-signature-invalid"
