"""
What the reference model judges by: the plain documents, and what was told of
people and recipients since. It imports nothing of the gateway.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]
Said = tuple[str | None, Record]
NOBODY = frozenset({"none", "statistics"})
"""Categories that say nothing about a person."""


@dataclass(kw_only=True)
class Ask:
    """One share, as a service asks for it."""

    partner: str
    route: str
    purpose: str
    people: list[str]
    version: int | None = None
    ground: str | None = None
    evidence: str | None = None
    """A claim, or the id of a record."""
    gpc: bool = False
    may: Record = field(default_factory=dict)
    """What the token names: `partners`, `purposes`, `grounds`; a set each."""


@dataclass(kw_only=True)
class World:
    """Everything that is known when a share is judged."""

    rules: Record
    """`home`, `edition`, `allowed` territories, `sensitive` categories, `purposes`."""
    recipients: dict[str, Record]
    """Manifests."""
    suspended: set[str] = field(default_factory=set)
    evidence: dict[str, Record] = field(default_factory=dict)
    consents: list[Record] = field(default_factory=list)
    people: dict[str, Record] = field(default_factory=dict)
    widened: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Since when an edition lets a recipient have more for a purpose (N1)."""

    def person(self, id: str) -> Record:
        """§8: who is unknown is an adult without objections."""
        unknown = {"minor": False, "opt_out": set(), "erased": False, "fences": {}}
        return self.people.setdefault(id, unknown)

    def same_person(self, one: str, other: str) -> None:
        """§8: erasure, restriction, minority and opt-out cover all aliases."""
        kept, gone = self.person(one), self.person(other)
        for key in kept:
            kept[key] = kept[key] | gone[key]
        self.people |= {id: kept for id, known in self.people.items() if known is gone}

    def route(self, ask: Ask) -> Record:
        """The declared route."""
        found: Record = self.recipients[ask.partner]["routes"][ask.route]
        return found

    def ground(self, ask: Ask) -> str:
        """§6: the one that is named, else the route's own."""
        return ask.ground or str(self.route(ask)["ground"])

    def version(self, ask: Ask) -> int:
        """Of the purpose, as the route declares it."""
        return int(self.route(ask)["purpose"].split("@")[1])

    def wider_since(self, ask: Ask) -> datetime:
        """N1: when the newest edition took effect that lets the recipient have more for it."""
        return self.widened.get((ask.partner, ask.purpose), datetime.min.replace(tzinfo=UTC))

    def categories(self, ask: Ask) -> set[str]:
        """What the route can let out about a person; for another purpose than its own, nothing."""
        if not self.route(ask)["purpose"].startswith(f"{ask.purpose}@"):
            return set()
        return {one["category"] for one in self.declared(ask).values()} - NOBODY

    def declared(self, ask: Ask) -> Record:
        """Every field of the route: selectors, and `path.NAME`."""
        route = self.route(ask)
        path = {f"path.{name}": one for name, one in route.get("path", {}).items()}
        return route["send"] | path
