"""The answer to a person: a case in words, with its recipients' names (R6, R7)."""

from collections.abc import Iterator

from gateway.cases.certificate import MAY_NOT_BE_TOLD
from gateway.errors import CallerError, Reason
from gateway.flows.gateway import Gateway
from gateway.flows.snapshots import recipient
from gateway.model.cases import CaseScope, Notice, NoticeState
from gateway.reports.answer import Answer, Told


async def reply(gateway: Gateway, id: str) -> Answer:
    """
    The answer as the case stands; interim while it is open. Raises `CallerError` (404).

    A recipient with a demand of which the person may not be told is not in it (D2).
    """
    case = await gateway.store.case(id)
    if case is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such case")
    return Answer(
        case=case,
        written=gateway.clock().date(),
        sender=gateway.config["answers.sender"] or gateway.issuer,
        contact=gateway.config["answers.contact"],
        complaints=gateway.config["answers.complaints"],
        about=tuple(_about(gateway, case.scope)),
        told=tuple(_told(gateway, one) for one in case.notices if not _hidden(one)),
    )


def _hidden(notice: Notice) -> bool:
    return (notice.state, notice.reason) == (NoticeState.EXEMPT, MAY_NOT_BE_TOLD)


def _told(gateway: Gateway, notice: Notice) -> Told:
    known = recipient(gateway, notice.partner)
    return Told(
        name=known.name if known else notice.partner,
        contact=known.contact if known else "",
        notice=notice,
    )


def _about(gateway: Gateway, scope: CaseScope) -> Iterator[str]:
    policy = gateway.policy.policy
    for partner in sorted(scope.partners):
        known = recipient(gateway, partner)
        yield known.name if known else partner
    for purpose in sorted(scope.purposes):
        yield policy.purposes[purpose].title if purpose in policy.purposes else purpose
    for category in sorted(scope.categories):
        yield policy.categories[category].title if category in policy.categories else category
