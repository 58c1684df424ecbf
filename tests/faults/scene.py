"""Shares as the tests of faults send them, and what must hold of a ledger after anything."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from gateway.access.scopes import ALL, Service
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Incoming
from gateway.ledger.checkpoint import Checkpoint
from gateway.ledger.verify import Report, check
from gateway.model.payload import Body
from gateway.testing.builders import a_route
from gateway.testing.client import Reply
from gateway.testing.partner import FakePartner
from gateway.workers.sequencer import catch_up
from tests.promises.house import ORDER, PATH, House, a_courier
from tests.promises.manifests import an_advertiser

COURIER, ADVERTISER = "swift-parcel", "bright-reach"
REPEATABLE = "/v2/returns/LO-1"
EVENT = {"event": "click", "device": {"os": "HarmonyOS 5"}}


def manifests() -> list[dict[str, Any]]:
    """
    A courier, whose route for returns tells repeats apart, and an advertiser
    who gets something on consent alone.
    """
    returns = a_route(match="POST /v2/returns/{reference}", idempotency="Request-Id")
    return [a_courier(routes={"return": returns}), an_advertiser()]


def an_incoming(
    gateway: Gateway,
    subject: str,
    *,
    partner: str = COURIER,
    path: str = PATH,
    body: Any = ORDER,
    purpose: str = "order-fulfilment",
    key: str | None = None,
    prefer: str | None = None,
) -> Incoming:
    """One request for a share, as the flow gets it: an order for the courier."""
    named: Mapping[str, str | None] = {
        "sharing-purpose": purpose,
        "sharing-subject": quote(subject, safe=""),
        "content-type": "application/json",
        "idempotency-key": key,
        "prefer": prefer,
    }
    return Incoming(
        service=Service(
            issuer="home",
            name="order-service",
            scopes=frozenset({"share"}),
            partners=ALL,
            purposes=ALL,
            grounds=None,
            expires=gateway.clock(),
        ),
        method="POST",
        partner=partner,
        path=path,
        query="",
        headers={name: (value,) for name, value in named.items() if value is not None},
        body=Body(json.dumps(body).encode()),
        share=new_id("shr", gateway.random),
    )


def an_event(gateway: Gateway, subject: str, **changes: Any) -> Incoming:
    """One request for a share that rests on consent: an event for the advertiser."""
    return an_incoming(
        gateway,
        subject,
        **{
            "partner": ADVERTISER,
            "path": "/v3/events",
            "body": EVENT,
            "purpose": "advertising",
            **changes,
        },
    )


async def share_event(house: House, subject: str = "u-1", **options: Any) -> Reply:
    """An event for the advertiser, over HTTP."""
    return await house.share(
        ADVERTISER, "/v3/events", EVENT, purpose="advertising", subject=subject, **options
    )


async def until(true: Callable[[], bool], *, seconds: float = 5) -> None:
    """Wait for something that happens soon. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.002)


async def until_settled(house: House) -> None:
    """Wait until every intent has its outcome on the disk."""
    async with asyncio.timeout(5):
        while True:
            await house.gateway.store.flush()
            if not await house.gateway.store.open_intents():
                return
            await asyncio.sleep(0.002)


async def verified(house: House) -> Report:
    """Read the whole ledger as it is, and let the checker find nothing wrong in it."""
    await house.gateway.store.flush()
    await catch_up(house.gateway)
    head = await house.gateway.store.head()
    leaves = await house.gateway.store.leaves(0, head.size)
    origin = house.gateway.config.origin
    return check(leaves, Checkpoint(origin=origin, size=head.size, root=head.root))


def arrived(partner: FakePartner) -> set[str]:
    """Share ids whose request reached the recipient."""
    return set(partner.arrivals)


async def intended(house: House) -> set[str]:
    """Share ids that the ledger names as intended."""
    return {leaf["share"] for leaf in await house.leaves("intent")}


async def outcomes(house: House) -> dict[str, list[str]]:
    """What the ledger says became of each share, try by try."""
    told: dict[str, list[str]] = {}
    for leaf in await house.leaves("outcome"):
        told.setdefault(leaf["share"], []).append(leaf["outcome"])
    return told
