"""A result as text: ratios first, absolute numbers as what they were taken from."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.benchmarks import lanes
from tests.benchmarks.share_path import TITLES, WAYS

Row = Sequence[str]


def render(result: Mapping[str, Any]) -> str:
    """Everything that a result holds, for a person."""
    parts = [_machine(result["machine"])]
    if "share" in result:
        parts += [share_table(result["share"]), _checks(result["share"])]
    if "micro" in result:
        parts.append(micro_table(result["micro"]))
    if "lanes" in result:
        parts.append(lanes_table(result["lanes"]))
    if "fanout" in result:
        parts += fanout_tables(result["fanout"])
    if "queued" in result:
        parts.append(queued_table(result["queued"]))
    if "ledger" in result:
        parts += ledger_tables(result["ledger"])
    return "\n\n".join(parts)


def share_table(share: Mapping[str, Any]) -> str:
    """The share path beside the bare proxy."""
    head = ("connections", "", "x bare per CPU s", "req/CPU s", "req/s", "p50 ms", "p99 ms")
    rows: list[Row] = []
    for connections, ways in share["ways"].items():
        rows += [
            (
                connections,
                TITLES[way],
                f"{ways[way]['ratio']:.2f}",
                f"{ways[way]['per_cpu_second']:,.0f}",
                f"{ways[way]['per_second']:,.0f}",
                f"{ways[way]['p50_ms']:.2f}",
                f"{ways[way]['p99_ms']:.2f}",
            )
            for way in WAYS
        ]
    return table(head, rows)


def micro_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Single steps beside their peers."""
    head = ("step", "us", "per second", "peer", "peer us", "x peer")
    return table(
        head,
        [
            (
                row["title"],
                f"{row['ours_us']:.1f}",
                f"{row['ours_per_second']:,}",
                row["peer"],
                f"{row['peer_us']:.1f}",
                f"{row['ratio']:.2f}",
            )
            for row in rows
        ],
    )


def lanes_table(result: Mapping[str, Any]) -> str:
    """How long the others wait for their notices while one recipient is dead."""
    head = (
        f"{result['recipients']} recipients, {result['rounds']} erasures each",
        *("x all alive", "last of the others, ms", "after the 202, ms", "worst, ms"),
    )
    rows = [
        (
            lanes.TITLES[way],
            f"{numbers['ratio']:.2f}",
            f"{numbers['after_request_ms']:.1f}",
            f"{numbers['after_accepted_ms']:.1f}",
            f"{numbers['worst_ms']:.1f}",
        )
        for way, numbers in result["ways"].items()
    ]
    return table(head, rows)


def fanout_tables(result: Mapping[str, Any]) -> list[str]:
    """How many notices a second leave, and when the last of many recipients is reached."""
    peer = result["celery"]
    beside = ["Celery, Redis, requests", "no figure", "", peer.get("absent", "")]
    if "per_second" in peer:
        beside = [beside[0], f"{peer['per_second']:,.0f}", "1.0", f"{peer['notices']:,}"]
    ratio = f"{result['ratio']:.1f}" if result["ratio"] is not None else ""
    sent = result["gateway"]
    rows = [
        ("gateway", f"{sent['per_second']:,.0f}", ratio, f"{sent['notices']:,}"),
        tuple(beside),
    ]
    last = [
        (f"{dead} of {result['many']}", f"{ms:.0f}")
        for dead, ms in result["last_of_many_ms"].items()
    ]
    return [
        table(
            (f"notices to {result['recipients']} recipients", "per second", "x Celery", "notices"),
            rows,
        ),
        table(("silent recipients", "last of the others after the 202, ms"), last),
    ]


def queued_table(result: Mapping[str, Any]) -> str:
    """The memory of the gateway while a great many notices wait."""
    head = ("notices waiting", "MiB at the start", "at the end", "at most", "told meanwhile")
    memory = (f"{result[name]:.1f}" for name in ("first_mib", "last_mib", "most_mib"))
    return table(head, [(f"{result['notices']:,}", *memory, f"{result['sent']:,}")])


def ledger_tables(result: Mapping[str, Any]) -> list[str]:
    """How long a large ledger takes to check, and how soon it answers."""
    checked = [
        (row["title"], f"{row['seconds']:.1f}", f"{row['peak_mib']:,}") for row in result["checks"]
    ]
    answered = [
        (
            row["title"],
            f"{row['asked']:,}",
            *(f"{row[name]:.2f}" for name in ("first_ms", "p50_ms", "p99_ms")),
            f"{row['others_worst_ms']:.1f}" if "others_worst_ms" in row else "",
        )
        for row in result["answers"]
    ]
    return [
        table((f"{result['leaves']:,} leaves", "seconds", "most memory, MiB"), checked),
        table(
            ("over HTTP", "asked", "first, ms", "p50 ms", "p99 ms", "others waited at most, ms"),
            answered,
        ),
        _affected(result),
    ]


def _affected(result: Mapping[str, Any]) -> str:
    affected = result["affected"]
    return (
        f"Who is affected in a week: {affected['people']:,} people with {affected['shares']:,} "
        f"shares in {affected['seconds']:.1f} s; the gateway grew by {affected['grown_mib']:.1f} "
        f"MiB. The home was made in {result['made_seconds']:.0f} s, its database has "
        f"{result['database_mib']:,} MiB."
    )


def table(head: Row, rows: Sequence[Row]) -> str:
    """A table in Markdown, its columns lined up; numbers to the right."""
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [all(map(_number, column[1:])) for column in columns]
    rule = ["-" * (width - end) + ":" * end for width, end in zip(widths, right, strict=True)]
    return "\n".join(_line(row, widths, right) for row in (head, rule, *rows))


def _line(row: Row, widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = (
        cell.rjust(width) if end else cell.ljust(width)
        for cell, width, end in zip(row, widths, right, strict=True)
    )
    return f"| {' | '.join(cells)} |"


def _number(cell: str) -> bool:
    return cell.removeprefix("-").replace(",", "").replace(".", "").isdigit()


def _machine(facts: Mapping[str, Any]) -> str:
    return (
        f"{facts['cpus']} processors ({facts['cpu']}), {facts['system']}, "
        f"Python {facts['python']}, SQLite {facts['sqlite']}, load before {facts['load']}"
    )


def _checks(share: Mapping[str, Any]) -> str:
    checks, first = share["checks"], share["first"]
    opened = sum(checks["opened_and_compared"].values())
    return (
        f"Checked: the partner counted {checks['arrived']:,} shares, and the ledger, which "
        f"verifies, has {checks['delivered']:,} delivered; {opened} of them were opened and hold "
        "the declared minimum. Shares of people seen for the first time: "
        f"{first['per_cpu_second']:,.0f} for each CPU second."
    )
