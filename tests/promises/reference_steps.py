"""
What may happen to people, recipients and documents around a share, as values;
`reference_run` does them.

Chance decides, within a focus: a sequence is mostly about two recipients and one
person, and most of what is drawn is of the sort that lets a share through. Else
nearly every share would be refused for the same few reasons.
"""

from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any

How = dict[str, Any]
Step = tuple[str, How]
"""What is done, and how; people, recipients and records by number."""

PEOPLE = 3
GROUNDS = (
    "core-function",
    "consent",
    "requested-service",
    "agreement",
    "legal-obligation",
    "dispute",
    "rights-protection",
    "research",
    "public-interest",
    "minor-protection",
)
OTHER_PURPOSES = ("order-fulfilment", "advertising", "payment", "shipping")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEIGHTS: Mapping[str, int] = {
    "share": 120,
    "consent": 80,
    "withdraw": 10,
    "facts": 14,
    "evidence": 16,
    "fence": 5,
    "erase": 1,
    "wait": 10,
    "stop": 5,
    "manifest": 3,
    "version": 2,
    "edition": 3,
}


def sequence(seed: int, purposes: tuple[str, ...], length: int = 30) -> tuple[Step, ...]:
    """The steps of a seed. `purposes`: of each recipient by number, the one it gets data for."""
    return _Sequence(Random(seed), purposes).steps(length)


class _Sequence:
    def __init__(self, chance: Random, purposes: tuple[str, ...]) -> None:
        self.chance, self.purposes = chance, purposes
        self.focus = chance.sample(range(len(purposes)), 2)

    def steps(self, length: int) -> tuple[Step, ...]:
        names = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=length)
        return tuple((name, getattr(self, name)()) for name in names)

    def mostly(self, usual: Any, *others: Any, of_ten: int = 8) -> Any:
        return usual if self.chance.randrange(10) < of_ten else self.chance.choice(others)

    def rarely(self, value: Any) -> Any:
        return value if self.chance.randrange(16) == 0 else None

    def any(self, *options: Any) -> Any:
        return self.chance.choice(options)

    def person(self) -> int:
        return int(self.mostly(0, *range(PEOPLE), of_ten=6))

    def recipient(self) -> int:
        return int(self.mostly(self.any(*self.focus), *range(len(self.purposes)), of_ten=9))

    def purpose(self) -> str:
        return self.purposes[self.recipient()]

    def consent(self) -> How:
        partner = self.recipient()
        return {
            "who": self.person(),
            "purpose": self.purposes[partner],
            "partner": self.any(None, None, partner, self.recipient()),
            "method": self.any("separate", "separate", "explicit", "implied"),
            "by": self.any("subject", "guardian"),
            "scope": self.any(None, None, None, "sensitive", "cross-border"),
            "older": self.mostly(0, 1, of_ten=9),
            "ago": self.mostly(timedelta(), HOUR, DAY, 40 * DAY, of_ten=7),
            "lasts": self.mostly(None, HOUR, DAY),
        }

    def withdraw(self) -> How:
        return {"which": self.chance.randrange(20)}

    def facts(self) -> How:
        objections = ((), ("sale",), (self.purpose(),), (self.purpose(), "sale"))
        return {
            "who": self.person(),
            "minor": self.any(None, None, True, False),
            "opt_out": self.mostly(None, (), *objections, of_ten=6),
            "alias": self.mostly(None, *range(PEOPLE)),
        }

    def evidence(self) -> How:
        limits = (("basic.name",), ("network.ip", "device.os"), ("basic.address",))
        return {
            "partner": self.recipient(),
            "other_purpose": self.mostly(False, True, of_ten=9),
            "who": self.mostly(None, *range(PEOPLE)),
            "categories": self.mostly(None, *limits, of_ten=6),
            "lasts": self.mostly(300 * DAY, HOUR),
        }

    def fence(self) -> How:
        return {
            "who": self.person(),
            "reason": self.any("user-request", "consent-withdrawn", "retention-expired"),
            "purposes": self.any((), (self.purpose(),)),
            "partners": self.any((), (self.recipient(),)),
            "categories": self.mostly((), ("basic.address",), ("device.os", "basic.name")),
        }

    def erase(self) -> How:
        return {"who": self.person()}

    def wait(self) -> How:
        return {"time": self.any(HOUR, DAY, 40 * DAY)}

    def stop(self) -> How:
        return {"partner": self.recipient(), "resume": self.mostly(True, False, of_ten=7)}

    def manifest(self) -> How:
        changes = ("draft", "none", "ended", "ends-today", "not-begun", "usual", "usual")
        return {"partner": self.recipient(), "change": self.any(*changes)}

    def version(self) -> How:
        return {"purpose": self.purpose(), "follow": self.mostly(True, False)}

    def edition(self) -> How:
        return {"widen": self.recipient(), "accepted": self.any(True, False)}

    def share(self) -> How:
        limits = ("default", "other-partners", "other-purposes", "few-grounds")
        return {
            "partner": self.recipient(),
            "people": self.chance.sample(range(PEOPLE), self.any(1, 2, 3))
            if self.any(True, False)
            else [0],
            "nobody": self.mostly(False, True, of_ten=9),
            "purpose": self.rarely(self.any(*OTHER_PURPOSES)),
            "version": self.rarely(self.any(0, 1, -1)),
            "ground": self.any(None, None, None, "consent", "consent", self.any(*GROUNDS)),
            "evidence": self.any(None, "claim", 0, 0, 0, 1),
            "gpc": self.mostly(False, True, of_ten=9),
            "token": self.rarely(self.any(*limits)) or "all",
        }
