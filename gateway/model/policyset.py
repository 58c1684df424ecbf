"""The whole of `policies/` and `partners/` as one immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.model.ids import CategoryId, ClauseId, GroundId, PartnerId, PurposeId
from gateway.model.policy import (
    Category,
    Edition,
    Ground,
    Kind,
    KindRule,
    Promise,
    Purpose,
    Rights,
)
from gateway.model.recipients import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class Widening:
    """What an edition lets out more than the one before (N1): older consents do not carry it."""

    edition: str
    since: datetime
    """Consents granted before this moment are to something narrower."""
    what: tuple[str, ...]
    """In short, what became wider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """
    One loaded set. A request keeps the set it began with; a reload swaps one
    reference.
    """

    edition: Edition
    digest: str
    """Hex SHA-256 over the names and bytes of every document read."""
    home_territory: str
    territories: frozenset[str]
    categories: Mapping[CategoryId, Category]
    purposes: Mapping[PurposeId, Purpose]
    grounds: Mapping[GroundId, Ground]
    kinds: Mapping[Kind, KindRule]
    rights: Rights
    promises: Mapping[ClauseId, Promise]
    partners: Mapping[PartnerId, Partner]
    widened: Mapping[tuple[PartnerId, PurposeId], Widening] = field(default_factory=dict)
    """Sharing that this edition or one before it widened; known once the set is in force."""

    def crosses_border(self, partner: Partner) -> bool:
        """Whether data sent to `partner` leaves the home territory (K1)."""
        return partner.territory != self.home_territory
