"""
Which leaves may be pruned: their content goes, their hash stays (contract §10).

A leaf may go once the record-keeping term of the policy is over and nobody needs
it any more. What is needed longer:

- Those of a share, and its outcomes: as long as an attempt is open or waits in the
  queue, its retention runs, its recipient was not told of the end, a token for it
  opens anything, a case of its person or the one that told its end is open, or the
  person had its use restricted.
- Those of a case: as long as it is open, a fence of it stands, or the mark that keeps
  an erased person out may live.
- `policy`, `partner`, and `key` of the gateway and of recipients: for ever. They are
  of nobody, few, and needed to read the rest.

The leaves of one share go together, so that no outcome is ever left without its
attempt. Of a person who was erased nothing leads to a leaf any more: no case can
need one, and their leaves go with the term.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, TypeAlias

from gateway.ledger.leaf import SHARES, Kind, timestamp

_OF_SHARE: Final = frozenset({*SHARES, Kind.DECLARED, Kind.OUTCOME})
_OF_CASE: Final = frozenset({Kind.FENCE, Kind.CASE, Kind.NOTICE, Kind.RECEIPT, Kind.KEY})
_LASTING: Final = frozenset({Kind.POLICY, Kind.PARTNER})
_LATER: Final = timedelta(days=1)


class Fate(Enum):
    """What becomes of a leaf for good, or for now."""

    PRUNED = "pruned"
    LASTS = "lasts"
    YOUNG = "young"
    """Its term is not over, and neither is that of whatever came after it."""


Verdict: TypeAlias = Fate | datetime
"""A time: it is still needed, and is looked at again then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareFacts:
    """How one attempt at a share stands; a declared disclosure is one too."""

    at: str
    """When its leaf was written, as the leaf has it."""
    until: datetime
    """The end of its retention."""
    needed: bool
    """Whether anything is open about it that has no date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the store knows of a leaf's share or case."""

    shares: Sequence[ShareFacts] = ()
    """Every attempt at the share that is not pruned."""
    case_open: bool = False


Judge: TypeAlias = Callable[[Mapping[str, Any], Facts], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Leaves that were written before these times are past their term."""

    records: datetime
    cases: datetime
    """Of leaves of cases; not later than `records`."""


def terms(now: datetime, *, records_months: int, tombstone_months: int) -> Terms:
    """
    The terms as of now. Leaves of cases stay as long as the mark that keeps an erased
    person out: from them a restored copy learns whom it must forget again (K2).
    """
    longer = max(records_months, tombstone_months)
    return Terms(records=months_before(now, records_months), cases=months_before(now, longer))


def months_before(now: datetime, months: int) -> datetime:
    """The same day and time so many months earlier, or the last day of that month."""
    now = now.astimezone(UTC)
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    if year < 1:
        return datetime.min.replace(tzinfo=UTC)
    for day in range(now.day, 27, -1):
        try:
            return now.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return now.replace(year=year, month=month + 1)


def judging(terms: Terms, *, now: datetime) -> Judge:
    """How each leaf is judged under these terms."""
    records, cases = timestamp(terms.records), timestamp(terms.cases)

    def judge(leaf: Mapping[str, Any], facts: Facts) -> Verdict:
        kind = leaf["kind"]
        if leaf["at"] >= records:
            return Fate.YOUNG
        if kind in _LASTING or (kind == Kind.KEY and leaf["owner"] != "subject"):
            return Fate.LASTS
        if kind in _OF_SHARE:
            return _of_share(leaf, facts.shares, records, now)
        if kind in _OF_CASE and (facts.case_open or leaf["at"] >= cases):
            return now + _LATER
        return Fate.PRUNED

    return judge


def _of_share(
    leaf: Mapping[str, Any], shares: Sequence[ShareFacts], records: str, now: datetime
) -> Verdict:
    if any(one.needed or one.at >= records for one in shares):
        return now + _LATER
    ends = [one.until for one in shares]
    if "retention_until" in leaf:
        ends.append(datetime.fromisoformat(leaf["retention_until"]))
    last = max(ends, default=now)
    return last if last > now else Fate.PRUNED
