"""
Which notices go out next: recipients take turns, and within a recipient its cases do.

Each recipient has one place of its own, so that however many are silent, none of the
others waits for the places that those hold. What a recipient has beyond it is taken out
of what all share.

A case with ten thousand notices to one recipient never keeps another case's single one
waiting: each turn of a case is one notice. Where few are due they are all looked at; of a
long queue the next cases are found by their index, so that a claim costs the same
whatever waits.
"""

import sqlite3
from dataclasses import dataclass, field

from gateway.stores.sqlite.statements import SQL

# So many due notices of one recipient are looked at together; of more, case by case.
FEW = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be claimed: `CaseStore.claim_notices`."""

    now: int
    """Milliseconds."""
    limit: int
    """Of what all recipients share, beyond the place that each has."""
    per_partner: int
    without: frozenset[str]
    probing: frozenset[str]
    silent: frozenset[str]


@dataclass(slots=True)
class Turns:
    """Who had of what all share last. In memory: after a start everybody's turn comes as before."""

    partner: str = ""
    case: dict[str, str] = field(default_factory=dict)
    """By recipient."""


@dataclass(frozen=True, slots=True)
class _Lane:
    partner: str
    due: int
    claimed: int


def claim(db: sqlite3.Connection, wanted: Wanted, turns: Turns) -> list[str]:
    """Claim notices, each with one more attempt; their ids."""
    claimed: list[str] = []
    shared = wanted.limit
    for lane in _in_turn(_lanes(db), turns.partner):
        most = 1 if lane.partner in wanted.silent else wanted.per_partner
        own = 0 if lane.claimed else 1
        room = min(most - lane.claimed, own + shared)
        if room <= 0 or lane.partner in wanted.without:
            continue
        if lane.partner in wanted.probing:
            found = _probe(db, lane, wanted.now)
        elif lane.due <= wanted.now:
            found = _due(db, lane.partner, wanted.now, room, turns)
        else:
            continue
        claimed += found
        if len(found) > own:
            shared -= len(found) - own
            turns.partner = lane.partner
    return claimed


def _lanes(db: sqlite3.Connection) -> list[_Lane]:
    """Every recipient with a notice that is or will be due, in order."""
    return [_Lane(*row) for row in db.execute(SQL["notice_lanes"])]


def _in_turn(lanes: list[_Lane], last: str) -> list[_Lane]:
    behind = [lane for lane in lanes if lane.partner > last]
    return behind + [lane for lane in lanes if lane.partner <= last]


def _probe(db: sqlite3.Connection, lane: _Lane, now: int) -> list[str]:
    """One, and none while another is on its way."""
    if lane.claimed:
        return []
    row = db.execute(SQL["notice_to_probe"], (lane.partner, now)).fetchone()
    return [_taken(db, row[0])] if row else []


def _due(db: sqlite3.Connection, partner: str, now: int, room: int, turns: Turns) -> list[str]:
    """What somebody asked for themselves goes first, and then mass cases (K3)."""
    found = _of_kind(db, partner, now, room, turns, kind="own_")
    if len(found) < room:
        found += _of_kind(db, partner, now, room - len(found), turns, kind="")
    return found


def _of_kind(
    db: sqlite3.Connection, partner: str, now: int, room: int, turns: Turns, *, kind: str
) -> list[str]:
    few = db.execute(SQL[f"{kind}notices_due"], (partner, now, FEW + 1)).fetchall()
    if len(few) <= FEW:
        return _of_few(db, partner, few, room, turns)
    found: list[str] = []
    while len(found) < room:
        row = _next_case(db, partner, now, turns.case.get(partner, ""), kind)
        if row is None:
            break
        found.append(_taken(db, row[0]))
        turns.case[partner] = row[1]
    return found


def _of_few(
    db: sqlite3.Connection, partner: str, rows: list[tuple[str, str]], room: int, turns: Turns
) -> list[str]:
    """Of all that is due: from each case one, and again from the first."""
    waiting: dict[str, list[str]] = {}
    for id, case in rows:
        waiting.setdefault(case, []).append(id)
    last = turns.case.get(partner, "")
    order = sorted(waiting, key=lambda case: (case <= last, case))
    found: list[str] = []
    while order and len(found) < room:
        case = order.pop(0)
        found.append(_taken(db, waiting[case].pop(0)))
        turns.case[partner] = case
        if waiting[case]:
            order.append(case)
    return found


def _next_case(
    db: sqlite3.Connection, partner: str, now: int, last: str, kind: str
) -> tuple[str, str] | None:
    """The oldest due notice of the next case behind `last`, or of the first one."""
    for after in (last, ""):
        row: tuple[str, str] | None = db.execute(
            SQL[f"{kind}notice_of_next_case"], (partner, after, now)
        ).fetchone()
        if row is not None:
            return row
    return None


def _taken(db: sqlite3.Connection, id: str) -> str:
    db.execute(SQL["claim_notice"], (id,))
    return id
