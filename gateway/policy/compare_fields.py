"""
Comparing what leaves: the fields of one route, before and after.

How much of a value a transform lets out is told by `TRANSFORM_ORDER`.

Of two parts by the same transform, the argument decides (a longer `truncate` is
more, a longer `mask-tail` less). Parts by different transforms cannot be
compared. Nor can a part that points to nobody (for that category, by the rules
of `transforms`) and a lasting stand-in, which says less and singles out.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.model.ids import CategoryId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Field, Route, Seal, TokenTerms, TransformCall
from gateway.policy.differences import (
    LEVEL,
    NARROWER,
    UNKNOWN,
    WIDER,
    Difference,
    Site,
    Step,
    What,
    by_limit,
    by_set,
    by_size,
    shown,
)
from gateway.policy.transforms import TRANSFORMS

Key = tuple[str, str]
"""The place of a value (body, path, query, header) and its name there."""

DROP = "drop"
TRANSFORM_ORDER = (
    "drop: nothing",
    "constant: a fixed value, which is not the person's",
    "token: nothing until it is redeemed here, under the gateway's own checks",
    "pseudonym: a lasting stand-in that says nothing of the value",
    "hash: a lasting stand-in that is made from the value",
    "any other transform: a part of the value, masked, cut or made coarser",
    "none: the value as it is",
)
"""From the least to the most that leaves, in words."""

_WHOLE = ("drop", "constant", "token", "pseudonym", "hash")
_PART, _RAW = len(_WHOLE), len(_WHOLE) + 1

_REGIONS = ("province", "city")
# What more of a transform's argument does.
_ARGUMENTS: Mapping[str, Callable[[Any, Any], Step]] = {
    "truncate": by_size,
    "coarse-location": by_size,
    "ip-prefix": by_size,
    "mask-tail": lambda before, after: by_size(after, before),
    "age-band": lambda before, after: by_size(after, before),
    "region": lambda before, after: by_size(_REGIONS.index(before), _REGIONS.index(after)),
    "constant": lambda before, after: LEVEL,
    "token": lambda before, after: _tokens(before, after),
}


def declared(route: Route) -> dict[Key, Field]:
    """Every value of a route that may leave, by where it stands; what is dropped stays here."""
    places = (
        ("body", {field.selector: field for field in route.send}),
        ("path", route.path_fields),
        ("query", route.query_fields),
        ("header", route.header_fields),
    )
    return {
        (place, name): field
        for place, fields in places
        for name, field in fields.items()
        if field.transform is None or field.transform.name != DROP
    }


def selectors(route: Route) -> frozenset[str]:
    """The names of everything that may leave, as leaves and grants have them."""
    return frozenset(_name(key) for key in declared(route))


def compare_transforms(
    category: CategoryId, before: TransformCall | None, after: TransformCall | None
) -> Step:
    """How much of a value of `category` leaves, by the order above. The two must differ."""
    one, other = _exposure(before), _exposure(after)
    if one != other:
        if before and after and _singles_out_instead(category, before, after):
            return UNKNOWN
        return by_size(one, other)
    if before is None or after is None or before.name != after.name:
        return UNKNOWN
    rule = TRANSFORMS[before.name]
    arguments = rule.argument(before.argument), rule.argument(after.argument)
    if arguments[0] == arguments[1]:
        return LEVEL
    return _ARGUMENTS.get(before.name, lambda *_: UNKNOWN)(*arguments)


def _tokens(before: TokenTerms | None, after: TokenTerms | None) -> Step:
    """Longer to redeem, or more often, is more; longer and less often cannot be compared."""
    one, other = before or TokenTerms(), after or TokenTerms()
    steps = {
        by_limit(limits[0], limits[1])
        for limits in ((one.ttl, other.ttl), (one.uses, other.uses))
        if limits[0] != limits[1]
    }
    return steps.pop() if len(steps) == 1 else UNKNOWN if steps else LEVEL


def _exposure(call: TransformCall | None) -> int:
    if call is None:
        return _RAW
    return _WHOLE.index(call.name) if call.name in _WHOLE else _PART


def _singles_out_instead(category: CategoryId, one: TransformCall, other: TransformCall) -> bool:
    """Whether one of the two is a lasting stand-in and the other points to nobody."""
    rules = [(TRANSFORMS[call.name], call) for call in (one, other) if call.name in TRANSFORMS]
    stable = [rule.stable for rule, _ in rules]
    parts = [
        _exposure(call) == _PART and not rule.identifies(category, call.argument)
        for rule, call in rules
    ]
    return any(stable) and any(parts)


def compare_fields(
    site: Site, old: Route, new: Route, policies: tuple[PolicySet, PolicySet]
) -> Iterator[Difference]:
    """
    Every difference between what two routes let out.

    `policies` are the old and the new set; a category that is new for the
    recipient and purpose is told as such.
    """
    before, after = declared(old), declared(new)
    for key in after.keys() - before.keys():
        yield _added(site, key, after[key], policies[1], _reaching(policies[0], site))
    for key in before.keys() - after.keys():
        yield _removed(site, key, before[key], policies[0], _reaching(policies[1], site))
    for key in before.keys() & after.keys():
        sealed = old.seal is new.seal is Seal.FIELDS
        yield from _compare_field(site, _name(key), before[key], after[key], sealed=sealed)


def _reaching(policy: PolicySet, site: Site) -> set[CategoryId]:
    """The categories that a recipient gets for a purpose in one set."""
    partner = policy.partners.get(site.partner) if site.partner else None
    return {
        field.category
        for route in (partner.routes if partner else ())
        if route.purpose == site.purpose
        for field in declared(route).values()
    }


def _added(
    site: Site, key: Key, field: Field, policy: PolicySet, before: set[CategoryId]
) -> Difference:
    what = What.FIELD if field.category in before else What.CATEGORY
    if _harmless(policy, field):
        return site.change(What.FIELD, _name(key), None, _told(field), LEVEL)
    return site.change(what, _name(key), None, _told(field), WIDER)


def _removed(
    site: Site, key: Key, field: Field, policy: PolicySet, after: set[CategoryId]
) -> Difference:
    what = What.FIELD if field.category in after else What.CATEGORY
    if _harmless(policy, field):
        return site.change(What.FIELD, _name(key), _told(field), None, LEVEL)
    return site.change(what, _name(key), _told(field), None, NARROWER)


def _harmless(policy: PolicySet, field: Field) -> bool:
    """Whether a field says nothing about a person and cannot be made to: it is no free text."""
    category = policy.categories.get(field.category)
    bound = field.pattern or field.enum or field.type in ("number", "integer", "boolean")
    return category is not None and not category.personal and bool(bound)


def _compare_field(
    site: Site, name: str, before: Field, after: Field, *, sealed: bool
) -> Iterator[Difference]:
    if before.category != after.category:
        yield site.change(What.CATEGORY, name, before.category, after.category, UNKNOWN)
    if before.transform != after.transform:
        step = _transform_step(before, after)
        yield site.change(
            What.TRANSFORM, name, _call(before.transform), _call(after.transform), step
        )
    if sealed:
        yield from site.flag(What.SEAL, name, before.sealed, after.sealed, wide=False)
    yield from _compare_limits(site, name, before, after)


def _transform_step(before: Field, after: Field) -> Step:
    """What a transform does depends on the category; where that changed too, on both."""
    steps = {
        compare_transforms(category, before.transform, after.transform)
        for category in (before.category, after.category)
    }
    return steps.pop() if len(steps) == 1 else UNKNOWN


def _compare_limits(site: Site, name: str, before: Field, after: Field) -> Iterator[Difference]:
    limit = What.LIMIT
    yield from site.value(limit, f"{name} type", before.type, after.type, _types)
    yield from site.value(limit, f"{name} pattern", before.pattern, after.pattern, _patterns)
    enums = _written(before.enum), _written(after.enum)
    yield from site.value(limit, f"{name} enum", *enums, _enums)
    sizes = before.max_length, after.max_length
    yield from site.value(limit, f"{name} max_length", *sizes, by_limit)
    yield from site.value(limit, f"{name} scan", before.scan, after.scan, _scans)
    yield from site.value(What.DETAIL, f"{name} required", before.required, after.required, LEVEL)


def _types(before: str | None, after: str | None) -> Step:
    if before is None or after is None:
        return by_limit(before, after)
    if (before, after) == ("integer", "number"):
        return WIDER
    return NARROWER if (before, after) == ("number", "integer") else UNKNOWN


def _patterns(before: str | None, after: str | None) -> Step:
    return UNKNOWN if before and after else by_limit(before, after)


def _enums(before: tuple[str, ...] | None, after: tuple[str, ...] | None) -> Step:
    if before is not None and after is not None and set(before) == set(after):
        return LEVEL
    return by_set(before, after)


def _written(enum: tuple[Any, ...] | None) -> tuple[str, ...] | None:
    """Values as JSON has them: 1 and true are two."""
    return None if enum is None else tuple(json.dumps(one, ensure_ascii=False) for one in enum)


def _scans(before: str | None, after: str | None) -> Step:
    # Text in which something personal is found: refused, masked, or let out as it is.
    order = ("block", "mask", None)
    return by_size(order.index(before), order.index(after))


def _name(key: Key) -> str:
    place, name = key
    return name if place == "body" else f"{place}.{name}"


def _told(field: Field) -> str:
    how = "sealed" if field.sealed else _call(field.transform)
    return f"{field.category}, {how}"


def _call(call: TransformCall | None) -> str:
    if call is None:
        return "as it is"
    if isinstance(call.argument, TokenTerms):
        terms = call.argument
        return f"{call.name} ttl {shown(terms.ttl)}, uses {shown(terms.uses)}"
    # What a constant says is the manifest's business.
    plain = call.argument is None or call.name == "constant"
    return call.name if plain else f"{call.name} {call.argument}"
