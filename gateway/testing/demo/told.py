"""What was told so far, and the stages in which it is told."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.testing.demo.claims import Claims
from gateway.testing.demo.house import House
from gateway.testing.demo.minimum import Arrival
from gateway.testing.demo.refusals import Refusal
from gateway.testing.demo.screen import Screen
from gateway.testing.demo.traffic import Sent


@dataclass(slots=True, kw_only=True)
class Told:
    """What was told so far."""

    claims: Claims
    sent: list[Sent] = field(default_factory=list)
    """The day's shares."""
    later: list[Sent] = field(default_factory=list)
    """Shares of the person who leaves: before, during and after the deletion."""
    arrived: list[Arrival] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    recipients: list[dict[str, Any]] = field(default_factory=list)
    deletion: dict[str, Any] = field(default_factory=dict)
    ledger: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def shares(self) -> list[Sent]:
        """Every share that a service asked for, but for those that were to be refused."""
        return [*self.sent, *self.later]

    def count(self, house: House) -> None:
        """Count anew what each recipient accepted and refused."""
        for row in self.recipients:
            fake = house.recipients[row["partner"]].fake
            row |= {"accepted": len(fake.received), "refused": len(fake.refused)}

    def milliseconds(self) -> dict[str, int]:
        """How long the day's carried shares took, as the app saw it."""
        took = sorted(one.seconds for one in self.sent if one.carried) or [0.0]
        return {
            "p50": round(1000 * took[len(took) // 2]),
            "p99": round(1000 * took[len(took) * 99 // 100]),
        }

    def summary(self) -> dict[str, Any]:
        """Everything as one JSON object; no person and no value in it."""
        carried = sum(1 for one in self.shares if one.carried)
        return {
            "ok": self.claims.hold,
            "claims": [
                {"text": one.text, "ok": one.ok, "detail": one.detail} for one in self.claims.all
            ],
            "shares": {
                "sent": len(self.shares),
                "carried": carried,
                "refused": len(self.shares) - carried,
            },
            "recipients": self.recipients,
            "refusals": [one.summary() for one in self.refused],
            "deletion": self.deletion,
            "ledger": self.ledger,
            "milliseconds": self.milliseconds(),
            "seconds": {name: round(took, 2) for name, took in self.seconds.items()},
        }


class Stages:
    """Numbers the stages and takes their time."""

    def __init__(self, screen: Screen, told: Told) -> None:
        self._screen = screen
        self._told = told
        self._number = 0

    @contextmanager
    def stage(self, name: str, heading: str) -> Iterator[None]:
        """One stage: its heading, what happens in it, how long it took."""
        self._number += 1
        self._screen.heading(self._number, heading)
        began = time.perf_counter()
        yield
        self._told.seconds[name] = took = time.perf_counter() - began
        self._screen.seconds(took)
