"""What reports are made of: counts out of the ledger, as values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareCount:
    """How many shares a recipient got for one purpose, with one outcome."""

    partner: str
    purpose: str
    outcome: str
    """A value of `Outcome`, or `open`."""
    shares: int
    categories: tuple[str, ...] = ()
    untold: bool = False
    """On a demand of which the person may not be told (D2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalCount:
    """How many shares to an authority were refused, for one reason."""

    partner: str
    purpose: str | None
    """None: it was refused before its purpose was known."""
    code: str
    refusals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One registered demand, as far as it is counted."""

    partner: str
    purposes: tuple[str, ...]
    type: str
    may_tell: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who read: a service, and the employee where one was signed in."""

    service: str
    actor: str | None = None

    @property
    def name(self) -> str:
        """Both in one."""
        return f"{self.actor} by {self.service}" if self.actor else self.service


@dataclass(frozen=True, slots=True, kw_only=True)
class HourOfReads:
    """How often somebody read what in one hour, since the ledger began."""

    reader: Reader
    hour: str
    """`2026-03-01T12`, UTC."""
    record: str
    reads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSpread:
    """How many people somebody read just so often in the period."""

    reader: Reader
    reads: int
    people: int
