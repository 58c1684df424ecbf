"""Registered evidence: demands, disputes, rights to protect (S1, S5, D2)."""

import json
from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Any

from gateway.flows.clockwork import new_id, parse_stamp, stamp
from gateway.flows.gateway import Gateway
from gateway.flows.subjects import Subjects
from gateway.model.consent import Evidence
from gateway.model.ids import CategoryId, EvidenceId, PartnerId, PurposeId, SubjectId
from gateway.model.shares import Ask
from gateway.ports import EvidenceRow, Store
from gateway.reports.counts import Demand
from gateway.reports.period import Period
from gateway.seal.storage import protect, reveal

PREFIX = "ev"
PAGE = 500


async def register(
    gateway: Gateway,
    *,
    type: str,
    reference: str,
    partner: PartnerId,
    purposes: tuple[PurposeId, ...],
    subjects: tuple[SubjectId, ...] | None,
    categories: tuple[CategoryId, ...] | None,
    expires: datetime | None,
    may_tell_subject: bool,
) -> EvidenceId:
    """Store a record; when this returns it is durable. Its text is sealed."""
    id = EvidenceId(new_id(PREFIX, gateway.random))
    value = {
        "type": type,
        "reference": reference,
        "purposes": list(purposes),
        "categories": list(categories) if categories is not None else None,
        "expires": stamp(expires) if expires else None,
        "may_tell_subject": may_tell_subject,
        "registered_at": stamp(gateway.clock()),
    }
    await gateway.store.add_evidence(
        EvidenceRow(
            id=id,
            partner=partner,
            sealed=protect(
                gateway.secret("evidence"),
                json.dumps(value).encode(),
                _label(id),
                random=gateway.random,
            ),
            subjects=None
            if subjects is None
            else tuple(gateway.subjects.lookup(subject) for subject in subjects),
        )
    )
    return id


async def registered(ask: Ask, store: Store, subjects: Subjects, key: bytes) -> Evidence | None:
    """
    The record that a share names, if there is one; about its own subjects only.

    `key` is the home's for evidence.
    """
    if ask.evidence is None or not ask.evidence.text.startswith(f"{PREFIX}_"):
        return None
    row = await store.evidence(ask.evidence.text)
    return _open(row, ask, subjects, key) if row else None


def _open(row: EvidenceRow, ask: Ask, subjects: Subjects, key: bytes) -> Evidence:
    value = _value(row, key)
    about = None
    if row.subjects is not None:
        # Stored are keyed hashes; of this share's people those that are among them.
        about = tuple(s for s in ask.subjects if subjects.lookup(s) in row.subjects)
    categories = value["categories"]
    return Evidence(
        id=EvidenceId(row.id),
        type=value["type"],
        reference=value["reference"],
        partner=PartnerId(row.partner),
        purposes=tuple(PurposeId(purpose) for purpose in value["purposes"]),
        subjects=about,
        categories=None if categories is None else tuple(CategoryId(c) for c in categories),
        expires=parse_stamp(value["expires"]) if value["expires"] else None,
        may_tell_subject=value["may_tell_subject"],
    )


def _value(row: EvidenceRow, key: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(reveal(key, row.sealed, _label(row.id)))
    return value


async def demands(
    gateway: Gateway, authorities: Collection[str], period: Period
) -> AsyncIterator[Demand]:
    """
    The records registered for these recipients in a period, for counting: nothing
    of the persons or of the text is in it. Records of before registrations were
    dated count in every period that has no beginning.
    """
    key, last = gateway.secret("evidence"), ""
    while rows := await gateway.store.evidence_after(last, PAGE):
        last = rows[-1].id
        for row in rows:
            if row.partner not in authorities:
                continue
            value = _value(row, key)
            if period.holds(value.get("registered_at", "")):
                yield Demand(
                    partner=row.partner,
                    purposes=tuple(value["purposes"]),
                    type=value["type"],
                    may_tell=value["may_tell_subject"],
                )


def _label(id: str) -> bytes:
    return b"evidence|" + id.encode()
