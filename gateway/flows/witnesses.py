"""The witnesses of the ledger as the settings name them, and how far each has come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.ledger.note import Verifier
from gateway.ledger.witness import witness_key
from gateway.model.settings import WitnessConfig

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0


class Claim(StrEnum):
    """What a witness says that cannot be true if our ledger is whole and its newest."""

    AHEAD = "ahead"
    """It has seen a larger ledger of this name."""
    CONFLICT = "conflict"
    """It has seen another ledger of this name: a right proof does not satisfy it."""


@dataclass(slots=True, eq=False)
class Witness:
    """One witness, and what its last answers were."""

    url: str
    verifier: Verifier
    recorded: int = 0
    """The size that it has, as far as we know; it corrects us with a 409."""
    cosigned: int = 0
    """Of the largest checkpoint that it cosigned."""
    asked: int = -1
    """The size that it cosigned since the start; -1: none yet, so it is asked at once."""
    claim: Claim | None = None
    failures: int = 0
    due: float = 0.0
    """When it is asked again at the earliest, on the loop's clock."""
    renew: float = 0.0
    """When it is asked again though nothing was added."""
    busy: bool = False

    @property
    def name(self) -> str:
        """The name in its key."""
        return self.verifier.name

    def wants(self, size: int, now: float) -> bool:
        """Whether it is to be asked for a checkpoint of this size at this moment."""
        return not self.busy and now >= self.due and (size != self.asked or now >= self.renew)

    def failed(self, now: float, jitter: float) -> float:
        """Leave it alone for a while, longer each time; `jitter` is from 0 to 1. The seconds."""
        self.failures += 1
        doubled = FIRST_PAUSE_SECONDS * float(1 << min(self.failures, 16))
        ceiling = min(doubled, LONGEST_PAUSE_SECONDS)
        pause = ceiling * (0.5 + jitter / 2)
        self.due = now + pause
        return pause


@dataclass(slots=True)
class Witnesses:
    """All of them."""

    all: Sequence[Witness] = ()
    quorum: int = 1
    """How many make a checkpoint a witnessed one."""

    @classmethod
    def of(cls, configs: Sequence[WitnessConfig], quorum: int) -> "Witnesses":
        """Those of the settings."""
        each = [Witness(url=one.url, verifier=witness_key(one.key)) for one in configs]
        return cls(all=tuple(each), quorum=quorum)

    def came_to(self, sizes: Mapping[str, int]) -> None:
        """Take over how far each had come when the process ended, by its key."""
        for one in self.all:
            one.recorded = one.cosigned = sizes.get(str(one.verifier), 0)

    def described(self) -> list[dict[str, object]]:
        """For `/readyz`."""
        return [
            {"name": one.name, "cosigned": one.cosigned, "claims": one.claim} for one in self.all
        ]
