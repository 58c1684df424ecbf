"""Recording what people agreed to, who is under 18, and what a court demands."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.testing.client import GatewayClient, Reply
from gateway.testing.demo.house import House
from gateway.testing.demo.people_in_it import Member, consents
from gateway.testing.demo.plan import Demand, demands


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What is on record before the first share."""

    consents: int
    withdrawn: int
    minors: int
    orders: tuple[tuple[Demand, str], ...]
    """The court's demands, with the ids under which they are registered."""

    @property
    def secret(self) -> list[str]:
        """Ids of the demands that the person must not be told of."""
        return [id for demand, id in self.orders if not demand.may_tell]


async def register(house: House, now: datetime) -> Registered:
    """Record all of it through `/v1`. Raises RuntimeError for anything that is not taken."""
    desk = house.desk
    minors = [member for member in house.cast if not member.adult]
    for member in minors:
        # Not at once with the consents: both make the person known.
        _taken(await desk.put(f"/v1/subjects/{member.account}", {"minor": True}), 204)
    recorded, withdrawn = await _consents(desk, house.cast, now)
    orders = [(demand, await _demand(house, demand, now)) for demand in demands(house.cast)]
    return Registered(
        consents=recorded, withdrawn=withdrawn, minors=len(minors), orders=tuple(orders)
    )


async def _consents(desk: GatewayClient, cast: list[Member], now: datetime) -> tuple[int, int]:
    given = consents(cast, now)
    reply = _taken(await desk.post("/v1/consents", [one.body for one in given]), 201)
    ids = reply.json()["ids"]
    back = [id for id, one in zip(ids, given, strict=True) if one.withdrawn]
    replies = await asyncio.gather(*(desk.post(f"/v1/consents/{id}/withdraw", {}) for id in back))
    for answer in replies:
        _taken(answer, 200)
    return len(ids), len(back)


async def _demand(house: House, demand: Demand, now: datetime) -> str:
    body = demand.body(expires=now + timedelta(days=90))
    reply = _taken(await house.services["legal"].post("/v1/evidence", body), 201)
    return str(reply.json()["evidence"])


def _taken(reply: Reply, status: int) -> Reply:
    if reply.status != status:
        raise RuntimeError(f"the gateway answered {reply.status} {reply.code}, not {status}")
    return reply
