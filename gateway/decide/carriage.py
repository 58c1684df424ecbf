"""
How a share leaves, as its route says, and whether a route may say so at all.

Decisions need none of this: who decides a share takes its manifest as loaded.
Decision cases ask it, so that a lawyer can also read in them what the policy
lets leave and how (S4b, S4d, P6, P7), and which manifests it does not accept.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.errors import Problem
from gateway.model.ids import NO_CATEGORY, ClauseId
from gateway.model.policy import LeafKind
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Field, Partner, ReceivedFile, Route, Seal
from gateway.model.shares import Permitted
from gateway.policy.check_fields import Place
from gateway.policy.check_routes import check_route
from gateway.policy.documents import Document
from gateway.policy.rules import Rules

AS_IT_IS = "as-it-is"
SEALED = "sealed"
NOTHING = "nothing"
"""How a declared value leaves, where no transform's name says it."""

_CITED = re.compile(r"\(([A-Z][0-9]+[a-z]?(?:-[0-9]+)?)\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """What a case expects of how a carried share leaves; None or nothing: not asked."""

    leaves: Mapping[str, str] = field(default_factory=dict)
    """By selector, or `path.NAME`: a transform's name, or one of the words above."""
    returns: tuple[str, ...] | None = None
    """Everything that may come back (C5)."""
    retention: timedelta | None = None
    onward: tuple[str, ...] | None = None
    territory: str | None = None
    leaf: LeafKind | None = None
    """The kind of entry in the ledger (T1-3, D1)."""


def differences(
    expected: Carriage,
    *,
    policy: PolicySet,
    partner: Partner,
    route: Route,
    permitted: Permitted,
) -> Iterator[str]:
    """What is otherwise than a case expects, each as a sentence."""
    for selector, wanted in expected.leaves.items():
        got = manner(route, selector, permitted)
        if got != wanted:
            yield f"expected {selector} to leave as {wanted}, got {got}"
    purpose = policy.purposes.get(route.purpose)
    onward = partner.agreement.onward if partner.agreement else ()
    pairs = (
        ("returns", _sorted(expected.returns), _returned(route)),
        ("retention", expected.retention, route.retention),
        ("onward", _sorted(expected.onward), tuple(sorted(onward))),
        ("territory", expected.territory, partner.territory),
        ("leaf", expected.leaf, purpose.leaf if purpose else None),
    )
    for name, want, came in pairs:
        if want is not None and want != came:
            yield f"expected {name} {want}, got {came}"


def manner(route: Route, selector: str, permitted: Permitted) -> str:
    """
    How the value at `selector` leaves; what is not declared never does (P6), nor
    what evidence (D2) or consent (D1) leave out.
    """
    found = next((one for name, one in route.named_fields() if name == selector), None)
    if found is None or not _within(found, selector, permitted):
        return NOTHING
    in_body = any(one is found for one in route.send)
    if in_body and (route.seal is Seal.BODY or (route.seal is Seal.FIELDS and found.sealed)):
        return SEALED
    if found.transform is None:
        return AS_IT_IS
    return NOTHING if found.transform.name == "drop" else found.transform.name


def mistakes(policy: PolicySet, partner: Partner, route: Route) -> tuple[Problem, ...]:
    """What would keep a manifest with this route from loading; empty: it loads."""
    place = Place(rules=_rules(policy), partner=partner, route=route, document=_NOWHERE)
    return tuple(problem for problem in check_route(place) if not problem.warning)


def cited(problems: tuple[Problem, ...]) -> tuple[ClauseId, ...]:
    """The clauses that these problems name, each once."""
    found = (_CITED.search(problem.message) for problem in problems)
    return tuple(dict.fromkeys(ClauseId(match[1]) for match in found if match))


# A case has no manifest of its own, so that its mistakes have no place.
_NOWHERE = Document(name="", root={}, values={}, keys={}, problems=())


def _within(declared: Field, selector: str, permitted: Permitted) -> bool:
    if permitted.fields is not None and selector not in permitted.fields:
        return False
    only = permitted.categories
    return only is None or declared.category in only or declared.category == NO_CATEGORY


def _sorted(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(sorted(names))


def _returned(route: Route) -> tuple[str, ...]:
    received = route.receive
    if isinstance(received, ReceivedFile):
        return (received.content,)
    return tuple(sorted(one.selector for one in received or ()))


def _rules(policy: PolicySet) -> Rules:
    """The set as the checks of manifests read it; of territories it knows the allowed ones."""
    return Rules(
        edition=policy.edition,
        territories=dict.fromkeys(policy.territories, True),
        categories=policy.categories,
        purposes=policy.purposes,
        grounds=policy.grounds,
        kinds=policy.kinds,
        rights=policy.rights,
        promises=policy.promises,
    )
