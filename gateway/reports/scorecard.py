"""
The scorecard: how each recipient answers what it is told (R3, R6).

Times run from the moment at which a recipient was reached, so that nobody is blamed
for a notice that had not come. They are seconds; the median is the middle one, p99 the
one that only a hundredth exceed. Who never did it has none.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.reports.html import facts, label, page, table, tag
from gateway.reports.period import Period, told

Shown = Mapping[str, Any]

COUNTS: Final = (
    *("notices", "told", "acknowledged", "completed", "open", "overdue", "refused", "failed"),
    *("exempt", "manual", "silent", "reminders"),
)
"""What is counted of a recipient, in this order."""
TIMES: Final = ("acknowledge_median", "acknowledge_p99", "complete_median", "complete_p99")
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long something took, in seconds; None: it never happened."""

    median: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerCount:
    """What became of the notices of one recipient."""

    partner: str
    notices: int
    told: int
    """It took them."""
    acknowledged: int
    completed: int
    """It said itself that it is done."""
    open: int
    """Not settled."""
    overdue: int
    refused: int
    failed: int
    """Never reached by the deadline, or gone."""
    exempt: int
    manual: int
    """A person told it, or settled it."""
    reminders: int
    silent: int
    """Open, and not acknowledged in time."""
    to_acknowledge: Times
    to_complete: Times


def scorecard(counts: Sequence[PartnerCount], *, period: Period) -> dict[str, Any]:
    """The report as a JSON value."""
    return {"period": period.shown(), "partners": [_partner(one) for one in counts]}


def _partner(one: PartnerCount) -> dict[str, Any]:
    times = (
        *(one.to_acknowledge.median, one.to_acknowledge.p99),
        *(one.to_complete.median, one.to_complete.p99),
    )
    counted = {name: getattr(one, name) for name in COUNTS}
    return {"partner": one.partner, **counted, **dict(zip(TIMES, times, strict=True))}


def lasted(seconds: float | None) -> str:
    """A time for people: `40 s`, `5 min`, `3.2 h`, `12.0 d`; empty where there is none."""
    if seconds is None:
        return ""
    for unit, size, most in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < most:
            return f"{seconds / size:.{0 if unit != 'h' else 1}f} {unit}"
    return f"{seconds / 86_400:.1f} d"


HEADINGS: Final = (
    *("recipient", "notices", "told", "acknowledged", "median", "p99", "completed", "median"),
    *("p99", "open", "silent", "overdue", "refused", "failed", "by hand", "reminders"),
)


def scorecard_rows(value: Shown) -> list[tuple[Any, ...]]:
    """The report as rows of a table, under `HEADINGS`."""
    return [
        (
            *(one["partner"], one["notices"], one["told"], one["acknowledged"]),
            *(lasted(one["acknowledge_median"]), lasted(one["acknowledge_p99"])),
            one["completed"],
            *(lasted(one["complete_median"]), lasted(one["complete_p99"])),
            *(one["open"], one["silent"], one["overdue"], one["refused"], one["failed"]),
            *(one["manual"], one["reminders"]),
        )
        for one in value["partners"]
    ]


def scorecard_csv(value: Shown) -> str:
    """The report as CSV (RFC 4180), a row for each recipient; times in seconds."""
    written = io.StringIO()
    rows = csv.DictWriter(written, ("partner", *COUNTS, *TIMES))
    rows.writeheader()
    rows.writerows(value["partners"])
    return written.getvalue()


def scorecard_page(value: Shown) -> str:
    """The report as a page."""
    partners = value["partners"]
    late = sum(one["overdue"] + one["failed"] + one["silent"] for one in partners)
    return page(
        "How recipients answer",
        facts(
            [
                ("Period", told(value["period"])),
                ("Notices", f"{sum(one['notices'] for one in partners):,}"),
                ("Open", f"{sum(one['open'] for one in partners):,}"),
                ("Late", label(f"{late:,}", marked=late > 0)),
            ]
        ),
        _table(value) if partners else tag("p", "Nobody had to be told."),
        lead="Whom we told to delete or change data, and how long each took.",
        foot="Times run from the moment at which a recipient was reached. The median is the "
        "middle one; a hundredth took longer than p99. Silent: not acknowledged in time.",
    )


def _table(value: Shown) -> object:
    headings = tuple(name.capitalize() for name in HEADINGS)
    numbers = set(range(1, len(headings)))
    rows = scorecard_rows(value)
    return table(
        headings,
        rows,
        caption="By recipient; times to acknowledge, and to complete",
        numbers=numbers,
    )
