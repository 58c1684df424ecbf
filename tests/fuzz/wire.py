"""
The same over real HTTP: a running gateway, its manifests read from YAML, and a recipient
that verifies what it is sent and keeps it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.testing.builders import Only
from gateway.testing.clock import Clock
from tests.fuzz import plain_filter
from tests.fuzz.compare import EMPTY, Differs, agreed, wanted
from tests.promises.house import House, a_courier, empty_home

Send = Mapping[str, bool]
Case = tuple[int, bytes]
"""Which route, and the body."""


def a_manifest(routes: Sequence[Send]) -> dict[str, Any]:
    """A courier's manifest with these routes, `POST /r0` and on."""
    return a_courier(routes=Only({f"r{at}": _route(at, send) for at, send in enumerate(routes)}))


def _route(at: int, send: Send) -> dict[str, Any]:
    return {
        "match": f"POST /r{at}",
        "purpose": "order-fulfilment@1",
        "ground": "core-function",
        "retention": "30d",
        "send": {
            selector: {"category": "none", **({"required": True} if required else {})}
            for selector, required in send.items()
        },
    }


@asynccontextmanager
async def opened(folder: Path, routes: Sequence[Send]) -> AsyncIterator["Wire"]:
    """A gateway in `folder` with a courier of these routes, while it is used."""
    house = House(empty_home(folder), Clock(datetime.now(UTC).replace(microsecond=0)))
    async with house:
        await house.open([a_manifest(routes)])
        yield Wire(house, routes)


class Wire:
    """A gateway and its recipient, and what the plain filter says of what passes between."""

    def __init__(self, house: House, routes: Sequence[Send]) -> None:
        self._house, self._routes = house, routes
        self._token = house.token()
        self._courier = house.recipients["swift-parcel"]

    async def outcome(self, case: Case) -> str:
        """
        What became of one body, once recipient and caller were told what the plain filter
        says: the document, the selectors in the grant, and whether something was dropped.
        Raises `Differs`.
        """
        at, body = case
        send = self._routes[at]
        document, codes = wanted(send, body)
        before = len(self._courier.received)
        reply = await self._house.share(path=f"/r{at}", body=body, token=self._token)
        received = [one for one in self._courier.received[before:] if one.share == reply.share]
        arrived = received[0].body if received else None
        result = agreed(send, body, document, codes, arrived, reply.code or "")
        if received:
            told = sorted(received[0].claims["fields"]), reply.headers["Sharing-Dropped"]
            if told != (let_out := (_selectors(send, body), _dropped(body, document))):
                raise Differs(f"{send} {body!r}: told {told}, wanted {let_out}")
        return result

    async def outcomes(self, cases: Iterable[Case], *, at_once: int = 1) -> Counter[str]:
        """The same of many; raises the first `Differs`."""
        found: Counter[str] = Counter()
        differing: list[Differs] = []
        waiting = iter(cases)

        async def worker() -> None:
            for case in waiting:
                try:
                    found[await self.outcome(case)] += 1
                except Differs as error:
                    differing.append(error)
                if differing:
                    return

        await asyncio.gather(*(worker() for _ in range(at_once)))
        if differing:
            raise differing[0]
        return found


def _selectors(send: Send, body: bytes) -> list[str]:
    """Those that by themselves let something out."""
    return sorted(one for one in send if plain_filter.let_out({one: False}, body) not in EMPTY)


def _dropped(body: bytes, document: Any) -> str:
    return "?0" if plain_filter.read(body) == document else "?1"
