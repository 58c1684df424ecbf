"""
Which promise of the published policy is covered, and by what.

A promise is covered when its row says that it is kept, a rule or a manifest
cites it, and the decision cases show it both ways: a share that is carried and
one that is refused. Of a promise that no decision keeps, the row says why, and
what does keep it. Some promises are only seen at work where a recipient of a
certain kind is declared. What lacks any of it shows as `partly`, with what is
missing, and everything loads and serves as before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.model.ids import ClauseId
from gateway.model.policy import Kind, LeafKind, Promise
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, Route, Seal

Exercises = Callable[[PolicySet, Partner], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One promise, and how far the loaded set covers it."""

    clause: ClauseId
    text: str
    status: str
    """`covered`, `partly` or `missing`."""
    by: tuple[str, ...]
    """Documents that cite it, recipients that exercise it, cases that show it."""
    enforced_by: str = ""
    """In plain words, the rule or mechanism that keeps it."""
    missing: str = ""
    """What is missing, where it is not covered."""
    no_decision: str = ""
    """Why no decision case can show it, where none can."""
    carried: int = 0
    refused: int = 0
    """How many decision cases show it with a share that leaves, and how many with none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One decision case that passed, for a clause that it is about."""

    it: str
    carried: bool
    """Of a share that leaves, else of one that is refused."""


def coverage(
    policy: PolicySet,
    *,
    citations: Mapping[ClauseId, Sequence[str]],
    cases: Mapping[ClauseId, Sequence[Shown]] | None = None,
) -> list[Row]:
    """
    One row for each promise, in the order of `promises.yaml`.

    `citations` are `Loaded.citations`; `cases` are the decision cases that show
    each clause.
    """
    shown = cases or {}
    return [
        _row(policy, promise, citations.get(promise.id, ()), shown.get(promise.id, ()))
        for promise in policy.promises.values()
    ]


def _row(
    policy: PolicySet, promise: Promise, citing: Sequence[str], showing: Sequence[Shown]
) -> Row:
    exercises = EXERCISES.get(promise.id)
    exercising = (
        [one.id for one in policy.partners.values() if exercises(policy, one)] if exercises else []
    )
    status, missing = _standing(
        promise, citing, showing, exercised=bool(exercising or not exercises)
    )
    return Row(
        clause=promise.id,
        text=promise.text,
        status=status,
        by=(
            *citing,
            *(f"recipient {partner}" for partner in exercising),
            *(f"case {case.it}" for case in showing),
        ),
        enforced_by=promise.enforced_by,
        missing=missing,
        no_decision=promise.no_decision,
        carried=sum(case.carried for case in showing),
        refused=sum(not case.carried for case in showing),
    )


def _standing(
    promise: Promise, citing: Sequence[str], showing: Sequence[Shown], *, exercised: bool
) -> tuple[str, str]:
    """The status of a promise, and what is missing."""
    if promise.status != "kept":
        return "partly", promise.missing
    if not citing and not showing and not promise.enforced_by:
        return "missing", "no rule, recipient or case stands for it"
    if not exercised:
        return "partly", "no recipient of the loaded set exercises it"
    lacking = _unproven(promise, citing, showing)
    return ("partly", lacking) if lacking else ("covered", "")


def _unproven(promise: Promise, citing: Sequence[str], showing: Sequence[Shown]) -> str:
    """What of the proof is missing; empty: nothing."""
    if promise.no_decision:
        return "" if promise.enforced_by else "the row does not say what enforces it"
    if not citing:
        return "no rule and no manifest cites it"
    if not any(case.carried for case in showing):
        return "no decision case shows it with a share that is carried"
    if all(case.carried for case in showing):
        return "no decision case shows it with a share that is refused"
    return ""


def _kind(kind: Kind) -> Exercises:
    return lambda policy, partner: partner.kind is kind


def _any_route(test: Callable[[PolicySet, Route], bool]) -> Exercises:
    return lambda policy, partner: any(test(policy, route) for route in partner.routes)


def _sends_sensitive(policy: PolicySet, route: Route) -> bool:
    return any(policy.categories[field.category].sensitive for field in route.fields())


def _leaf(kind: LeafKind) -> Exercises:
    return _any_route(lambda policy, route: policy.purposes[route.purpose].leaf is kind)


def _masks_delivery(policy: PolicySet, route: Route) -> bool:
    if route.purpose != "order-fulfilment":
        return False
    hidden = {field.category for field in route.fields() if field.transform or field.sealed}
    return {"basic.name", "basic.phone"} <= hidden


EXERCISES: Mapping[str, Exercises] = {
    "C2": _any_route(_sends_sensitive),
    "C5": _any_route(lambda policy, route: bool(route.receive)),
    "C6": _any_route(lambda policy, route: policy.purposes[route.purpose].deidentified),
    "S2": _kind(Kind.AFFILIATE),
    "S3": _kind(Kind.PARTNER),
    "S4a": lambda policy, partner: partner.agreement is not None,
    "S4b": _kind(Kind.PROCESSOR),
    "S4c": _any_route(
        lambda policy, route: any(
            field.transform is not None and field.transform.name == "token"
            for field in route.fields()
        )
    ),
    "S4d": _any_route(_sends_sensitive),
    "S5": _any_route(lambda policy, route: route.ground == "rights-protection"),
    "S6": _kind(Kind.BRANCH),
    "T1-3": _leaf(LeafKind.TRANSFER),
    "T4": _kind(Kind.SUCCESSOR),
    "D1": _leaf(LeafKind.PUBLIC_DISCLOSURE),
    "D2": _kind(Kind.AUTHORITY),
    "P1": _any_route(lambda policy, route: route.seal is not Seal.NONE),
    "P7": _any_route(_masks_delivery),
    "K1": lambda policy, partner: policy.crosses_border(partner),
    "R3": lambda policy, partner: partner.deletion is not None,
}
"""The promises that a recipient must be there to keep, each with what shows it."""
