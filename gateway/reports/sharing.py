"""
The third-party sharing list: who gets what, why, on what ground, and how (S3, N2).

Made of the manifests and the policy alone. What is only our own business (who
answers for a recipient inside, addresses, secrets, names of fields) is not in it.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, Route, State
from gateway.reports.html import facts, joined, label, listed, page, table, tag
from gateway.reports.words import KINDS, how, span, tells_of_people

Shown = Mapping[str, Any]


def sharing_list(policy: PolicySet, *, on: date) -> dict[str, Any]:
    """The list as a JSON value, as of the day `on`. Drafts are not in it: they get nothing."""
    edition = policy.edition
    recipients = [
        _recipient(policy, partner)
        for partner in policy.partners.values()
        if partner.state is not State.DRAFT and partner.routes
    ]
    return {
        "edition": edition.number,
        "title": edition.title,
        "published": edition.published.isoformat(),
        "as_of": on.isoformat(),
        "home_territory": policy.home_territory,
        "recipients": sorted(recipients, key=lambda one: (one["name"].casefold(), one["partner"])),
    }


def _recipient(policy: PolicySet, partner: Partner) -> dict[str, Any]:
    return {
        "partner": partner.id,
        "name": partner.name,
        "kind": partner.kind.value,
        "kind_title": KINDS[partner.kind],
        "territory": partner.territory,
        "abroad": policy.crosses_border(partner),
        "contact": partner.contact,
        "state": partner.state.value,
        "uses": uses(policy, partner),
    }


def uses(policy: PolicySet, partner: Partner) -> list[dict[str, Any]]:
    """What one recipient gets, by purpose and ground."""
    grouped: dict[tuple[str, str], list[Route]] = {}
    for route in partner.routes:
        grouped.setdefault((route.purpose, route.ground), []).append(route)
    return [_use(policy, routes) for _, routes in sorted(grouped.items())]


def _use(policy: PolicySet, routes: list[Route]) -> dict[str, Any]:
    first = routes[0]
    purpose, ground = policy.purposes[first.purpose], policy.grounds[first.ground]
    kept = max(route.retention for route in routes)
    return {
        "purpose": purpose.id,
        "purpose_version": purpose.version,
        "purpose_title": purpose.title,
        "core": purpose.core,
        "ground": ground.id,
        "ground_title": ground.title,
        "data": data(policy, routes),
        "retention": span(kept),
        "retention_seconds": int(kept / timedelta(seconds=1)),
    }


def data(policy: PolicySet, routes: Iterable[Route]) -> list[dict[str, Any]]:
    """The categories that leave by these routes, and how; what is about nobody is left out."""
    found: dict[str, set[str]] = {}
    for route in routes:
        for field in route.fields():
            manner = how(field, route)
            if manner is not None and tells_of_people(policy.categories.get(field.category)):
                found.setdefault(field.category, set()).add(manner)
    return [_category(policy, id, manners) for id, manners in sorted(found.items())]


def _category(policy: PolicySet, id: str, manners: set[str]) -> dict[str, Any]:
    known = policy.categories.get(id)  # type: ignore[call-overload]
    return {
        "category": id,
        "title": known.title if known else id,
        "sensitive": known is None or known.sensitive,
        "how": sorted(manners),
    }


def sharing_page(value: Shown) -> str:
    """The list as a page."""
    return page(
        "Who receives personal information from us",
        facts(
            [
                ("Policy", f"edition {value['edition']}, published {value['published']}"),
                ("As of", value["as_of"]),
                ("Recipients", len(value["recipients"])),
                ("Kept at home in", value["home_territory"]),
            ]
        ),
        tag("p", _OPENING),
        *(_card(one) for one in value["recipients"]),
        lead="The third-party sharing list: who, why, which data, how, and for how long.",
        foot="Made from the rules that our systems enforce: what is not listed here is not sent.",
    )


_OPENING = (
    "Each recipient gets the data listed here and nothing else, for the purpose stated and no "
    "other, under terms that are signed and sent along. Connections are encrypted."
)


def _card(one: Shown) -> object:
    place = f"{one['territory']} ", label("abroad", marked=True)
    return tag(
        "section",
        tag("h2", one["name"]),
        facts(
            [
                ("Who", one["kind_title"]),
                ("Where", joined(place) if one["abroad"] else one["territory"]),
                ("Contact", one["contact"]),
                *([] if one["state"] == "active" else [("At present", "paused: nothing is sent")]),
            ]
        ),
        _table(one),
        class_="card",
    )


def _table(one: Shown) -> object:
    rows = [
        (
            use["purpose_title"] + ("" if use["core"] else " (only if switched on)"),
            use["ground_title"],
            listed([data_line(each) for each in use["data"]] or ["Nothing about a person"]),
            use["retention"],
        )
        for use in one["uses"]
    ]
    headings = ("Why", "On what ground", "Which data, and how", "Kept for at most")
    return table(headings, rows, caption=f"What {one['name']} receives")


def data_line(each: Shown) -> object:
    """One category, and how it leaves."""
    mark = (" ", label("sensitive", marked=True)) if each["sensitive"] else ()
    return joined((each["title"], ": ", "; or ".join(each["how"]), *mark))


def sharing_rows(value: Shown) -> list[tuple[str, ...]]:
    """The list for a terminal: recipient, purpose, ground, data, time."""
    return [
        (
            one["name"],
            use["purpose_title"],
            use["ground_title"],
            ", ".join(each["title"] for each in use["data"]),
            use["retention"],
        )
        for one in value["recipients"]
        for use in one["uses"]
    ]
