"""Sending what was planned, many at once, as the services of an app do."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.testing.client import GatewayClient, Reply
from gateway.testing.demo.house import House
from gateway.testing.demo.plan import Planned

# Enough that shares overlap at every recipient, on a machine with two cores.
AT_ONCE = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A share that was sent, and the answers that the service got."""

    planned: Planned
    reply: Reply
    repeated: Reply | None
    """To the same request sent again."""
    seconds: float

    @property
    def share(self) -> str:
        """Its id; empty if the gateway gave none."""
        return self.reply.share or ""

    @property
    def carried(self) -> bool:
        """Whether it went through to the recipient, and its answer came back."""
        return self.reply.code is None and self.reply.status == 200

    @property
    def as_expected(self) -> bool:
        """Whether what became of it is what the person's choices ask for."""
        return self.reply.code == self.planned.expected and (
            self.carried or self.planned.expected is not None
        )


async def send_all(house: House, planned: Sequence[Planned]) -> list[Sent]:
    """Send all of it and wait for every answer; a line shows how far it is."""
    gate = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def one(share: Planned) -> Sent:
        nonlocal done
        async with gate:
            sent = await send(house.services[share.service], share)
        done += 1
        house.screen.progress(done, len(planned), "shares")
        return sent

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(share)) for share in planned]
    return [task.result() for task in tasks]


async def send(service: GatewayClient, share: Planned) -> Sent:
    """One share, and the same again where it is planned."""
    began = time.perf_counter()
    reply = await request(service, share)
    took = time.perf_counter() - began
    repeated = await request(service, share) if share.again else None
    return Sent(planned=share, reply=reply, repeated=repeated, seconds=took)


async def request(service: GatewayClient, share: Planned) -> Reply:
    """The request of one share (contract §6)."""
    return await service.share(
        share.partner,
        share.path,
        dict(share.body),
        purpose=share.purpose,
        subject=share.member.account,
        evidence=share.evidence,
        idempotency_key=share.idempotency_key,
        headers=share.headers,
    )
