"""
Keys that recipients publish at a URL: fetched, held, released, put to use (contract §4).

    fetch -> what is new, what is gone -> leaf, alert -> hold -> in use

No share waits for any of it. What is in use is part of the prepared set, as the
keys of a file are, and is swapped with one reference; a share keeps the set that it
began with. Dying anywhere loses nothing: since when a key is known is durable
before it can be used.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from gateway.errors import CallerError, GatewayError, Reason, StoreFailed
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id, stamp
from gateway.flows.gateway import Gateway
from gateway.flows.prepare import PreparedSet, with_keys
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.ids import PartnerId
from gateway.model.keys import PublishedKeys
from gateway.model.recipients import Partner
from gateway.seal import holding
from gateway.seal.jwk import KeyRefused, thumbprint

Jwk = Mapping[str, Any]

# So many sets are fetched at once; a recipient that is silent holds none of the others up.
AT_ONCE = 8

# Two moments of one fetch, told from one another by rounding alone.
SAME_FETCH = timedelta(milliseconds=10)


def by_url(partner: Partner) -> bool:
    """Whether its keys are at a URL, and not in a file of the home."""
    return partner.keys is not None and partner.keys.startswith("https:")


def with_current_keys(
    prepared: PreparedSet, published: Mapping[PartnerId, PublishedKeys], now: datetime
) -> PreparedSet:
    """A prepared set with the keys that are in use now, of all who publish them at a URL."""
    sets = {}
    for partner in filter(by_url, prepared.policy.partners.values()):
        known, url = published.get(partner.id), partner.keys or ""
        jwks = holding.usable(known, url, hold=partner.keys_hold, now=now)
        if jwks != partner.jwks:
            sets[partner.id] = jwks
    return with_keys(prepared, sets) if sets else prepared


def put_to_use(gateway: Gateway) -> None:
    """Swap in what is in use now, if it is not what was a moment ago."""
    before = gateway.policy
    gateway.policy = with_current_keys(before, gateway.published, gateway.clock())
    if gateway.policy is before:
        return
    for id, partner in gateway.policy.policy.partners.items():
        if partner.jwks != before.policy.partners[id].jwks:
            gateway.log.info("keys-changed", partner=id, count=len(partner.jwks["keys"]))


async def look(gateway: Gateway) -> None:
    """
    Look after every set: fetch what is due, and put to use what may be used now.

    Raises `StoreFailed`; then the next look tries again.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(partner: Partner) -> None:
        async with turns:
            await fetch(gateway, partner)

    partners = filter(by_url, gateway.policy.policy.partners.values())
    ended = await asyncio.gather(*map(one, partners), return_exceptions=True)
    put_to_use(gateway)
    for failure in ended:
        if isinstance(failure, BaseException):
            raise failure


def next_change(gateway: Gateway) -> datetime | None:
    """When another key is in use than now though nothing was fetched; None: not that we know."""
    now = gateway.clock()
    partners = gateway.policy.policy.partners
    moments = (
        holding.next_change(known, hold=partners[id].keys_hold, now=now)
        for id, known in gateway.published.items()
        if id in partners
    )
    return min((moment for moment in moments if moment is not None), default=None)


async def fetch(gateway: Gateway, partner: Partner, *, anew: bool = False) -> None:
    """
    Take over what a recipient publishes, if it is due; `anew`: also if it is not.

    What cannot be had or is doubtful changes nothing; the log has it. Raises `StoreFailed`.
    """
    url = partner.keys or ""
    try:
        jwks, age = await gateway.egress.published_keys(partner, anew=anew)
    except GatewayError:
        # Egress has told it; what was fetched before goes on for its day.
        return
    fetched_at = gateway.clock() - timedelta(seconds=age)
    async with gateway.partners.changing:
        now = gateway.policy.policy.partners.get(partner.id)
        if now is None or now.keys != url:
            # Its manifest says something else by now.
            return
        before = gateway.published.get(partner.id)
        if _same(before, url, fetched_at):
            return
        try:
            taken = holding.take(before, partner.id, url, jwks, fetched_at=fetched_at)
        except KeyRefused:
            gateway.log.warning("keys-stale", source=url, error=KeyRefused.code)
            return
        leaves = [
            *_leaves(gateway, partner.id, "seen", taken.new),
            *_leaves(gateway, partner.id, "removed", taken.removed),
        ]
        await _keep(gateway, taken.after, leaves)
    _alert(gateway, partner, taken)


