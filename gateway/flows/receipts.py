"""
A recipient's signed answer (contract §9): what it says, and what it may settle.

Nothing is believed before the signature by one of that recipient's own keys
has been verified. A receipt never settles another recipient's notice, nor one
that was not sent, nor one that a share in flight still holds back.
"""

import hashlib
from typing import Final

from gateway.cases import states
from gateway.cases.states import Event
from gateway.errors import CallerError, Reason
from gateway.flows.clockwork import new_id
from gateway.flows.finishing import closing_leaf
from gateway.flows.gateway import Gateway
from gateway.flows.notices import leaves_of, noted
from gateway.flows.signatures import refused, signed_claims
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.cases import Notice, Proof
from gateway.model.ids import PartnerId
from gateway.notices.receipts import Receipt, ReceiptInvalid, check_claims
from gateway.ports import Changed
from gateway.seal.jws import SignatureRefused

TYPE = "sharing-receipt+jwt"

MOST_KEPT: Final = 100
"""Receipts of one notice. Each is kept for ever; beyond them only one that changes it counts."""
AGAIN_SECONDS: Final = 3600

EVENTS = {
    "acknowledged": Event.ACKNOWLEDGED,
    "in-progress": Event.IN_PROGRESS,
    "partial": Event.PARTIAL,
    "refused": Event.REFUSED,
    "completed": Event.COMPLETED,
}


async def accept(gateway: Gateway, token: str) -> Notice:
    """
    Take a receipt; returns the notice as it stands then.

    Raises `CallerError`: 401 for what does not verify, 404 for an unknown
    notice, 403 for another recipient's, 409 for one that is settled, 429 for one
    that changes nothing of a notice with `MOST_KEPT` others.
    """
    partner, receipt = _verified(gateway, token)
    known = await gateway.store.receipt(partner, receipt.jti)
    notice = await gateway.store.notice(receipt.notice)
    if notice is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such notice")
    if notice.partner != partner:
        raise CallerError(Reason.SERVICE_NOT_PERMITTED, "this notice is another recipient's")
    if known is not None:
        # The very receipt that was accepted already, or its id once more: no change.
        return notice
    if notice.settled:
        raise CallerError(Reason.NOTICE_SETTLED)
    full = await gateway.store.count_receipts(notice.id) >= MOST_KEPT
    try:
        after = await gateway.store.change_notice(
            notice.id,
            lambda before: _changed(gateway, before, receipt, token, full=full),
            lambda case: closing_leaf(gateway, case),
            gateway.clock(),
        )
    except CallerError:
        if await gateway.store.receipt(partner, receipt.jti) is None:
            raise
        # Settled meanwhile, by this very receipt.
        return notice
    await noted(gateway, after, notice)
    gateway.log.info("receipt", notice=notice.id, partner=partner, state=receipt.status)
    return after or notice


def _changed(
    gateway: Gateway, before: Notice, receipt: Receipt, token: str, *, full: bool
) -> Changed | None:
    if before.settled:
        raise CallerError(Reason.NOTICE_SETTLED)
    if not states.accepts_receipt(before):
        return None
    after = states.apply(
        before,
        EVENTS[receipt.status],
        now=gateway.clock(),
        reason=receipt.reason,
        backups_until=receipt.backups_until,
        proof=Proof.RECEIPT,
    )
    if full and after == before:
        detail = f"this notice has {MOST_KEPT} receipts already, and this one changes nothing"
        raise CallerError(Reason.RATE_LIMITED, detail, retry_after=AGAIN_SECONDS)
    leaf = entries.receipt(
        id=new_id("leaf", gateway.random),
        at=gateway.clock(),
        notice=before.id,
        partner=before.partner,
        status=receipt.status,
        digest=hashlib.sha256(token.encode()).hexdigest(),
        reason=receipt.reason,
        backups_until=receipt.backups_until,
    )
    return Changed(
        notice=after,
        leaves=(canonical(leaf), *leaves_of(gateway, before, after)),
        receipt=(receipt.jti, token),
        keep_claim=True,
    )


def _verified(gateway: Gateway, token: str) -> tuple[PartnerId, Receipt]:
    try:
        partner, claims = signed_claims(gateway, token, TYPE)
        receipt = check_claims(
            claims, partner=partner.id, audience=gateway.issuer, now=gateway.clock()
        )
    except (SignatureRefused, ReceiptInvalid) as error:
        raise refused("receipt", str(error), "R3") from None
    return partner.id, receipt
