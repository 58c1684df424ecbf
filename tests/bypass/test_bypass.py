"""Every trick against the real server, one process for all of a world."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.testing.search import Needles, search_tree
from tests.bypass.judging import verdicts
from tests.bypass.reading import Case, all_cases
from tests.bypass.sabotage import SABOTAGE
from tests.bypass.world import World, apart, opened_world
from tests.marks import promise

CASES = all_cases()
TRICKS, ADDRESSES = apart(CASES)
LEAST_CASES, LEAST_CLASSES, MOST_OF_A_CLASS = 150, 12, 20

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The real server with the partners of `partners/`."""
    async with opened_world(tmp_path_factory.mktemp("bypass")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def addresses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The real server that may reach one address and no other."""
    async with opened_world(tmp_path_factory.mktemp("addresses"), ADDRESSES) as opened:
        yield opened


@promise("P6")
@pytest.mark.parametrize("case", TRICKS, ids=lambda case: case.id)
async def test_a_trick_does_not_get_through(case: Case, world: World) -> None:
    """What a case says must not arrive does not, and what it says of the answer holds."""
    assert verdicts(case, await world.play(case), world.declared) == [], case.it


@promise("P1")
@pytest.mark.parametrize("case", ADDRESSES, ids=lambda case: case.id)
async def test_an_address_is_not_reached(case: Case, addresses: World) -> None:
    """No spelling of an address and no name leads where nothing may go."""
    assert verdicts(case, await addresses.play(case), addresses.declared) == [], case.it


@promise("P2")
async def test_no_trick_gets_into_the_log(world: World) -> None:
    """Nothing that a trick tried to smuggle stands in what the server wrote, at level debug."""
    marks = {
        f"{case.id} #{number}": mark
        for case in TRICKS
        if not case.consents
        for number, mark in enumerate((*case.never, *case.back.never), 1)
    }
    assert world.logs
    for path in world.logs:
        assert [found.label for found in search_tree(path, Needles(marks))] == []


async def test_there_are_enough_tricks_of_every_kind() -> None:
    """A class is no larger than a reader can take in, and each has its sabotage."""
    sizes = Counter(case.kind for case in CASES)

    assert sizes.total() >= LEAST_CASES
    assert len(sizes) >= LEAST_CLASSES
    assert max(sizes.values()) <= MOST_OF_A_CLASS
    assert set(sizes) == set(SABOTAGE)


async def test_every_trick_says_what_it_shows_in_a_sentence_of_its_own() -> None:
    """No two cases claim the same, and none claims nothing."""
    said = Counter((case.kind, case.it) for case in CASES)

    assert [row for row, times in said.items() if times > 1 or not row[1]] == []
