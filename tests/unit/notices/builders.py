"""Notices on their way, and receipts; each builder takes the one argument that a test is about."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.model.cases import Action, Told
from gateway.model.ids import CategoryId, PurposeId
from gateway.notices.base import Request
from gateway.notices.webhook import prepare
from gateway.seal.jwk import SigningKey, public_jwk
from gateway.seal.webhooks import webhook_signature

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "notices"
NOW = datetime(2026, 11, 22, 10, 0, 5, 678_000, tzinfo=UTC)
CREATED = NOW - timedelta(hours=3)
ISSUER = "https://sharing.shop.example"
KEY = SigningKey(kid="notice-1", private=Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))
JWKS = {"keys": [public_jwk(KEY.private, KEY.kid)]}


def vectors(name: str) -> Any:
    """A file of vectors."""
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def signed(id: str, seconds: int, body: bytes) -> str:
    """The `v1a` signature by the gateway's key."""
    return webhook_signature(KEY, id, seconds, body)


def a_told(*references: str, **changes: Any) -> Told:
    """What a notice says."""
    given: dict[str, Any] = {
        "pseudonym": "h5id367j5jebhels2yrlvzk6nz",
        "purposes": (PurposeId("order-fulfilment"),),
        "categories": tuple(map(CategoryId, ("basic.name", "basic.phone"))),
    }
    return Told(references=references or ("SP-1", "SP-2"), **given | changes)


def a_request(**changes: Any) -> Request:
    """One attempt at a notice to the courier."""
    given: dict[str, Any] = {
        "notice_id": "ntc_1",
        "action": Action.ERASE,
        "told": a_told(),
        "issuer": ISSUER,
        "partner": "swift-parcel",
        "deadline": NOW + timedelta(days=15),
        "receipts_url": f"{ISSUER}/receipts",
        "created": CREATED,
        "attempt_at": NOW,
        "sign": signed,
        "shared": None,
        "url": "https://api.swift-parcel.example/privacy/notices",
    }
    return prepare(**given | changes)


def some_claims(**changes: Any) -> dict[str, Any]:
    """The claims of a courier's receipt; None leaves one out."""
    given: dict[str, Any] = {
        "iss": "swift-parcel",
        "aud": ISSUER,
        "jti": "receipt-1",
        "iat": int(NOW.timestamp()),
        "notice": "ntc_1",
        "status": "completed",
    }
    return {name: value for name, value in (given | changes).items() if value is not None}
