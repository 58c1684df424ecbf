"""
The transparency report: what authorities demanded, what they were given, and what
was refused (D2). It counts, and names no person.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.model.ids import PurposeId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner
from gateway.reports.counts import Demand, RefusalCount, ShareCount
from gateway.reports.html import facts, page, table, tag
from gateway.reports.period import Period, told
from gateway.reports.words import category, plural

Shown = Mapping[str, Any]

# A document's type is free text: what is no plain word could be anything.
_A_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9 ./-]{0,39}")
OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Everything that the report counts."""

    demands: Iterable[Demand] = ()
    given: Sequence[ShareCount] = ()
    refused: Sequence[RefusalCount] = ()
    exempt: Mapping[str, int] | None = None
    """Erasure notices that were not sent because they would tip off, by recipient."""


def transparency(
    policy: PolicySet, authorities: Sequence[Partner], counted: Counted, *, period: Period
) -> dict[str, Any]:
    """The report as a JSON value, by authority and purpose."""
    exempt = counted.exempt or {}
    tally = _Demands(counted.demands)
    rows = [
        {
            "partner": one.id,
            "name": one.name,
            "territory": one.territory,
            "demands": tally.of(one.id),
            "exempt_notices": exempt.get(one.id, 0),
            "purposes": [
                _purpose(policy, one.id, purpose, tally, counted)
                for purpose in _purposes(one.id, tally, counted)
            ],
        }
        for one in sorted(authorities, key=lambda one: (one.name.casefold(), one.id))
    ]
    return {"period": period.shown(), "totals": _totals(rows), "authorities": rows}


class _Demands:
    """Demands, counted once by authority and once for each purpose that they name."""

    def __init__(self, demands: Iterable[Demand]) -> None:
        self._whole: dict[str, Counter[str]] = {}
        self._types: dict[tuple[str, str], Counter[str]] = {}
        self._untold: Counter[tuple[str, str]] = Counter()
        for one in demands:
            whole = self._whole.setdefault(one.partner, Counter())
            whole["registered"] += 1
            whole["may_not_be_told"] += not one.may_tell
            for purpose in one.purposes:
                type = one.type if _A_TYPE.fullmatch(one.type) else OTHER
                self._types.setdefault((one.partner, purpose), Counter())[type] += 1
                self._untold[one.partner, purpose] += not one.may_tell

    def purposes(self, partner: str) -> set[str]:
        return {purpose for known, purpose in self._types if known == partner}

    def of(self, partner: str, purpose: str | None = None) -> dict[str, Any]:
        if purpose is None:
            whole = self._whole.get(partner, Counter())
            return {name: whole[name] for name in ("registered", "may_not_be_told")}
        types = self._types.get((partner, purpose), Counter())
        return {
            "registered": types.total(),
            "may_not_be_told": self._untold[partner, purpose],
            "by_type": dict(sorted(types.items())),
        }


def _purposes(partner: str, tally: _Demands, counted: Counted) -> list[str]:
    shared = {one.purpose for one in counted.given if one.partner == partner}
    refused = {one.purpose or "" for one in counted.refused if one.partner == partner}
    return sorted(tally.purposes(partner) | shared | refused)


def _purpose(
    policy: PolicySet, partner: str, purpose: str, tally: _Demands, counted: Counted
) -> dict[str, Any]:
    known = policy.purposes.get(PurposeId(purpose))
    given = [
        one
        for one in counted.given
        if (one.partner, one.purpose) == (partner, purpose) and one.outcome != "not-sent"
    ]
    reasons: Counter[str] = Counter()
    for one in counted.refused:
        if (one.partner, one.purpose or "") == (partner, purpose):
            reasons[one.code] += one.refusals
    return {
        "purpose": purpose or None,
        "title": known.title if known else purpose or "Not known",
        "demands": tally.of(partner, purpose),
        "given": {
            "shares": sum(one.shares for one in given),
            "may_not_be_told": sum(one.shares for one in given if one.untold),
            "by_category": _categories(policy, given),
        },
        "refused": {"shares": reasons.total(), "by_reason": dict(sorted(reasons.items()))},
    }


def _categories(policy: PolicySet, given: Iterable[ShareCount]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in given:
        for id in one.categories:
            if id != "none":
                found[category(policy, id)] += one.shares
    return dict(sorted(found.items()))


def _totals(rows: Sequence[Shown]) -> dict[str, int]:
    inside = [purpose for row in rows for purpose in row["purposes"]]
    return {
        "demands": sum(row["demands"]["registered"] for row in rows),
        "demands_that_may_not_be_told": sum(row["demands"]["may_not_be_told"] for row in rows),
        "given": sum(one["given"]["shares"] for one in inside),
        "given_that_may_not_be_told": sum(one["given"]["may_not_be_told"] for one in inside),
        "refused": sum(one["refused"]["shares"] for one in inside),
        "exempt_notices": sum(row["exempt_notices"] for row in rows),
    }


def transparency_page(value: Shown) -> str:
    """The report as a page."""
    totals = value["totals"]
    return page(
        "Demands of authorities",
        facts(
            [
                ("Period", told(value["period"])),
                ("Demands registered", f"{totals['demands']:,}"),
                ("of which the person may not be told", _n(totals, "demands_that_may_not_be_told")),
                ("Shares given", f"{totals['given']:,}"),
                ("of which the person may not be told", _n(totals, "given_that_may_not_be_told")),
                ("Shares refused", f"{totals['refused']:,}"),
                ("Erasure notices withheld, as they would tip off", _n(totals, "exempt_notices")),
            ]
        ),
        *(_card(one) for one in value["authorities"]),
        lead="What was demanded by law, what was given, and what was refused.",
        foot="Authorities receive on a registered demand only, never more than it names, and "
        "always encrypted. Nobody can be told apart in these counts.",
    )


def _n(totals: Mapping[str, int], name: str) -> str:
    return f"{totals[name]:,}"


def _card(one: Shown) -> object:
    rows = [
        (
            purpose["title"],
            _told(purpose["demands"]["by_type"]),
            purpose["given"]["shares"],
            _told(purpose["given"]["by_category"]),
            purpose["refused"]["shares"],
            _told(purpose["refused"]["by_reason"]),
        )
        for purpose in one["purposes"]
    ]
    headings = ("Purpose", "Demands", "Given", "Which data", "Refused", "Why")
    shown = (
        table(headings, rows, caption=f"{one['name']}, by purpose", numbers={2, 4})
        if rows
        else tag("p", "Nothing was demanded, given or refused.")
    )
    withheld = plural(one["exempt_notices"], "erasure notice")
    return tag(
        "section",
        tag("h2", one["name"]),
        tag("p", f"{one['territory']}. {withheld} withheld.", class_="note"),
        shown,
        class_="card",
    )


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "—"


def transparency_rows(value: Shown) -> list[tuple[Any, ...]]:
    """For a terminal: authority, purpose, demands, untold, given, refused."""
    return [
        (
            one["name"],
            purpose["purpose"] or "—",
            purpose["demands"]["registered"],
            purpose["demands"]["may_not_be_told"],
            purpose["given"]["shares"],
            purpose["refused"]["shares"],
            _told(purpose["refused"]["by_reason"]),
        )
        for one in value["authorities"]
        for purpose in one["purposes"]
    ]
