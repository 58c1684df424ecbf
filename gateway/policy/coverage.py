"""
Which promise of the published policy is covered, and by what.

A promise is covered when its row says that it is kept and something stands for
it: a rule or a manifest that cites it, a recipient that exercises it, a
decision case. Some promises are only seen at work where a recipient of a
certain kind is declared; without one they show as `partly`, and everything
else loads and serves as before.
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


def coverage(
    policy: PolicySet,
    *,
    citations: Mapping[ClauseId, Sequence[str]],
    cases: Mapping[ClauseId, Sequence[str]] | None = None,
) -> list[Row]:
    """
    One row for each promise, in the order of `promises.yaml`.

    `citations` are `Loaded.citations`; `cases` names the decision cases that
    show each clause.
    """
    shown = cases or {}
    return [
        _row(policy, promise, citations.get(promise.id, ()), shown.get(promise.id, ()))
        for promise in policy.promises.values()
    ]


def _row(policy: PolicySet, promise: Promise, citing: Sequence[str], showing: Sequence[str]) -> Row:
    exercises = EXERCISES.get(promise.id)
    exercising = (
        [one.id for one in policy.partners.values() if exercises(policy, one)] if exercises else []
    )
    by = (
        *citing,
        *(f"recipient {partner}" for partner in exercising),
        *(f"case {case}" for case in showing),
    )
    status, missing = "covered", ""
    if promise.status != "kept":
        status, missing = "partly", promise.missing
    elif not by and not promise.enforced_by:
        status, missing = "missing", "no rule, recipient or case stands for it"
    elif exercises is not None and not exercising:
        status, missing = "partly", "no recipient of the loaded set exercises it"
    return Row(
        clause=promise.id,
        text=promise.text,
        status=status,
        by=by,
        enforced_by=promise.enforced_by,
        missing=missing,
    )


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
