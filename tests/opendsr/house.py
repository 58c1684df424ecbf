"""A running gateway that speaks OpenDSR both ways, and others written from the text alone."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.flows.clockwork import parse_stamp
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from tests.cases.house import CaseHouse
from tests.counterparts.opendsr import Asked, Processor

PROCESSOR = "vendor.example"


class OpenDsrHouse(CaseHouse):
    """As `CaseHouse`, with a processor that its courier is told at."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self.processor = Processor(PROCESSOR, clock=clock)

    def only(self) -> Asked:
        """The one request that the processor took."""
        (asked,) = self.processor.asked.values()
        return asked

    def later(self, passed: timedelta) -> None:
        """Let time pass, and whoever waits for it look again."""
        self.clock.advance(passed)
        self.gateway.case_changed()

    async def until_due(self, case: str, **wanted: Any) -> dict[str, Any]:
        """Wait until a notice stands so and its next try has its time; the notice."""
        notice: dict[str, Any] = {}
        for _ in range(400):
            notice = await self.notice(case)
            due = notice["next_at"]
            stands = all(notice[name] == value for name, value in wanted.items())
            if stands and due and parse_stamp(due) > self.clock():
                return notice
            await asyncio.sleep(0.01)
        raise AssertionError(f"the notice never became {wanted}: {notice}")

    async def until_polled(self, count: int) -> None:
        """Wait until the processor was asked so often how far it is."""
        for _ in range(400):
            if self.processor.polls >= count:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"it was asked {self.processor.polls} times only")

    async def called(self, url: str, body: bytes, headers: dict[str, str] | None = None) -> Reply:
        """A callback as anybody could send it."""
        path = url.removeprefix(self.public_url)
        return await self._partner.request("POST", path, body, headers=headers)
