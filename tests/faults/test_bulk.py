"""A bulk request that is cut, cancelled or killed hides nothing that left (contract §6, §10)."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.flows.bulk import Bulk, CallerGone, begin
from gateway.flows.clockwork import new_id
from gateway.testing.behaviour import Delay, Silence
from gateway.testing.builders import a_home, a_token, write_manifest
from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from gateway.testing.server import GatewayProcess
from tests.faults.cancelling import CancelledAt, When
from tests.faults.scene import (
    an_incoming,
    arrived,
    intended,
    outcomes,
    until,
    until_settled,
    verified,
)
from tests.promises.bulk import NDJSON, PARTNER, PATH, a_post, an_order, ndjson
from tests.promises.house import House, at_home, empty_home

LINES = ndjson(an_order(n) for n in range(1, 6))


class Pieces:
    """A body that comes in pieces; then the caller hangs up, or has ended."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [*pieces, b""]

    async def piece(self, patience_seconds: float | None) -> bytes | None:
        await asyncio.sleep(0)
        return self._pieces.pop(0)

    def give_up(self) -> None:
        self._pieces = [b""]


class Said:
    """Answers as they come; `deaf`: nobody takes them."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.text, self._deaf = b"", deaf

    async def begin(self) -> None:
        await asyncio.sleep(0)

    async def write(self, text: bytes) -> None:
        await asyncio.sleep(0)
        if self._deaf:
            raise CallerGone
        self.text += text

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
async def house(tmp_path: Path, clock: Clock, quiet: object) -> AsyncIterator[House]:
    """A gateway with a recipient that takes three records at a time."""
    async with House(empty_home(tmp_path / "home"), clock) as house:
        await house.open([a_post()])
        yield house


def a_bulk(house: House, said: Said, lines: bytes = LINES) -> Bulk:
    """One bulk request, as the flow gets it."""
    named = {"sharing-purpose": ("order-fulfilment",), "content-type": (NDJSON,)}
    plain = an_incoming(house.gateway, "-", partner=PARTNER, path=PATH)
    incoming = replace(plain, headers=named, body=None, share=new_id("shr", house.gateway.random))
    head, decoder = begin(incoming, house.gateway)
    return Bulk(head, decoder, house.gateway, Pieces(lines[:70], lines[70:]), said)


@pytest.mark.parametrize("when", list(When))
async def test_cancelled_at_every_await(house: House, when: When):
    """
    Wherever a request ends, every record that reached the partner is in the ledger,
    every intent has an outcome, and nobody else notices.
    """
    counting = CancelledAt(a_bulk(house, Said()).run())
    assert (await counting).whole
    assert counting.suspensions > 5
    for at in range(1, counting.suspensions + 1):
        task = asyncio.ensure_future(_cancelled(a_bulk(house, Said()), at, when))
        await asyncio.gather(task, return_exceptions=True)
    await until_settled(house)
    await until(lambda: house.gateway.in_flight == 0)

    assert arrived(house.recipients[PARTNER]) <= await intended(house)
    assert set(await outcomes(house)) == await intended(house)
    said = Said()
    assert (await a_bulk(house, said).run()).whole
    assert [line["status"] for line in said.lines()] == [200] * 5
    await verified(house)


async def _cancelled(bulk: Bulk, at: int, when: When) -> None:
    await CancelledAt(bulk.run(), at, when)


async def test_nobody_takes_the_answers(house: House):
    """Once nobody takes answers any more, what has not left by then stays."""
    tally = await a_bulk(house, Said(deaf=True)).run()
    await until_settled(house)

    assert not tally.whole
    assert len(house.recipients[PARTNER].received) == 1
    assert len(await house.leaves("intent")) == 3


async def test_an_error_that_nobody_foresaw(house: House):
    """What breaks in a batch breaks the request off, and its intents read unknown."""
    way = house.gateway.egress

    class Broken:
        async def send(self, request: Any, *, last_look: Any) -> Any:
            last_look()
            raise RuntimeError("a bug")

    way.partner = lambda partner: Broken()  # type: ignore[method-assign, assignment, misc]
    with pytest.raises(RuntimeError, match="a bug"):
        await a_bulk(house, Said()).run()
    await until_settled(house)

    assert [leaf["outcome"] for leaf in await house.leaves("outcome")] == ["unknown"] * 3
    assert house.gateway.in_flight == 0


@pytest.fixture
async def partner() -> AsyncIterator[FakePartner]:
    """A recipient of batches."""
    async with FakePartner(PARTNER) as partner:
        yield partner


@pytest.fixture
async def running(tmp_path: Path, partner: FakePartner) -> AsyncIterator[GatewayProcess]:
    """A gateway in a process of its own, with that recipient."""
    home = await a_home(tmp_path / "home", template=empty_home(tmp_path / "template"))
    write_manifest(home, partner, at_home(a_post(), partner.base_url))
    async with GatewayProcess(home, logs=tmp_path / "logs") as gateway:
        partner.trust(issuer=gateway.public_url, jwks=gateway.jwks_url)
        yield gateway


async def read(gateway: GatewayProcess, body: Any, into: list[dict[str, Any]]) -> None:
    """Send a bulk request and collect its answers, as far as they come."""
    headers = {
        "Authorization": f"Bearer {a_token(gateway.home)}",
        "Sharing-Purpose": "order-fulfilment",
        "Content-Type": NDJSON,
    }
    url = f"{gateway.internal_url}/share/{PARTNER}{PATH}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers) as response,
    ):
        async for line in response.content:
            into.append(json.loads(line))


async def accounts(gateway: GatewayProcess, *subjects: str) -> list[str | None]:
    """The outcome of the one disclosure of each of these people; None where there is none."""
    found: list[str | None] = []
    async with gateway.client(a_token(gateway.home, scope=("subject:read",))) as client:
        for subject in subjects:
            rows = (await client.get(f"/v1/subjects/{subject}/disclosures")).json()["disclosures"]
            found += [row["outcome"] for row in rows] or [None]
    return found


async def test_killed_between_two_batches(running: GatewayProcess, partner: FakePartner):
    """After a kill what was on its way counts as disclosed, and what had not left does not."""
    partner.script.next(Delay(0), Silence())
    lines = ndjson(an_order(n) for n in range(1, 10))
    told: list[dict[str, Any]] = []
    asking = asyncio.ensure_future(read(running, lines, told))
    await until(lambda: len(partner.received) == 2, seconds=15)
    await running.kill()
    await asyncio.gather(asking, return_exceptions=True)
    await running.start()

    assert [one["line"] for one in told] in ([], [1, 2, 3])
    assert await accounts(running, "u-1", "u-4", "u-6", "u-7", "u-9") == [
        *("delivered", "unknown", "unknown"),
        *(None, None),
    ]


async def test_drained(running: GatewayProcess, partner: FakePartner):
    """SIGTERM lets the batch on its way end and answers it; no further line is taken."""
    partner.script.always(Delay(0.3))
    more = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield ndjson(an_order(n) for n in range(1, 4))
        await more.wait()

    told: list[dict[str, Any]] = []
    asking = asyncio.ensure_future(read(running, body(), told))
    await until(lambda: bool(partner.received), seconds=15)
    await running.terminate()
    (ended,) = await asyncio.gather(asking, return_exceptions=True)

    assert [one["status"] for one in told] == [200] * 3
    assert isinstance(ended, aiohttp.ClientError)
    more.set()
