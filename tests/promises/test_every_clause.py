"""
Every clause of the published policy bites: with its rule taken out, a story at
the running gateway fails, and so does a decision case.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.cli.start import default_set
from gateway.decide.cases import Case, Verdict, parse_cases, run_case
from gateway.model.ids import ClauseId
from gateway.model.policyset import PolicySet
from gateway.policy.load import load_home
from gateway.testing.clock import Clock
from tests.promises import scenarios_keeping, scenarios_rights, scenarios_sharing, scenarios_using
from tests.promises.removal import Removal
from tests.promises.removals import PENDING, REMOVALS
from tests.promises.scenarios import SCENARIOS, Sort, about
from tests.promises.whole import WholeHouse

in_one_loop = pytest.mark.asyncio(loop_scope="module")
MODULES = (scenarios_keeping, scenarios_rights, scenarios_sharing, scenarios_using)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeHouse]:
    """One gateway with the whole default set, for all of them."""
    folder: Path = tmp_path_factory.mktemp("whole") / "home"
    opened = WholeHouse(folder, Clock(datetime.now(UTC).replace(microsecond=0)))
    async with opened:
        await opened.begin()
        yield opened


@cache
def load_default() -> PolicySet:
    """The default set."""
    return load_home(*default_set(), home_territory="CN").policy


@in_one_loop
@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_story_holds(name: str, house: WholeHouse) -> None:
    """At the running gateway each clause is as its stories say."""
    await SCENARIOS[name].run(house)


def default_cases() -> list[Case]:
    """The decision cases of the default set."""
    folder = default_set()[0] / "cases"
    return [
        case
        for path in sorted(folder.glob("*.yaml"))
        for case in parse_cases(path.name, path.read_bytes())
    ]


CASES = default_cases()


def failing_cases(house: WholeHouse) -> set[str]:
    """The cases that do not come out as they say, under the documents in force."""
    # What an edition widened in this house is no part of its documents.
    policy = replace(house.gateway.policy.policy, widened={})
    return {case.it for case in CASES if not passes(policy, case)}


def passes(policy: PolicySet, case: Case) -> bool:
    """Whether a case comes out as it says; where a check is missing a later one may not cope."""
    try:
        return run_case(policy, case).verdict is Verdict.PASSED
    except LookupError:
        return False


async def fails(story: str, house: WholeHouse) -> bool:
    """Whether a story does not hold, or cannot be told to its end."""
    try:
        await SCENARIOS[story].run(house)
    except Exception:
        return True
    return False


@in_one_loop
@pytest.mark.parametrize("removal", REMOVALS, ids=str)
async def test_a_rule_that_is_taken_out_is_missed(removal: Removal, house: WholeHouse) -> None:
    """Without it each of its stories fails, and so does each of its decision cases."""
    with pytest.MonkeyPatch.context() as patch:
        if removal.take is not None:
            removal.take(patch)
        async with house.documents(*removal.edits) as taken:
            assert taken, house.gateway.status.error
            house.crashes = 0
            failed = failing_cases(house)
            survived = [story for story in removal.stories if not await fails(story, house)]

    assert survived == []
    # It is the rule that is missing, and not the gateway that is broken.
    assert house.crashes == 0 or removal.clause == "P2"
    assert set(removal.cases) - failed == set()
    assert failing_cases(house) == set()


def test_every_clause_has_a_rule_to_take_out() -> None:
    """Of each clause a rule is taken out, or nothing of it is at work and its row says so."""
    promises = load_default().promises
    proven = {removal.clause for removal in REMOVALS}
    pending = {one.clause for one in PENDING}

    assert proven | pending == set(promises)
    assert proven & pending == set()
    assert all(promises[ClauseId(clause)].status == "partly" for clause in pending)


@pytest.mark.parametrize("removal", REMOVALS, ids=str)
def test_a_removal_fails_a_story_and_a_case_of_its_own_clause(removal: Removal) -> None:
    """What fails is about the clause; only where no decision can show it, no case fails."""
    about = {case.it: case.expected.about for case in CASES}

    assert removal.stories
    assert all(removal.clause in SCENARIOS[story].clauses for story in removal.stories)
    assert all(removal.clause in about[it] for it in removal.cases)


def test_where_decisions_apply_a_case_fails() -> None:
    """Each clause has a removal that fails a decision case, or says why no decision shows it."""
    promises = load_default().promises
    with_cases = {removal.clause for removal in REMOVALS if removal.cases}
    without = {one for one, promise in promises.items() if promise.no_decision}

    assert with_cases | without == set(promises)
    assert with_cases & without == set()


@pytest.mark.parametrize("clause", load_default().promises)
def test_a_clause_has_stories_of_both_kinds(clause: str) -> None:
    """One of a share that is carried and one of something refused; else what is promised."""
    sorts = {scenario.sort for scenario in about(clause)}
    if clause in {one.clause for one in PENDING}:
        assert sorts == set()
    else:
        assert {Sort.CARRIED, Sort.REFUSED} <= sorts or sorts == {Sort.SHOWN}
