"""
A consent is withdrawn, and who rested on it is told (contract §8; C3, R5).

    withdraw -> read disclosures -> case -> plan notices

The withdrawal is durable first: from then on no share that rests on the consent
enters the ledger, so the disclosures read after it are all there will be. The
case has no fence and destroys nothing; what was done before stays valid.

The case's id follows from the consent's, so that whoever repeats the request,
also after a crash between the steps, gets the same case.
"""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime
from weakref import WeakValueDictionary

from gateway.errors import CallerError, Reason, Stale, StoreFailed
from gateway.flows import cases
from gateway.flows.answers import Declined, problem
from gateway.flows.cases import CaseRequest
from gateway.flows.gateway import Gateway
from gateway.flows.planning import plan_case, read_plan
from gateway.flows.snapshots import recipient
from gateway.flows.subjects import open_consent, seal_consent
from gateway.model.cases import Action, CaseScope, EraseReason, VerifiedBy
from gateway.model.consent import Consent, Scope
from gateway.model.ids import CaseId, PartnerId, SubjectId
from gateway.ports import ConsentRow, SubjectRow

# Two requests about one consent must not both open its case.
_TELLING: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What the service is answered."""

    at: datetime
    case: CaseId | None
    """The case that tells the recipients; None: nobody is told."""


async def withdraw(gateway: Gateway, id: str, *, notify: bool) -> Withdrawn:
    """
    Withdraw a consent: when this returns the very next share sees it. Repeatable;
    the first time counts. With `notify` the recipients that got data of this
    person under its purpose are told.

    Raises `CallerError` where there is none such, `Declined` where the disk does
    not take it.
    """
    lock = _TELLING.setdefault(id, asyncio.Lock())
    async with lock:
        try:
            row, subject = await _found(gateway, id)
            key, facts = gateway.subjects.open_row(subject)
            person = SubjectId(facts["id"])
            consent = await _withdrawn(gateway, row, key, person)
            case = await _told(gateway, consent, person, subject, notify=notify)
        except StoreFailed as error:
            raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
    return Withdrawn(at=consent.withdrawn_at or gateway.clock(), case=case)


async def _found(gateway: Gateway, id: str) -> tuple[ConsentRow, SubjectRow]:
    found = await gateway.store.consent(id)
    if found is None:
        raise CallerError(Reason.NOT_FOUND, "there is no such consent")
    return found


async def _withdrawn(gateway: Gateway, row: ConsentRow, key: bytes, subject: SubjectId) -> Consent:
    """The consent as it stands withdrawn, durable."""
    consent = open_consent(key, row)
    if consent.withdrawn_at is not None:
        return consent
    consent = replace(consent, withdrawn_at=gateway.clock())
    person = await gateway.subjects.get(subject)
    try:
        await gateway.store.update_consent(
            replace(row, sealed=seal_consent(key, consent, gateway.random))
        )
    except Stale:
        raise CallerError(Reason.NOT_FOUND, "there is no such consent") from None
    finally:
        gateway.subjects.forget(person)
    return consent


async def _told(
    gateway: Gateway, consent: Consent, person: SubjectId, subject: SubjectRow, *, notify: bool
) -> CaseId | None:
    id = case_of(gateway, consent)
    known = await gateway.store.case_row(id)
    if known is not None:
        # Opened before; a crash may have come between it and its notices.
        if known.stage == "planning":
            await plan_case(gateway, known)
            gateway.case_changed()
        return id
    if not notify or subject.person is None:
        return None
    scope = _scope(gateway, consent)
    if scope is None or not await _anybody(gateway, subject.person, scope):
        return None
    try:
        await cases.open_case(gateway, _request(gateway, id, person, consent, scope), None)
    except CallerError as error:
        if error.reason is Reason.CASE_OPEN:
            # The person is being erased: everybody is told of that already.
            return None
        raise
    return id


async def _anybody(gateway: Gateway, person: int, scope: CaseScope) -> bool:
    # Outcomes that were noted before are read as what they are.
    await gateway.store.flush()
    return bool(await read_plan(gateway, person, scope, ()))


def case_of(gateway: Gateway, consent: Consent) -> CaseId:
    """The id of the case that tells of this consent's withdrawal, opened or not."""
    mark = hmac.digest(gateway.secret("withdrawal"), consent.id.encode(), hashlib.sha256)
    return CaseId(f"case_{mark[:16].hex()}")


def _scope(gateway: Gateway, consent: Consent) -> CaseScope | None:
    """What rested on the consent: its purpose, its recipient, what its scope is about."""
    partners = frozenset() if consent.partner is None else frozenset({consent.partner})
    scope = CaseScope(purposes=frozenset({consent.purpose}), partners=partners)
    match consent.scope:
        case None:
            return scope
        case Scope.SENSITIVE:
            categories = gateway.policy.policy.categories.values()
            sensitive = frozenset(one.id for one in categories if one.sensitive)
            return replace(scope, categories=sensitive) if sensitive else None
        case Scope.CROSS_BORDER:
            abroad = frozenset(_abroad(gateway)) & (partners or frozenset(_abroad(gateway)))
            return replace(scope, partners=abroad) if abroad else None


def _abroad(gateway: Gateway) -> set[PartnerId]:
    """Recipients beyond the border, also those whose manifest is gone."""
    ids = {*gateway.policy.policy.partners, *map(PartnerId, gateway.partners.states)}
    home = gateway.policy.policy.home_territory
    return {id for id in ids if (one := recipient(gateway, id)) and one.territory != home}


def _request(
    gateway: Gateway, id: CaseId, person: SubjectId, consent: Consent, scope: CaseScope
) -> CaseRequest:
    return CaseRequest(
        id=id,
        action=Action.WITHDRAW.value,
        subject=person,
        reason=EraseReason.CONSENT_WITHDRAWN.value,
        scope=scope,
        method=VerifiedBy.SYSTEM.value,
        reference=f"withdrawal of {consent.id}",
        verified_at=consent.withdrawn_at or gateway.clock(),
    )
