"""
A decision, told check by check.

The checks are the engine's own, asked in the same order: there is no second
logic that could say something else. Nothing of this runs when a share is
decided.
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
    NOT_REACHED = "not-reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One check of a decision: how it ended, by which clauses, and why."""

    check: str
    result: Result
    clauses: tuple[str, ...]
    """Of a failed check those of the refusal, else all that the check keeps."""
    why: str


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
    refused: Refused | None = None
    for check in engine.CHECKS:
        if refused is not None:
            steps.append(_step(check, Result.NOT_REACHED, "an earlier check refused"))
            continue
        refused = check.look(situation)
        steps.append(_looked(check, refused))
    return Explanation(decision=_decision(refused, situation), steps=tuple(steps))


def _decision(refused: Refused | None, situation: Situation) -> Decision:
    return engine.conclude(situation) if refused is None else refused


def _looked(check: engine.Check, refused: Refused | None) -> Step:
    if refused is None:
        return _step(check, Result.PASSED, check.holds)
    return Step(
        check=check.name,
        result=Result.FAILED,
        clauses=refused.clauses,
        why=f"{refused.reason}: {refused.detail}",
    )


def _step(check: engine.Check, result: Result, why: str) -> Step:
    return Step(check=check.name, result=result, clauses=check.clauses, why=why)
