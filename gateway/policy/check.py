"""
What a manifest may say under the policy: everything that needs both.

Each mistake is told at its place with what to write instead. What would merely
be refused later, share by share, is a warning: an agreement that ran out, a key
that is missing. What could let data out against the policy is an error.
"""

from collections.abc import Iterator
from datetime import date

from gateway.errors import Problem
from gateway.model.recipients import Partner
from gateway.policy.check_fields import CONSENT, Place, a_kind
from gateway.policy.check_routes import check_route, check_siblings
from gateway.policy.documents import Document
from gateway.policy.jwks import bound_purposes
from gateway.policy.rules import Rules
from gateway.policy.words import instead, named


def check_manifest(
    rules: Rules, partner: Partner, document: Document, *, today: date | None = None
) -> Iterator[Problem]:
    """
    Everything that is wrong with one manifest under the policy, warnings too.

    What an unreadable policy document would say is not held against a
    manifest. Agreements are judged against `today` only if it is given.
    """
    yield from _territory(rules, partner, document)
    yield from _agreement(rules, partner, document, today)
    yield from _edition(rules, partner, document)
    yield from _keys(rules, partner, document)
    if partner.deletion is None and not _present(document, "deletion"):
        message = "deletion: is missing, write how this recipient is told to delete (R3)"
        yield document.problem(("partner",), message, warning=True)
    places = [
        Place(rules=rules, partner=partner, route=route, document=document)
        for route in partner.routes
    ]
    for place in places:
        yield from check_route(place)
    yield from check_siblings(places)


def _present(document: Document, key: str) -> bool:
    return (key,) in document.keys


def _territory(rules: Rules, partner: Partner, document: Document) -> Iterator[Problem]:
    if not partner.territory or not rules.territories:
        return
    if partner.territory not in rules.territories:
        advice = "write an ISO 3166-1 code of territories.yaml, or declare it there"
        message = f"territory {named(partner.territory)} is not declared, {advice} (K1)"
        yield document.problem(("territory",), message)
    elif not rules.territories[partner.territory]:
        message = (
            f"nothing may leave for {partner.territory} and its shares are refused, write a "
            "recipient in an allowed territory (K1)"
        )
        yield document.problem(("territory",), message, warning=True)


def _agreement(
    rules: Rules, partner: Partner, document: Document, today: date | None
) -> Iterator[Problem]:
    kind, agreement = rules.kinds.get(partner.kind), partner.agreement
    if kind is None or not kind.agreement:
        return
    if agreement is None:
        if not _present(document, "agreement"):
            message = (
                "no agreement is on file and its shares are refused, write "
                "agreement: {reference, signed, expires} (S4a)"
            )
            yield document.problem(("partner",), message, warning=True)
    elif (
        today is not None
        and agreement.signed < agreement.expires
        and not agreement.active(on=today)
    ):
        ended = today >= agreement.expires
        message = "the agreement is over" if ended else "the agreement has not begun"
        key = "expires" if ended else "signed"
        yield document.problem(
            ("agreement", key),
            f"{message} and its shares are refused, write the dates of one that runs (S4a)",
            warning=True,
        )


def ending_agreement(
    rules: Rules, partner: Partner, document: Document, today: date
) -> Iterator[Problem]:
    """
    S4a: a warning sixty days before an agreement ends.

    It stays a warning also where warnings count as errors: for so long nobody
    could change anything else.
    """
    kind, agreement = rules.kinds.get(partner.kind), partner.agreement
    if agreement is None or (kind is not None and not kind.agreement):
        return
    if agreement.active(on=today) and agreement.warning(on=today) is not None:
        left = agreement.days_left(on=today)
        message = (
            f"the agreement ends in {left} day{'s' if left > 1 else ''}, and what was shared under "
            "it must be deleted then, write the dates of the next one once it is signed (S4a)"
        )
        yield document.problem(("agreement", "expires"), message, warning=True)


def _edition(rules: Rules, partner: Partner, document: Document) -> Iterator[Problem]:
    """T4: a new holder is bound by this edition, or every transfer needs consent."""
    kind, accepted = rules.kinds.get(partner.kind), partner.accepted_edition
    if kind is None:
        return
    if not kind.accepts_edition:
        if accepted is not None:
            message = f"{a_kind(partner.kind)} accepts no edition, remove accepted_edition: (T4)"
            yield document.problem(("accepted_edition",), message)
        return
    number = rules.edition.number
    resting = any(route.ground != CONSENT for route in partner.routes)
    if resting and number and accepted != number:
        key = "partner" if accepted is None else "accepted_edition"
        message = (
            f"edition {number} is not accepted and only consent carries, write "
            f"accepted_edition: {number} once it is, or ground: consent (T4)"
        )
        yield document.problem((key,), message, warning=True)


def _keys(rules: Rules, partner: Partner, document: Document) -> Iterator[Problem]:
    for purpose in bound_purposes(partner.jwks):
        if rules.purposes and purpose not in rules.purposes:
            advice = instead(purpose, rules.purposes)
            message = f"a key is bound to purpose {named(purpose)}, which is not declared, {advice}"
            yield document.problem(("keys",), message)
