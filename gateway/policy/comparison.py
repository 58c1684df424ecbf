"""
Comparing two editions: what widens sharing, what narrows it, what does neither
(N1, N2).

What widens is what old consents do not count for: whoever consented before did
not consent to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.model.policy import Edition
from gateway.model.policyset import PolicySet, Widening
from gateway.policy.compare_partners import compare_partners
from gateway.policy.compare_rules import compare_rules
from gateway.policy.differences import Difference, Direction, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that differs between two policy sets."""

    old: Edition
    new: Edition
    digests: tuple[str, str]
    """Of the old set and of the new one."""
    differences: tuple[Difference, ...]

    def of(self, direction: Direction) -> tuple[Difference, ...]:
        """The differences of one direction, in their order."""
        return tuple(one for one in self.differences if one.direction is direction)

    def widening(self) -> Mapping[Pair, tuple[str, ...]]:
        """Each recipient and purpose whose sharing is wider now, and by what, in short."""
        found: dict[Pair, list[str]] = {}
        for difference in self.of(Direction.WIDENS):
            for pair in difference.pairs:
                found.setdefault(pair, []).append(str(difference))
        return {pair: tuple(found[pair]) for pair in sorted(found)}


def compare(old: PolicySet, new: PolicySet) -> Comparison:
    """
    Compare two sets, recipients first.

    Nothing differs between a set and itself. The other way round what widened
    narrows, apart from what cannot be put into an order, which widens again.
    """
    found = dict.fromkeys((*compare_partners(old, new), *compare_rules(old, new)))
    return Comparison(
        old=old.edition,
        new=new.edition,
        digests=(old.digest, new.digest),
        differences=tuple(sorted(found, key=_place)),
    )


def _place(one: Difference) -> tuple[str, ...]:
    """By recipient, purpose and route; what is about the whole policy comes last."""
    return (one.partner or "~", one.purpose or "~", one.route or "", one.what, one.name)


def widened(
    before: Mapping[Pair, Widening], comparison: Comparison, *, since: datetime
) -> dict[Pair, Widening]:
    """
    What consents must be newer than, after one edition followed another.

    `before` is what held under the old edition: it goes on holding, and of two
    widenings of the same sharing the newer one counts. `since` is the moment
    from which a consent is one to the new edition.
    """
    new = {
        pair: Widening(edition=comparison.new.number, since=since, what=what)
        for pair, what in comparison.widening().items()
    }
    return {**before, **new}


def widened_by_all(
    before: Mapping[Pair, Widening], new: PolicySet, *, since: datetime, why: str
) -> dict[Pair, Widening]:
    """As `widened`, where nobody can tell what changed: then everything did."""
    everything = {
        (partner.id, route.purpose): Widening(edition=new.edition.number, since=since, what=(why,))
        for partner in new.partners.values()
        for route in partner.routes
    }
    return {**before, **everything}
