"""
OpenDSR inwards: a company's own request tool asks for a deletion
(STANDARDS §2.2, §2.3; docs/protocols/opendsr.md).

    request -> identity -> case -> signed answer … status changes -> signed callbacks

The service token says who asks, and a request's id counts once for each of them.
Dying at any `await` loses nothing: the case is durable before the request is
answered, and the same request again finds it.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gateway.access.scopes import Service
from gateway.errors import CallerError, Reason
from gateway.flows import opendsr_keys
from gateway.flows.cases import BeingErased, CaseRequest, open_once, slot_for
from gateway.flows.clockwork import stamp
from gateway.flows.gateway import Gateway
from gateway.model.cases import Action, Case, CaseScope, CaseState, EraseReason
from gateway.model.ids import SubjectId
from gateway.notices.opendsr import NAME
from gateway.notices.opendsr_words import API_VERSION, CUSTOMER_ID, ERASURE, RAW, Status, encoded
from gateway.ports import OpenDsrRow
from gateway.seal.storage import protect, reveal

MOST_CALLBACKS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, as its tool sent it."""

    id: str
    subject: SubjectId = field(repr=False)
    submitted: datetime
    callbacks: tuple[str, ...]
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a request, sealed: nothing of the person."""

    id: str
    controller: str
    """Who asked: the service's name."""
    callbacks: tuple[str, ...]
    status: str = ""
    """The status that is being told."""
    left: tuple[str, ...] = ()
    """To whom it was not told yet."""


def discovery(gateway: Gateway, certificate_url: str) -> dict[str, Any]:
    """What can be asked here. Raises `NOT_FOUND` where nothing can."""
    need_spoken(gateway)
    return {
        "api_version": API_VERSION,
        "supported_identities": [{"identity_type": CUSTOMER_ID, "identity_format": RAW}],
        "supported_subject_request_types": [ERASURE],
        "processor_certificate": certificate_url,
    }


def need_spoken(gateway: Gateway) -> None:
    """Raise `NOT_FOUND` where this gateway takes no requests in OpenDSR."""
    if not opendsr_keys.spoken(gateway):
        raise CallerError(
            Reason.NOT_FOUND,
            "OpenDSR is not set up in this home",
            remedy="Set opendsr.certificate and opendsr.key.",
        )


async def receive(gateway: Gateway, asked: Asked, service: Service) -> dict[str, Any]:
    """
    Take a request to erase; its answer. The very same one again gets the same answer
    for a day; what would tell it from another one is not kept longer.

    Raises `CallerError`: `request-invalid` for an id that was used before, and what a
    case raises.
    """
    need_spoken(gateway)
    mark, fingerprint = _mark(gateway, service, asked.id), _fingerprint(gateway, asked)
    row = await gateway.store.opendsr_request(mark)
    if row is None:
        case = await _opened(gateway, asked, service)
        row = _new_row(gateway, asked, service, mark=mark, fingerprint=fingerprint, case=case)
        await gateway.store.put_opendsr_request(row)
        gateway.case_changed()
    elif not hmac.compare_digest(row.fingerprint or b"", fingerprint):
        raise CallerError(
            Reason.REQUEST_INVALID,
            "subject_request_id is that of another request, or of an older one",
        )
    gateway.log.info(
        "deletion-asked",
        protocol=NAME,
        status=201,
        code=NAME,
        service=service.name,
        case=row.case,
    )
    return {
        **_members(gateway, kept(gateway, row), await _case(gateway, row)),
        "received_time": stamp(row.received),
        "encoded_request": encoded(asked.raw),
    }


async def status(gateway: Gateway, id: str, service: Service) -> dict[str, Any]:
    """How a request stands. Raises `NOT_FOUND` for one that this service never made."""
    need_spoken(gateway)
    row = await gateway.store.opendsr_request(_mark(gateway, service, id))
    if row is None:
        raise CallerError(Reason.NOT_FOUND, "this service made no request with this id")
    return reported(gateway, kept(gateway, row), await _case(gateway, row))


