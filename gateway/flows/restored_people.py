"""
Whose leaves of the past these are: found by trying the keys of the people whom a
restored store still has (contract §10).

A mark tells nobody without a key, so what it costs is leaves times people. Who is
to be forgotten or fenced is looked for among everybody, whatever it takes: these
leaves are few. For shares of all others the people who had something shared last
come first, and there is a limit to the tries.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.flows.gateway import Gateway
from gateway.flows.snapshots import recipient
from gateway.ledger.marks import Marks
from gateway.ledger.past import PastCase
from gateway.model.ids import PartnerId
from gateway.model.policy import Kind
from gateway.ports import OwnedShare, SubjectRow
from gateway.seal.storage import SealBroken

PEOPLE_PAGE = 500
SHARES_PAGE = 2000
# Leaves whose marks are in memory at once, some 300 bytes each.
LEAVES_AT_ONCE = 100_000


Progress = Callable[[int, int, str], None]


@dataclass(slots=True, kw_only=True)
class Search:
    """Who was found for which case, and whose rows no key opens."""

    found: dict[str, SubjectRow] = field(default_factory=dict)
    unreadable: list[int] = field(default_factory=list)
    people: int = 0


@dataclass(slots=True, kw_only=True)
class Owned:
    """What became of the search for the people of shares."""

    found: int = 0
    unknown: int = 0
    """Every key was tried: this store does not know these people."""
    untried: int = 0
    """Not every key was tried."""


async def search(gateway: Gateway, cases: Iterable[PastCase], told: Progress) -> Search:
    """Find the person of each case by its marks, among all people."""
    marks = Marks((id, mark, case.id) for case in cases for id, mark in case.marks)
    result, last, after = Search(), await gateway.store.last_subject(), 0
    while rows := await gateway.store.rows_from(after, PEOPLE_PAGE):
        after = rows[-1].no or after
        for row in rows:
            result.people += 1
            key = _key(gateway, row)
            if key is None:
                result.unreadable.append(row.no or 0)
                continue
            for case in marks.of(key):
                result.found.setdefault(case, row)
        told(after, max(last, after), "people looked at")
    return result


async def own_shares(
    gateway: Gateway,
    start: int,
    size: int,
    *,
    first: Sequence[SubjectRow],
    tries: int | None,
    told: Progress,
) -> Owned:
    """
    Find whose the shares from leaf `start` up to `size` are that are nobody's yet.

    The people of `first` are tried on all of them, the others up to `tries` tries;
    None: no limit. Each find is durable.
    """
    result, after, left = Owned(), start, tries
    while leaves := await _unowned(gateway, start, after, size):
        after = leaves[-1][0]
        marks = Marks(
            (leaf["id"], leaf["subject"], (seq, leaf["partner"], _ends(leaf)))
            for seq, leaf in leaves
        )
        waiting = len(marks)
        everybody, left = await _tried(gateway, marks, start, first, left)
        result.found += waiting - len(marks)
        result.unknown += len(marks) if everybody else 0
        result.untried += 0 if everybody else len(marks)
        told(min(after, size), size, "leaves looked at")
    return result


_Share = tuple[int, str, bool]


async def _tried(
    gateway: Gateway,
    marks: Marks[_Share],
    start: int,
    first: Sequence[SubjectRow],
    left: int | None,
) -> tuple[bool, int | None]:
    """Try people on these marks; whether everybody was tried, and the tries that are left."""
    done = bytearray(await gateway.store.last_subject() + 1)
    for row in first:
        await _try(gateway, marks, row, done)
    async for rows in _by_recency(gateway, start, done):
        for row in rows:
            if not len(marks):
                return True, left
            if left is not None and left < len(marks):
                return False, left
            left = None if left is None else left - len(marks)
            await _try(gateway, marks, row, done)
    return True, left


async def _try(gateway: Gateway, marks: Marks[_Share], row: SubjectRow, done: bytearray) -> None:
    done[row.no or 0] = 1
    key = _key(gateway, row)
    mine = marks.of(key) if key is not None else []
    if mine:
        shares = [
            OwnedShare(
                seq=seq, subject=row.no or 0, untold=_may_be_untold(gateway, partner), ends=ends
            )
            for seq, partner, ends in mine
        ]
        await gateway.store.own_shares(shares)


async def _by_recency(
    gateway: Gateway, start: int, done: bytearray
) -> AsyncIterator[list[SubjectRow]]:
    """Everybody who was not tried yet: who shared last before the place first, the rest after."""
    before = start + 1
    while shares := await gateway.store.sharers(before, SHARES_PAGE):
        before = shares[-1][0]
        fresh = [no for no in dict.fromkeys(no for _, no in shares) if not done[no]]
        if fresh:
            rows = {row.no: row for row in await gateway.store.rows_by_number(fresh)}
            yield [rows[no] for no in fresh if no in rows]
    after = 0
    while rest := await gateway.store.rows_from(after, PEOPLE_PAGE):
        after = rest[-1].no or after
        yield [row for row in rest if not done[row.no or 0]]


async def _unowned(
    gateway: Gateway, start: int, after: int, size: int
) -> list[tuple[int, dict[str, Any]]]:
    found: list[tuple[int, dict[str, Any]]] = []
    while len(found) < LEAVES_AT_ONCE:
        some = await gateway.store.unowned_shares(start, after, size)
        if not some:
            break
        after = some[-1][0]
        found += [(seq, _needed(json.loads(leaf))) for seq, leaf in some]
    return found


def _needed(leaf: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "subject", "partner", "kind", "retention_until", "disclosed_at")
    return {name: leaf[name] for name in names if name in leaf}


def _ends(leaf: dict[str, Any]) -> bool:
    """Whether it ends by itself; what was declared without a retention does not."""
    until = leaf.get("retention_until")
    return leaf["kind"] != "declared" or until not in (None, leaf.get("disclosed_at"))


def _may_be_untold(gateway: Gateway, partner: str) -> bool:
    """D2: whether a demand may be told of is not in its leaf, so none of an authority is."""
    known = recipient(gateway, PartnerId(partner))
    return known is None or known.kind is Kind.AUTHORITY


def _key(gateway: Gateway, row: SubjectRow) -> bytes | None:
    """A row's key; None where nothing opens it any more."""
    try:
        return gateway.subjects.open_row(row)[0]
    except SealBroken:
        return None
