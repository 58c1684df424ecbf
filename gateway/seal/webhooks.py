"""
Signatures of Standard Webhooks 1.0.0: over `id.timestamp.body`, the body being
the raw bytes as sent. The header `webhook-signature` lists them with spaces.
"""

import hmac
from base64 import b64decode, b64encode

from gateway.seal.keys import SigningKey

SECRET_PREFIX = "whsec_"


def webhook_signature(signer: SigningKey, webhook_id: str, timestamp: int, body: bytes) -> str:
    """
    `v1a,…`: Ed25519, checked with the key `notice-…` of the JWKS.

    `timestamp` is Unix seconds of this attempt. Raises `ValueError` where the
    id is empty or holds a full stop, which would leave it unclear where it ends.
    """
    signature = signer.private.sign(_signed_bytes(webhook_id, timestamp, body))
    return f"v1a,{b64encode(signature).decode('ascii')}"


def webhook_shared_signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """
    `v1,…`: HMAC-SHA256 under a secret that partner and gateway share, written
    as `whsec_` and base64, or base64 alone.

    Raises `ValueError` where the secret is not base64 of 24 to 64 bytes.
    """
    key = _secret(secret)
    mac = hmac.digest(key, _signed_bytes(webhook_id, timestamp, body), "sha256")
    return f"v1,{b64encode(mac).decode('ascii')}"


def _signed_bytes(webhook_id: str, timestamp: int, body: bytes) -> bytes:
    if not webhook_id or "." in webhook_id:
        raise ValueError("a webhook id is not empty and holds no full stop")
    return f"{webhook_id}.{timestamp:d}.".encode() + body


def _secret(secret: str) -> bytes:
    try:
        text = secret.removeprefix(SECRET_PREFIX)
        # The padding may be left out, as the standard's own libraries let it be.
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        # Not chained: nothing of a secret belongs in a traceback.
        raise ValueError("a webhook secret is whsec_ and base64") from None
    if not 24 <= len(key) <= 64:
        raise ValueError("a webhook secret has 24 to 64 bytes")
    return key
