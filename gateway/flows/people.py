"""What is known of a person, and who has their data (contract §8; R1)."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.decide.purposes import SALE
from gateway.errors import CallerError, Fenced, Reason, Stale, StoreFailed
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id
from gateway.flows.consents import MAX_TRIES, forget
from gateway.flows.gateway import Gateway
from gateway.flows.reads import record_read
from gateway.flows.subjects import Person
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.ids import CategoryId, GroundId, PartnerId, PurposeId, SubjectId
from gateway.model.shares import Outcome
from gateway.ports import DisclosureRow, IntentEntry, SubjectRow
from gateway.reports.account_rows import AccountRows


@dataclass(frozen=True, slots=True, kw_only=True)
class FactChanges:
    """What `PUT /v1/subjects/{subject}` changes; None = as it was."""

    minor: bool | None = None
    territory: str | None = None
    opt_out: tuple[str, ...] | None = None
    aliases: tuple[SubjectId, ...] = ()


async def change(gateway: Gateway, subject: SubjectId, changes: FactChanges) -> None:
    """
    Change what is known of a person and all their aliases; the next share sees it.

    Raises `CallerError` for a person who was erased and for an objection to what
    the policy does not have, `Declined` where the disk does not take it.
    """
    # R5: an objection that is misspelled would protect nobody.
    known = {SALE, *gateway.policy.policy.purposes}
    if not known.issuperset(changes.opt_out or ()):
        raise CallerError(Reason.REQUEST_INVALID, "opt_out holds neither a purpose nor sale")
    for _ in range(MAX_TRIES):
        ids = tuple(dict.fromkeys((subject, *changes.aliases)))
        persons = [await gateway.subjects.get(one) for one in ids]
        if any(person.facts.erased for person in persons):
            raise CallerError(Reason.SUBJECT_ERASED)
        try:
            rows, marks = await _rows(gateway, persons, changes)
            await gateway.store.put_subject(rows, tombstones=marks, same_person=len(ids) > 1)
        except (Stale, Fenced):
            continue
        except StoreFailed as error:
            raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
        finally:
            forget(gateway, persons)
        return
    raise Declined(problem(Reason.LEDGER_UNAVAILABLE, "the facts of this person keep changing"))


async def _rows(
    gateway: Gateway, persons: Sequence[Person], changes: FactChanges
) -> tuple[list[SubjectRow], list[bytes]]:
    """Every row of the person, the stored aliases too, with its facts changed."""
    rows: dict[bytes, SubjectRow] = {}
    marks: dict[bytes, bytes] = {}
    for person in persons:
        state = await gateway.store.subject(person.lookup)
        stored = (state.row, *state.aliases) if state else ((person.row,) if person.row else ())
        for row in stored:
            key, facts = gateway.subjects.open_row(row)
            sealed = gateway.subjects.seal_facts(key, _changed(facts, changes))
            rows[row.lookup] = replace(row, facts=sealed)
            marks[row.lookup] = gateway.subjects.mark(facts["id"])
    return list(rows.values()), [marks[lookup] for lookup in rows]


def _changed(facts: dict[str, Any], changes: FactChanges) -> dict[str, Any]:
    new = dict(facts)
    if changes.minor is not None:
        new["minor"] = changes.minor
    if changes.territory is not None:
        new["territory"] = changes.territory
    if changes.opt_out is not None:
        new["opt_out"] = list(changes.opt_out)
    return new


async def disclosures(gateway: Gateway, subject: SubjectId, service: str) -> list[dict[str, Any]]:
    """
    Everything disclosed of a person and every open intent, oldest first; empty
    after an erasure. The read itself is a leaf (P3).
    """
    found: list[dict[str, Any]] = []
    for rows in await account(gateway, subject, service):
        found += json.loads(f"[{rows}]")
        # Others are not kept waiting for a long account.
        await asyncio.sleep(0)
    return found


async def account(gateway: Gateway, subject: SubjectId, service: str) -> list[str]:
    """
    The same as JSON text: some hundred objects to each, parted by commas. What was
    answered a moment ago is in it.
    """
    person = await gateway.subjects.get(subject)
    await record_read(gateway, person, service=service, what="disclosures")
    await gateway.store.flush()
    if person.number is None or person.facts.erased:
        return []
    rows = AccountRows(gateway.policy.policy)
    async with aclosing(gateway.store.disclosures(person.number)) as pages:
        return [told async for page in pages if (told := _told(rows, page))]


def _told(rows: AccountRows, page: Sequence[DisclosureRow]) -> str:
    return ", ".join(
        rows.row(index, leaf, outcome)
        for index, leaf, outcome, untold in page
        # D2: telling of a demand that may not be told would tip off.
        if not untold and outcome != Outcome.NOT_SENT
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What left before or beside the gateway, as a service declares it."""

    subject: SubjectId
    partner: PartnerId
    purpose: PurposeId
    purpose_version: int
    ground: GroundId
    fields: tuple[str, ...]
    categories: tuple[CategoryId, ...]
    at: datetime
    retention_until: datetime
    references: tuple[str, ...] = ()
    ends: bool = True
    """False: no retention was declared; its recipient is not told of an end by itself."""


async def declare(gateway: Gateway, declared: Sequence[Declared], service: str) -> list[str]:
    """
    Record disclosures that the gateway did not carry, all or none; the share
    ids they are known by. Their recipients are told of deletions too.
    """
    for _ in range(MAX_TRIES):
        persons = [await gateway.subjects.get(one.subject) for one in declared]
        if any(person.facts.erased for person in persons):
            raise CallerError(Reason.SUBJECT_ERASED)
        shares = [new_id("shr", gateway.random) for _ in declared]
        rows = [
            (_declared_entry(gateway, person, one, share, service), share, one.partner)
            for person, one, share in zip(persons, declared, shares, strict=True)
        ]
        try:
            recorded = await gateway.store.declare(rows)
        except (Stale, Fenced):
            forget(gateway, persons)
            continue
        except StoreFailed as error:
            raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
        for person, place in zip(persons, recorded, strict=True):
            person.recorded(place)
        gateway.appended.set()
        return shares
    raise Declined(problem(Reason.LEDGER_UNAVAILABLE, "the facts of this person keep changing"))


def _declared_entry(
    gateway: Gateway, person: Person, one: Declared, share: str, service: str
) -> IntentEntry:
    id = new_id("leaf", gateway.random)
    partner = gateway.policy.policy.partners[one.partner]
    leaf = entries.declared(
        id=id,
        at=gateway.clock(),
        disclosed_at=one.at,
        share=share,
        partner=one.partner,
        purpose=one.purpose,
        purpose_version=one.purpose_version,
        ground=one.ground,
        fields=one.fields,
        categories=one.categories,
        edition=gateway.policy.policy.edition.number,
        service=service,
        retention_until=one.retention_until,
        territory=partner.territory,
        subject=entries.subject_mark(person.key, id),
    )
    return IntentEntry(
        leaf=canonical(leaf),
        subject=person.row,
        tombstone=person.mark,
        retention_until=one.retention_until,
        ends=one.ends,
        references=person.protect(list(one.references), f"reference|{share}", gateway.random)
        if one.references
        else None,
    )
