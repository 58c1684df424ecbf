"""Valid notices, cases, shares and rights; each takes the one argument that a test is about."""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.cases.certificate import claims, subject_hash
from gateway.model.cases import (
    Action,
    Case,
    CaseScope,
    CaseState,
    Notice,
    NoticeState,
    Proof,
    ToldShare,
)
from gateway.model.ids import CaseId, CategoryId, NoticeId, PartnerId, PurposeId
from gateway.model.policy import Rights

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = NOW + 40 * DAY
WHOLE = CaseScope()
ISSUER = "https://sharing.shop.example"
SALT = bytes(range(16))
SUBJECT = "zhang"
NOTE = "sharing.shop.example/ledger\n1\nAAAA\n\n— sharing.shop.example/ledger BBBB\n"

RIGHTS = Rights(
    default_days=30,
    days_by_reason={"minor-without-consent": 3, "service-ended": 60},
    scope_required=frozenset({"consent-withdrawn", "retention-expired", "agreement-ended"}),
    announced_days=30,
    tombstone_months=36,
    refusal_grounds=("repetitive",),
)


def a_notice(state: NoticeState = NoticeState.QUEUED, **changes: Any) -> Notice:
    """A notice that was tried once and is due in fifteen days."""
    given: dict[str, Any] = {
        "id": NoticeId("ntc_1"),
        "case": CaseId("case_1"),
        "partner": PartnerId("swift-parcel"),
        "state": state,
        "deadline": NOW + 15 * DAY,
        "attempts": 1,
    }
    return Notice(**given | changes)


def a_settled_notice(number: int = 1, **changes: Any) -> Notice:
    """A notice that its recipient completed, and signed for."""
    given: dict[str, Any] = {
        "id": NoticeId(f"ntc_{number}"),
        "proof": Proof.RECEIPT,
        "settled": True,
        "receipts": (f"receipt.of.{number}",),
    }
    return a_notice(NoticeState.COMPLETED, **given | changes)


def a_case(*notices: Notice, state: CaseState = CaseState.CLOSED, **changes: Any) -> Case:
    """A case that was closed a day after it was opened, with one settled notice."""
    given: dict[str, Any] = {
        "id": CaseId("case_1"),
        "action": Action.ERASE,
        "state": state,
        "reason": "user-request",
        "deadline": NOW + 30 * DAY,
        "accepted_at": NOW,
        "closed_at": NOW + DAY if state is CaseState.CLOSED else None,
        "subject_hash": subject_hash(SALT, SUBJECT),
        "scope": WHOLE,
        "notices": notices or (a_settled_notice(),),
    }
    return Case(**given | changes)


def a_share(number: int = 1, **changes: Any) -> ToldShare:
    """A share with the courier that was delivered an hour ago."""
    given: dict[str, Any] = {
        "share": f"share_{number}",
        "partner": PartnerId("swift-parcel"),
        "pseudonym": "pseudonym-of-zhang",
        "purpose": PurposeId("order-fulfilment"),
        "categories": tuple(map(CategoryId, ("basic.name", "basic.phone"))),
        "at": NOW - timedelta(hours=1),
        "outcome": "delivered",
        "references": (f"SP-{number}",),
    }
    return ToldShare(**given | changes)


def a_scope(**sets: set[str]) -> CaseScope:
    """A scope of these sets."""
    return replace(WHOLE, **{name: frozenset(members) for name, members in sets.items()})


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def key(seed: str = "certificate") -> Ed25519PrivateKey:
    """A signing key, the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())


def a_jwk(kid: str = "certificate-1", seed: str = "certificate", **changes: Any) -> dict[str, Any]:
    """The public half of a key."""
    x = b64(key(seed).public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": "EdDSA", "x": x} | (
        changes
    )


def a_token(said: Any, *, seed: str = "certificate", **header: Any) -> str:
    """A compact JWS over an object, or over bytes as they stand."""
    protected = {"alg": "EdDSA", "kid": "certificate-1", "typ": "sharing-certificate+jwt"} | header
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    message = f"{b64(json.dumps(protected).encode())}.{b64(payload)}"
    return f"{message}.{b64(key(seed).sign(message.encode()))}"


def a_certificate(case: Case, **changes: Any) -> dict[str, Any]:
    """What the certificate of a case says, two days after the case was opened."""
    return claims(case, issuer=ISSUER, now=NOW + 2 * DAY, checkpoint_note=NOTE) | changes
