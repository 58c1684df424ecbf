"""An explanation tells each check of the very decision."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.decide import engine
from gateway.decide.engine import CHECKS
from gateway.decide.explain import Result
from tests.unit.decide.builders import a_share, some_facts
from tests.unit.decide.expecting import carried
from tests.unit.decide.test_engine import FAILURES, a_demanding_share


def test_a_permitted_share_passes_every_check() -> None:
    """Every check of a permitted share is told as passed, with what holds."""
    told = a_share().explained()

    assert carried(told.decision)
    assert [step.check for step in told.steps] == [check.name for check in CHECKS]
    assert {step.result for step in told.steps} == {Result.PASSED}
    assert told.steps[4].why.startswith("an agreement covers this day")
    assert told.steps[4].clauses == ("S4a", "S6")


def test_a_refused_share_is_told_check_by_check() -> None:
    """The check that refused says why; those after it are asked as if it had passed."""
    told = a_share(about=some_facts(opt_outs=frozenset({"order-fulfilment"}))).explained()

    results = {step.check: step.result for step in told.steps}
    failed = next(step for step in told.steps if step.result is Result.FAILED)
    assert results["evidence"] is Result.PASSED
    assert results["guardian"] is Result.PASSED
    assert failed.check == "opt-out"
    assert failed.clauses == ("C3", "R5")
    assert failed.why.startswith("opted-out: the person objects to this purpose")


@given(names=st.sets(st.sampled_from(sorted(FAILURES))))
def test_an_explanation_says_what_the_engine_decides(names: set[str]) -> None:
    """There is one logic: the explained decision is the decision, and one check at most failed."""
    share = a_demanding_share()
    for name in names:
        share = FAILURES[name][1](share)

    told = share.explained()
    failed = [step.check for step in told.steps if step.result is Result.FAILED]

    assert told.decision == share.decided()
    assert failed == [name for name in FAILURES if name in names][:1]


def test_all_that_stands_against_a_share_is_told() -> None:
    """Whoever must change something learns of all of it, each with what would help."""
    share = a_demanding_share()
    wrong = ("agreement", "evidence", "opt-out", "border")
    for name in wrong:
        share = FAILURES[name][1](share)

    told = share.explained()
    against = [step for step in told.steps if step.refused is not None]

    assert tuple(step.check for step in against) == wrong
    assert [step.result for step in against] == [Result.FAILED, *[Result.WOULD_FAIL] * 3]
    assert told.decision is against[0].refused
    assert all(step.refused and step.refused.remedy for step in against)


def test_what_cannot_be_asked_is_not_said_to_pass() -> None:
    """Without a route or a known purpose nobody can tell about grounds and consents."""
    for share in (a_share(route=None), a_share("shipping"), a_share().but(ground="whim")):
        results = {step.check: step.result for step in share.explained().steps}

        assert results["consent"] is Result.NOT_REACHED
        assert results["border"] is Result.NOT_REACHED


def test_an_unknown_ground_is_told_beside_an_unknown_purpose() -> None:
    """A ground that the policy does not have is wrong whatever the purpose."""
    told = a_share("shipping").but(ground="whim").explained()

    results = {step.check: step.result for step in told.steps}
    assert (results["purpose"], results["ground"]) == (Result.FAILED, Result.WOULD_FAIL)


def test_no_share_pays_for_explanations() -> None:
    """Nothing that carries a share knows how to explain one."""
    flows = Path(engine.__file__).parents[1] / "flows"
    sources = [path.read_text("utf-8") for path in flows.glob("*.py")]

    assert sources
    assert not any("decide.explain" in source or ".explain(" in source for source in sources)
