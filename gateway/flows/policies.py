"""Loading the documents: the whole new set, or the old one (contract §2)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from gateway.errors import ConfigError, GatewayError, Problem, StoreFailed
from gateway.flows import snapshots
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway, PolicyStatus
from gateway.flows.prepare import PreparedSet
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.ids import PartnerId
from gateway.model.policyset import PolicySet
from gateway.ports import PartnerState

Load = Callable[[], PreparedSet]


async def adopt(gateway: Gateway, new: PreparedSet) -> None:
    """
    Serve a set from now on: partners whose manifest changed get the next epoch,
    so that what was decided on the old one is decided again.

    Raises `StoreFailed`; then the old set stays.
    """
    async with gateway.partners.changing:
        changed = _changed(gateway, new.policy)
        stored: list[PartnerState] = []
        try:
            for state, leaf in changed:
                await gateway.store.put_partner_state(state, leaf)
                stored.append(state)
            await gateway.store.append([_leaf(gateway, new.policy, event="loaded")])
        except StoreFailed:
            # The old manifests go on, under the epochs that the store has by now.
            for state in stored:
                before = gateway.partners.state(PartnerId(state.partner))
                gateway.partners.put(replace(before, epoch=state.epoch))
            raise
        gateway.policy = new
        for state in stored:
            gateway.partners.put(state)
    policy = new.policy
    gateway.metrics.know(partners=policy.partners, purposes=policy.purposes)
    gateway.status = PolicyStatus(edition=policy.edition.number, digest=policy.digest)
    gateway.appended.set()


async def reload(gateway: Gateway, load: Load) -> bool:
    """Read the documents anew. A broken set changes nothing but `/readyz`, the log and a leaf."""
    try:
        # Reading and compiling takes a while; shares go on meanwhile.
        new = await asyncio.to_thread(load)
        await adopt(gateway, new)
    except ConfigError as error:
        await _kept(gateway, str(error), error.problems)
        return False
    except StoreFailed:
        await _kept(gateway, "the ledger cannot be written, so the new set cannot be recorded", [])
        return False
    gateway.metrics.reloaded(loaded=True)
    gateway.log.info("policy-loaded", edition=gateway.status.edition, digest=gateway.status.digest)
    return True


async def _kept(gateway: Gateway, why: str, problems: list[Problem]) -> None:
    gateway.status.error = why
    gateway.log.error("policy-reload-failed", edition=gateway.status.edition, problems=problems)
    gateway.metrics.reloaded(loaded=False)
    try:
        await gateway.store.append([_leaf(gateway, gateway.policy.policy, event="refused")])
        gateway.appended.set()
    except GatewayError:
        gateway.log.warning("ledger-unavailable")


def _leaf(gateway: Gateway, policy: PolicySet, *, event: str) -> bytes:
    return canonical(
        entries.policy(
            id=new_id("leaf", gateway.random),
            at=gateway.clock(),
            edition=policy.edition.number,
            digest=policy.digest,
            event=event,
        )
    )


def _changed(gateway: Gateway, policy: PolicySet) -> list[tuple[PartnerState, bytes | None]]:
    """New and changed manifests, each with its next state and its leaf."""
    changed: list[tuple[PartnerState, bytes | None]] = []
    for partner in policy.partners.values():
        now = gateway.partners.state(partner.id)
        if now.digest == partner.digest:
            continue
        leaf = entries.partner(
            id=new_id("leaf", gateway.random),
            at=gateway.clock(),
            partner=partner.id,
            event="changed" if now.digest else "imported",
            digest=partner.digest,
        )
        state = gateway.partners.raised(
            partner.id, digest=partner.digest, snapshot=snapshots.dump(partner)
        )
        changed.append((state, canonical(leaf)))
    return changed
