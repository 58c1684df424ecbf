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

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from gateway.decide.evidence import registered
from gateway.decide.situation import CONSENT, Situation, Terms, refuse, special_clauses
from gateway.errors import Reason
from gateway.model.consent import By, Consent, Method, Scope, SubjectFacts
from gateway.model.policy import Kind, LeafKind
from gateway.model.policyset import Widening
from gateway.model.shares import Refused


class Lack(StrEnum):
    """Why no consent carries, in the order in which it counts; the value completes a sentence."""

    MISSING = "there is none on record"
    IMPLIED = "it was implied, and an active choice is needed"
    WITHDRAWN = "it was withdrawn"
    STALE = "it is for another version of the purpose"
    WIDENED = "it is from before an edition of the policy that lets more out"
    EXPIRED = "it has run out"


_REASONS = {
    Lack.MISSING: Reason.CONSENT_MISSING,
    Lack.IMPLIED: Reason.CONSENT_MISSING,
    Lack.WITHDRAWN: Reason.CONSENT_WITHDRAWN,
    Lack.STALE: Reason.CONSENT_STALE,
    Lack.WIDENED: Reason.CONSENT_STALE,
    Lack.EXPIRED: Reason.CONSENT_STALE,
}
_PRECEDENCE = {lack: place for place, lack in enumerate(Lack)}

_Event = tuple[datetime, Consent]
"""When it happened, and the record that says so."""


def standing(
    facts: SubjectFacts, situation: Situation, *, scope: Scope | None = None
) -> Consent | Lack:
    """
    The consent that carries this purpose and recipient now, or why none does.

    With a `scope`, the consent to that. Whether the purpose needs one at all,
    and whether it must be separate, is not asked here.
    """
    events = list(_events(facts, situation, scope))
    stood = _stood(events, situation)
    if all(record.fields is None for _, record in events):
        return stood
    # D1: whoever agreed field by field agreed to something, as long as one field stands.
    each = _by_field(events, situation).values()
    carrying = [one for one in each if isinstance(one, Consent)]
    if carrying:
        return min(carrying, key=_preference)
    return stood if isinstance(stood, Lack) else Lack.MISSING


def by_field(
    facts: SubjectFacts, situation: Situation, *, scope: Scope | None = None
) -> Mapping[str, Consent | Lack] | None:
    """
    As `standing`, for each field of the route by itself (D1); None where nobody
    agreed field by field, and one word covers all of them.

    For a field a record that does not name it is no event: to withdraw from one
    field leaves the others as they were.
    """
    events = list(_events(facts, situation, scope))
    if all(record.fields is None for _, record in events):
        return None
    return _by_field(events, situation)


def _by_field(events: Sequence[_Event], situation: Situation) -> dict[str, Consent | Lack]:
    return {
        name: _stood([one for one in events if one[1].covers(name)], situation)
        for name, _ in situation.settled().route.named_fields()
    }


def _stood(events: Sequence[_Event], situation: Situation) -> Consent | Lack:
    newest = _newest(events)
    if not newest:
        return Lack.MISSING
    if any(record.withdrawn_at is not None for record in newest):
        return Lack.WITHDRAWN
    lacks = [(_lack(record, situation), record) for record in newest]
    carrying = [record for lack, record in lacks if lack is None]
    if carrying:
        return min(carrying, key=_preference)
    return min((lack for lack, _ in lacks if lack is not None), key=_PRECEDENCE.__getitem__)


def _preference(record: Consent) -> tuple[bool, str]:
    return record.method is not Method.SEPARATE, record.id


def _events(facts: SubjectFacts, situation: Situation, scope: Scope | None) -> Iterator[_Event]:
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


def _newest(events: Sequence[_Event]) -> list[Consent]:
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
    # C6: not by silence. C2, K1: what must be asked for on its own is never implied, and
    # M1, M2: nor is a guardian's consent, which is explicit and in writing.
    alone = record.scope is not None or record.by is By.GUARDIAN
    chosen = terms.purpose.active_choice or alone
    if chosen and record.method is Method.IMPLIED:
        return Lack.IMPLIED
    # S2, C6: bound to the purpose and to its version.
    if record.purpose_version != terms.route.purpose_version:
        return Lack.STALE
    # N1: whoever agreed before the edition that widened this did not agree to it.
    wider = widening(situation)
    if wider is not None and record.granted_at < wider.since:
        return Lack.WIDENED
    if record.expires is not None and record.expires <= situation.now:
        return Lack.EXPIRED
    return None


def widening(situation: Situation) -> Widening | None:
    """The newest edition that widened what this recipient gets for this purpose (N1)."""
    return situation.policy.widened.get((situation.partner.id, situation.ask.purpose))


def cited(lack: Lack, clauses: tuple[str, ...]) -> tuple[str, ...]:
    """The clauses of a refusal for want of a consent, N1 before them where an edition ended it."""
    return ("N1", *clauses) if lack is Lack.WIDENED else clauses


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
        Lack.WIDENED: _ask_under_edition(situation),
        Lack.EXPIRED: f"Ask the person again and record a new consent to {version}.",
    }
    return refuse(
        situation,
        _REASONS[lack],
        f"the person's consent to the purpose does not carry this: {lack}",
        clauses=_clauses(lack, situation, terms),
        remedy=remedies[lack],
    )


def _ask_under_edition(situation: Situation) -> str:
    wider = widening(situation)
    edition = wider.edition if wider else situation.policy.edition.number
    return f"Ask the person again under edition {edition} and record the new consent."


def _clauses(lack: Lack, situation: Situation, terms: Terms) -> tuple[str, ...]:
    base = _base_clauses(situation, terms)
    match lack:
        case Lack.MISSING | Lack.EXPIRED:
            return base
        case Lack.WIDENED:
            return ("N1", *base)
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
