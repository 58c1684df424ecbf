"""
Records of processing: for each recipient and purpose what is processed, of whom,
on what ground, where, for how long, how it is protected, and how often it was (P4, S4a).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from gateway.model.ids import PurposeId
from gateway.model.policy import Kind
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Agreement, Partner, Route, Seal, State, SubjectFrom
from gateway.reports.counts import ShareCount
from gateway.reports.html import facts, joined, label, listed, page, table, tag
from gateway.reports.period import Period, told
from gateway.reports.sharing import data, data_line
from gateway.reports.words import KINDS, plural, span

Shown = Mapping[str, Any]

OUTCOMES = ("delivered", "timeout", "unknown", "open", "not-sent")


def records(
    policy: PolicySet,
    counts: Sequence[ShareCount],
    former: Iterable[Partner] = (),
    *,
    period: Period,
    on: date,
) -> dict[str, Any]:
    """The records as a JSON value. `former` are recipients whose manifest is gone."""
    rows = [
        _row(policy, partner, purpose, counts)
        for partner in (*policy.partners.values(), *former)
        for purpose in sorted(_purposes(partner, counts))
    ]
    return {
        "edition": policy.edition.number,
        "as_of": on.isoformat(),
        "period": period.shown(),
        "home_territory": policy.home_territory,
        "records": sorted(rows, key=lambda one: (one["name"].casefold(), one["purpose"])),
    }


def _purposes(partner: Partner, counts: Sequence[ShareCount]) -> set[str]:
    declared = {str(route.purpose) for route in partner.routes}
    return declared | {one.purpose for one in counts if one.partner == partner.id}


def _row(
    policy: PolicySet, partner: Partner, purpose: str, counts: Sequence[ShareCount]
) -> dict[str, Any]:
    routes = [route for route in partner.routes if route.purpose == purpose]
    known = policy.purposes.get(PurposeId(purpose))
    return {
        "partner": partner.id,
        "name": partner.name,
        "kind": partner.kind.value,
        "kind_title": KINDS[partner.kind],
        "responsible": partner.owner,
        "contact": partner.contact,
        "state": _state(partner, routes),
        "purpose": purpose,
        "purpose_version": known.version if known else None,
        "purpose_title": known.title if known else purpose,
        "grounds": [
            {"ground": id, "title": policy.grounds[id].title}
            for id in sorted({route.ground for route in routes})
        ],
        "data": data(policy, routes),
        "people": people(policy, routes),
        "territory": partner.territory,
        "abroad": policy.crosses_border(partner),
        "safeguards": safeguards(policy, partner),
        "retention": span(max(route.retention for route in routes)) if routes else None,
        "security": security(partner, routes),
        "agreement": _agreement(policy, partner.agreement),
        "shares": _tally(partner.id, purpose, counts),
    }


def _state(partner: Partner, routes: Sequence[Route]) -> str:
    """Former: nothing declared lets anything out to it for this purpose any more."""
    return partner.state.value if routes or partner.state is State.DRAFT else "former"


def people(policy: PolicySet, routes: Sequence[Route]) -> list[str]:
    """Whose data it is, in categories of people."""
    if routes and all(route.subject.source is SubjectFrom.NONE for route in routes):
        return ["Nobody who could be told apart"]
    by_law = any(policy.grounds[route.ground].minors for route in routes)
    minors = (
        "People under 18, where the law permits or their protection needs it"
        if by_law
        else "People under 18, with their guardian's consent only"
    )
    return ["People who use our products", minors]


def safeguards(policy: PolicySet, partner: Partner) -> list[str]:
    """What holds where data leaves the home territory (K1)."""
    if not policy.crosses_border(partner):
        return []
    return [
        "Each person's separate consent to the transfer abroad",
        "The recipient is bound to our instructions by its agreement and by signed terms",
    ]


def security(partner: Partner, routes: Sequence[Route]) -> list[str]:
    """How the data is protected on the way and at the recipient (P1, S4d)."""
    fields = [field for route in routes for field in route.fields()]
    transforms = {field.transform.name for field in fields if field.transform is not None}
    tls = partner.upstream.tls if partner.upstream else None
    held = (
        ("Verified TLS", True),
        ("Both sides prove who they are by certificate", tls is not None and tls.cert is not None),
        ("The recipient's certificate is pinned", tls is not None and bool(tls.pins)),
        (
            "The whole message is encrypted for the recipient and the purpose",
            any(route.seal is Seal.BODY for route in routes),
        ),
        (
            "Fields are encrypted for the recipient and the purpose",
            any(field.sealed for field in fields),
        ),
        (
            "Fields are masked, generalised or put under a pseudonym",
            bool(transforms - {"token", "drop", "constant"}),
        ),
        ("Fields leave as tokens that open at our gateway only", "token" in transforms),
        ("Terms are signed and sent along", bool(routes)),
        ("Each share is recorded before it leaves", True),
    )
    return [words for words, holds in held if holds]


def _agreement(policy: PolicySet, agreement: Agreement | None) -> dict[str, Any] | None:
    if agreement is None:
        return None
    names = [known.name if (known := policy.partners.get(id)) else id for id in agreement.onward]
    return {
        "reference": agreement.reference,
        "signed": agreement.signed.isoformat(),
        "expires": agreement.expires.isoformat(),
        "onward": names,
    }


def _tally(partner: str, purpose: str, counts: Sequence[ShareCount]) -> dict[str, int]:
    found = dict.fromkeys(OUTCOMES, 0)
    for one in counts:
        if (one.partner, one.purpose) == (partner, purpose):
            found[one.outcome] += one.shares
    disclosed = sum(count for outcome, count in found.items() if outcome != "not-sent")
    return {"disclosed": disclosed, **found}


def records_page(value: Shown) -> str:
    """The records as a page."""
    return page(
        "Records of processing",
        facts(
            [
                ("Policy", f"edition {value['edition']}"),
                ("As of", value["as_of"]),
                ("Shares counted", told(value["period"])),
                ("Records", len(value["records"])),
                ("Home territory", value["home_territory"]),
            ]
        ),
        _overview(value["records"]),
        *(_card(one) for one in value["records"]),
        lead="What is shared with whom, for what, on what ground, and how it is protected.",
        foot="Counts are from the ledger. What may have been received counts as disclosed.",
    )


def _overview(rows: Sequence[Shown]) -> object:
    cells = [
        (
            one["name"],
            one["purpose_title"],
            joined((one["territory"], " ", label("abroad", marked=True)))
            if one["abroad"]
            else one["territory"],
            one["agreement"]["expires"] if one["agreement"] else "—",
            f"{one['shares']['disclosed']:,}",
        )
        for one in rows
    ]
    headings = ("Recipient", "Purpose", "Territory", "Agreement ends", "Disclosed")
    return table(headings, cells, caption="All records", numbers={4})


def _card(one: Shown) -> object:
    kept = one["retention"] or "nothing is declared any more"
    pairs: list[tuple[str, object]] = [
        ("Recipient", f"{one['kind_title']}, {one['contact']}"),
        ("Answers for it inside", one["responsible"]),
        ("Ground", listed([g["title"] for g in one["grounds"]]) if one["grounds"] else "—"),
        ("Of whom", listed(one["people"])),
        ("Which data", listed([data_line(each) for each in one["data"]] or ["None of a person"])),
        ("Where", f"{one['territory']}{', abroad' if one['abroad'] else ''}"),
        *([("Safeguards abroad", listed(one["safeguards"]))] if one["abroad"] else []),
        ("Kept for at most", kept),
        ("Protection", listed(one["security"])),
        ("Agreement", _agreement_line(one)),
        ("Shares in the period", _shares_line(one["shares"])),
    ]
    standing = "" if one["state"] == "active" else label(one["state"], marked=True)
    heading = joined((one["name"], ": ", one["purpose_title"], " ", standing))
    return tag("section", tag("h2", heading), facts(pairs), class_="card")


def _agreement_line(one: Shown) -> str:
    agreement = one["agreement"]
    if agreement is None:
        return "none needed" if one["kind"] == Kind.BRANCH else "none on file"
    onward = ", ".join(agreement["onward"]) or "nobody"
    return (
        f"{agreement['reference']}, signed {agreement['signed']}, ends {agreement['expires']}; "
        f"may be passed on to {onward}"
    )


def _shares_line(shares: Mapping[str, int]) -> str:
    maybe = shares["timeout"] + shares["unknown"] + shares["open"]
    return (
        f"{plural(shares['disclosed'], 'share')} disclosed ({shares['delivered']:,} received, "
        f"{maybe:,} may have been), {shares['not-sent']:,} not sent"
    )


def records_rows(value: Shown) -> list[tuple[Any, ...]]:
    """The records for a terminal: recipient, purpose, ground, territory, time, agreement, count."""
    return [
        (
            one["name"],
            one["purpose"],
            " ".join(ground["ground"] for ground in one["grounds"]),
            one["territory"] + (" (abroad)" if one["abroad"] else ""),
            one["retention"] or "—",
            one["agreement"]["expires"] if one["agreement"] else "—",
            one["shares"]["disclosed"],
        )
        for one in value["records"]
    ]
