"""Redemptions: asking the gateway for a value that came as a token (contract §4)."""

import secrets
from collections.abc import Mapping
from typing import Any

from gateway.recipient.arguments import Now, epoch_seconds
from gateway.recipient.encoding import is_text
from gateway.recipient.errors import RecipientError
from gateway.recipient.signing import sign

REDEMPTION_TYPE = "sharing-redemption+jwt"


def sign_redemption(
    key: Mapping[str, Any],
    *,
    partner: str,
    audience: str,
    token: str,
    purpose: str,
    now: Now = None,
) -> str:
    """
    A redemption, to be POSTed to the gateway's `/tokens/redeem` as `application/jose`.

    `key` is this recipient's private signing JWK, Ed25519 or P-256, with the
    `kid` under which the gateway knows it. `audience` is the `iss` of the grant
    that the token came with, `purpose` that grant's. The answer is the value's
    JSON text, sealed: `open_sealed(answer, keys, partner=…, purpose=…)` opens it.
    Sent again unchanged within five minutes, a redemption counts once.

    Raises `RecipientError`: redemption-invalid, key-unusable or argument-invalid.
    """
    if not all(map(is_text, (partner, audience, token, purpose))):
        detail = "partner, audience, token and purpose are strings with something in them"
        raise RecipientError("redemption-invalid", detail)
    claims = {
        "iss": partner,
        "aud": audience,
        "jti": secrets.token_urlsafe(16),
        "iat": int(epoch_seconds(now)),
        "token": token,
        "purpose": purpose,
    }
    return sign(key, claims, REDEMPTION_TYPE)
