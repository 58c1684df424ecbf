"""
Looks at every state that can be reached, breadth first, so that the first story
found of a broken promise is a shortest one.
"""

from collections import deque
from dataclasses import dataclass

from gateway.model.shares import Outcome
from tests.model.moves import PARTNER, moves
from tests.model.world import ALL, Rule, World, began


@dataclass(frozen=True, slots=True)
class Story:
    """How a promise is broken."""

    broken: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{number:3d}  {step}" for number, step in enumerate(self.steps, start=1)]
        return "\n".join([*lines, f"     → {self.broken}"])


@dataclass(frozen=True, slots=True)
class Explored:
    """What was seen."""

    states: int
    steps: int
    story: Story | None
    """The shortest story of a broken promise; None: all are kept, in every state."""


class _Graph:
    """States by number, in the order in which they were found."""

    def __init__(self, start: World) -> None:
        self.worlds = [start]
        self.numbers = {start: 0}
        self.came: list[tuple[int, str]] = [(0, "")]
        self.back: list[list[tuple[int, bool]]] = [[]]
        self.steps = 0

    def step(self, before: int, told: str, after: World) -> None:
        """One step; the state after it is known from now on."""
        self.steps += 1
        number = self.numbers.setdefault(after, len(self.worlds))
        if number == len(self.worlds):
            self.worlds.append(after)
            self.came.append((before, told))
            self.back.append([])
        self.back[number].append((before, told.startswith(PARTNER)))

    def story(self, number: int, broken: str) -> Story:
        """How the state was reached."""
        steps: list[str] = []
        while number:
            number, told = self.came[number]
            steps.append(told.removeprefix(PARTNER))
        return Story(broken, tuple(reversed(steps)))


def explore(partners: tuple[str, ...], rules: frozenset[Rule] = ALL, *, backups: bool) -> Explored:
    """
    Everything that can happen with one share for each name in `partners`, and,
    with `backups`, with a copy of the disk that is made and restored.

    Stops at the first broken promise.
    """
    graph = _Graph(began(partners, backups=backups))
    # The list grows while it is gone through.
    for number, world in enumerate(graph.worlds):
        broken = world.broken or _broken(world)
        if broken is not None:
            return Explored(len(graph.worlds), graph.steps, graph.story(number, broken))
        for told, after in moves(world, rules):
            graph.step(number, told, after)
    return Explored(len(graph.worlds), graph.steps, _stuck(graph))


def _broken(world: World) -> str | None:
    """A promise that does not hold in this state, by itself."""
    disk = world.disk
    for notice in disk.notices:
        if not notice.settled and notice.id not in disk.escrows:
            return "an escrow was destroyed before its recipient had settled"
    if not disk.closed:
        return None
    for number, share in enumerate(world.shares):
        if _by_a_person(world, share.partner):
            continue
        # As the ledger reads: what is not known to have stayed may have been received.
        disclosed = number in disk.known and share.outcome != Outcome.NOT_SENT.value
        if (disclosed or share.held) and share.partner not in world.told:
            return f"the case is closed, and {share.partner}, which got a share, was never told"
        if share.held:
            return f"the case is closed, and {share.partner} still has what it was told to delete"
    return None


def _by_a_person(world: World, partner: str) -> bool:
    proofs = [one.proof for one in world.disk.notices if one.partner == partner]
    return any(proof is not None and proof.value == "person" for proof in proofs)


def _stuck(graph: _Graph) -> Story | None:
    """A state from which something that must be possible is not."""
    forgotten = _leading_to(graph, [not one.disk.key for one in graph.worlds], alone=True)
    closed = _leading_to(graph, [one.disk.closed for one in graph.worlds], alone=False)
    for number, world in enumerate(graph.worlds):
        if world.asked and not forgotten[number]:
            return graph.story(number, "without a recipient's help the key is never destroyed")
        if world.asked and not closed[number]:
            return graph.story(number, "the case can never be closed")
    return None


def _leading_to(graph: _Graph, ends: list[bool], *, alone: bool) -> list[bool]:
    """The states from which an end is reached; `alone`: with no recipient's help."""
    found = list(ends)
    waiting = deque(number for number, end in enumerate(found) if end)
    while waiting:
        for before, helped in graph.back[waiting.popleft()]:
            if not found[before] and not (alone and helped):
                found[before] = True
                waiting.append(before)
    return found
