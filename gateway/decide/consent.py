"""
Consent: how a person's word stands on one purpose, and what it must be like.

The newest event counts. An event is a grant or a withdrawal; a record that was
withdrawn is a withdrawal from then on, and its grant is no event any more.
Records of another purpose, of another recipient or with another scope are no
events here: the purpose itself, `cross-border` and `sensitive` never stand in
for one another.

Of several events at the same instant a withdrawal counts before any grant; of
grants given together the one that carries.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from gateway.decide.evidence import registered
from gateway.decide.situation import CONSENT, Situation, Terms, leaving, refuse, special_clauses
from gateway.errors import Reason
from gateway.model.consent import By, Consent, Method, Scope, SubjectFacts
from gateway.model.policy import Kind, LeafKind
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Route
from gateway.model.shares import Refused


class Lack(StrEnum):
    """Why no consent carries, in the order in which it counts; the value completes a sentence."""

    MISSING = "there is none on record"
    IMPLIED = "it was implied, and an active choice is needed"
    WITHDRAWN = "it was withdrawn"
    STALE = "it is for another version of the purpose"
    EXPIRED = "it has run out"


_REASONS = {
    Lack.MISSING: Reason.CONSENT_MISSING,
    Lack.IMPLIED: Reason.CONSENT_MISSING,
    Lack.WITHDRAWN: Reason.CONSENT_WITHDRAWN,
    Lack.STALE: Reason.CONSENT_STALE,
    Lack.EXPIRED: Reason.CONSENT_STALE,
}
_PRECEDENCE = {lack: place for place, lack in enumerate(Lack)}


def standing(
    facts: SubjectFacts, situation: Situation, *, scope: Scope | None = None
) -> Consent | Lack:
    """
    The consent that carries this purpose and recipient now, or why none does.

    With a `scope`, the consent to that. Whether the purpose needs one at all,
    and whether it must be separate, is not asked here.
    """
    newest = _newest(_events(facts, situation, scope))
    if not newest:
        return Lack.MISSING
    if any(record.withdrawn_at is not None for record in newest):
        return Lack.WITHDRAWN
    lacks = [(_lack(record, situation), record) for record in newest]
    carrying = [record for lack, record in lacks if lack is None]
    if carrying:
        return min(carrying, key=lambda record: (record.method is not Method.SEPARATE, record.id))
    return min((lack for lack, _ in lacks if lack is not None), key=_PRECEDENCE.__getitem__)


def _events(
    facts: SubjectFacts, situation: Situation, scope: Scope | None
) -> Iterator[tuple[datetime, Consent]]:
    for record in facts.consents:
        if (
            record.scope is not scope
            or record.purpose != situation.ask.purpose
            or record.partner not in (None, situation.partner.id)
        ):
            continue
        if record.withdrawn_at is not None:
            yield max(record.withdrawn_at, record.granted_at), record
        # M1: for a minor only the guardian grants; to withdraw, anyone may.
        elif record.granted_at <= situation.now and (not facts.minor or record.by is By.GUARDIAN):
            yield record.granted_at, record


def _newest(events: Iterator[tuple[datetime, Consent]]) -> list[Consent]:
    latest: datetime | None = None
    newest: list[Consent] = []
    for at, record in events:
        if latest is None or at > latest:
            latest, newest = at, [record]
        elif at == latest:
            newest.append(record)
    return newest


def _lack(record: Consent, situation: Situation) -> Lack | None:
    """What one grant lacks to carry the share."""
    terms = situation.settled()
    # C6: not by silence. C2, K1: what must be asked for on its own is never implied.
    chosen = terms.purpose.active_choice or record.scope is not None
    if chosen and record.method is Method.IMPLIED:
        return Lack.IMPLIED
    # S2, C6: bound to the purpose and to its version.
    if record.purpose_version != terms.route.purpose_version:
        return Lack.STALE
    if record.expires is not None and record.expires <= situation.now:
        return Lack.EXPIRED
    return None


def needed(situation: Situation) -> bool:
    """
    Whether the people's own consent to the purpose must be live.

    On the ground consent, always. On another ground, for a purpose that is not
    core (C3), except where the ground by its nature stands without the
    person's switch:

    - data that names nobody (C6);
    - a transfer, which has its own grounds (T1-3);
    - law, disputes and rights, proven by a registered record (S1, S5, D2);
    - a ground on which even a minor's data may leave: the law, or their
      protection (M2).
    """
    terms = situation.settled()
    if terms.ground.id == CONSENT:
        return True
    if terms.purpose.core or terms.purpose.deidentified:
        return False
    return not (
        terms.purpose.leaf is LeafKind.TRANSFER
        or terms.ground.minors
        or registered(situation, terms.ground)
    )


def check_consent(situation: Situation) -> Refused | None:
    """Refuse without a live consent of everyone, where one is needed (S1, C3, C6, D1)."""
    if not needed(situation):
        return None
    lacks = [
        lack for facts in situation.facts if isinstance(lack := standing(facts, situation), Lack)
    ]
    if not lacks:
        return None
    return _without(min(lacks, key=_PRECEDENCE.__getitem__), situation)


def _without(lack: Lack, situation: Situation) -> Refused:
    terms = situation.settled()
    version = f"{terms.purpose.id}@{terms.route.purpose_version}"
    remedies = {
        Lack.MISSING: f"Ask the person, then record consent to {version} with POST /v1/consents.",
        Lack.IMPLIED: f"Ask for an active choice, and record it for {version} as explicit.",
        Lack.WITHDRAWN: "Ask the person again; only a consent newer than the withdrawal carries.",
        Lack.STALE: f"Ask the person again and record consent to {version}.",
        Lack.EXPIRED: f"Ask the person again and record a new consent to {version}.",
    }
    return refuse(
        situation,
        _REASONS[lack],
        f"the person's consent to the purpose does not carry this: {lack}",
        clauses=_clauses(lack, situation, terms),
        remedy=remedies[lack],
    )


def _clauses(lack: Lack, situation: Situation, terms: Terms) -> tuple[str, ...]:
    base = _base_clauses(situation, terms)
    match lack:
        case Lack.MISSING | Lack.EXPIRED:
            return base
        case Lack.IMPLIED:
            return ("C6", *base)
        case Lack.WITHDRAWN:
            return ("C3", "R5", *special_clauses(terms.purpose))
        case Lack.STALE:
            by_kind = {Kind.AFFILIATE: ("S2",), Kind.PARTNER: ("S3",)}
            return (*by_kind.get(situation.partner.kind, ()), "C6")


def _base_clauses(situation: Situation, terms: Terms) -> tuple[str, ...]:
    """S1 where consent is the ground, C3 on an additional function, and the operation's own."""
    return (
        *(("S1",) if terms.ground.id == CONSENT else ()),
        *(() if terms.purpose.core else ("C3",)),
        *special_clauses(terms.purpose),
        *(("T4",) if situation.rule.accepts_edition else ()),
    )


