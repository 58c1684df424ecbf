"""
Loading the documents: the whole new set, or the old one (contract §2).

An edition that is not yet effective waits while the one before stays in force
(N1); where there is none before it, in a new home, it is in force at once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from gateway.errors import ConfigError, GatewayError, Problem, StoreFailed
from gateway.flows import editions, published, snapshots
from gateway.flows.clockwork import new_id
from gateway.flows.editions import Placed
from gateway.flows.gateway import Gateway, PolicyStatus
from gateway.flows.prepare import PreparedSet, hash_keys, prepare
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.ids import PartnerId
from gateway.model.policyset import PolicySet
from gateway.ports import PartnerState

Load = Callable[[], PreparedSet]


async def begin(gateway: Gateway, new: PreparedSet) -> None:
    """
    Serve a home's documents, or the kept edition that is in force until theirs
    is effective.

    Raises `StoreFailed`, and `ConfigError` where that edition cannot be read.
    """
    async with gateway.adopting:
        last = await gateway.store.edition_in_force()
        if last is None or not _early(gateway, new, last.number):
            await _adopt(gateway, new)
            return
        before = await asyncio.to_thread(editions.compiled, last, gateway.config)
        held = prepare(
            before.policy, hash_key_of=hash_keys(gateway.keys), documents=before.documents
        )
        await _adopt(gateway, held)
        await _wait(gateway, new)


async def enter(gateway: Gateway, new: PreparedSet) -> None:
    """
    Serve a set from now on, or from when its edition is effective; the log says which.

    Raises `StoreFailed`; then everything stays as it is.
    """
    async with gateway.adopting:
        if _early(gateway, new, gateway.policy.policy.edition.number):
            await _wait(gateway, new)
        else:
            await _adopt(gateway, new)
            _loaded(gateway)


async def turn_over(gateway: Gateway) -> bool:
    """
    Serve the set that waits, if its time has come; true if it had.

    Raises `StoreFailed`; then it goes on waiting.
    """
    async with gateway.adopting:
        new = gateway.waiting
        if new is None or new.policy.edition.effective > gateway.clock():
            return False
        await _adopt(gateway, new)
        _loaded(gateway)
    return True


def _early(gateway: Gateway, new: PreparedSet, in_force: str) -> bool:
    """Whether a set must wait: another edition than that in force, and not yet effective."""
    edition = new.policy.edition
    return edition.number != in_force and edition.effective > gateway.clock()


async def _wait(gateway: Gateway, new: PreparedSet) -> None:
    edition = new.policy.edition
    await gateway.store.append([_leaf(gateway, new.policy, event="announced")])
    gateway.appended.set()
    gateway.waiting = new
    gateway.status.error = None
    gateway.status.next = (edition.number, edition.effective)
    gateway.edition_waits.set()
    gateway.log.info("policy-waits", edition=edition.number, effective=edition.effective)


async def _adopt(gateway: Gateway, new: PreparedSet) -> None:
    """
    Serve a set from now on: partners whose manifest changed get the next epoch,
    so that what was decided on the old one is decided again.

    Raises `StoreFailed`; then the old set stays.
    """
    last = await gateway.store.edition_in_force()
    placed = await editions.place(new, last, gateway.config, now=gateway.clock())
    new = placed.prepared
    async with gateway.partners.changing:
        changed = _changed(gateway, new.policy)
        stored: list[PartnerState] = []
        try:
            for state, leaf in changed:
                await gateway.store.put_partner_state(state, leaf)
                stored.append(state)
            leaf = _leaf(gateway, new.policy, event="loaded")
            await gateway.store.keep_edition(placed.row, [leaf])
        except StoreFailed:
            # The old manifests go on, under the epochs that the store has by now.
            for state in stored:
                before = gateway.partners.own(PartnerId(state.partner))
                gateway.partners.put(replace(before, epoch=state.epoch))
            raise
        gateway.policy = published.with_current_keys(new, gateway.published, gateway.clock())
        for state in stored:
            gateway.partners.put(state)
    _in_force(gateway, new.policy)
    _tell_wider(gateway, placed)


def _in_force(gateway: Gateway, policy: PolicySet) -> None:
    gateway.metrics.know(partners=policy.partners, purposes=policy.purposes)
    gateway.status = PolicyStatus(edition=policy.edition.number, digest=policy.digest)
    # What waited is in force now, or the documents say something else by now.
    gateway.waiting = None
    gateway.edition_waits.set()
    gateway.keys_wanted.set()
    gateway.appended.set()


def _tell_wider(gateway: Gateway, placed: Placed) -> None:
    edition, count = placed.row.number, placed.wider
    if not count:
        return
    if placed.renumbered:
        gateway.log.info("policy-widened", edition=edition, count=count)
    else:
        gateway.log.warning("policy-widened-unnumbered", edition=edition, count=count)


async def reload(gateway: Gateway, load: Load) -> bool:
    """Read the documents anew. A broken set changes nothing but `/readyz`, the log and a leaf."""
    try:
        # Reading and compiling takes a while; shares go on meanwhile.
        new = await asyncio.to_thread(load)
        await enter(gateway, new)
    except ConfigError as error:
        await _kept(gateway, str(error), error.problems)
        return False
    except StoreFailed:
        await _kept(gateway, "the ledger cannot be written, so the new set cannot be recorded", [])
        return False
    gateway.metrics.reloaded(loaded=True)
    return True


def _loaded(gateway: Gateway) -> None:
    gateway.log.info("policy-loaded", edition=gateway.status.edition, digest=gateway.status.digest)


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
