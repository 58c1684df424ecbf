"""A running gateway that speaks DDRF both ways, and others written from the text alone."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt

from gateway.flows.clockwork import parse_stamp
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from tests.cases.house import CaseHouse
from tests.counterparts.ddrf import Participant

OURS = "app.example"


class DdrfHouse(CaseHouse):
    """As `CaseHouse`, in the domain `app.example`."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self.vendor = Participant("vendor.example", clock=clock)
        self.desk = Participant("desk.example", clock=clock)
        self.stranger = Participant("stranger.example", clock=clock)

    @property
    def document_url(self) -> str:
        """Where our own dsrdelete.json is."""
        return f"{self.public_url}/dsrdelete.json"

    @property
    def endpoint(self) -> str:
        """Where requests are taken."""
        return f"{self.public_url}/ddrf"

    async def outside(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """A request to the public listener."""
        return await self._partner.request(method, path, body)

    async def asked(
        self, token: str, *, who: Participant | None = None, content: str = "application/jwt"
    ) -> tuple[int, dict[str, Any]]:
        """Send a request; its status, and the claims of the acknowledgement, verified."""
        who = who or self.desk
        reply = await who.send(self.endpoint, token, content)
        return reply.status, await who.verified(reply, OURS, token)

    async def cases(self) -> list[dict[str, Any]]:
        """All cases."""
        found: list[dict[str, Any]] = (await self.ask("GET", "/v1/cases")).json()["cases"]
        return found

    def later(self, passed: timedelta) -> None:
        """Let time pass, and whoever waits for it look again."""
        self.clock.advance(passed)
        self.gateway.case_changed()

    async def until_tried(self, case: str, attempts: int) -> dict[str, Any]:
        """Wait until so many tries are over, and the next one has its time; the notice."""
        notice: dict[str, Any] = {}
        for _ in range(400):
            notice = await self.notice(case)
            due = notice["next_at"]
            if notice["attempts"] == attempts and due and parse_stamp(due) > self.clock():
                return notice
            await asyncio.sleep(0.01)
        raise AssertionError(f"there never were {attempts} tries: {notice}")


def decoded(token: str) -> Mapping[str, Any]:
    """The claims of a JWT, unverified."""
    claims: dict[str, Any] = jwt.decode(
        token, options={"verify_signature": False, "verify_sub": False}
    )
    return claims
