"""What a case is about beyond its scope: new values, or restrictions that ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.cases.plan import PlannedNotice
from gateway.cases.restrictions import Restriction
from gateway.flows import corrections, restrictions
from gateway.flows.corrections import Corrected
from gateway.flows.gateway import Gateway
from gateway.model.cases import CaseScope, ToldShare

Pairs = Sequence[tuple[ToldShare, Mapping[str, Any]]]
"""Shares, each with its leaf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a case is about beyond its scope."""

    changes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """`rectify`: new values, by category or field."""
    ended: tuple[Restriction, ...] = ()
    """`unrestrict`: what it lifted."""


EVERYTHING = About()


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """The shares that a case concerns, and within which scope their notices are made."""

    shares: Sequence[ToldShare]
    scope: CaseScope
    corrected: Corrected | None = None

    def attached(self, planned: Sequence[PlannedNotice]) -> Sequence[PlannedNotice]:
        """The notices with what each says besides."""
        return planned if self.corrected is None else self.corrected.attached(planned)


def about_of(details: Mapping[str, Any]) -> About:
    """What a case is about, out of its details."""
    return About(
        changes=details.get("changes") or {},
        ended=restrictions.loaded(details.get("lifts") or ()),
    )


async def concerned(
    gateway: Gateway, person: int, about: About, scope: CaseScope, pairs: Pairs
) -> Concerned:
    """Of a person's shares those that the case concerns."""
    if about.changes:
        found = await corrections.corrected(gateway, about.changes, scope, pairs)
        bounds = replace(scope, categories=frozenset())
        return Concerned(shares=found.shares, scope=bounds, corrected=found)
    shares = [share for share, _ in pairs]
    if about.ended:
        freed = await restrictions.freed(gateway, person, shares, about.ended)
        return Concerned(shares=freed, scope=CaseScope())
    return Concerned(shares=shares, scope=scope)
