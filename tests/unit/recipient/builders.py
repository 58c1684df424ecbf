"""
A gateway as its recipients see it, made of what it publishes.

Everything valid comes from here; a test changes the one thing that it is about.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.recipient import MemorySeen, Received, RecipientError, Seen, receive_share
from gateway.seal.encoding import b64, unb64
from gateway.seal.envelope import seal
from gateway.seal.jws import sign_jws
from gateway.seal.keys import SigningKey, public_jwk
from gateway.seal.terms import content_digest
from tests.unit.seal.builders import (
    NOW,
    SHARE,
    Stream,
    context,
    p256_jwk,
    sealing_key,
    signer,
    terms,
    x25519_jwk,
)

PARTNER = "swift-parcel"
ISSUER = "https://sharing.shop.example"
PURPOSE = "order-fulfilment"
URL = "https://api.swift-parcel.example/v2/shipments?express=1"
ISSUED = int(NOW.timestamp())

GRANT_KEY = signer("grant-1", seed=7)
NOTICE_KEY = signer("notice-1", seed=8)
OWN = x25519_jwk()
KEYS = {"keys": [OWN, p256_jwk()]}
JWKS = {
    "keys": [
        public_jwk(GRANT_KEY.private, "grant-1"),
        public_jwk(NOTICE_KEY.private, "notice-1"),
        public_jwk(signer(seed=9).private, "checkpoint-1"),
        public_jwk(signer(seed=10).private, "certificate-1"),
    ]
}


def sealed(plaintext: bytes = b"{}", *, jwk: dict[str, Any] = OWN, **changed: Any) -> str:
    """A seal by the gateway."""
    return seal(plaintext, sealing_key(jwk), context(**changed), random=Stream())


def resealed(jwe: str, **header: Any) -> str:
    """The seal with other members in its header; None takes one out."""
    protected, rest = jwe.split(".", 1)
    members = json.loads(unb64(protected)) | header
    kept = {name: value for name, value in members.items() if value is not None}
    return f"{b64(json.dumps(kept).encode())}.{rest}"


def claims(**changed: Any) -> dict[str, Any]:
    """Claims of a grant for a body `{}`; None takes one out."""
    members = terms(target=URL).claims() | changed
    return {name: value for name, value in members.items() if value is not None}


def granted(key: SigningKey = GRANT_KEY, typ: str = "sharing-grant+jwt", **changed: Any) -> str:
    """A grant with these claims changed."""
    return sign_jws(claims(**changed), key, typ)


def grant_by_hand(header: str, payload: str | None = None, key: SigningKey = GRANT_KEY) -> str:
    """A grant with this very header and payload, and a right signature."""
    text = json.dumps(claims()) if payload is None else payload
    signed = f"{b64(header.encode())}.{b64(text.encode())}"
    return f"{signed}.{b64(key.private.sign(signed.encode()))}"


@dataclass
class Request:
    """One share on its way, with all that `receive_share` is given."""

    method: str = "POST"
    target: str = URL
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)

    def receive(self, seen: Seen | None = None) -> Received:
        """Hand it to the kit."""
        arguments: dict[str, Any] = {
            "keys": KEYS,
            "jwks": JWKS,
            "partner": PARTNER,
            "issuer": ISSUER,
            "purpose": PURPOSE,
            "seen": MemorySeen() if seen is None else seen,
            "now": NOW,
        }
        return receive_share(
            self.method, self.target, self.headers, self.body, **arguments | self.expected
        )


def request(body: bytes = b"{}", content_type: str = "application/json", **changed: Any) -> Request:
    """A share whose grant is for its body; `changed` are claims."""
    digest = b64(hashlib.sha256(body).digest())
    return Request(
        body=body,
        headers={
            "Content-Type": content_type,
            "Content-Digest": content_digest(body),
            "Sharing-Id": SHARE,
            "Sharing-Grant": granted(**{"digest": digest} | changed),
        },
    )


def sealed_request(plaintext: bytes = b"{}", **changed: Any) -> Request:
    """A share whose whole body is sealed."""
    return request(sealed(plaintext, **changed).encode(), "application/jose")


@dataclass
class NoticeMessage:
    """A notice on its way."""

    body: bytes
    headers: dict[str, str]


DATA = {
    "notice": "ntc_1",
    "issuer": ISSUER,
    "partner": PARTNER,
    "subject": "h5id367j5jebhels2yrlvzk6nz",
    "references": ["SP-7"],
    "purposes": [PURPOSE],
    "categories": ["basic.name"],
    "deadline": "2026-12-22T10:00:00Z",
    "receipts": "https://sharing.shop.example/receipts",
}


def notice(
    body: bytes | None = None,
    *,
    at: int = ISSUED,
    key: SigningKey = NOTICE_KEY,
    name: str = "ntc_1",
) -> NoticeMessage:
    """A notice signed by `key`."""
    message = {"type": "subject.erase", "timestamp": "2026-11-22T10:00:00Z", "data": DATA}
    octets = json.dumps(message).encode() if body is None else body
    signature = key.private.sign(f"{name}.{at}.".encode() + octets)
    return NoticeMessage(
        body=octets,
        headers={
            "webhook-id": name,
            "webhook-timestamp": str(at),
            "webhook-signature": f"v1a,{b64encode(signature).decode()}",
        },
    )


def code_of(act: Callable[[], object]) -> str | None:
    """The code with which an act is refused; None where it is not."""
    try:
        act()
    except RecipientError as error:
        return error.code
    return None
