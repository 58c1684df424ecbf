"""Receipts: what a recipient may say, signed so that the gateway believes it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.recipient import sign_receipt
from gateway.recipient.receipts import STATUSES
from gateway.seal.jws import verify_jws
from gateway.seal.keys import parse_partner_keys, private_jwk
from tests.marks import promise
from tests.unit.recipient.builders import ISSUED, ISSUER, PARTNER, code_of
from tests.unit.seal.builders import NOW, p256_jwk, public, x25519_jwk

ED = private_jwk(Ed25519PrivateKey.from_private_bytes(bytes([5]) * 32), "sig-ed")
ES = p256_jwk("sig-es", use="sig")
KEYS = pytest.mark.parametrize("key", [ED, ES], ids=["Ed25519", "P-256"])


def sign(key: Any = ED, **changed: Any) -> str:
    """A receipt."""
    usual: dict[str, Any] = {
        "partner": PARTNER,
        "audience": ISSUER,
        "notice": "ntc_1",
        "status": "completed",
        "now": NOW,
    }
    return sign_receipt(key, **usual | changed)


def read(token: str, key: dict[str, Any] = ED) -> dict[str, Any]:
    """The receipt as the gateway reads it."""
    return verify_jws(token, parse_partner_keys({"keys": [public(key)]}).sig, "sharing-receipt+jwt")


@promise("R3")
@KEYS
@pytest.mark.parametrize("status", STATUSES)
def test_a_receipt_is_what_the_gateway_takes(key: dict[str, Any], status: str) -> None:
    """A receipt verifies under the partner's published key and says exactly what was meant."""
    claims = read(sign(key, status=status), key)

    assert len(claims.pop("jti")) >= 16
    assert claims == {
        "iss": PARTNER,
        "aud": ISSUER,
        "iat": ISSUED,
        "notice": "ntc_1",
        "status": status,
    }


@KEYS
def test_the_header_names_kind_and_key(key: dict[str, Any]) -> None:
    """`typ` is that of receipts, `kid` the key's own, `alg` the key's."""
    header = jwt.get_unverified_header(sign(key))
    algorithm = "EdDSA" if key is ED else "ES256"

    assert header == {"alg": algorithm, "kid": key["kid"], "typ": "sharing-receipt+jwt"}


def test_a_receipt_may_say_more() -> None:
    """Reason, backups and downstream recipients go in as the contract has them; None leaves out."""
    downstream = [{"name": "Sub Carrier", "status": "completed"}]
    claims = read(
        sign(
            status="partial",
            reason="backups remain",
            backups_until=datetime(2027, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))),
            downstream=downstream,
            jti="receipt-1",
        )
    )

    assert claims["reason"] == "backups remain"
    assert claims["backups_until"] == "2027-01-01T00:00:00Z"
    assert claims["downstream"] == downstream
    assert claims["jti"] == "receipt-1"
    assert "reason" not in read(sign(reason=None))


@pytest.mark.parametrize("until", ["2027-01-01T00:00:00Z", "2027-01-01T00:00:00.5Z", "2027-01-01"])
def test_a_time_may_be_text(until: str) -> None:
    """A time that is written already goes in as it is."""
    assert read(sign(backups_until=until))["backups_until"] == until


def test_two_receipts_are_two() -> None:
    """Each receipt has an id of its own, so that the gateway can tell a repeat from a new one."""
    assert read(sign())["jti"] != read(sign())["jti"]


def test_the_clock_is_the_default() -> None:
    """Without a time given a receipt is made now."""
    before = int(datetime.now(UTC).timestamp())
    claims = read(sign(now=None))

    assert before <= claims["iat"] <= before + 5


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"status": "done"}, "receipt-invalid"),
        ({"status": None}, "receipt-invalid"),
        ({"status": ["completed"]}, "receipt-invalid"),
        ({"notice": ""}, "receipt-invalid"),
        ({"partner": None}, "receipt-invalid"),
        ({"audience": [ISSUER]}, "receipt-invalid"),
        ({"backup_until": "2027-01-01T00:00:00Z"}, "receipt-invalid"),
        ({"iat": 1}, "receipt-invalid"),
        ({"reason": ""}, "receipt-invalid"),
        ({"reason": 7}, "receipt-invalid"),
        ({"jti": ""}, "receipt-invalid"),
        ({"backups_until": datetime(2027, 1, 1)}, "receipt-invalid"),  # noqa: DTZ001
        ({"backups_until": "tomorrow"}, "receipt-invalid"),
        ({"backups_until": "2027-01-01T00:00:00+08:00"}, "receipt-invalid"),
        ({"backups_until": 7}, "receipt-invalid"),
        ({"downstream": {"name": "a", "status": "b"}}, "receipt-invalid"),
        ({"downstream": ["a"]}, "receipt-invalid"),
        ({"downstream": [{"name": "a"}]}, "receipt-invalid"),
        ({"downstream": [{"name": "a", "status": 7}]}, "receipt-invalid"),
        ({"downstream": [{"name": "a", "status": "b", "more": "c"}]}, "receipt-invalid"),
        ({"now": NOW.replace(tzinfo=None)}, "argument-invalid"),
    ],
    ids=str,
)
def test_a_receipt_that_would_be_refused_is_not_made(changed: dict[str, Any], code: str) -> None:
    """A mistake shows where it is made, not days later as an open notice."""
    assert code_of(lambda: sign(**changed)) == code


@pytest.mark.parametrize(
    "key",
    [
        None,
        {},
        {name: value for name, value in ED.items() if name != "kid"},
        public(ED),
        public(ES),
        ED | {"use": "enc"},
        ED | {"d": "AA"},
        ES | {"d": ED["d"]},
        ES | {"crv": "P-384"},
        x25519_jwk(use="sig"),
        {"kty": "oct", "kid": "k", "k": "AAAA"},
    ],
)
def test_a_key_that_cannot_sign_is_refused(key: Any) -> None:
    """Only a private Ed25519 or P-256 key with a name signs receipts."""
    assert code_of(lambda: sign(key)) == "key-unusable"


def test_an_ecdsa_receipt_verifies_elsewhere() -> None:
    """Another library reads a P-256 receipt with the public key alone."""
    numbers = ec.derive_private_key(1001, ec.SECP256R1()).public_key()
    claims = jwt.decode(
        sign(ES), numbers, algorithms=["ES256"], audience=ISSUER, options={"verify_iat": False}
    )

    assert claims["notice"] == "ntc_1"