async def cancel(gateway: Gateway, id: str, service: Service) -> None:
    """
    Raises `CASE_OPEN` for every request that there is: an erasure is fenced, and the
    person's keys go, from its acceptance on. `NOT_FOUND` for any other.
    """
    await status(gateway, id, service)
    raise CallerError(
        Reason.CASE_OPEN,
        "an erasure begins with its acceptance and cannot be cancelled",
        remedy="Let it end; its status says when.",
    )


def reported(gateway: Gateway, request: Kept, case: Case) -> dict[str, Any]:
    """The members of a status."""
    return {**_members(gateway, request, case), "request_status": status_of(case).value}


def status_of(case: Case) -> Status:
    """What the state of a case is in OpenDSR, which has no word for a part of it."""
    match case.state:
        case CaseState.CLOSED:
            return Status.COMPLETED
        case CaseState.REFUSED:
            return Status.CANCELLED
        case _:
            begun = any(one.attempts or one.settled for one in case.notices)
            return Status.IN_PROGRESS if begun else Status.PENDING


def kept(gateway: Gateway, row: OpenDsrRow) -> Kept:
    """What is kept of a request."""
    value = json.loads(reveal(gateway.secret("opendsr-request"), row.sealed, row.mark))
    lists = {name: tuple(value[name]) for name in ("callbacks", "left")}
    return Kept(**{**value, **lists})


def sealed(gateway: Gateway, mark: bytes, request: Kept) -> bytes:
    """The same, to be stored."""
    value = {name: getattr(request, name) for name in Kept.__slots__}
    text = json.dumps(value).encode()
    return protect(gateway.secret("opendsr-request"), text, mark, random=gateway.random)


def _members(gateway: Gateway, request: Kept, case: Case) -> dict[str, Any]:
    return {
        "controller_id": request.controller,
        "expected_completion_time": stamp(case.deadline),
        "subject_request_id": request.id,
        "api_version": API_VERSION,
    }


async def _opened(gateway: Gateway, asked: Asked, service: Service) -> str:
    """The case of a request: its own, or the one that erases this person already."""
    slot = slot_for(gateway, f"{NAME}|{service.issuer}", service.name, asked.id, _said(asked))
    request = CaseRequest(
        action=Action.ERASE.value,
        subject=asked.subject,
        reason=EraseReason.USER_REQUEST.value,
        scope=CaseScope(),
        method=gateway.config["opendsr.method"],
        reference=asked.id,
        verified_at=asked.submitted,
    )
    try:
        answer = await open_once(gateway, request, slot)
    except BeingErased as erased:
        return erased.case
    return str(answer["case"])


def _new_row(
    gateway: Gateway,
    asked: Asked,
    service: Service,
    *,
    mark: bytes,
    fingerprint: bytes,
    case: str,
) -> OpenDsrRow:
    request = Kept(
        id=asked.id,
        controller=service.name,
        callbacks=asked.callbacks,
    )
    now = gateway.clock()
    return OpenDsrRow(
        mark=mark,
        case=case,
        received=now,
        sealed=sealed(gateway, mark, request),
        told=Status.PENDING.value,
        fingerprint=fingerprint,
        next_at=now if asked.callbacks else None,
    )


async def _case(gateway: Gateway, row: OpenDsrRow) -> Case:
    case = await gateway.store.case(row.case)
    if case is None:
        raise CallerError(Reason.NOT_FOUND, "its case is not here any more")
    return case


def _mark(gateway: Gateway, service: Service, id: str) -> bytes:
    parts: Sequence[str] = (service.issuer, service.name, id)
    text = json.dumps(parts).encode()
    return hmac.digest(gateway.secret("opendsr-mark"), text, hashlib.sha256)


def _said(asked: Asked) -> bytes:
    """What makes it this request and no other."""
    return json.dumps([str(asked.subject), sorted(asked.callbacks)]).encode()


def _fingerprint(gateway: Gateway, asked: Asked) -> bytes:
    return hmac.digest(gateway.secret("opendsr-fingerprint"), _said(asked), hashlib.sha256)
