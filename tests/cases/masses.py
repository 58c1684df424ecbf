"""Mass cases of a house: shared with, opened, decided and carried out."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from gateway.flows.mass_run import Masses
from gateway.testing.client import Reply
from tests.cases.house import CaseHouse

SWIFT, SLOW = "swift-parcel", "slow-parcel"
ENDED = {"reason": "unlawful", "reference": "minute 7"}
QUICK = {"GATEWAY_CASES__MASS_PER_SECOND": "1000"}

OpenHouse = Callable[..., Coroutine[Any, Any, CaseHouse]]


async def shared(house: CaseHouse, people: int, *, slow: int = 0) -> None:
    """So many people, all shared with one courier and some with the other too."""
    for number in range(people):
        assert (await house.share(subject=f"u-{number}")).status == 200
        if number < slow:
            assert (await house.share(SLOW, subject=f"u-{number}")).status == 200


async def opened(house: CaseHouse, **more: Any) -> dict[str, Any]:
    """A mass case that was accepted."""
    reply = await house.ask("POST", "/v1/mass-cases", ENDED | more)
    assert reply.status == 202, reply.json()
    found: dict[str, Any] = reply.json()
    return found


async def listed(house: CaseHouse, ids: list[str], *, query: str = "", **more: Any) -> Reply:
    """A mass case about a list."""
    lines = "\n".join(json.dumps(one) for one in (ENDED | more, *ids))
    kind = {"Content-Type": "application/x-ndjson"}
    return await house.ask("POST", f"/v1/mass-cases{query}", lines.encode(), headers=kind)


async def mass(house: CaseHouse, id: str) -> dict[str, Any]:
    """How it stands."""
    found: dict[str, Any] = (await house.ask("GET", f"/v1/mass-cases/{id}")).json()
    return found


async def decided(house: CaseHouse, id: str, what: str, by: str = "second") -> Reply:
    """A decision by somebody."""
    token = house.token(service=by)
    return await house.ask("POST", f"/v1/mass-cases/{id}/{what}", token=token)


async def carried(house: CaseHouse, id: str, *, until: str = "closed") -> dict[str, Any]:
    """Carry mass cases out, the clock going on, until this one is so; how it stands then."""
    masses, found = Masses(house.gateway), {}
    for _ in range(400):
        house.clock.advance(timedelta(seconds=0.5))
        await masses.look()
        found = await mass(house, id)
        if found["state"] == until:
            return found
        await asyncio.sleep(0.005)
    raise AssertionError(f"it never became {until}: {found}")


async def cases(house: CaseHouse) -> list[dict[str, Any]]:
    """Every case of one person."""
    found: list[dict[str, Any]] = (await house.ask("GET", "/v1/cases")).json()["cases"]
    return found
