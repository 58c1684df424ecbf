"""A running gateway that tells recipients: the house of the promises, with its lanes at work."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.recipient import sign_receipt
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from gateway.workers.lanes import close, tell
from tests.promises.house import House

__all__ = ["JOSE", "VERIFIED", "CaseHouse"]

VERIFIED = {"method": "app-session", "reference": "session-17", "at": "2026-11-01T10:00:00Z"}
JOSE = {"Content-Type": "application/jose"}


# How often something that comes by itself is looked for: long enough for a busy machine.
LOOKS = 1500


class CaseHouse(House):
    """As `House`, with lanes and closer running, and what tests of cases ask for."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self._workers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the gateway and its lanes."""
        await super().start()
        self._workers = [asyncio.create_task(run(self.gateway)) for run in (tell, close)]

    async def stop(self) -> None:
        """End the lanes, then the gateway."""
        if self._running is not None:
            self._running.stopping.set()
            self._running.case_changed()
            await asyncio.gather(*self._workers)
        await super().stop()

    async def erased(self, subject: str = "u-1", *, key: str | None = None, **more: Any) -> Reply:
        """`POST /v1/cases`."""
        body = {
            "action": "erase",
            "subject": subject,
            "reason": "user-request",
            "verified": VERIFIED,
            **more,
        }
        headers = {"Idempotency-Key": key} if key else None
        return await self.ask("POST", "/v1/cases", body, headers=headers)

    async def opened_case(self, subject: str = "u-1", **more: Any) -> dict[str, Any]:
        """A case that was accepted."""
        reply = await self.erased(subject, **more)
        assert reply.status == 202, reply.json()
        case: dict[str, Any] = reply.json()
        return case

    async def case(self, id: str) -> dict[str, Any]:
        """How a case stands."""
        reply = await self.ask("GET", f"/v1/cases/{id}")
        assert reply.status == 200, reply.json()
        found: dict[str, Any] = reply.json()
        return found

    async def notice(self, case: str, partner: str = "swift-parcel") -> dict[str, Any]:
        """How one recipient's notice stands."""
        notices = (await self.case(case))["notices"]
        found: dict[str, Any] = next(one for one in notices if one["partner"] == partner)
        return found

    async def until(self, case: str, partner: str = "swift-parcel", **wanted: Any) -> Any:
        """Wait until a notice stands so; the notice."""
        notice: dict[str, Any] = {}
        for _ in range(LOOKS):
            notice = await self.notice(case, partner)
            if all(notice[name] == value for name, value in wanted.items()):
                return notice
            await asyncio.sleep(0.01)
        raise AssertionError(f"the notice never became {wanted}: {notice}")

    async def until_closed(self, case: str, *, step: float = 0) -> dict[str, Any]:
        """Wait until a case is closed, the clock going on by `step` seconds a look; the case."""
        found: dict[str, Any] = {}
        for _ in range(LOOKS):
            self.clock.advance(timedelta(seconds=step))
            found = await self.case(case)
            if found["state"] == "closed":
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"the case never closed: {found}")

    async def receipt(self, token: str, headers: dict[str, str] | None = None) -> Reply:
        """`POST /receipts` on the public listener."""
        return await self._partner.request(
            "POST", "/receipts", token.encode(), headers=JOSE if headers is None else headers
        )

    def signed(self, sender: FakePartner, notice: str, status: str, **more: Any) -> str:
        """A receipt by a recipient's own key, unless `more` says otherwise."""
        key = more.pop("key", sender.keys.signature)
        given: dict[str, Any] = {
            "partner": sender.id,
            "audience": self.public_url,
            "now": self.clock(),
            **more,
        }
        return sign_receipt(key, notice=notice, status=status, **given)
