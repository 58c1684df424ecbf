"""
Redemptions: what a recipient signs to use a value that stayed with us (S4c,
contract §4).

Only the claims are checked here; that a key of this recipient signed them is
checked before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gateway.errors import GatewayError

REDEMPTION_TYPE: Final = "sharing-redemption+jwt"
FRESH: Final = timedelta(seconds=300)
"""By how much `iat` may differ from now, that much included."""

_MAX_TEXT = 500


class RedemptionInvalid(GatewayError):
    """The claims of a redemption are not acceptable. Names the claim, never its value."""

    code = "redemption-invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a recipient asks for: one value, for one purpose."""

    jti: str
    token: str = field(repr=False)
    purpose: str
    fresh_until: datetime
    """From then on the same signature is refused."""


def check_claims(claims: Mapping[str, Any], *, partner: str, audience: str, now: datetime) -> Asked:
    """
    The redemption in verified claims.

    `partner` is whose key signed it, `audience` this gateway's issuer. Claims
    that the contract does not have are passed over. Raises `RedemptionInvalid`.
    """
    if claims.get("iss") != partner:
        raise RedemptionInvalid("iss is not the recipient whose key signed it")
    if claims.get("aud") != audience:
        raise RedemptionInvalid("aud is not the issuer of the grant that the token came with")
    return Asked(
        jti=_text(claims, "jti"),
        token=_text(claims, "token"),
        purpose=_text(claims, "purpose"),
        fresh_until=_fresh_until(claims.get("iat"), now),
    )


def _fresh_until(iat: Any, now: datetime) -> datetime:
    # `true` is an int to Python and no NumericDate to anybody.
    if isinstance(iat, bool) or not isinstance(iat, int | float):
        raise RedemptionInvalid("iat is missing or not a number of seconds")
    seconds, most = now.timestamp(), FRESH.total_seconds()
    # Compared, not subtracted: a number of any size is refused and none overflows.
    if not seconds - most <= iat <= seconds + most:
        raise RedemptionInvalid(f"iat is more than {most:.0f} seconds from now")
    return datetime.fromtimestamp(iat, UTC) + FRESH


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
        raise RedemptionInvalid(f"{name} is not one line of 1 to {_MAX_TEXT} characters")
    return value
