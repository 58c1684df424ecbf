"""
Past shares and refusals, decided again under two editions (N2).

What left is not kept, so something is assumed: see `ASSUMED`, which whoever
shows a result shows with it.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Reason
from gateway.flows.clockwork import parse_stamp
from gateway.flows.past import Past, Verdict, verdicts
from gateway.flows.subjects import Subjects
from gateway.model.consent import SubjectFacts
from gateway.model.ids import GroundId, PartnerId, PurposeId
from gateway.model.policyset import PolicySet
from gateway.ports import HistoryStore, PastRow, SubjectState

ASSUMED = """\
Each share, and each refusal that was decided, counts once for each person it was about; people \
who were erased are left out.
Each is decided at its own time: the agreement as of that day, and the consents that had been \
given by then and were neither withdrawn nor run out. Minority, opt-outs and restrictions have \
no date and are as they are now; a recipient that an operator suspended counts as in service.
Evidence that came with it then comes with it again, registered if the old edition asked for that.
Where the ledger names no route, the fields that left tell which one it was; in the other edition \
it is the route with the same id, or the same method and path. No version of the purpose is named.
Bodies are not kept, so nothing is said of fields: what would be left out, missing or malformed \
is not replayed.
""".splitlines()
"""In words, for people."""

PAGE = 500

Tell = Callable[[int], None]
"""Is told how many shares and refusals have been gone through."""

_REASONS = list(Reason)
# What an edition decides on: from the first reason about a person's will to the last.
_DECIDED = frozenset(
    _REASONS[
        _REASONS.index(Reason.SUBJECT_RESTRICTED) : _REASONS.index(Reason.TERRITORY_NOT_PERMITTED)
        + 1
    ]
)


@dataclass(slots=True)
class Count:
    """How shares, or refusals, come out under the new edition where the old one said otherwise."""

    replayed: int = 0
    refused: int = 0
    allowed: int = 0
    by: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    """The refused, by code and clauses."""

    def add(self, before: Verdict, after: Verdict) -> None:
        """One more."""
        self.replayed += 1
        if before is None and after is not None:
            self.refused += 1
            self.by[after] += 1
        elif before is not None and after is None:
            self.allowed += 1


@dataclass(slots=True)
class Replayed:
    """What the new edition would have answered otherwise."""

    shares: Count = field(default_factory=Count)
    refusals: Count = field(default_factory=Count)
    people_refused: int = 0
    """Of whom something that left would be refused."""
    people_allowed: int = 0
    """Of whom something that was refused would leave."""
    erased: int = 0
    """Shares and refusals of people who were erased: not replayed."""


async def replay(
    store: HistoryStore,
    subjects: Subjects,
    editions: tuple[PolicySet, PolicySet],
    *,
    tell: Tell,
) -> Replayed:
    """
    Decide everything again, person by person, under the old and the new edition.

    Holds one page of rows at a time. What is appended meanwhile may be left
    out. Raises `StoreFailed`.
    """
    run = _Run(store, editions, tell)
    before: int | None = None
    async for state in _people(store):
        if state.row.person != before:
            run.end_person()
            before = state.row.person
        await run.person(state.row.no, subjects.facts_of(state))
    run.end_person()
    await run.nobody()
    return run.result


async def _people(store: HistoryStore) -> AsyncIterator[SubjectState]:
    person, subject = 0, 0
    while page := await store.people_after(person, subject, PAGE):
        for state in page:
            yield state
        person, subject = page[-1].row.person or 0, page[-1].row.no or 0


async def _pages(read: Any, subject: int | None) -> AsyncIterator[PastRow]:
    after = 0
    while page := await read(subject, after, PAGE):
        for row in page:
            yield row
        after = page[-1].seq


class _Run:
    """Goes through the rows and counts."""

    def __init__(
        self, store: HistoryStore, editions: tuple[PolicySet, PolicySet], tell: Tell
    ) -> None:
        self.result = Replayed()
        self._store = store
        self._editions = editions
        self._tell = tell
        self._seen = 0
        self._refused = self._allowed = False

    async def person(self, subject: int | None, facts: SubjectFacts) -> None:
        """All that is about one row of a person."""
        async for row in _pages(self._store.past_shares, subject):
            self._share(row, (facts,))
        async for row in _pages(self._store.past_refusals, subject):
            self._refusal(row, (facts,))

    async def nobody(self) -> None:
        """What is about nobody, or was refused to people of whom nothing is stored."""
        async for row in _pages(self._store.past_shares, None):
            self._share(row, ())
        async for row in _pages(self._store.past_refusals, None):
            self._refusal(row, (SubjectFacts(),))

    def end_person(self) -> None:
        """Count the person whose rows were just gone through."""
        self.result.people_refused += self._refused
        self.result.people_allowed += self._allowed
        self._refused = self._allowed = False

    def _share(self, row: PastRow, facts: tuple[SubjectFacts, ...]) -> None:
        leaf = self._read(row)
        # A leaf with a mark and no person any more: erased.
        if not facts and "subject" in leaf:
            self.result.erased += 1
            return
        past = Past(
            **_asked(leaf),
            ground=GroundId(leaf["ground"]),
            route=None,
            fields=frozenset(leaf["fields"]),
            evidence="claimed" if "evidence" in leaf else None,
        )
        self._count(self.result.shares, past, facts)

    def _refusal(self, row: PastRow, facts: tuple[SubjectFacts, ...]) -> None:
        leaf = self._read(row)
        known = facts[0].known
        if not known and ("subject" in leaf or leaf["code"] == Reason.SUBJECT_ERASED):
            self.result.erased += 1
            return
        if leaf["code"] not in _DECIDED or "route" not in leaf:
            return
        past = Past(
            **_asked(leaf),
            ground=GroundId(row.ground) if row.ground else None,
            route=leaf["route"],
            fields=frozenset(),
            evidence=row.evidence,
        )
        self._count(self.result.refusals, past, facts)

    def _read(self, row: PastRow) -> dict[str, Any]:
        self._seen += 1
        self._tell(self._seen)
        leaf: dict[str, Any] = json.loads(row.leaf)
        return leaf

    def _count(self, count: Count, past: Past, facts: tuple[SubjectFacts, ...]) -> None:
        before, after = verdicts(past, self._editions, facts)
        count.add(before, after)
        if any(one.known for one in facts):
            self._refused |= before is None and after is not None
            self._allowed |= before is not None and after is None


def _asked(leaf: dict[str, Any]) -> dict[str, Any]:
    return {
        "partner": PartnerId(leaf["partner"]),
        "purpose": PurposeId(leaf["purpose"]),
        "at": parse_stamp(leaf["at"]),
    }
