"""A small set of two recipients, changed in one thing, and what the comparison tells of it."""

from dataclasses import replace
from functools import cache
from typing import Any

from gateway.model.ids import PartnerId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, Route
from gateway.policy.comparison import compare
from gateway.policy.differences import Difference, Direction
from tests.unit.policy.builders import COURIER, load

STEPS = {"widens": "narrows", "narrows": "widens", "neutral": "neutral"}

ADVERTISER = """\
partner: adverts
name: Adverts
owner: marketing
kind: affiliate
territory: CN
contact: privacy@adverts.example
agreement: {reference: NDA-2026-2, signed: 2026-01-10, expires: 2028-01-10}
upstream: {base_url: https://api.adverts.example}
routes:
  report-event:
    match: POST /events
    purpose: advertising@1
    ground: consent
    retention: 30d
    send:
      /device/os: {category: device.os}
deletion: {protocol: manual}
"""


@cache
def a_set() -> PolicySet:
    """The default policy with a courier on the core function and adverts on consent."""
    return load(COURIER, ADVERTISER).policy


def with_partner(id: str = "courier", /, **changes: Any) -> PolicySet:
    """The set with a recipient changed."""
    base = a_set()
    partners = dict(base.partners)
    partners[PartnerId(id)] = replace(partners[PartnerId(id)], **changes)
    return replace(base, partners=partners)


def the_partner(id: str = "courier") -> Partner:
    """One recipient of the set."""
    return a_set().partners[PartnerId(id)]


def the_route(id: str = "courier") -> Route:
    """The one route of a recipient of the set."""
    return the_partner(id).routes[0]


def with_route(id: str = "courier", /, **changes: Any) -> PolicySet:
    """The set with the one route of a recipient changed."""
    return with_partner(id, routes=(replace(the_route(id), **changes),))


def with_rule(kind: str, id: str, /, **changes: Any) -> PolicySet:
    """The set with one purpose, ground, kind or category changed."""
    rules: dict[Any, Any] = dict(getattr(a_set(), kind))
    rules[id] = replace(rules[id], **changes)
    return replace(a_set(), **{kind: rules})


def told(old: PolicySet, new: PolicySet) -> list[Difference]:
    """What differs, without what is only a detail."""
    return [one for one in compare(old, new).differences if one.direction is not Direction.NEUTRAL]


def the_one(old: PolicySet, new: PolicySet) -> tuple[str, str, str]:
    """The only difference that counts: what, which, and which way."""
    (found,) = told(old, new)
    return found.what.value, found.name, found.direction.value


def both_ways(old: PolicySet, new: PolicySet, what: str, name: str, direction: str) -> None:
    """One difference goes this way, and back the other way."""
    assert the_one(old, new) == (what, name, direction)
    assert the_one(new, old) == (what, name, STEPS[direction])


def neither_way(old: PolicySet, new: PolicySet, what: str, name: str) -> None:
    """What has no order widens there and back, and says so."""
    for pair in ((old, new), (new, old)):
        assert the_one(*pair) == (what, name, "widens")
        assert not any(one.ordered for one in told(*pair))
