"""Comparing recipients: who came, who went, and on what terms each gets data."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.model.ids import PartnerId, PurposeId
from gateway.model.policy import KindRule
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Agreement, Deletion, Partner, Route, State, Upstream
from gateway.policy.compare_routes import compare_routes, letting_out
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
    by_limit,
    by_size,
)

# How much a state lets out: a draft and a suspended recipient get nothing.
_STATES = {State.DRAFT: 0, State.SUSPENDED: 0, State.ACTIVE: 1}


def pairs_of(partner: Partner) -> frozenset[Pair]:
    """What a recipient gets data for."""
    return frozenset((partner.id, route.purpose) for route in partner.routes)


def compare_partners(old: PolicySet, new: PolicySet) -> Iterator[Difference]:
    """Every difference between the recipients of two sets."""
    for id in sorted(old.partners.keys() | new.partners.keys()):
        before, after = old.partners.get(id), new.partners.get(id)
        if before is None or after is None:
            yield from _came_or_went(id, before, after)
        else:
            yield from _compare_partner(before, after, (old, new))


def _came_or_went(
    id: PartnerId, before: Partner | None, after: Partner | None
) -> Iterator[Difference]:
    step = WIDER if before is None else NARROWER
    one = after or before
    if one is None or not one.routes:
        yield Site(partner=id).change(
            What.RECIPIENT, id, _without_routes(before), _without_routes(after), LEVEL
        )
        return
    for purpose in sorted({route.purpose for route in one.routes}):
        yield _recipient(id, purpose, before, after, step)


def _without_routes(partner: Partner | None) -> str | None:
    return None if partner is None else "without routes"


def _recipient(
    id: PartnerId, purpose: PurposeId, before: Partner | None, after: Partner | None, step: Step
) -> Difference:
    """Somebody gets data for a purpose, or does so no more."""
    site = Site(partner=id, purpose=purpose)
    if after is not None:
        site = site.at(pairs=frozenset({(id, purpose)}))
    gets = _gets(before, purpose), _gets(after, purpose)
    return site.change(What.RECIPIENT, id, *gets, step)


def _gets(partner: Partner | None, purpose: PurposeId) -> str | None:
    routes = _for(partner, purpose) if partner is not None else ()
    return "; ".join(dict.fromkeys(map(letting_out, routes))) or None


def _for(partner: Partner, purpose: PurposeId) -> tuple[Route, ...]:
    return tuple(route for route in partner.routes if route.purpose == purpose)


def _compare_partner(
    old: Partner, new: Partner, policies: tuple[PolicySet, PolicySet]
) -> Iterator[Difference]:
    yield from _compare_terms(Site(partner=new.id, pairs=pairs_of(new)), old, new, policies)
    for purpose in sorted({route.purpose for route in (*old.routes, *new.routes)}):
        before, after = _for(old, purpose), _for(new, purpose)
        if before and after:
            site = Site(partner=new.id, purpose=purpose, pairs=frozenset({(new.id, purpose)}))
            yield from compare_routes(site, before, after, policies)
        else:
            yield _recipient(
                new.id,
                purpose,
                old if before else None,
                new if after else None,
                NARROWER if before else WIDER,
            )


def _compare_terms(
    site: Site, old: Partner, new: Partner, policies: tuple[PolicySet, PolicySet]
) -> Iterator[Difference]:
    yield from site.value(What.KIND, "", old.kind, new.kind, UNKNOWN)
    yield from _compare_territories(site, old, new, policies)
    states = old.state, new.state
    yield from site.value(
        What.RECIPIENT,
        "state",
        *states,
        LEVEL if _STATES[old.state] == _STATES[new.state] else by_size(*map(_STATES.get, states)),
    )
    rules = [_rule(one, policy) for one, policy in zip((old, new), policies, strict=True)]
    needed = any(rule.agreement for rule in rules)
    yield from _compare_agreements(site, old.agreement, new.agreement, needed=needed)
    if all(rule.accepts_edition for rule in rules):
        bound = [
            one.accepted_edition == policy.edition.number
            for one, policy in zip((old, new), policies, strict=True)
        ]
        yield from site.flag(What.SUCCESSOR, "accepted_edition", *bound, wide=True)
    yield from _compare_deletion(site, old, new)
    yield from _compare_upstreams(site, old.upstream, new.upstream)
    yield from _compare_details(site, old, new)


def _rule(partner: Partner, policy: PolicySet) -> KindRule:
    return policy.kinds.get(partner.kind) or KindRule(kind=partner.kind)


def _compare_territories(
    site: Site, old: Partner, new: Partner, policies: tuple[PolicySet, PolicySet]
) -> Iterator[Difference]:
    """Going abroad is wider, coming home narrower; two places abroad cannot be compared."""
    abroad = [policy.crosses_border(one) for one, policy in zip((old, new), policies, strict=True)]
    step = UNKNOWN if abroad[0] == abroad[1] else by_size(*abroad)
    yield from site.value(What.TERRITORY, "", old.territory, new.territory, step)


def _compare_agreements(
    site: Site, old: Agreement | None, new: Agreement | None, *, needed: bool
) -> Iterator[Difference]:
    if (old is None) is not (new is None):
        # Where the kind needs an agreement, one on file is what lets anything leave.
        wide = (new is not None) is needed
        yield site.change(
            What.AGREEMENT, "", _agreed(old), _agreed(new), WIDER if wide else NARROWER
        )
    else:
        # A renewed agreement is the same promise; it ends by itself all the same (S4a).
        yield from site.value(What.AGREEMENT, "", _agreed(old), _agreed(new), LEVEL)
    onward = [agreement.onward if agreement else () for agreement in (old, new)]
    yield from site.members(What.ONWARD, *onward)


def _agreed(agreement: Agreement | None) -> str | None:
    if agreement is None:
        return None
    return f"{agreement.reference}, {agreement.signed} to {agreement.expires}"


def _compare_deletion(site: Site, old: Partner, new: Partner) -> Iterator[Difference]:
    """Who can no longer be told, or later, or is believed on its own word, keeps data longer."""
    one, other = old.deletion, new.deletion
    if one is None or other is None:
        told = one is not None, other is not None
        yield from site.flag(What.DELETION, "told of deletions", *told, wide=False)
        return
    protocols = one.protocol, other.protocol
    times = one.complete_within, other.complete_within
    word = one.response_completes, other.response_completes
    # Another way of being told is as good; one that is only a person's task comes last.
    by_hand = [protocol == "manual" for protocol in protocols]
    step = LEVEL if by_hand[0] == by_hand[1] else by_size(*by_hand)
    yield from site.value(What.DELETION, "protocol", *protocols, step)
    yield from site.value(What.DELETION, "complete_within", *times, by_limit)
    yield from site.flag(What.DELETION, "response_completes", *word, wide=True)
    yield from site.value(What.DETAIL, "deletion url", one.url, other.url, LEVEL)
    requests = _shown_requests(one), _shown_requests(other)
    yield from site.value(What.DETAIL, "deletion requests", *requests, LEVEL)


def _shown_requests(deletion: Deletion) -> str | None:
    """What a recipient's own interface is asked for, action by action."""
    shown = (
        f"{action.value}: {one.method} {one.path}" for action, one in deletion.requests.items()
    )
    return ", ".join(sorted(shown)) or None


