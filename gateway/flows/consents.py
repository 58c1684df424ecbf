"""Consents: recorded, withdrawn, listed (contract §8; S1, C3, M1, R5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.errors import CallerError, Fenced, Reason, Stale, StoreFailed
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.reads import record_read
from gateway.flows.subjects import Person, consent_value, seal_consent
from gateway.model.consent import By, Consent, Method, Scope
from gateway.model.ids import ConsentId, PartnerId, PurposeId, SubjectId

MAX_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConsent:
    """One consent, as a service records it."""

    subject: SubjectId
    purpose: PurposeId
    purpose_version: int
    partner: PartnerId | None
    granted_at: datetime
    method: Method
    by: By
    scope: Scope | None
    evidence: str
    expires: datetime | None
    fields: tuple[str, ...] | None = None


async def record(gateway: Gateway, new: Sequence[NewConsent]) -> list[ConsentId]:
    """
    Store consents, all or none; when this returns the next share sees them.

    Raises `CallerError` for an unknown purpose or partner, a time in the future
    or a person who was erased; `Declined` where the disk does not take it.
    """
    for one in new:
        _check(gateway, one)
    for _ in range(MAX_TRIES):
        persons = await gateway.subjects.to_write([one.subject for one in new])
        if any(person.facts.erased for person in persons):
            raise CallerError(Reason.SUBJECT_ERASED)
        consents = [_consent(gateway, one) for one in new]
        rows = [
            (person.row, person.mark, consent.id, seal_consent(person.key, consent, gateway.random))
            for person, consent in zip(persons, consents, strict=True)
            if person.row is not None
        ]
        try:
            await gateway.store.add_consents(rows)
        except (Stale, Fenced):
            continue
        except StoreFailed as error:
            raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
        finally:
            forget(gateway, persons)
        return [consent.id for consent in consents]
    raise Declined(problem(Reason.LEDGER_UNAVAILABLE, "the facts of this person keep changing"))


def forget(gateway: Gateway, persons: Sequence[Person]) -> None:
    """Let nobody go on with what was known of these people."""
    for person in persons:
        gateway.subjects.forget(person)


def _check(gateway: Gateway, one: NewConsent) -> None:
    policy = gateway.policy.policy
    if one.purpose not in policy.purposes:
        raise CallerError(Reason.REQUEST_INVALID, "purpose is not one of the policy's")
    if one.partner is not None and one.partner not in policy.partners:
        raise CallerError(Reason.REQUEST_INVALID, "partner has no manifest")
    if one.granted_at > gateway.clock():
        raise CallerError(Reason.REQUEST_INVALID, "granted_at lies in the future")


def _consent(gateway: Gateway, one: NewConsent) -> Consent:
    return Consent(
        id=ConsentId(new_id("con", gateway.random)),
        purpose=one.purpose,
        purpose_version=one.purpose_version,
        partner=one.partner,
        granted_at=one.granted_at,
        method=one.method,
        by=one.by,
        scope=one.scope,
        evidence=one.evidence,
        expires=one.expires,
        fields=one.fields,
    )


async def listed(gateway: Gateway, subject: SubjectId, service: str) -> list[dict[str, Any]]:
    """Every consent of a person, newest first. The read itself is a leaf (P3)."""
    person = await gateway.subjects.get(subject)
    await record_read(gateway, person, service=service, what="consents")
    newest = sorted(person.facts.consents, key=lambda one: one.granted_at, reverse=True)
    return [consent_value(consent) for consent in newest]
