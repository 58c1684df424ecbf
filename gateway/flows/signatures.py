"""What recipients sign: receipts and redemptions, each a compact JWS by a `sig` key of theirs."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from gateway.errors import CallerError, Reason
from gateway.flows.gateway import Gateway
from gateway.flows.snapshots import recipient
from gateway.model.ids import PartnerId
from gateway.model.recipients import Partner
from gateway.seal.jws import SignatureRefused, verify_jws
from gateway.seal.keys import KeyRefused, parse_partner_keys

MAX_BYTES = 64 * 1024
"""Of what a recipient signs."""


def signed_claims(gateway: Gateway, token: str, typ: str) -> tuple[Partner, Mapping[str, Any]]:
    """
    Who signed a JWS of this `typ`, and its claims. Nothing is believed before one
    of that recipient's own keys has verified it; suspended and removed recipients
    sign too.

    Raises `SignatureRefused` for everything else; its message holds no claim.
    """
    partner = recipient(gateway, PartnerId(_issuer(token)))
    if partner is None:
        raise SignatureRefused("its issuer is no recipient")
    try:
        keys = parse_partner_keys(partner.jwks).sig
    except KeyRefused as error:
        raise SignatureRefused(str(error)) from None
    return partner, verify_jws(token, keys, typ)


def refused(what: str, why: str, clause: str) -> CallerError:
    """401 for a JWS that does not verify; `what` it should be, for people."""
    return CallerError(
        Reason.TOKEN_INVALID,
        f"the {what} does not verify: {why}",
        clauses=(clause,),
        remedy="Sign it with a `use: sig` key of your JWK Set, as the recipient kit does.",
    )


def _issuer(token: str) -> str:
    """Who says to have signed it: only to find the keys, nothing is believed yet."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        issuer = claims["iss"]
    except (IndexError, ValueError, KeyError, TypeError, RecursionError):
        raise SignatureRefused("it is not a signed JWT") from None
    return issuer if isinstance(issuer, str) else ""