def _compare_upstreams(
    site: Site, old: Upstream | None, new: Upstream | None
) -> Iterator[Difference]:
    """The way there: less protected is wider; another address of the same recipient is not."""
    urls = old.base_url if old else "", new.base_url if new else ""
    clear = [urlsplit(url).scheme == "http" for url in urls]
    pins = [frozenset(upstream.tls.pins) if upstream else frozenset() for upstream in (old, new)]
    certified = [bool(upstream and upstream.tls.cert) for upstream in (old, new)]
    yield from site.flag(What.CONNECTION, "without TLS", *clear, wide=True)
    # Another pin is another key of the recipient; none is anybody's with a certificate.
    yield from site.flag(What.CONNECTION, "pinned", *map(bool, pins), wide=False)
    yield from site.flag(What.CONNECTION, "our own certificate", *certified, wide=False)
    yield from site.value(What.DETAIL, "base_url", *urls, LEVEL)


def _compare_details(site: Site, old: Partner, new: Partner) -> Iterator[Difference]:
    for name in ("name", "contact", "owner"):
        yield from site.value(What.DETAIL, name, getattr(old, name), getattr(new, name), LEVEL)
    yield from site.value(What.DETAIL, "keys", _kids(old), _kids(new), LEVEL)
    yield from site.value(What.DETAIL, "keys_hold", old.keys_hold, new.keys_hold, LEVEL)


def _kids(partner: Partner) -> tuple[str, ...]:
    if partner.keys is not None and partner.keys.startswith("https:"):
        # Which keys are there is in the ledger, and no matter of editions.
        return (partner.keys,)
    return tuple(sorted(str(key.get("kid", "")) for key in partner.jwks.get("keys", ())))
