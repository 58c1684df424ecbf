"""
Who is affected when a recipient loses data, streamed (P8), and who must be asked
again after a purpose changed (S2).

Both go through the people one after another, a page at a time, so that neither
the length of the ledger nor the number of people is held in memory. Nobody is
kept waiting: each page is read by itself, and who is erased meanwhile is counted
as erased.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from gateway.errors import CallerError, Reason
from gateway.flows.gateway import Gateway
from gateway.flows.reads import record_list_read
from gateway.flows.subjects import open_consent
from gateway.ports import SharedRow, SubjectState
from gateway.reports.affected import Question, Summary, Tally
from gateway.reports.asking import to_ask

# Shares and people read at a time, and the stretch of people or leaves looked through
# for them: small enough that a page takes moments also where nothing is found in it.
SHARES_PAGE = 1000
PEOPLE_PAGE = 200
STRETCH = 20_000

Lines = AsyncIterator[dict[str, Any]]


async def affected(gateway: Gateway, question: Question, service: str) -> Lines:
    """
    One line a person (by the id that was used), then a line `summary`.

    The read is a leaf before the first line. Raises `CallerError` for a recipient
    that was never known and a purpose that the policy does not have: a name
    that is misspelled must not read as nobody affected.
    """
    check(gateway, question)
    await record_list_read(gateway, service=service, what=f"affected:{question.partner or '*'}")
    await gateway.store.flush()
    return _affected(gateway, question)


def check(gateway: Gateway, question: Question) -> None:
    """Raise `CallerError` for names that cannot be right."""
    policy = gateway.policy.policy
    if question.partner is question.purpose is question.category is None:
        raise CallerError(Reason.REQUEST_INVALID, "partner: write it, a purpose or a category")
    known_partners = {*policy.partners, *gateway.partners.states}
    if question.partner is not None and question.partner not in known_partners:
        raise CallerError(Reason.REQUEST_INVALID, "partner: no recipient of this name was known")
    if question.purpose is not None and question.purpose not in policy.purposes:
        raise CallerError(
            Reason.REQUEST_INVALID,
            "purpose: the policy has none of this name; leave it out and look at `purposes`",
        )
    tree = question.category
    if tree is not None and not any(
        known == tree or known.startswith(f"{tree}.") for known in policy.categories
    ):
        raise CallerError(Reason.REQUEST_INVALID, "category: the policy has none of this name")
    period = question.period
    if period.start is not None and period.end is not None and period.start >= period.end:
        raise CallerError(Reason.REQUEST_INVALID, "from: write a time before to")


async def _affected(gateway: Gateway, question: Question) -> Lines:
    summary = Summary(question=question)
    pending: dict[int, _Tallies] = {}
    async for row in _shares(gateway, question.partner):
        leaf = json.loads(row.leaf)
        if not question.about(leaf) or row.subject is None:
            continue
        # Rows come person by person: whoever is behind is complete.
        if row.subject not in pending and len(pending) >= PEOPLE_PAGE:
            async for line in _told(gateway, pending, summary):
                yield line
            pending = {}
        tallies = pending.setdefault(row.subject, {})
        tallies.setdefault(not row.untold, Tally()).add(leaf, row.outcome)
    async for line in _told(gateway, pending, summary):
        yield line
    await _count_the_rest(gateway, question, summary)
    yield summary.shown()


_Tallies = dict[bool, Tally]
"""What one person's shares come to: those that they may be told of, and the others (D2)."""


async def _shares(gateway: Gateway, partner: str | None) -> AsyncIterator[SharedRow]:
    end = await gateway.store.last_subject()
    for start in range(0, end, STRETCH):
        last = min(start + STRETCH, end)
        # Behind every leaf of the person before.
        after = (start, _BEHIND)
        while rows := await gateway.store.shares_of_people(partner, after, last, SHARES_PAGE):
            for row in rows:
                yield row
            after = (rows[-1].subject or start, rows[-1].seq)


_BEHIND = 2**62


async def _told(gateway: Gateway, pending: Mapping[int, _Tallies], summary: Summary) -> Lines:
    rows = await gateway.store.rows_by_number(list(pending))
    ids = {row.no: gateway.subjects.open_row(row)[1]["id"] for row in rows if not row.erased}
    for number, tallies in pending.items():
        shares = sum(tally.shares for tally in tallies.values())
        if number not in ids:
            summary.erased += shares
            continue
        summary.people += 1
        summary.shares += shares
        for may_be_told, tally in sorted(tallies.items(), reverse=True):
            yield tally.shown(ids[number], may_be_told=may_be_told)


async def _count_the_rest(gateway: Gateway, question: Question, summary: Summary) -> None:
    """Shares that lead to nobody any more, and those that were about nobody."""
    size = await gateway.store.size()
    for start in range(0, size, STRETCH):
        last = min(start + STRETCH, size)
        for row in await gateway.store.shares_of_nobody(question.partner, start, last):
            leaf = json.loads(row.leaf)
            if question.about(leaf):
                summary.erased += "subject" in leaf
                summary.about_nobody += "subject" not in leaf


async def ask_again(gateway: Gateway, purpose: str | None, service: str) -> Lines:
    """
    One line for each consent that does not carry its purpose any more because
    the purpose or its sharing changed, then a line `summary`. The read is a leaf.
    """
    if purpose is not None and purpose not in gateway.policy.policy.purposes:
        raise CallerError(Reason.REQUEST_INVALID, "purpose: the policy has none of this name")
    what = "ask-again" if purpose is None else f"ask-again:{purpose}"
    await record_list_read(gateway, service=service, what=what)
    return _ask_again(gateway, purpose)


async def _ask_again(gateway: Gateway, purpose: str | None) -> Lines:
    people = lines = 0
    after = 0
    while states := await gateway.store.consented(after, PEOPLE_PAGE):
        after = states[-1].row.no or after
        for subject, rows in _asked(gateway, states, purpose):
            people += 1
            lines += len(rows)
            for row in rows:
                yield {"subject": subject, **row}
    yield {"summary": {"purpose": purpose, "people": people, "consents": lines}}


def _asked(
    gateway: Gateway, states: Sequence[SubjectState], purpose: str | None
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for state in states:
        key, facts = gateway.subjects.open_row(state.row)
        consents = (open_consent(key, row) for row in state.consents)
        rows = to_ask(consents, gateway.policy.policy, now=gateway.clock(), purpose=purpose)
        minor = bool(facts.get("minor"))
        if rows:
            # M1: for a minor the guardian is asked.
            yield facts["id"], [{**row, "ask": "guardian" if minor else "subject"} for row in rows]
