"""
Who is affected when a recipient loses data: for a recipient and a time exactly
whose data it got, which categories and fields, how often, first and last (P8).
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.model.ids import CategoryId
from gateway.reports.period import Period

MEMBERS = ("fields", "categories", "purposes", "kinds", "partners")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: a time, and a recipient, a purpose or a tree of categories, or several."""

    partner: str | None = None
    """None: any recipient."""
    period: Period = field(default_factory=Period)
    purpose: str | None = None
    category: CategoryId | None = None

    def about(self, leaf: Mapping[str, Any]) -> bool:
        """Whether a share's leaf is asked for. What was declared counts when it left."""
        return (
            self.partner in (None, leaf["partner"])
            and self.period.holds(leaf.get("disclosed_at", leaf["at"]))
            and self.purpose in (None, leaf["purpose"])
            and (self.category is None or _let_out(leaf["categories"], self.category))
        )

    def shown(self) -> dict[str, Any]:
        """For a JSON value."""
        return {
            "partner": self.partner,
            **self.period.shown(),
            "purpose": self.purpose,
            "category": self.category,
        }


def _let_out(categories: Collection[str], tree: str) -> bool:
    return any(one == tree or one.startswith(f"{tree}.") for one in categories)


@dataclass(slots=True)
class Tally:
    """What one person's shares come to. Grows with the number of kinds of things, not of shares."""

    shares: int = 0
    first: str = ""
    last: str = ""
    outcomes: Counter[str] = field(default_factory=Counter)
    said: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in MEMBERS})

    def add(self, leaf: Mapping[str, Any], outcome: str | None) -> None:
        """One more share of this person."""
        at = leaf.get("disclosed_at", leaf["at"])
        self.shares += 1
        self.first = min(self.first or at, at)
        self.last = max(self.last, at)
        self.outcomes[outcome or "open"] += 1
        self.said["fields"].update(leaf["fields"])
        self.said["categories"].update(leaf["categories"])
        self.said["purposes"].add(leaf["purpose"])
        self.said["kinds"].add(leaf["kind"])
        self.said["partners"].add(leaf["partner"])

    def shown(self, subject: str, *, may_be_told: bool) -> dict[str, Any]:
        """One line of the answer."""
        return {
            "subject": subject,
            "shares": self.shares,
            "first": self.first,
            "last": self.last,
            "partners": sorted(self.said["partners"]),
            **{name: sorted(self.said[name]) for name in ("categories", "fields", "purposes")},
            "kinds": sorted(self.said["kinds"]),
            "outcomes": dict(sorted(self.outcomes.items())),
            "may_be_told": may_be_told,
        }


@dataclass(slots=True)
class Summary:
    """The last line: that this was all, and how much it was."""

    question: Question
    people: int = 0
    shares: int = 0
    erased: int = 0
    about_nobody: int = 0

    def shown(self) -> dict[str, Any]:
        """For a JSON value."""
        return {
            "summary": {
                **self.question.shown(),
                "people": self.people,
                "shares": self.shares,
                # Marks of one person differ in every leaf, so erased people cannot be
                # told apart any more: there are as many as their shares at the most.
                "erased": {"shares": self.erased, "people_at_most": self.erased},
                "about_nobody": self.about_nobody,
            }
        }
