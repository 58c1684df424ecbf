"""
Values that stay here while a recipient holds a token for them (S4c): what is
kept beside each, under its person's key.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.errors import CallerError, Reason, Stale
from gateway.flows.clockwork import new_id, parse_stamp, stamp
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Draft
from gateway.flows.subjects import Person
from gateway.model.ids import CategoryId, GroundId, PartnerId, PurposeId, RouteId, SubjectId
from gateway.model.recipients import Field, Route, TokenTerms
from gateway.model.shares import EvidenceClaim
from gateway.ports import StoredToken, TokenRow
from gateway.shape import write_scalar

LABEL = "token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A value, and for whom and what it left as a token."""

    value: str = field(repr=False)
    """Its JSON text, so that a number comes back as the number it was."""
    partner: PartnerId
    purpose: PurposeId
    purpose_version: int | None
    route: RouteId | None
    ground: GroundId | None
    evidence: EvidenceClaim | None
    selector: str
    """As a leaf names the field; empty where that is not known."""
    category: CategoryId
    ends: datetime
    uses: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A token that a recipient holds, found: whose value it stands for."""

    stored: StoredToken
    person: Person


def terms(draft: Draft, route: Route, spec: Field, value: Any, *, now: datetime) -> Kept:
    """What a declared field of this share leaves here."""
    limits = spec.transform.argument if spec.transform else None
    limits = limits if isinstance(limits, TokenTerms) else TokenTerms()
    lasts = route.retention if limits.ttl is None else min(limits.ttl, route.retention)
    return Kept(
        value=write_scalar(value),
        partner=route.partner,
        purpose=route.purpose,
        purpose_version=route.purpose_version,
        route=route.id,
        ground=draft.ask.ground or route.ground,
        evidence=draft.ask.evidence,
        selector=_name(route, spec),
        category=spec.category,
        ends=now + lasts,
        uses=limits.uses,
    )


def _name(route: Route, spec: Field) -> str:
    # Not the field itself: the filter of a parameter works on a copy of it.
    same = (
        name
        for name, one in route.named_fields()
        if one.transform is spec.transform and one.selector == spec.selector
    )
    return next(same, "")


def made(gateway: Gateway, person: Person, kept: Kept) -> tuple[str, TokenRow]:
    """A fresh token, and the row that keeps its value."""
    token = new_id("tok", gateway.random)
    claim = kept.evidence
    value = {
        "value": kept.value,
        "partner": kept.partner,
        "purpose": kept.purpose,
        "purpose_version": kept.purpose_version,
        "route": kept.route,
        "ground": kept.ground,
        "evidence": None if claim is None else [claim.text, claim.type],
        "selector": kept.selector,
        "category": kept.category,
        "ends": stamp(kept.ends),
    }
    return token, TokenRow(
        mark=mark_of(gateway, token),
        sealed=person.protect(value, LABEL, gateway.random),
        purpose=kept.purpose,
        category=kept.category,
        ends=kept.ends,
        uses=kept.uses,
    )


def mark_of(gateway: Gateway, token: str) -> bytes:
    """Under what a token is found; the store alone redeems nothing."""
    return hmac.digest(gateway.secret("token"), token.encode(), hashlib.sha256)


def opened(person: Person, stored: StoredToken) -> Kept:
    """What is kept of a token. Raises `SealBroken`."""
    value: dict[str, Any] = person.reveal(stored.sealed, LABEL)
    claim = value.get("evidence")
    return Kept(
        value=value["value"],
        partner=PartnerId(value["partner"]),
        purpose=PurposeId(value["purpose"]),
        purpose_version=value.get("purpose_version"),
        route=value.get("route"),
        ground=value.get("ground"),
        evidence=None if claim is None else EvidenceClaim(text=claim[0], type=claim[1]),
        selector=value.get("selector", ""),
        category=CategoryId(value["category"]),
        # Tokens of the version before have no other end.
        ends=parse_stamp(value.get("ends") or value["retention_until"]),
    )


async def find(gateway: Gateway, token: str) -> Held:
    """Whose value a token stands for. Raises `NOT_FOUND`."""
    stored = await gateway.store.token(mark_of(gateway, token))
    row = None
    if stored is not None and stored.subject is not None:
        row = await gateway.store.subject_row(stored.subject)
    if stored is None or row is None:
        # Made up, or its person is gone: nobody can tell which.
        raise CallerError(Reason.NOT_FOUND, "there is no such token", clauses=("S4c",))
    _, facts = gateway.subjects.open_row(row)
    person = await gateway.subjects.get(SubjectId(facts["id"]))
    return Held(stored=stored, person=person)


def checked(held: Held, *, partner: PartnerId, purpose: str, now: datetime) -> Kept:
    """
    What is kept of a token, by its own terms: whose it is, for what, until when.

    Raises `CallerError` (403), `Stale` where its person is going.
    """
    if held.stored.partner is not None and held.stored.partner != partner:
        raise not_permitted("this token is another recipient's")
    if not held.stored.sealed:
        raise _over()
    if held.person.row is None:
        raise Stale("the person is gone")
    kept = opened(held.person, held.stored)
    if kept.partner != partner:
        raise not_permitted("this token is another recipient's")
    if kept.purpose != purpose:
        raise CallerError(
            Reason.PURPOSE_NOT_PERMITTED,
            "the token left for another purpose",
            clauses=("S3", "S4c"),
            remedy="Redeem it for the purpose of the grant that it came with, or not at all.",
        )
    if kept.ends <= now:
        raise _over()
    return kept


def not_permitted(detail: str, *clauses: str, remedy: str | None = None) -> CallerError:
    """A token that does not give this now."""
    return CallerError(
        Reason.SERVICE_NOT_PERMITTED,
        detail,
        clauses=("S4c", *clauses),
        remedy=remedy or "Redeem only tokens that came to you.",
    )


def _over() -> CallerError:
    return not_permitted(
        "the token's time is over", "P6", remedy="Ask for a new share if you still need the value."
    )
