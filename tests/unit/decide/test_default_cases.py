"""The decision cases that ship with the default policy."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from gateway.decide import engine
from gateway.decide.case import Case
from gateway.decide.cases import Verdict, parse_cases, run_case, run_cases
from gateway.model.policyset import PolicySet
from gateway.policy.load import load_home

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "policies" / "cases").glob("*.yaml"))


@cache
def default_policy() -> PolicySet:
    """The set that a new home begins with."""
    return load_home(ROOT / "policies", ROOT / "partners", home_territory="CN").policy


@cache
def default_cases() -> tuple[Case, ...]:
    """Every case of the default set."""
    return tuple(
        case
        for path in FILES
        for case in parse_cases(f"policies/cases/{path.name}", path.read_bytes())
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_default_policy_keeps_its_cases(path: Path) -> None:
    """Every case of this file comes out as it says, on the default recipients."""
    results = run_cases(default_policy(), parse_cases(path.name, path.read_bytes()))

    assert results
    assert [str(each) for each in results if each.verdict is not Verdict.PASSED] == []


# The promises that decisions keep, and not fields, keys or cases.
DECIDED = (
    *("A1", "C2", "C3", "C4", "C6", "D1", "D2", "K1", "M1", "M2", "R2", "R5"),
    *("S1", "S2", "S3", "S4a", "S5", "S6", "T1-3", "T4"),
)


@pytest.mark.parametrize("clause", DECIDED)
def test_every_promise_is_shown_both_ways(clause: str) -> None:
    """Each promise that a decision keeps has a case that is carried and one that is refused."""
    about = [case.expected for case in default_cases() if clause in case.expected.clauses]

    assert any(expected.refused is None for expected in about)
    assert any(expected.refused is not None for expected in about)


def test_cases_say_what_they_are_about_once() -> None:
    """No two cases have the same sentence."""
    sentences = [case.it for case in default_cases()]

    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("name", [check.name for check in engine.CHECKS[1:]])
def test_no_check_can_be_lost(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were one of the checks gone, a default case would fail."""
    monkeypatch.setattr(engine, "CHECKS", tuple(c for c in engine.CHECKS if c.name != name))

    failed = [r for r in map(_run, default_cases()) if r is not Verdict.PASSED]

    assert failed


def _run(case: Case) -> Verdict | None:
    try:
        return run_case(default_policy(), case).verdict
    except LookupError:
        # A later check cannot stand in for the one of the purpose or the ground.
        return None


def test_cases_of_a_removed_recipient_do_not_apply() -> None:
    """A home without a default recipient loses its cases, and none of them fails."""
    policy = replace(default_policy(), partners={})

    assert {run_case(policy, case).verdict for case in default_cases()} == {Verdict.NOT_APPLICABLE}
