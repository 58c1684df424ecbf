"""
A decision, told check by check.

The checks are the engine's own, asked in the same order: there is no second
logic that could say something else. The decision is the first refusal, as ever;
the checks behind it are asked as if those before had passed, so that whoever
must change something learns of all of it at once. Nothing of this runs when a
share is decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.decide import engine
from gateway.decide.situation import Situation, situate
from gateway.model.consent import Evidence, SubjectFacts
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, Route
from gateway.model.shares import Ask, Decision, Refused


class Result(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    """This one is the answer."""
    WOULD_FAIL = "would-fail"
    """It would be the answer if everything before it had passed."""
    NOT_REACHED = "not-reached"
    """It cannot be asked: route, purpose or ground are not all there."""


# Checks that look at no terms; all others stand after them (`Situation.settled`).
_WITHOUT_TERMS = frozenset({"subject", "erased", "restricted", "partner", "agreement", "purpose"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One check of a decision: how it ended, by which clauses, and why."""

    check: str
    result: Result
    clauses: tuple[str, ...]
    """Of a failed check those of the refusal, else all that the check keeps."""
    why: str
    refused: Refused | None = None
    """What a failed check says, its remedy too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision and the way to it, in the order in which the checks count."""

    decision: Decision
    steps: tuple[Step, ...]


def explain(
    ask: Ask,
    *,
    policy: PolicySet,
    partner: Partner,
    route: Route | None,
    suspended: bool,
    facts: Sequence[SubjectFacts],
    evidence: Evidence | None,
    now: datetime,
) -> Explanation:
    """
    Decide one share as `engine.decide` does, and tell each check.

    Arguments and errors are those of `engine.decide`, and so is the decision.
    """
    situation = situate(
        ask,
        policy=policy,
        partner=partner,
        route=route,
        suspended=suspended,
        facts=facts,
        evidence=evidence,
        now=now,
    )
    steps: list[Step] = []
    decision: Refused | None = None
    for check in engine.CHECKS:
        step = _look(check, situation, first=decision is None)
        decision = decision or step.refused
        steps.append(step)
    return Explanation(decision=decision or engine.conclude(situation), steps=tuple(steps))


def _look(check: engine.Check, situation: Situation, *, first: bool) -> Step:
    if not first and not _askable(check, situation):
        return _step(check, Result.NOT_REACHED, "it needs a route, a purpose and a ground")
    refused = check.look(situation)
    if refused is None:
        return _step(check, Result.PASSED, check.holds)
    return Step(
        check=check.name,
        result=Result.FAILED if first else Result.WOULD_FAIL,
        clauses=refused.clauses,
        why=f"{refused.reason}: {refused.detail}",
        refused=refused,
    )


def _askable(check: engine.Check, situation: Situation) -> bool:
    """Whether a check that nothing stands before any more has all that it looks at."""
    named, known = situation.ask.ground, situation.policy.grounds
    unknown = check.name == "ground" and named is not None and named not in known
    return unknown or situation.terms is not None or check.name in _WITHOUT_TERMS


def _step(check: engine.Check, result: Result, why: str) -> Step:
    return Step(check=check.name, result=result, clauses=check.clauses, why=why)
