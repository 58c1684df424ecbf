"""The report on access as a page, and for a terminal (P3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.reports.counts import Reader
from gateway.reports.html import facts, label, page, table, tag
from gateway.reports.period import told
from gateway.reports.words import moment, plural

Shown = Mapping[str, Any]


def access_page(value: Shown) -> str:
    """The report as a page."""
    return page(
        "Access to people's records",
        facts(
            [
                ("Period", told(value["period"])),
                ("Reads", f"{sum(one['reads'] for one in value['readers']):,}"),
                ("Unusual", plural(len(value["unusual"]), "mark")),
            ]
        ),
        tag("h2", "Unusual"),
        _unusual_table(value["unusual"]) if value["unusual"] else tag("p", "Nothing unusual."),
        tag("h3", "What counts as unusual"),
        facts((name, rule) for name, rule in value["rules"].items()),
        tag("h2", "By service and employee"),
        _readers_table(value["readers"]) if value["readers"] else tag("p", "Nobody read anything."),
        tag("h2", "People read most often"),
        _people_table(value["people"]) if value["people"] else tag("p", "Nobody was read."),
        lead="Every read of a person's records is itself recorded; this is who read what.",
        foot="A mark says that somebody should look, and nothing more. Erased people are counted "
        "among the reads and named nowhere.",
    )


def _unusual_table(marks: Sequence[Shown]) -> object:
    rows = [
        (
            label(one["rule"], marked=True),
            _who(one),
            one["when"] or one["subject"] or "",
            f"{one['reads']:,}",
            _usual(one),
        )
        for one in marks
    ]
    headings = ("Rule", "Who read", "When, or whom", "Reads", "Usual")
    return table(headings, rows, caption="Marks of the period", numbers={3})


def _usual(one: Shown) -> str:
    if one["readers"] is not None:
        return f"{one['readers']} readers"
    return "" if one["usual"] is None else f"median {one['usual']:g}"


def _who(one: Shown) -> str:
    if one["service"] is None:
        return "several"
    return Reader(service=one["service"], actor=one["actor"]).name


def _readers_table(readers: Sequence[Shown]) -> object:
    rows = [
        (
            _who(one),
            f"{one['reads']:,}",
            f"{one['people']:,}",
            one["days"],
            f"{one['median_a_day']:g}",
            ", ".join(f"{name} {count:,}" for name, count in one["records"].items()),
        )
        for one in readers
    ]
    headings = ("Who read", "Reads", "People", "Days", "Median a day", "What")
    return table(headings, rows, caption="Reads in the period", numbers={1, 2, 3, 4})


def _people_table(people: Sequence[Shown]) -> object:
    rows = [
        (
            one["subject"],
            _who(one),
            f"{one['reads']:,}",
            moment(one["last"]),
            label("unusual", marked=True) if one["unusual"] else "",
        )
        for one in people
    ]
    headings = ("Person", "Read by", "Reads", "Last", "Mark")
    return table(headings, rows, caption="By person and service", numbers={2})


def access_rows(value: Shown) -> list[tuple[Any, ...]]:
    """Readers for a terminal."""
    return [
        (_who(one), one["reads"], one["people"], one["days"], f"{one['median_a_day']:g}")
        for one in value["readers"]
    ]


def unusual_rows(value: Shown) -> list[tuple[Any, ...]]:
    """Marks for a terminal."""
    return [
        (one["rule"], _who(one), one["when"] or one["subject"] or "", one["reads"], _usual(one))
        for one in value["unusual"]
    ]
