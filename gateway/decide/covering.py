"""
What a person's word covers: consents of their own for what is separate or
sensitive (C2, C3), and consents field by field (D1).
"""

from collections.abc import Iterable, Sequence

from gateway.decide.consent import Lack, by_field, cited, needed, standing
from gateway.decide.situation import CONSENT, Situation, personal, refuse, special_clauses
from gateway.errors import Reason
from gateway.model.consent import Consent, Method, Scope
from gateway.model.policy import Purpose
from gateway.model.recipients import Field
from gateway.model.shares import Permitted, Refused

# Of the value itself nothing is left: `pseudonym` says no more than that it is the same person.
_STAND_INS = frozenset({"pseudonym", "constant", "drop"})


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
    if terms.ground.id == CONSENT and _sensitive(situation):
        for facts in situation.facts:
            consent = standing(facts, situation, scope=Scope.SENSITIVE)
            if isinstance(consent, Lack):
                return _not_sensitive(consent, situation)
    return None


def _sensitive(situation: Situation) -> bool:
    """Whether anything sensitive can leave; an unknown category counts as sensitive."""
    return any(
        _agreed(situation, name)
        for name, field in situation.settled().route.named_fields()
        if _is_sensitive(situation, field) and not _dropped(field)
    )


def _is_sensitive(situation: Situation, field: Field) -> bool:
    known = situation.policy.categories.get(field.category)
    return known is None or known.sensitive


def _dropped(field: Field) -> bool:
    return field.transform is not None and field.transform.name == "drop"


def _agreed(situation: Situation, name: str) -> bool:
    """Whether everybody's consent to the purpose covers a field, where it is by field (D1)."""
    each = (by_field(facts, situation) for facts in situation.facts)
    return all(one is None or isinstance(one[name], Consent) for one in each)


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
        clauses=cited(lack, ("C2",)),
        remedy="Ask for the sensitive data by itself and record a consent with scope sensitive.",
    )


def carrying(situation: Situation) -> Sequence[Consent]:
    """
    The consents that carry the share: for the purpose, then by scope.

    Complete only for a share that passed every check.
    """
    found: list[Consent] = []
    for scope in _scopes(situation):
        for facts in situation.facts:
            each = by_field(facts, situation, scope=scope)
            one = standing(facts, situation, scope=scope)
            stood = [one] if each is None else each.values()
            found += [record for record in stood if isinstance(record, Consent)]
    return found


def covered(situation: Situation) -> frozenset[str] | None:
    """
    The fields that may leave, where somebody agreed field by field (D1): those to
    which everybody agreed, and what needs nobody's word. None: all.
    """
    if all(record.fields is None for facts in situation.facts for record in facts.consents):
        return None
    each = [
        (scope, one)
        for scope in _scopes(situation)
        for facts in situation.facts
        if (one := by_field(facts, situation, scope=scope)) is not None
    ]
    if not each:
        return None
    return frozenset(
        name
        for name, field in situation.settled().route.named_fields()
        if all(_covers(situation, scope, one[name], field) for scope, one in each)
    )


def uncovered(
    permitted: Permitted, purpose: Purpose | None, fields: Iterable[str]
) -> Refused | None:
    """
    Refuse a share of which `fields` would leave, where one of them is not covered.

    Which fields a body holds is known only once the minimum is cut out of it, so
    this comes after the decision.
    """
    if permitted.fields is None:
        return None
    missing = [name for name in fields if name not in permitted.fields]
    if not missing:
        return None
    core = purpose is not None and purpose.core
    special = special_clauses(purpose) if purpose is not None else ()
    return Refused(
        reason=Reason.CONSENT_MISSING,
        detail=f"no live consent of the person covers {', '.join(missing)}",
        clauses=("S1", *(() if core else ("C3",)), *special),
        remedy="Ask the person for these fields and record a consent that names them, or send "
        "the share without them.",
    )


def _covers(situation: Situation, scope: Scope | None, stood: Consent | Lack, field: Field) -> bool:
    if not _speaks(situation, field):
        return True
    if scope is Scope.SENSITIVE and not _is_sensitive(situation, field):
        return True
    if isinstance(stood, Lack):
        return False
    alone = scope is None and situation.settled().purpose.separate_consent
    return not alone or stood.method is Method.SEPARATE


def _speaks(situation: Situation, field: Field) -> bool:
    """Whether anything of the person stands in a field, that they could agree to or not."""
    stand_in = field.transform is not None and field.transform.name in _STAND_INS
    return personal(situation.policy, field.category) and not stand_in


def _scopes(situation: Situation) -> list[Scope | None]:
    """Which consents the share rests on; None is the one to the purpose itself."""
    terms = situation.settled()
    scopes: list[Scope | None] = []
    if needed(situation) or any(facts.minor for facts in situation.facts):
        scopes.append(None)
    if terms.ground.id == CONSENT and _sensitive(situation):
        scopes.append(Scope.SENSITIVE)
    if situation.policy.crosses_border(situation.partner):
        scopes.append(Scope.CROSS_BORDER)
    return scopes
