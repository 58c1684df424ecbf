"""Tokens that somebody else signed, or nobody, made from honest ones."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.testing.notices import Plan
from gateway.testing.partner import FakePartner
from tests.cases.house import CaseHouse

SILENT = Plan(deletes=False, receipts=(), says=None)

Sign = Callable[[str], str]
"""From `header.payload` to the whole token."""


def b64(value: bytes | Mapping[str, Any]) -> str:
    """Base64url without padding, of JSON where it is a mapping."""
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def un64(text: str) -> bytes:
    """The bytes again."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def ed25519(jwk: Mapping[str, Any]) -> Sign:
    """Sign with a private JWK."""
    key = Ed25519PrivateKey.from_private_bytes(un64(jwk["d"]))
    return lambda text: f"{text}.{b64(key.sign(text.encode()))}"


def unsigned(text: str) -> str:
    """No signature at all."""
    return f"{text}."


def keyed_by(secret: bytes) -> Sign:
    """HMAC under what everybody knows."""
    return lambda text: f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def resigned(token: str, sign: Sign, **header: Any) -> str:
    """The same claims under another header and signature; None takes a member away."""
    head, body, _ = token.split(".")
    changed = {**json.loads(un64(head)), **header}
    shown = {name: value for name, value in changed.items() if value is not None}
    return sign(f"{b64(shown)}.{body}")


async def told(house: CaseHouse, courier: FakePartner, subject: str = "u-1") -> tuple[str, str]:
    """A case whose one recipient was told and has said nothing yet: (case, notice)."""
    courier.notices.plan = SILENT
    assert (await house.share(subject=subject)).status == 200
    case = (await house.opened_case(subject))["case"]
    return case, (await house.until(case, state="sent"))["notice"]
