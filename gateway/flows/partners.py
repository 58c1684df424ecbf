"""What operators do to partners: suspend and resume, at once (S4a)."""

from typing import Any

from gateway.errors import CallerError, Reason, StoreFailed
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.ids import PartnerId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, State
from gateway.ports import PartnerState


async def suspend(gateway: Gateway, partner: PartnerId, *, suspended: bool, by: str) -> None:
    """
    Suspend or resume a partner. From its return on no share of before passes
    its last look. Raises `CallerError` for a partner that has no manifest.
    """
    if partner not in gateway.policy.policy.partners:
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


def described(partner: Partner, state: PartnerState) -> dict[str, Any]:
    """One partner as `partner show` and `GET /v1/partners/{id}` have it."""
    agreement = partner.agreement
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
    }


def _standing(partner: Partner, state: PartnerState) -> str:
    if state.suspended:
        return State.SUSPENDED.value
    return partner.state.value


def overview(policy: PolicySet, states: dict[str, PartnerState]) -> list[dict[str, Any]]:
    """All partners, by id."""
    return [
        described(partner, states.get(partner.id) or PartnerState(partner=partner.id))
        for partner in sorted(policy.partners.values(), key=lambda one: one.id)
    ]
