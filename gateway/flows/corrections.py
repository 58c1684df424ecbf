"""
Corrections: what each recipient of an old value is told (contract §9; R1).

    changes -> shares that had the field -> the route's own transform -> notice

The new values are stored with the case, under its key, until its notices are made,
and then in their escrows; in no leaf and no log.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.cases import corrections as core
from gateway.cases.corrections import Meant, by_token, declared, form_of, route_of, untouched
from gateway.cases.plan import PlannedNotice, told_of
from gateway.errors import ConfigError
from gateway.flows import editions
from gateway.flows.clockwork import parse_stamp
from gateway.flows.gateway import Gateway
from gateway.flows.prepare import hash_keys
from gateway.model.cases import CaseScope, NewValue, ToldShare
from gateway.model.ids import CategoryId, PartnerId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Field, Partner, Route
from gateway.shape import Context, write_scalar
from gateway.shape.rules import compile_rule
from gateway.shape.values import declared_scalar, text_of

# Sets of documents of the past that were compiled, some 100 ms each.
KEPT_SETS = 8

_COMPILED: OrderedDict[tuple[str, str], PolicySet | None] = OrderedDict()


@dataclass(slots=True, kw_only=True)
class Corrected:
    """The shares that had a corrected field, and what their recipients are told."""

    shares: list[ToldShare] = field(default_factory=list)
    values: dict[tuple[str, str], dict[tuple[str, str], NewValue]] = field(
        default_factory=dict, repr=False
    )
    """By recipient and pseudonym, then by field and purpose."""

    def attached(self, planned: Sequence[PlannedNotice]) -> tuple[PlannedNotice, ...]:
        """The notices with what each says."""
        listed = {key: tuple(one.values()) for key, one in self.values.items()}
        return core.with_changes(planned, listed)


def declared_fields(gateway: Gateway, scope: CaseScope) -> dict[str, CategoryId]:
    """
    The fields that the recipients of a scope declare, each with its category. Where the
    scope names nobody, those that are of one category at all who declare them.
    """
    partners = gateway.policy.policy.partners
    found: dict[str, CategoryId] = {}
    several: set[str] = set()
    for id in sorted(scope.partners or partners):
        for route in partners[id].routes if id in partners else ():
            for name, one in route.named_fields():
                if found.setdefault(name, one.category) != one.category:
                    several.add(name)
    # Who names the recipients knows what each of them means by it.
    unclear = frozenset() if scope.partners else several
    return {name: category for name, category in found.items() if name not in unclear}


def check(
    gateway: Gateway, changes: Mapping[str, Any] | None, scope: CaseScope, *, rectify: bool
) -> None:
    """Check what is to be changed. Raises `CallerError` (`request-invalid`)."""
    core.check_changes(
        changes,
        scope,
        rectify=rectify,
        categories=gateway.policy.policy.categories,
        fields=declared_fields(gateway, scope),
    )


def narrowed_scope(gateway: Gateway, changes: Mapping[str, Any], scope: CaseScope) -> CaseScope:
    """What a correction is about: its categories, and never the whole person."""
    fields = declared_fields(gateway, scope)
    return replace(scope, categories=core.changed_categories(changes, fields))


async def corrected(
    gateway: Gateway,
    changes: Mapping[str, Any],
    scope: CaseScope,
    shares: Sequence[tuple[ToldShare, Mapping[str, Any]]],
) -> Corrected:
    """
    Of these shares, with their leaves, those that had a corrected field, and the new
    value in the form in which each recipient had it.
    """
    found = Corrected()
    bounds = replace(scope, categories=frozenset())
    for share, leaf in shares:
        if not told_of(share, bounds):
            continue
        then, now = await _routes(gateway, share, leaf)
        told = _about(gateway, changes, share, leaf, then, now)
        if told is None:
            continue
        found.shares.append(replace(share, categories=tuple(sorted(told[0]))))
        mine = found.values.setdefault((share.partner, share.pseudonym), {})
        for value in told[1]:
            known = mine.get((value.selector, value.purpose))
            if known is not None and known.value != value.value:
                # It had the field in two forms: which of them it is to change, a person says.
                value = replace(value, value=None)
            mine[value.selector, value.purpose] = value
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Routes:
    """The routes that one share may have taken."""

    routes: tuple[Route, ...]

    def fields(self, selector: str) -> tuple[Field, ...]:
        return declared(self.routes, selector)


async def _routes(
    gateway: Gateway, share: ToldShare, leaf: Mapping[str, Any]
) -> tuple[_Routes, _Routes]:
    """As they were declared when it left, and as they are."""
    partner = gateway.policy.policy.partners.get(share.partner)
    now = _of(partner, share, leaf)
    if leaf["kind"] == "declared" or "edition" not in leaf:
        return _Routes(routes=()), _Routes(routes=now)
    then: list[Route] = []
    at = parse_stamp(leaf["at"])
    for row in await gateway.store.editions_of(leaf["edition"], at):
        policy = await _compiled(gateway, row)
        if policy is None:
            # What it said cannot be read any more: nothing is known of that time.
            return _Routes(routes=()), _Routes(routes=now)
        then += _of(policy.partners.get(share.partner), share, leaf)
    return _Routes(routes=tuple(then)), _Routes(routes=now)


def _of(partner: Partner | None, share: ToldShare, leaf: Mapping[str, Any]) -> tuple[Route, ...]:
    return route_of(partner.routes if partner else (), share.purpose, leaf["fields"])


async def _compiled(gateway: Gateway, row: Any) -> PolicySet | None:
    current = gateway.policy.policy
    if (row.number, row.digest) == (current.edition.number, current.digest):
        return current
    key = (str(gateway.config.home), row.digest)
    if key not in _COMPILED:
        try:
            _COMPILED[key] = (
                await asyncio.to_thread(editions.compiled, row, gateway.config)
            ).policy
        except ConfigError:
            _COMPILED[key] = None
        while len(_COMPILED) > KEPT_SETS:
            _COMPILED.popitem(last=False)
    return _COMPILED[key]


def _about(
    gateway: Gateway,
    changes: Mapping[str, Any],
    share: ToldShare,
    leaf: Mapping[str, Any],
    then: _Routes,
    now: _Routes,
) -> tuple[set[CategoryId], list[NewValue]] | None:
    """The categories and new values that concern one share; None: nothing of it does."""
    names = list(leaf["fields"])
    forms = {name: (then.fields(name), now.fields(name)) for name in names}
    categories = {
        name: frozenset(one.category for one in (*before, *today))
        for name, (before, today) in forms.items()
    }
    told: set[CategoryId] = set()
    values: list[NewValue] = []
    for one in core.meant(changes, names, categories):
        before, today = forms[one.selector]
        form = form_of(before, today)
        if form is not None and untouched(form):
            continue
        told.add(one.category)
        if form is None or not by_token(form):
            values.append(_value(gateway, share, leaf, one, form))
    wider = _unnamed(changes, share, categories)
    if wider:
        told |= wider
        values += [_unclear(share, leaf, category) for category in sorted(wider)]
    return (told, values) if told else None


def _unnamed(
    changes: Mapping[str, Any],
    share: ToldShare,
    categories: Mapping[str, frozenset[CategoryId]],
) -> set[CategoryId]:
    """
    Categories that the leaf says left, and no declaration that is known shows in which
    field: what left beside the gateway, or by a manifest that is gone.
    """
    shown = {one for some in categories.values() for one in some}
    wanted = [one for one in changes if not core.is_field(one)]
    return {
        one
        for one in share.categories
        if (one in changes and one not in shown)
        # A field declared as a wider or a narrower category may hold it, or something else.
        or any(one.startswith(f"{name}.") or name.startswith(f"{one}.") for name in wanted)
    }


def _unclear(share: ToldShare, leaf: Mapping[str, Any], category: CategoryId) -> NewValue:
    return NewValue(
        selector=category,
        purpose=share.purpose,
        purpose_version=leaf.get("purpose_version", 1),
        value=None,
    )


def _value(
    gateway: Gateway,
    share: ToldShare,
    leaf: Mapping[str, Any],
    one: Meant,
    form: Field | None,
) -> NewValue:
    return NewValue(
        selector=one.selector,
        purpose=share.purpose,
        purpose_version=leaf.get("purpose_version", 1),
        value=None if form is None else formed(gateway, share.partner, form, one.value),
    )


def formed(gateway: Gateway, partner: PartnerId, form: Field, value: Any) -> str | None:
    """
    A new value as this recipient may have it, as JSON text; None where the route's own
    rules would not have let it out.
    """
    scalar = declared_scalar(value)
    rule = compile_rule(form)
    if rule is None:
        return write_scalar(scalar)
    if text_of(scalar) is None and scalar is not None and not isinstance(scalar, bool):
        return None
    context = Context(
        partner=partner,
        hash_key=hash_keys(gateway.keys)(partner),
        pseudonym=_never,
        token=_never,
        seal=_never,
        today=gateway.clock().date(),
    )
    let_out = rule(scalar, context)
    try:
        return write_scalar(let_out)
    except KeyError:
        # Dropped, or against a rule.
        return None


def _never(*_: Any) -> str:
    raise LookupError("a correction makes no token and no pseudonym")
