"""Whoever breaks the product in one place hears of it: each class misses something."""

from pathlib import Path

import pytest

from tests.bypass.judging import verdicts
from tests.bypass.reading import CASES, Case, read_case
from tests.bypass.sabotage import SABOTAGE, Sabotage
from tests.bypass.world import in_process, opened_world


async def verdict(folder: Path, *cases: Case) -> dict[str, list[str]]:
    """What a gateway in this process makes of some cases."""
    async with opened_world(folder, cases, engine=in_process) as world:
        return {case.id: verdicts(case, await world.play(case), world.declared) for case in cases}


def caught_by(kind: str, sabotage: Sabotage) -> Case:
    """The case that misses what the sabotage took away."""
    return read_case(CASES / kind / f"{sabotage.caught_by}.yaml")


@pytest.mark.parametrize("kind", SABOTAGE)
async def test_a_class_catches_its_sabotage(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one function or constant of the product replaced, a trick of the class succeeds."""
    sabotage = SABOTAGE[kind]
    case = caught_by(kind, sabotage)
    sabotage.take(monkeypatch)

    assert (await verdict(tmp_path, case))[case.id] != [], sabotage.what


async def test_nothing_is_caught_where_nothing_was_sabotaged(tmp_path: Path) -> None:
    """The same cases hold in the same process when nothing was replaced."""
    cases = [caught_by(kind, sabotage) for kind, sabotage in SABOTAGE.items()]
    here = [case for case in cases if case.address is None]
    there = [case for case in cases if case.address is not None]
    found = await verdict(tmp_path / "a", *here) | await verdict(tmp_path / "b", *there)

    assert {id: told for id, told in found.items() if told} == {}
