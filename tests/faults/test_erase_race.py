"""A person is deleted amid shares of theirs, and nobody who received anything is forgotten (A1, R3)."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.cases.plan import plan
from gateway.flows import planning
from gateway.ports import Answer, Outgoing, PartnerPort
from gateway.stores.sqlite import ledger
from gateway.stores.sqlite.statements import SQL
from tests.faults.racing import Course, Field, Race, embedded, served
from tests.marks import promise

pytestmark = pytest.mark.usefixtures("quiet")

REPETITIONS = 8
"""That count. The full size is `python -m tests.faults.race --times 200`."""

SABOTAGED = 20
"""Within so many repetitions a part that was taken out is missed."""


@promise("A1", "R3")
@pytest.mark.timeout(120)
async def test_no_share_escapes_a_deletion(tmp_path: Path) -> None:
    """
    However a deletion meets 64 shares of the same person, everybody who received
    one is told, nobody receives anything after being told, and the rest is refused.
    """
    async with Field.open(tmp_path) as field, served(field, tmp_path / "logs") as course:
        races = await _until(course, lambda races: sum(r.counts for r in races) >= REPETITIONS)

    assert [race.broken for race in races] == [[]] * len(races)
    counted = [race for race in races if race.counts]
    assert len(counted) == REPETITIONS
    assert all(race.told for race in counted)
    # All three ways to end have been seen, so that the moments were well chosen.
    assert sum(race.refused for race in races) > 0
    assert sum(race.carried for race in races) > 0
    assert sum(race.in_flight for race in races) > REPETITIONS


@pytest.mark.timeout(120)
async def test_a_missing_fence_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where intents are not held against the fence, the race shows it."""
    monkeypatch.setattr(ledger, "ensure_subject", _whoever_it_is)
    async with Field.open(tmp_path) as field, embedded(field) as (course, gateway):
        gateway.egress = Blind(gateway.egress)  # type: ignore[assignment]
        races = await _until(course, _shows("behind the fence"))

    assert _shows("behind the fence")(races)


@pytest.mark.timeout(120)
async def test_a_notice_that_does_not_wait_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a notice does not wait for shares in flight, the race shows it."""

    def hasty(*shares: Any, **options: Any) -> Any:
        return tuple(replace(one, held=False) for one in plan(*shares, **options))

    monkeypatch.setattr(planning, "plan", hasty)
    async with Field.open(tmp_path) as field, embedded(field) as (course, _):
        races = await _until(course, _shows("after its notice"))

    assert _shows("after its notice")(races)


async def test_the_whole_gateway_in_one_process_holds_too(tmp_path: Path) -> None:
    """Nothing but the part that was taken out makes the two sabotages fail."""
    async with Field.open(tmp_path) as field, embedded(field) as (course, _):
        races = await _until(course, lambda races: sum(race.counts for race in races) >= 3)

    assert [race.broken for race in races] == [[]] * len(races)


async def _until(course: Course, enough: Callable[[list[Race]], bool]) -> list[Race]:
    races: list[Race] = []
    while len(races) < SABOTAGED and not (races and enough(races)):
        races.append(await course.run())
        print(races[-1])
    return races


def _shows(wrong: str) -> Callable[[list[Race]], bool]:
    """Whether the last race shows what the part that was taken out is there for."""
    # It may show other things first: a case that shares keep entering does not close.
    return lambda races: any(wrong in what for what in races[-1].broken)


def _whoever_it_is(db: sqlite3.Connection, row: Any, tombstone: bytes | None) -> int:
    """As the store does it, without a look at fence, epoch and tombstone."""
    stored = db.execute(SQL["subject_for_intent"], (row.lookup,)).fetchone()
    return int(stored[0]) if stored else ledger.add_subject(db, row)


class Blind:
    """Egress without the last look before the first byte."""

    def __init__(self, egress: Any) -> None:
        self._egress = egress

    def partner(self, partner: Any, *use: Any) -> PartnerPort:
        """A way to this partner that looks at nothing."""
        way = self._egress.partner(partner, *use)

        class Way:
            async def send(self, request: Outgoing, *, last_look: Callable[[], None]) -> Answer:
                answer: Answer = await way.send(request, last_look=lambda: None)
                return answer

        return Way()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._egress, name)
