"""
A stand-in for the gateway's side of the wire, made with PyJWT and jwcrypto.

It shares no code with the product, so what a fake recipient accepts from it is
what the contract says.
"""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK
from yarl import URL

from gateway.testing.keys import public_jwk, signature_jwk
from gateway.testing.partner import FakePartner
from gateway.testing.random import seeded

ISSUER = "http://gateway.example"
JSON = "application/json"


class Sender:
    """Signs and sends shares and notices to a recipient that trusts it."""

    def __init__(self, seed: int = 1) -> None:
        random = seeded(seed)
        self._grant = signature_jwk("grant-1", random)
        self._notice = signature_jwk("notice-1", random)
        self.jwks = {"keys": [public_jwk(self._grant), public_jwk(self._notice)]}
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def share(
        self,
        partner: FakePartner,
        body: Any,
        *,
        share: str = "sh-1",
        target: str = "/v2/shipments/LO-1",
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 5,
        **claims: Any,
    ) -> tuple[int, bytes]:
        """POST one share; status and body of the answer. A claim of None is left out."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        changed = grant_claims(partner, raw, share=share, target=target) | claims
        signed = {name: value for name, value in changed.items() if value is not None}
        sent = {
            "Content-Type": JSON,
            "Sharing-Id": share,
            "Sharing-Grant": self._sign(signed),
            "Content-Digest": f"sha-256=:{base64.b64encode(digest(raw)).decode()}:",
            **(headers or {}),
        }
        return await self.post(partner, target, raw, sent, timeout_seconds=timeout_seconds)

    async def notice(
        self,
        partner: FakePartner,
        data: Mapping[str, Any],
        *,
        notice: str = "nt-1",
        kind: str = "subject.erase",
        forged: bool = False,
    ) -> tuple[int, bytes]:
        """POST one notice; status and body of the answer."""
        full = {"notice": notice, "issuer": ISSUER, "partner": partner.id, **data}
        raw = json.dumps({"type": kind, "timestamp": "2026-11-02T09:30:00Z", "data": full}).encode()
        at = str(int(time.time()))
        key = signature_jwk("notice-1") if forged else self._notice
        headers = {
            "Content-Type": JSON,
            "webhook-id": notice,
            "webhook-timestamp": at,
            "webhook-signature": f"v1a,{_webhook_signature(key, f'{notice}.{at}.'.encode() + raw)}",
        }
        return await self.post(partner, "/privacy/notices", raw, headers)

    async def post(
        self,
        partner: FakePartner,
        target: str,
        raw: bytes,
        headers: Mapping[str, str],
        *,
        timeout_seconds: float = 5,
    ) -> tuple[int, bytes]:
        """POST exactly this, following nothing."""
        async with self.session.post(
            URL(partner.base_url + target, encoded=True),
            data=raw,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        ) as response:
            return response.status, await response.read()

    def _sign(self, claims: Mapping[str, Any]) -> str:
        headers = {"typ": "sharing-grant+jwt", "kid": "grant-1"}
        key = jwt.PyJWK.from_dict(self._grant)
        return jwt.encode(dict(claims), key, algorithm="EdDSA", headers=headers)


def grant_claims(partner: FakePartner, raw: bytes, *, share: str, target: str) -> dict[str, Any]:
    """The claims of contract §6 for a person known to the partner as `ps-1`."""
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": partner.id,
        "jti": share,
        "iat": now,
        "exp": now + 300,
        "salt": "AAAAAAAAAAAAAAAAAAAAAA",
        "htm": "POST",
        "htu": partner.base_url + target,
        "sub": "ps-1",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "ground": "core-function",
        "fields": ["/recipient/name"],
        "retention_until": "2026-12-02T09:30:00Z",
        "territory": "CN",
        "onward": [],
        "edition": "2026-1",
        "digest": _b64(digest(raw)),
    }


def sealed(partner: FakePartner, value: Any, *, share: str, field: str | None = None) -> str:
    """`value` as JSON in a compact JWE for the partner's first encryption key."""
    key = partner.keys.public_jwks()["keys"][0]
    header = {
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "kid": key["kid"],
        "cty": "json",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "jti": share,
        "apv": _b64(f"{partner.id}|order-fulfilment".encode()),
    }
    if field is not None:
        header["field"] = field
    plaintext = json.dumps(value).encode()
    jwe = JWE(plaintext, protected=json.dumps(header), recipient=JWK(**key))
    compact: str = jwe.serialize(compact=True)
    return compact


def digest(raw: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(raw).digest()


def _webhook_signature(key: Mapping[str, Any], message: bytes) -> str:
    seed = base64.urlsafe_b64decode(key["d"] + "=")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return base64.b64encode(private.sign(message)).decode()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
