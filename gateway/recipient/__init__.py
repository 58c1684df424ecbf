'''
What a recipient needs to take part: accept shares, act on notices, answer.

It needs `cryptography` and `pyjwt`, nothing else of the gateway. Every failure
is a `RecipientError` with a `code` of the closed list in `CODES`; no message
holds a value, so it may be logged as it is. A replay store's own failures pass
through as they are, and the share is then not accepted.

A whole recipient, whatever the web framework::

    import json
    from pathlib import Path

    from gateway.recipient import (
        MemorySeen,
        RecipientError,
        receive_share,
        sign_receipt,
        verify_notice,
    )

    ME, GATEWAY = "swift-parcel", "https://sharing.shop.example"
    OWN = json.loads(Path("private.jwks.json").read_text())  # use enc: to open
    SIGN = json.loads(Path("private.sig.jwk.json").read_text())  # use sig: to answer
    JWKS = json.loads(Path("gateway.jwks.json").read_text())  # {GATEWAY}/.well-known/jwks.json
    SEEN = MemorySeen()
    parcels = {}

    def shipment(method, url, headers, body):
        """POST /v2/shipments, for order fulfilment and nothing else."""
        try:
            share = receive_share(
                method, url, headers, body,
                keys=OWN, jwks=JWKS, partner=ME, issuer=GATEWAY,
                purpose="order-fulfilment", seen=SEEN,
            )
            phone = share.field("/recipient/phone")  # opened, if it came sealed
        except RecipientError as refused:
            return 403, {"error": refused.code}
        keep_until = share.claims["retention_until"]
        parcels[share.claims["sub"]] = {"phone": phone, "until": keep_until}
        return 201, {"tracking_number": share.claims["jti"]}

    def privacy_notice(headers, body):
        """POST /privacy/notices."""
        try:
            notice = verify_notice(headers, body, JWKS)
        except RecipientError as refused:
            return 401, {"error": refused.code}
        status = "refused"
        if notice.type == "subject.erase":
            parcels.pop(notice["subject"], None)
            status = "completed"
        receipt = sign_receipt(
            SIGN, partner=ME, audience=notice["issuer"], notice=notice["notice"], status=status
        )
        return 200, {"post": receipt, "to": notice["receipts"]}  # as application/jose

`signing-key-unknown` means that the gateway has a new key: fetch the JWKS again,
once, then try again.
'''

from gateway.recipient.corrections import Correction, open_changes
from gateway.recipient.errors import CODES, RecipientError
from gateway.recipient.grants import verify_grant
from gateway.recipient.notices import Notice, verify_notice
from gateway.recipient.proofs import verify_proof
from gateway.recipient.receipts import sign_receipt
from gateway.recipient.receive import Received, receive_share
from gateway.recipient.redemptions import sign_redemption
from gateway.recipient.replay import MemorySeen, Seen
from gateway.recipient.sealed import open_sealed

__all__ = [
    "CODES",
    "Correction",
    "MemorySeen",
    "Notice",
    "Received",
    "RecipientError",
    "Seen",
    "open_changes",
    "open_sealed",
    "receive_share",
    "sign_receipt",
    "sign_redemption",
    "verify_grant",
    "verify_notice",
    "verify_proof",
]
