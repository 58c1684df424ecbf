"""Who reads people's records, and what of it is unusual (P3)."""

from datetime import UTC, datetime

from gateway.reports.access import (
    RULES,
    ManyReaders,
    PersonRead,
    Reads,
    access,
)
from gateway.reports.access_page import access_page, access_rows, unusual_rows
from gateway.reports.counts import HourOfReads, Reader, ReadSpread
from gateway.reports.period import Period
from tests.unit.reports.builders import HOSTILE
from tests.unit.reports.pages import check

CRM = Reader(service="crm")
LATE = Period(start=datetime(2026, 3, 9, tzinfo=UTC))


def day(number: int, reads: int, *, hour: int = 10, reader: Reader = CRM) -> HourOfReads:
    """So many reads in an hour of a day in March."""
    at = f"2026-03-{number:02}T{hour:02}"
    return HourOfReads(reader=reader, hour=at, record="disclosures", reads=reads)


def rules(value: dict[str, object]) -> list[tuple[object, object]]:
    """Which rules marked what."""
    unusual: list[dict[str, object]] = value["unusual"]  # type: ignore[assignment]
    return [(one["rule"], one["when"] or one["subject"]) for one in unusual]


def test_an_ordinary_week_has_no_marks() -> None:
    """About the same number of reads at the same hours is what is usual."""
    value = access(Reads(hours=[day(n, 5 + n % 3) for n in range(1, 15)]), period=Period())
    (crm,) = value["readers"]

    assert value["unusual"] == []
    assert (crm["reads"], crm["days"], crm["median_a_day"]) == (85, 14, 6)
    assert crm["records"] == {"disclosures": 85}


def test_a_day_with_many_more_reads_than_usual_is_marked() -> None:
    """More than three times the median, and at least twenty; in the period asked for only."""
    hours = [*(day(n, 7) for n in range(1, 9)), day(9, 22), day(10, 21)]
    busy = access(Reads(hours=hours), period=Period())
    later = access(Reads(hours=[day(2, 60), *hours]), period=LATE)
    few = access(Reads(hours=[*(day(n, 1) for n in range(1, 9)), day(9, 19)]), period=Period())

    assert rules(busy) == [("busy-day", "2026-03-09")]
    assert rules(later) == [("busy-day", "2026-03-09")]
    assert rules(few) == []


def test_an_hour_at_which_a_service_never_read_is_marked_once() -> None:
    """Only after a week of habit, and only the first time."""
    habit = [day(n, 3) for n in range(1, 9)]
    night = [day(9, 1, hour=3), day(10, 1, hour=3)]

    assert rules(access(Reads(hours=[*habit, *night]), period=Period())) == [
        ("new-hour", "2026-03-09 03:00")
    ]
    assert rules(access(Reads(hours=[*habit[:6], day(7, 1, hour=3)]), period=Period())) == []


def test_a_person_read_unusually_often_is_marked() -> None:
    """More than three times as often as the median person, and at least ten times."""
    reads = Reads(
        hours=[day(1, 60)],
        spread=[ReadSpread(reader=CRM, reads=n, people=p) for n, p in ((1, 10), (4, 10), (13, 2))],
        people=[
            PersonRead(reader=CRM, subject=HOSTILE, reads=13, last="2026-03-01T10:00:00.000Z"),
            PersonRead(reader=CRM, subject="u-2", reads=4, last="2026-03-01T10:00:00.000Z"),
        ],
    )
    value = access(reads, period=Period())
    (crm,) = value["readers"]

    assert rules(value) == [("often-read", HOSTILE)]
    assert (crm["people"], crm["median_a_person"]) == (22, 4)
    assert [one["unusual"] for one in value["people"]] == [True, False]
    assert "<script>alert(1)</script>" in check(access_page(value)).text


def test_a_person_whom_many_read_is_marked() -> None:
    """By more than three services or employees."""
    many = [
        ManyReaders(subject="u-1", readers=4, reads=4),
        ManyReaders(subject="u-2", readers=3, reads=9),
    ]
    value = access(Reads(many=many), period=Period())

    assert rules(value) == [("many-readers", "u-1")]
    assert unusual_rows(value) == [("many-readers", "several", "u-1", 4, "4 readers")]


def test_employees_are_told_apart_from_their_service() -> None:
    """Two people at one console are two readers, and the rules stand in the report."""
    ann, ben = (Reader(service="console", actor=name) for name in ("ann", "ben"))
    value = access(Reads(hours=[day(1, 2, reader=ann), day(1, 3, reader=ben)]), period=Period())

    assert [row[0] for row in access_rows(value)] == ["ann by console", "ben by console"]
    assert value["rules"] == RULES
    assert {one[0] for one in rules(value)} <= set(RULES)
