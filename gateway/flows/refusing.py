"""
A request is refused (contract §9; R7).

The case, its notices, its fence and the leaves that say so change in one go, so that no
notice leaves meanwhile, and none of it is left where the process dies.
"""

from gateway.cases.refusals import check_ground, check_refusable, ended
from gateway.errors import CallerError, Reason, StoreFailed
from gateway.flows import notices
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id
from gateway.flows.finishing import unfenced
from gateway.flows.gateway import Gateway
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.cases import Action, Case, CaseState
from gateway.ports import RefusedCase


async def refuse(gateway: Gateway, id: str, ground: str, *, service: str) -> Case:
    """
    Refuse the request of a case; the case as it is then. `service` says so.

    Raises `CallerError`: `request-invalid` for a ground that rights.yaml does not
    state, `not-found`, `notice-settled` where the case is over, `case-open` where there
    is nothing to refuse; `Declined` where the disk does not take it.
    """
    check_ground(ground, gateway.policy.policy.rights.refusal_grounds)

    def decided(case: Case, whole: bool) -> RefusedCase:
        check_refusable(case)
        after = [(notice, ended(notice)) for notice in case.notices]
        leaves = [
            leaf
            for before, now in after
            for leaf in notices.leaves_of(gateway, before, now, by_person=service)
        ]
        return RefusedCase(
            ground=ground,
            notices=tuple(now for _, now in after),
            leaves=(*leaves, *_leaves(gateway, case, ground, service, whole=whole)),
        )

    try:
        found = await gateway.store.refuse_case(id, decided, gateway.clock())
    except StoreFailed as error:
        raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
    case = await gateway.store.case(id) if found else None
    if case is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such case")
    await unfenced(gateway, id)
    gateway.appended.set()
    gateway.case_changed()
    gateway.log.info("case-refused", case=id, reason=ground)
    return case


def _leaves(gateway: Gateway, case: Case, ground: str, service: str, *, whole: bool) -> list[bytes]:
    """The case is refused, and its fence ends; not that of somebody who is deleted."""
    scope, now = case.scope, gateway.clock()
    leaves: list[entries.Leaf] = []
    if case.action in (Action.ERASE, Action.RESTRICT) and not whole:
        leaves.append(
            entries.fence(
                id=new_id("leaf", gateway.random),
                at=now,
                reason=case.reason,
                lifted=True,
                case=case.id,
                partners=scope.partners,
                purposes=scope.purposes,
                categories=scope.categories,
            )
        )
    leaves.append(
        entries.case(
            id=new_id("leaf", gateway.random),
            at=now,
            case=case.id,
            action=case.action.value,
            state=CaseState.REFUSED.value,
            reason=case.reason,
            ground=ground,
            actor=service,
        )
    )
    return [canonical(leaf) for leaf in leaves]
