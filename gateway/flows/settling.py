"""
What a person does about one notice: settle it on evidence, or have its recipient told
once more (contract §9; R3).
"""

from collections.abc import Callable

from gateway.cases import states
from gateway.errors import CallerError, Reason
from gateway.flows import notices, resolutions
from gateway.flows.finishing import closing_leaf
from gateway.flows.gateway import Gateway
from gateway.flows.resolutions import Attachment
from gateway.model.cases import Notice
from gateway.ports import Changed


async def settle(
    gateway: Gateway,
    id: str,
    *,
    status: str,
    reason: str,
    evidence: str,
    attached: Attachment | None,
    actor: str,
) -> Notice:
    """
    The notice `id` as it stands once a person has settled it.

    `actor` is the service that asked. Raises `CallerError`: 404 for an unknown notice,
    409 for one that is settled, 400 for a status that nobody can give.
    """
    committed = resolutions.committed(evidence, attached)
    kept = resolutions.kept(gateway, id, evidence, attached)

    def change(before: Notice) -> Changed | None:
        after = states.resolve(before, status, reason, gateway.clock())
        leaves = notices.leaves_of(
            gateway, before, after, by_person=actor, evidence=committed, reason=reason
        )
        return Changed(notice=after, leaves=leaves, keep_claim=True, resolution=kept)

    return await _changed(gateway, id, change)


async def tell_again(gateway: Gateway, id: str, *, actor: str) -> Notice:
    """
    The notice `id`, to go out once more, now. Raises `CallerError`: 404 for an unknown
    notice, 409 for one that is settled.
    """

    def change(before: Notice) -> Changed | None:
        if before.settled:
            raise CallerError(Reason.NOTICE_SETTLED)
        after = notices.requeued(gateway, before)
        return Changed(
            notice=after,
            leaves=notices.leaves_of(gateway, before, after, by_person=actor),
            keep_claim=True,
            # It is told from the beginning.
            memory=b"",
        )

    return await _changed(gateway, id, change)


async def _changed(gateway: Gateway, id: str, change: Callable[[Notice], Changed | None]) -> Notice:
    notice = await gateway.store.notice(id)
    if notice is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such notice")
    if notice.settled:
        raise CallerError(Reason.NOTICE_SETTLED)
    after = await gateway.store.change_notice(
        id, change, lambda case: closing_leaf(gateway, case), gateway.clock()
    )
    await notices.noted(gateway, after, notice)
    return after or notice
