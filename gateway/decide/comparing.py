"""What came instead of what a decision case expects, in words."""

from collections.abc import Iterator

from gateway.decide.carriage import cited
from gateway.decide.case import Case
from gateway.errors import Problem
from gateway.model.shares import Decision, Permitted, Refused


def manifest_differences(case: Case, wrong: tuple[Problem, ...]) -> Iterator[str]:
    """Of a manifest, with what keeps it from loading; nothing if the case expects just that."""
    told = "; ".join(problem.message for problem in wrong)
    if case.expected.loads:
        yield f"the manifest would not load: {told}"
    elif not wrong:
        yield "expected that the manifest does not load, and it does"
    elif not set(case.expected.clauses) <= set(cited(wrong)):
        clauses = ", ".join(case.expected.clauses)
        yield f"expected that the manifest does not load by {clauses}, got {told}"


def decision_difference(case: Case, decision: Decision) -> str:
    """What came instead of what the case expects; empty if it is that."""
    expected, came = case.expected, _told(decision)
    match decision:
        case Refused() if expected.refused is None:
            return f"expected permitted, got {came}"
        case Refused():
            wanted = f"refused {expected.refused} by {', '.join(expected.clauses)}"
            right = decision.reason is expected.refused
            return (
                ""
                if right and set(expected.clauses) <= set(decision.clauses)
                else (f"expected {wanted}, got {came}")
            )
        case Permitted() if expected.refused is not None:
            return f"expected refused {expected.refused}, got {came}"
        case Permitted():
            return _other_terms(case, decision)


def _told(decision: Decision) -> str:
    if isinstance(decision, Permitted):
        return f"permitted on {decision.ground}"
    return f"refused {decision.reason} by {', '.join(decision.clauses)}: {decision.detail}"


def _other_terms(case: Case, decision: Permitted) -> str:
    expected = case.expected
    categories = None if decision.categories is None else sorted(decision.categories)
    pairs = (
        ("ground", expected.ground, decision.ground),
        ("evidence", expected.evidence, decision.evidence),
        (
            "categories",
            None if expected.categories is None else sorted(expected.categories),
            categories,
        ),
    )
    return "; ".join(
        f"expected {name} {wanted}, got {got}"
        for name, wanted, got in pairs
        if wanted is not None and wanted != got
    )