def _same(before: PublishedKeys | None, url: str, fetched_at: datetime) -> bool:
    """Whether this is what is known already: egress gives a set more than once."""
    if before is None or before.url != url:
        return False
    return fetched_at - before.fetched_at < SAME_FETCH


async def release(gateway: Gateway, id: PartnerId, name: str | None, *, by: str) -> tuple[str, ...]:
    """
    Let keys of a recipient be used at once: the one with this `kid` or thumbprint, or
    all that wait. They are fetched anew first. Returns the `kid`s that were waiting.

    Raises `CallerError` for whoever has no keys by URL, or not this one.
    """
    partner = gateway.policy.policy.partners.get(id)
    if partner is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such partner")
    if not by_url(partner):
        raise CallerError(
            Reason.REQUEST_INVALID,
            "its keys are a file of this home",
            remedy="Replace the file and reload with SIGHUP; keys of a file are not held.",
        )
    try:
        await fetch(gateway, partner, anew=True)
        released = await _released(gateway, partner, name, by)
    except StoreFailed as error:
        raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
    put_to_use(gateway)
    return released


async def _released(
    gateway: Gateway, partner: Partner, name: str | None, by: str
) -> tuple[str, ...]:
    async with gateway.partners.changing:
        known = gateway.published.get(partner.id)
        if known is None or known.url != partner.keys:
            raise CallerError(Reason.NOT_FOUND, "no keys could be fetched from its URL yet")
        now = gateway.clock()
        try:
            after, keys = holding.release(known, name, hold=partner.keys_hold, now=now)
        except LookupError:
            raise CallerError(Reason.NOT_FOUND, "it publishes no such key") from None
        if keys:
            await _keep(gateway, after, _leaves(gateway, partner.id, "released", keys, by))
    for jwk in keys:
        gateway.log.info("key-released", partner=partner.id, kid=jwk["kid"], use=jwk["use"])
    return tuple(jwk["kid"] for jwk in keys)


def described(gateway: Gateway, partner: Partner) -> list[dict[str, Any]]:
    """A recipient's keys, those that wait too, as `partner show` has them."""
    known = gateway.published.get(partner.id)
    if not by_url(partner):
        return [_described(jwk, "used", None) for jwk in partner.jwks["keys"]]
    if known is None or known.url != partner.keys:
        return []
    used = {thumbprint(jwk) for jwk in partner.jwks["keys"]}
    starts = {
        mark: holding.usable_from(one, hold=partner.keys_hold) for mark, one in known.seen.items()
    }
    now = gateway.clock()

    def state(mark: str) -> str:
        if mark in used:
            return "used"
        return "held" if starts[mark] > now else "stale"

    marks = ((jwk, thumbprint(jwk)) for jwk in known.jwks["keys"])
    return [_described(jwk, state(mark), starts[mark]) for jwk, mark in marks]


def _described(jwk: Jwk, state: str, start: datetime | None) -> dict[str, Any]:
    return {
        "kid": jwk["kid"],
        "use": jwk["use"],
        "purpose": jwk.get("purpose"),
        "thumbprint": thumbprint(jwk),
        "state": state,
        "used_from": None if start is None else stamp(start),
    }


async def _keep(gateway: Gateway, keys: PublishedKeys, leaves: list[bytes]) -> None:
    await gateway.store.put_published_keys(keys, leaves)
    gateway.published[keys.partner] = keys
    if leaves:
        gateway.appended.set()


def _leaves(
    gateway: Gateway, partner: PartnerId, event: str, keys: Iterable[Jwk], by: str | None = None
) -> list[bytes]:
    return [
        canonical(
            entries.key(
                id=new_id("leaf", gateway.random),
                at=gateway.clock(),
                owner=partner,
                event=event,
                use=jwk["use"],
                kid=jwk["kid"],
                thumbprint=thumbprint(jwk),
                actor=by,
            )
        )
        for jwk in keys
    ]


def _alert(gateway: Gateway, partner: Partner, taken: holding.Taken) -> None:
    """A key that nobody has seen before is somebody's business, before it is used."""
    for jwk in taken.new:
        mark = thumbprint(jwk)
        gateway.log.warning(
            "key-seen",
            partner=partner.id,
            kid=jwk["kid"],
            use=jwk["use"],
            thumbprint=mark,
            effective=holding.usable_from(taken.after.seen[mark], hold=partner.keys_hold),
        )
