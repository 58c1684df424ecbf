"""
Reports out of the documents and the ledger (P3, P4, D2, N2).

The ledger is counted a stretch at a time: a report holds counts and never leaves.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.cases.certificate import MAY_NOT_BE_TOLD
from gateway.errors import CallerError, Reason
from gateway.flows.clockwork import parse_stamp
from gateway.flows.evidence import demands
from gateway.flows.gateway import Gateway
from gateway.flows.reads import record_list_read
from gateway.flows.snapshots import recipient
from gateway.model.ids import PartnerId
from gateway.model.policy import Kind
from gateway.model.recipients import Partner
from gateway.ports import PersonReadRow
from gateway.reports import access as accessing
from gateway.reports.access import ManyReaders, PersonRead, Reads
from gateway.reports.counts import RefusalCount, ShareCount
from gateway.reports.period import Period
from gateway.reports.processing import records
from gateway.reports.scorecard import scorecard
from gateway.reports.sharing import sharing_list
from gateway.reports.transparency import Counted, transparency

# Leaves counted at a time.
STRETCH = 20_000
# How many people the report on access names.
MAX_PEOPLE = 500


def period_of(start: str | None, end: str | None) -> Period:
    """
    A period of two texts: times, or UTC days, of which the second is in it whole.

    Raises `CallerError` where one cannot be read, or the end is not behind the start.
    """
    period = Period(start=_moment("from", start), end=_moment("to", end, days=1))
    if period.start is not None and period.end is not None and period.start >= period.end:
        raise CallerError(Reason.REQUEST_INVALID, "from: write a time before to")
    return period


def _moment(name: str, text: str | None, *, days: int = 0) -> datetime | None:
    if not text:
        return None
    try:
        if len(text) == len("2026-03-01"):
            return parse_stamp(f"{text}T00:00:00Z") + timedelta(days=days)
        return parse_stamp(text)
    except (ValueError, OverflowError):
        raise CallerError(
            Reason.REQUEST_INVALID, f"{name}: write 2026-03-01 or 2026-03-01T12:00:00Z"
        ) from None


async def sharing(gateway: Gateway, period: Period, service: str) -> dict[str, Any]:
    """The third-party sharing list. It is as of today, and about no period."""
    return sharing_list(gateway.policy.policy, on=gateway.clock().date())


async def ropa(gateway: Gateway, period: Period, service: str) -> dict[str, Any]:
    """Records of processing, with counts of the period."""
    counts = await _shares(gateway, period)
    return records(
        gateway.policy.policy,
        counts,
        _former(gateway),
        period=period,
        on=gateway.clock().date(),
    )


async def demanded(gateway: Gateway, period: Period, service: str) -> dict[str, Any]:
    """The transparency report."""
    authorities = [
        one
        for one in (*gateway.policy.policy.partners.values(), *_former(gateway))
        if one.kind is Kind.AUTHORITY
    ]
    named = {one.id for one in authorities}
    counted = Counted(
        demands=[one async for one in demands(gateway, named, period)],
        given=[one for one in await _shares(gateway, period) if one.partner in named],
        refused=await _refusals(gateway, period, sorted(named)),
        exempt=await gateway.store.exempt_notices(MAY_NOT_BE_TOLD, period.start, period.end),
    )
    return transparency(gateway.policy.policy, authorities, counted, period=period)


async def access(gateway: Gateway, period: Period, service: str) -> dict[str, Any]:
    """Who read whose records. Reading this is a leaf as well (P3)."""
    await record_list_read(gateway, service=service, what="access-report")
    store, first, last = gateway.store, period.first, period.last
    people = await store.reads_of_people(first, last, MAX_PEOPLE)
    many = await store.readers_of_people(first, last, accessing.MANY_READERS, MAX_PEOPLE)
    ids = await _ids(gateway, [*people, *many])
    reads = Reads(
        hours=await store.read_hours(last),
        spread=await store.read_spread(first, last),
        people=[
            PersonRead(reader=one.reader, subject=ids[one.subject], reads=one.reads, last=one.last)
            for one in people
            if one.subject in ids and one.reader is not None
        ],
        many=[
            ManyReaders(subject=ids[one.subject], readers=one.readers, reads=one.reads)
            for one in many
            if one.subject in ids
        ],
    )
    return accessing.access(reads, period=period)


async def _ids(gateway: Gateway, rows: Iterable[PersonReadRow]) -> dict[int, str]:
    """The app's ids of people who are there; who was erased meanwhile is left out."""
    found = await gateway.store.rows_by_number(sorted({row.subject for row in rows}))
    return {
        row.no: gateway.subjects.open_row(row)[1]["id"]
        for row in found
        if row.no is not None and not row.erased
    }


async def scored(gateway: Gateway, period: Period, partner: str | None) -> dict[str, Any]:
    """How each recipient answers what it was to be told in the period; no person is in it."""
    counts = await gateway.store.scorecard(period.start, period.end, partner)
    return scorecard(counts, period=period)


def _former(gateway: Gateway) -> list[Partner]:
    """Recipients whose manifest is gone, as it last was."""
    known = gateway.policy.policy.partners
    gone = (PartnerId(id) for id in sorted(gateway.partners.states) if id not in known)
    return [found for id in gone if (found := recipient(gateway, id)) is not None]


async def _stretches(gateway: Gateway) -> AsyncIterator[tuple[int, int]]:
    """The ledger, a stretch at a time."""
    await gateway.store.flush()
    size = await gateway.store.size()
    for start in range(0, size, STRETCH):
        yield start, min(start + STRETCH, size)


async def _shares(gateway: Gateway, period: Period) -> list[ShareCount]:
    found: Counter[ShareCount] = Counter()
    async for after, last in _stretches(gateway):
        for one in await gateway.store.count_shares(after, last, period.first, period.last):
            found[replace(one, shares=0)] += one.shares
    return [replace(one, shares=count) for one, count in found.items()]


async def _refusals(
    gateway: Gateway, period: Period, partners: Sequence[str]
) -> list[RefusalCount]:
    found: Counter[RefusalCount] = Counter()
    if not partners:
        return []
    async for after, last in _stretches(gateway):
        for one in await gateway.store.count_refusals(
            after, last, period.first, period.last, partners
        ):
            found[replace(one, refusals=0)] += one.refusals
    return [replace(one, refusals=count) for one, count in found.items()]
