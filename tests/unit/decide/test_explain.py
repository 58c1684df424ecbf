"""An explanation tells each check of the very decision."""

from hypothesis import given
from hypothesis import strategies as st

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


def test_a_refused_share_is_told_up_to_the_refusal() -> None:
    """The check that refused says why; those before it passed, those after were not reached."""
    told = a_share(about=some_facts(opt_outs=frozenset({"order-fulfilment"}))).explained()

    results = {step.check: step.result for step in told.steps}
    failed = next(step for step in told.steps if step.result is Result.FAILED)
    assert results["evidence"] is Result.PASSED
    assert results["guardian"] is Result.NOT_REACHED
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
