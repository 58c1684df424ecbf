"""
Letters: what a person sends to a recipient that no program tells (contract §9, R3).

Opening one shows a person's ids at that recipient, and is recorded as a read before
anything is shown. Once the recipient has settled nothing could be shown any more.
"""

from gateway.errors import CallerError, Reason
from gateway.flows import escrow
from gateway.flows.gateway import Gateway
from gateway.flows.reads import record_list_read
from gateway.flows.snapshots import recipient
from gateway.model.ids import CategoryId, PurposeId
from gateway.model.recipients import Agreement
from gateway.reports.letter import Letter


async def written(gateway: Gateway, id: str, *, service: str) -> Letter:
    """
    The letter of a notice, whatever protocol its recipient has.

    Raises `CallerError`: 404 for an unknown notice, 409 for one whose escrow was
    destroyed; `Declined` where the read cannot be recorded.
    """
    notice = await gateway.store.notice(id)
    case = await gateway.store.case_row(notice.case) if notice else None
    if notice is None or case is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such notice")
    try:
        told = await escrow.opened(gateway, notice.id)
    except LookupError:
        raise CallerError(
            Reason.NOTICE_SETTLED, "its recipient has settled: what it said is destroyed"
        ) from None
    await record_list_read(gateway, service=service, what=f"letter:{notice.id}")
    partner = recipient(gateway, notice.partner)
    return Letter(
        notice=notice.id,
        action=case.case.action.value,
        recipient=partner.name if partner else notice.partner,
        contact=partner.contact if partner else "",
        agreement=_reference(partner.agreement if partner else None),
        sender=_sender(gateway),
        reply_to=gateway.config["answers.contact"],
        receipts=f"{gateway.config.public_url}/receipts",
        written=gateway.clock().date(),
        deadline=notice.deadline.date(),
        pseudonym=None if told.only_references else told.pseudonym,
        references=told.references,
        purposes=tuple(_purpose(gateway, one) for one in told.purposes),
        categories=tuple(_category(gateway, one) for one in told.categories),
        part=told.part,
        parts=told.parts,
        changes=tuple((one.selector, one.value) for one in told.changes),
    )


def _reference(agreement: Agreement | None) -> str | None:
    return agreement.reference if agreement else None


def _sender(gateway: Gateway) -> str:
    """Who writes, and how partners know this gateway."""
    name: str = gateway.config["answers.sender"]
    return f"{name} ({gateway.issuer})" if name else gateway.issuer


def _purpose(gateway: Gateway, id: str) -> str:
    """A purpose in people's words, and its id, as the grants had it."""
    known = gateway.policy.policy.purposes.get(PurposeId(id))
    return f"{known.title} ({id})" if known else id


def _category(gateway: Gateway, id: str) -> str:
    known = gateway.policy.policy.categories.get(CategoryId(id))
    return f"{known.title} ({id})" if known else id
