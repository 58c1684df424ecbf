"""
What each clause of the published policy looks like at the running gateway.

A scenario is a short story over real HTTP that fails with an assertion where
the clause is not kept. It takes a `WholeHouse` and people of whom nothing is
known yet, so that scenarios can follow one another in one house.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.promises.whole import WholeHouse

Story = Callable[[WholeHouse], Awaitable[None]]


class Sort(StrEnum):
    """What a scenario shows."""

    CARRIED = "carried"
    """A share that the clause lets leave, as it says."""
    REFUSED = "refused"
    """Something that the clause stops, named by it."""
    SHOWN = "shown"
    """What the clause promises where no share is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One story, and the clauses of which it shows a side."""

    name: str
    clauses: tuple[str, ...]
    sort: Sort
    run: Story


SCENARIOS: dict[str, Scenario] = {}
"""Every scenario by its name; the modules `scenarios_*` fill it."""


def carried(*clauses: str) -> Callable[[Story], Story]:
    """A story of a share that these clauses let leave."""
    return _told(Sort.CARRIED, clauses)


def refused(*clauses: str) -> Callable[[Story], Story]:
    """A story of something that these clauses stop."""
    return _told(Sort.REFUSED, clauses)


def shown(*clauses: str) -> Callable[[Story], Story]:
    """A story of what these clauses promise beside shares."""
    return _told(Sort.SHOWN, clauses)


def _told(sort: Sort, clauses: tuple[str, ...]) -> Callable[[Story], Story]:
    def take(story: Story) -> Story:
        name = story.__name__
        assert name not in SCENARIOS, f"there are two scenarios {name}"
        SCENARIOS[name] = Scenario(name=name, clauses=clauses, sort=sort, run=story)
        return story

    return take


def about(clause: str) -> list[Scenario]:
    """The scenarios of one clause."""
    return [one for one in SCENARIOS.values() if clause in one.clauses]
