"""
Who reads people's records, and which of it is unusual (P3).

What counts as unusual is a rule in plain words that stands in the report. A mark
says that somebody should look, and nothing more.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from gateway.reports.counts import HourOfReads, Reader, ReadSpread
from gateway.reports.period import Period

# How many times the median is unusual, and below which counts nothing is.
TIMES = 3
LEAST_ON_A_DAY = 20
LEAST_OF_A_PERSON = 10
# How many days of reading make a habit, and how many readers of one person are many.
DAYS_OF_HABIT = 7
MANY_READERS = 3

RULES = {
    "busy-day": f"on that day more than {TIMES} times the median of its days with reads, and at "
    f"least {LEAST_ON_A_DAY} reads",
    "new-hour": f"a read at an hour of the day (UTC) at which it had never read, after at least "
    f"{DAYS_OF_HABIT} days with reads",
    "often-read": f"one person read more than {TIMES} times as often as the median of the people "
    f"that it read, and at least {LEAST_OF_A_PERSON} times",
    "many-readers": f"one person read by more than {MANY_READERS} services or employees",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRead:
    """How often somebody read one person in the period."""

    reader: Reader
    subject: str
    """The app's id."""
    reads: int
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyReaders:
    """One person whom several read in the period."""

    subject: str
    readers: int
    reads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What was read: `hours` since the beginning, the rest in the period."""

    hours: Sequence[HourOfReads] = ()
    people: Sequence[PersonRead] = ()
    """The ones most often read, most often first."""
    spread: Sequence[ReadSpread] = ()
    many: Sequence[ManyReaders] = ()


def access(reads: Reads, *, period: Period) -> dict[str, Any]:
    """The report as a JSON value."""
    inside = [one for one in reads.hours if _inside(one.hour, period)]
    readers = sorted({one.reader for one in inside}, key=lambda one: one.name)
    medians = {reader: _median_of(reads.spread, reader) for reader in readers}
    return {
        "period": period.shown(),
        "rules": RULES,
        "readers": [_reader(one, inside, reads.spread, medians[one]) for one in readers],
        "people": [_person(one, medians.get(one.reader, 0)) for one in reads.people],
        "unusual": [
            *_busy_days(reads.hours, period),
            *_new_hours(reads.hours, period),
            *_often(reads.people, medians),
            *_many(reads.many),
        ],
    }


def _inside(hour: str, period: Period) -> bool:
    # The hour that a period begins or ends in belongs to it.
    return period.first[:13] <= hour and f"{hour}:00:00.000Z" < period.last


def _reader(
    reader: Reader, inside: Iterable[HourOfReads], spread: Iterable[ReadSpread], usual: float
) -> dict[str, Any]:
    mine = [one for one in inside if one.reader == reader]
    records: Counter[str] = Counter()
    for one in mine:
        records[one.record] += one.reads
    days = _days(mine)
    return {
        "service": reader.service,
        "actor": reader.actor,
        "reads": sum(days.values()),
        "people": sum(one.people for one in spread if one.reader == reader),
        "days": len(days),
        "median_a_day": median(days.values()) if days else 0,
        "median_a_person": usual,
        "records": dict(sorted(records.items())),
    }


def _person(one: PersonRead, usual: float) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "service": one.reader.service,
        "actor": one.reader.actor,
        "reads": one.reads,
        "last": one.last,
        "unusual": _is_often(one.reads, usual),
    }


def _days(hours: Iterable[HourOfReads]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in hours:
        found[one.hour[:10]] += one.reads
    return found


def _median_of(spread: Iterable[ReadSpread], reader: Reader) -> float:
    """The median of how often each person was read, out of counts of people."""
    mine = sorted((one.reads, one.people) for one in spread if one.reader == reader)
    half = sum(people for _, people in mine) / 2
    seen = 0
    for place, (reads, people) in enumerate(mine):
        seen += people
        if seen == half:
            return (reads + mine[place + 1][0]) / 2
        if seen > half:
            return reads
    return 0


def _by_reader(hours: Iterable[HourOfReads]) -> dict[Reader, list[HourOfReads]]:
    found: dict[Reader, list[HourOfReads]] = {}
    for one in sorted(hours, key=lambda one: (one.reader.name, one.hour)):
        found.setdefault(one.reader, []).append(one)
    return found


def _busy_days(hours: Iterable[HourOfReads], period: Period) -> Iterable[dict[str, Any]]:
    for reader, mine in _by_reader(hours).items():
        days = _days(mine)
        usual = median(days.values())
        inside = {one.hour[:10] for one in mine if _inside(one.hour, period)}
        for day, reads in sorted(days.items()):
            if day in inside and reads >= LEAST_ON_A_DAY and reads > TIMES * usual:
                yield _mark("busy-day", reader, when=day, reads=reads, usual=usual)


def _new_hours(hours: Iterable[HourOfReads], period: Period) -> Iterable[dict[str, Any]]:
    for reader, mine in _by_reader(hours).items():
        days: set[str] = set()
        known: set[str] = set()
        for one in mine:
            day, at = one.hour[:10], one.hour[11:13]
            before = len(days - {day})
            if at not in known and before >= DAYS_OF_HABIT and _inside(one.hour, period):
                yield _mark("new-hour", reader, when=f"{day} {at}:00", reads=one.reads)
            days.add(day)
            known.add(at)


def _is_often(reads: int, usual: float) -> bool:
    return reads >= LEAST_OF_A_PERSON and reads > TIMES * usual


def _often(
    people: Iterable[PersonRead], medians: Mapping[Reader, float]
) -> Iterable[dict[str, Any]]:
    for one in people:
        usual = medians.get(one.reader, 0)
        if _is_often(one.reads, usual):
            yield _mark("often-read", one.reader, subject=one.subject, reads=one.reads, usual=usual)


def _many(many: Iterable[ManyReaders]) -> Iterable[dict[str, Any]]:
    for one in many:
        if one.readers > MANY_READERS:
            yield _mark(
                "many-readers", None, subject=one.subject, reads=one.reads, readers=one.readers
            )


def _mark(rule: str, reader: Reader | None, **more: Any) -> dict[str, Any]:
    names = ("when", "subject", "reads", "usual", "readers")
    return {
        "rule": rule,
        "service": reader.service if reader else None,
        "actor": reader.actor if reader else None,
        **{name: more.get(name) for name in names},
    }