def check_separate(situation: Situation) -> Refused | None:
    """Refuse where something needs a consent of its own and has none (C2, C3)."""
    terms = situation.settled()
    # C3: location and its like are asked for by themselves, not among other things.
    if terms.purpose.separate_consent and needed(situation):
        for facts in situation.facts:
            consent = standing(facts, situation)
            if isinstance(consent, Lack) or consent.method is not Method.SEPARATE:
                return _not_separate(situation)
    # C2: on the person's word, what is sensitive needs its own word.
    if terms.ground.id == CONSENT and _sensitive(terms.route, situation.policy):
        for facts in situation.facts:
            consent = standing(facts, situation, scope=Scope.SENSITIVE)
            if isinstance(consent, Lack):
                return _not_sensitive(consent, situation)
    return None


def _sensitive(route: Route, policy: PolicySet) -> bool:
    """Whether anything sensitive can leave; an unknown category counts as sensitive."""
    known = policy.categories
    return any(c not in known or known[c].sensitive for c in leaving(route))


def _not_separate(situation: Situation) -> Refused:
    return refuse(
        situation,
        Reason.SEPARATE_CONSENT_MISSING,
        "the purpose needs a consent that was asked for on its own",
        clauses=("C3",),
        remedy="Ask for this purpose by itself and record the consent with method separate.",
    )


def _not_sensitive(lack: Lack, situation: Situation) -> Refused:
    return refuse(
        situation,
        Reason.SEPARATE_CONSENT_MISSING,
        f"sensitive data leaves, and of the consent to that: {lack}",
        clauses=("C2",),
        remedy="Ask for the sensitive data by itself and record a consent with scope sensitive.",
    )


def carrying(situation: Situation) -> Sequence[Consent]:
    """
    The consents that carry the share: for the purpose, then by scope.

    Complete only for a share that passed every check.
    """
    terms = situation.settled()
    scopes: list[Scope | None] = []
    if needed(situation) or any(facts.minor for facts in situation.facts):
        scopes.append(None)
    if terms.ground.id == CONSENT and _sensitive(terms.route, situation.policy):
        scopes.append(Scope.SENSITIVE)
    if situation.policy.crosses_border(situation.partner):
        scopes.append(Scope.CROSS_BORDER)
    return [
        consent
        for scope in scopes
        for facts in situation.facts
        if isinstance(consent := standing(facts, situation, scope=scope), Consent)
    ]
