"""Comparing the rules: purposes, grounds, kinds, categories, territories, rights, promises."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.model.policy import Category, Ground, KindRule, Purpose
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, Route
from gateway.policy.differences import (
    LEVEL,
    NARROWER,
    UNKNOWN,
    WIDER,
    Difference,
    Pair,
    Site,
    Step,
    What,
    by_set,
    by_size,
)

Touches = Callable[[Partner, Route], bool]


def compare_rules(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    """Every difference between what the two `policies/` say."""
    yield from _compare_purposes(old, new)
    yield from _compare_grounds(old, new)
    yield from _compare_kinds(old, new)
    yield from _compare_categories(old, new)
    yield from _compare_territories(old, new)
    yield from _compare_rights(old, new)
    yield from _compare_promises(old, new)


def touched(policy: PolicySet, touches: Touches) -> frozenset[Pair]:
    """The recipients and purposes whose routes a rule is about."""
    return frozenset(
        (partner.id, route.purpose)
        for partner in policy.partners.values()
        for route in partner.routes
        if touches(partner, route)
    )


def _both(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[tuple[Any, Any, Any]]:
    for id in sorted(old.keys() | new.keys()):
        yield id, old.get(id), new.get(id)


def _compare_purposes(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    for id, before, after in _both(old.purposes, new.purposes):
        pairs = touched(new, lambda _, route, id=id: route.purpose == id)  # type: ignore[misc]
        site = Site(purpose=id, pairs=pairs)
        if before is None or after is None:
            step = WIDER if before is None else NARROWER
            yield site.change(What.PURPOSE, id, _title(before), _title(after), step)
        else:
            yield from _compare_purpose(site, before, after)


def _title(one: Purpose | Ground | Category | None) -> str | None:
    return None if one is None else one.title


def _compare_purpose(site: Site, old: Purpose, new: Purpose) -> Iterator[Difference]:
    # S2: another version is another use, and nobody can say which is the wider one.
    yield from site.value(What.PURPOSE, "version", old.version, new.version, UNKNOWN)
    yield from site.members(What.GROUND, old.grounds, new.grounds)
    yield from site.members(What.KIND, old.kinds, new.kinds)
    for mark in ("separate_consent", "active_choice", "sale", "deidentified"):
        marks = getattr(old, mark), getattr(new, mark)
        yield from site.flag(What.MARK, mark, *marks, wide=False)
    yield from site.flag(What.MARK, "core", old.core, new.core, wide=True)
    # Commercial, it carries on fewer grounds, and is for profit: neither is the narrower.
    yield from site.value(What.MARK, "commercial", old.commercial, new.commercial, UNKNOWN)
    yield from site.value(What.MARK, "leaf", old.leaf, new.leaf, UNKNOWN)
    yield from site.value(What.DETAIL, "title", old.title, new.title, LEVEL)


def _compare_grounds(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    for id, before, after in _both(old.grounds, new.grounds):
        listing = {purpose.id for purpose in new.purposes.values() if id in purpose.grounds}
        site = Site(pairs=touched(new, lambda _, route, ids=listing: route.purpose in ids))  # type: ignore[misc]
        if before is None or after is None:
            step = WIDER if before is None else NARROWER
            yield site.change(What.GROUND, id, _title(before), _title(after), step)
        else:
            yield from _compare_ground(site, id, before, after)


def _compare_ground(site: Site, id: str, old: Ground, new: Ground) -> Iterator[Difference]:
    evidence = What.EVIDENCE
    yield from site.flag(evidence, f"{id} evidence", old.evidence, new.evidence, wide=False)
    yield from site.flag(evidence, f"{id} registered", old.registered, new.registered, wide=False)
    # A kind more whose evidence is registered is a kind more that is held to it.
    yield from site.value(
        evidence,
        f"{id} registered_kinds",
        old.registered_kinds,
        new.registered_kinds,
        lambda before, after: by_set(after, before),
    )
    yield from site.flag(What.GROUND, f"{id} commercial", old.commercial, new.commercial, wide=True)
    yield from site.flag(What.MINORS, f"{id} minors", old.minors, new.minors, wide=True)
    yield from site.value(What.DETAIL, f"{id} title", old.title, new.title, LEVEL)


def _compare_kinds(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    for kind in sorted(old.kinds.keys() | new.kinds.keys()):
        pairs = touched(new, lambda partner, _, kind=kind: partner.kind is kind)  # type: ignore[misc]
        # A kind that the policy is silent about gets the strictest defaults.
        rules = [policy.kinds.get(kind) or KindRule(kind=kind) for policy in (old, new)]
        yield from _compare_kind(Site(pairs=pairs), kind, *rules)


def _compare_kind(site: Site, kind: str, old: KindRule, new: KindRule) -> Iterator[Difference]:
    for mark in ("agreement", "sealed", "registered_demand", "deidentified", "accepts_edition"):
        marks = getattr(old, mark), getattr(new, mark)
        yield from site.flag(What.KIND, f"{kind} {mark}", *marks, wide=False)
    trees = old.categories_without_consent, new.categories_without_consent
    yield from site.value(What.KIND, f"{kind} categories_without_consent", *trees, _trees)


def _trees(before: Any, after: Any) -> Step:
    return LEVEL if before and after and set(before) == set(after) else by_set(before, after)


def _compare_categories(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    for id, before, after in _both(old.categories, new.categories):
        site = Site(
            pairs=touched(
                new,
                lambda _, route, id=id: any(field.category == id for field in route.fields()),  # type: ignore[misc]
            )
        )
        if before is None or after is None:
            # By itself it lets nothing out; a field that uses it is told where it stands.
            yield site.change(What.DETAIL, f"category {id}", _title(before), _title(after), LEVEL)
        else:
            yield from _compare_category(site, id, before, after)


def _compare_category(site: Site, id: str, old: Category, new: Category) -> Iterator[Difference]:
    grade = What.GRADE
    yield from site.flag(grade, f"{id} sensitive", old.sensitive, new.sensitive, wide=False)
    yield from site.flag(grade, f"{id} shareable", old.shareable, new.shareable, wide=True)
    yield from site.flag(grade, f"{id} identifying", old.identifying, new.identifying, wide=False)
    yield from site.flag(grade, f"{id} personal", old.personal, new.personal, wide=False)
    yield from site.value(What.DETAIL, f"{id} title", old.title, new.title, LEVEL)


def _compare_territories(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    everybody = Site(pairs=touched(new, lambda *_: True))
    homes = old.home_territory, new.home_territory
    yield from everybody.value(What.TERRITORY, "home", *homes, UNKNOWN)
    for code in sorted(old.territories ^ new.territories):
        pairs = touched(new, lambda partner, _, code=code: partner.territory == code)  # type: ignore[misc]
        came = code in new.territories
        yield Site(pairs=pairs).change(
            What.TERRITORY,
            code,
            None if came else "allowed",
            "allowed" if came else None,
            WIDER if came else NARROWER,
        )


def _compare_rights(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    """Rights that are reduced (N1): a later answer, one more ground to refuse, less notice."""
    site, one, other = Site(), old.rights, new.rights
    yield from site.value(What.RIGHTS, "days", one.default_days, other.default_days, by_size)
    reasons = one.days_by_reason.keys() | other.days_by_reason.keys()
    for reason in sorted(reasons):
        before, after = (
            rights.days_by_reason.get(reason, rights.default_days) for rights in (one, other)
        )
        yield from site.value(What.RIGHTS, f"days {reason}", before, after, by_size)
    yield from site.members(What.RIGHTS, one.refusal_grounds, other.refusal_grounds)
    yield from site.members(What.RIGHTS, one.scope_required, other.scope_required)
    yield from site.value(
        What.RIGHTS,
        "announced_days",
        one.announced_days,
        other.announced_days,
        lambda before, after: by_size(after, before),
    )
    months = one.tombstone_months, other.tombstone_months
    yield from site.value(What.DETAIL, "tombstone_months", *months, LEVEL)
    records = one.records_months, other.records_months
    yield from site.value(What.DETAIL, "records_months", *records, LEVEL)
    reminders = one.reminders_days, other.reminders_days
    yield from site.value(What.DETAIL, "reminders_days", *reminders, LEVEL)
    escalated = one.escalate_days, other.escalate_days
    yield from site.value(What.DETAIL, "escalate_days", *escalated, LEVEL)


def _compare_promises(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    site = Site()
    for id, before, after in _both(old.promises, new.promises):
        if before is None or after is None:
            step = NARROWER if before is None else WIDER
            texts = before.text if before else None, after.text if after else None
            yield site.change(What.PROMISE, id, *texts, step)
        else:
            # How far this program keeps it is no part of what is promised.
            yield from site.value(What.PROMISE, id, before.text, after.text, UNKNOWN)
