"""What operators do to partners: suspend and resume, at once (S4a)."""

from typing import Any

from gateway.errors import CallerError, Reason, StoreFailed
from gateway.flows import published
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import EVERYBODY, Gateway
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.ids import PartnerId
from gateway.model.recipients import Partner, State
from gateway.ports import PartnerState


async def suspend(gateway: Gateway, partner: PartnerId, *, suspended: bool, by: str) -> None:
    """
    Suspend or resume a partner, or `EVERYBODY`. From its return on no share of
    before passes its last look; notices go on. Who was suspended alone stays so
    when everybody is resumed. Raises `CallerError` for a partner that has no manifest.
    """
    if partner != EVERYBODY and partner not in gateway.policy.policy.partners:
        raise CallerError(Reason.NOT_FOUND, "there is no such partner")
    leaf = entries.partner(
        id=new_id("leaf", gateway.random),
        at=gateway.clock(),
        partner=partner,
        event="suspended" if suspended else "resumed",
        actor=by,
    )
    async with gateway.partners.changing:
        state = gateway.partners.raised(partner, suspended=suspended)
        try:
            await gateway.store.put_partner_state(state, canonical(leaf))
        except StoreFailed as error:
            raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
        gateway.partners.put(state)
    gateway.appended.set()
    _tell(gateway, partner, suspended=suspended)


def _tell(gateway: Gateway, partner: PartnerId, *, suspended: bool) -> None:
    match partner == EVERYBODY, suspended:
        case True, True:
            gateway.log.warning("sharing-stopped")
        case True, False:
            gateway.log.warning("sharing-resumed")
        case False, True:
            gateway.log.info("partner-suspended", partner=partner)
        case _:
            gateway.log.info("partner-resumed", partner=partner)


def described(gateway: Gateway, partner: Partner) -> dict[str, Any]:
    """One partner as `partner show` and `GET /v1/partners/{id}` have it."""
    agreement = partner.agreement
    state = gateway.partners.state(partner.id)
    return {
        "partner": partner.id,
        "name": partner.name,
        "owner": partner.owner,
        "kind": partner.kind.value,
        "territory": partner.territory,
        "contact": partner.contact,
        "state": _standing(partner, state),
        "agreement": None
        if agreement is None
        else {
            "reference": agreement.reference,
            "signed": agreement.signed.isoformat(),
            "expires": agreement.expires.isoformat(),
            "onward": list(agreement.onward),
        },
        "routes": [
            {
                "route": route.id,
                "match": f"{route.method} /{'/'.join(route.path)}",
                "purpose": f"{route.purpose}@{route.purpose_version}",
                "ground": route.ground,
                "seal": route.seal.value,
                "fields": [field.selector for field in route.send],
                "retention_days": route.retention.days,
            }
            for route in partner.routes
        ],
        "deletion": partner.deletion.protocol if partner.deletion else None,
        "keys": published.described(gateway, partner),
        "breaker": _breaker(gateway, partner.id),
    }


def _standing(partner: Partner, state: PartnerState) -> str:
    if state.suspended:
        return State.SUSPENDED.value
    return partner.state.value


def _breaker(gateway: Gateway, partner: PartnerId) -> str:
    """Whether it is left alone for a while, as it failed every time."""
    return "open" if partner in gateway.egress.failing() else "closed"


def overview(gateway: Gateway) -> dict[str, Any]:
    """All partners, by id, and whether nothing leaves to anybody."""
    known = gateway.policy.policy.partners.values()
    return {
        "partners": [described(gateway, one) for one in sorted(known, key=lambda one: one.id)],
        "stopped": gateway.partners.stopped,
    }
