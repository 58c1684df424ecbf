"""`gateway case list`: open cases and tasks, due first, as a table, CSV or JSON."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import click

from gateway.cli.output import Output, fail, set_rows
from gateway.cli.reach import reach
from gateway.cli.streaming import Line, each_line

# Rows of a table that are set together; the next ones get their own widths.
ROWS = 200
# From so many days before a deadline a case stands out.
SOON = 7

CASES = ("case", "request", "state", "age", "due", "left", "settled", "tasks")
TASKS = ("recipient", "state", "age", "due", "what to do", "notice, and its case")


@click.command("list")
@click.option("--state", type=click.Choice(["open", "refused", "closed"]))
@click.option("--partner", help="Only cases that tell this recipient.")
@click.option("--overdue", is_flag=True, help="Only open cases past their deadline.")
@click.option("--tasks", is_flag=True, help="Only the notices that a person must settle.")
@click.option("--csv", "as_csv", is_flag=True, help="For a spreadsheet, however many there are.")
@click.pass_obj
def list_(
    output: Output,
    state: str | None,
    partner: str | None,
    overdue: bool,
    tasks: bool,
    as_csv: bool,
) -> None:
    """Cases, open ones before those that are over, due first."""
    chosen = {"state": state, "partner": partner, "overdue": "true" if overdue else None}
    query = {name: value for name, value in chosen.items() if value}
    if tasks and (state or overdue):
        fail("--tasks: these are of open cases, late or not; leave --state and --overdue out", 2)
    if output.as_json and not as_csv:
        output.result(_page(output, query, tasks=tasks), "")
    else:
        _listed(output, query, tasks=tasks, as_csv=as_csv)


def _page(output: Output, query: dict[str, str], *, tasks: bool) -> Any:
    async def directly(gateway: Any) -> Any:
        from gateway.flows import listing
        from gateway.web.listing import wanted_of

        if tasks:
            return await listing.tasks_page(gateway, query.get("partner"), None)
        return await listing.cases_page(gateway, wanted_of(query), None)

    path = f"/v1/{'tasks' if tasks else 'cases'}?{urlencode(query)}"
    return reach(output.home, scope="case:read", method="GET", path=path, directly=directly)


def _listed(output: Output, query: dict[str, str], *, tasks: bool, as_csv: bool) -> None:
    name = "tasks" if tasks else "cases"
    printed = _Spreadsheet(tasks=tasks) if as_csv else _Table(tasks=tasks)
    # What is over is due no more: it comes behind what is open.
    parts = [query] if tasks or {"state", "overdue"} & query.keys() else _by_state(query)
    printed.end(sum(_streamed(output, part, name, printed) for part in parts))


def _by_state(query: dict[str, str]) -> list[dict[str, str]]:
    return [{**query, "state": state} for state in ("open", "refused", "closed")]


def _streamed(
    output: Output, query: dict[str, str], name: str, each: Callable[[Line], None]
) -> int:
    """Call `each` for every case or task that is asked for; how many they were."""

    async def begin(gateway: Any) -> AsyncIterator[Line]:
        from gateway.flows import listing
        from gateway.web.listing import wanted_of

        if name == "tasks":
            lines = listing.task_lines(gateway, query.get("partner"))
        else:
            lines = listing.case_lines(gateway, wanted_of(query))
        return listing.with_summary(lines, name)

    path = f"/v1/{name}?{urlencode({**query, 'format': 'lines'})}"
    ended = each_line(output, scopes=("case:read",), path=path, begin=begin, each=each)
    return int(ended["summary"][name])


class _Table:
    """Lines as tables of so many rows; on a terminal what is late stands out."""

    def __init__(self, *, tasks: bool) -> None:
        self._headings: Sequence[str] = TASKS if tasks else CASES
        self._row: Callable[[Line], Sequence[Any]] = _task_row if tasks else _case_row
        self._none = "Nothing waits for a person." if tasks else "No cases."
        self._lines: list[Line] = []

    def __call__(self, line: Line) -> None:
        """Keep one line, and print when there are enough."""
        self._lines.append(line)
        if len(self._lines) >= ROWS:
            self._flush()

    def _flush(self) -> None:
        rows = set_rows(self._headings, [self._row(line) for line in self._lines])
        click.echo("\n".join(rows[:2]))
        for line, row in zip(self._lines, rows[2:], strict=True):
            click.echo(click.style(row, fg=_colour(line)))
        self._lines = []

    def end(self, count: int) -> None:
        """Print what was kept, or that there is nothing."""
        if self._lines:
            self._flush()
        if not count:
            click.echo(self._none)


class _Spreadsheet:
    """Lines as CSV (RFC 4180)."""

    def __init__(self, *, tasks: bool) -> None:
        from gateway.flows.listing import CASE_COLUMNS, TASK_COLUMNS

        self._columns = TASK_COLUMNS if tasks else CASE_COLUMNS
        self._print(self._columns)

    def __call__(self, line: Line) -> None:
        """Print one line."""
        from gateway.web.listing import cell, flat

        row = flat(line) if "next" in line else line
        self._print([cell(row[name]) for name in self._columns])

    def _print(self, cells: Sequence[Any]) -> None:
        written = io.StringIO()
        csv.writer(written).writerow(cells)
        click.echo(written.getvalue(), nl=False)

    def end(self, count: int) -> None:
        """There is nothing to add."""


def _case_row(line: Line) -> Sequence[Any]:
    return (
        *(line["case"], f"{line['action']}, {line['reason']}", line["state"]),
        f"{line['age_days']} d",
        line["deadline"][:10],
        "" if line["days_left"] is None else f"{line['days_left']} d",
        f"{line['settled']} of {line['notices']}",
        line["tasks"],
    )


def _task_row(line: Line) -> Sequence[Any]:
    state = line["state"] if line["reason"] is None else f"{line['state']} ({line['reason']})"
    return (
        *(line["partner"], state, f"{line['age_days']} d", line["deadline"][:10]),
        *(line["next"].get("do", ""), f"{line['notice']} {line['case']}"),
    )


def _colour(line: Line) -> str | None:
    """Red for what is late, yellow for what soon is; the words say so too."""
    if "next" in line:
        return "red" if line["state"] in ("overdue", "failed") else None
    left = line["days_left"]
    if left is None:
        return None
    if left < 0:
        return "red"
    return "yellow" if left <= SOON or line["tasks"] else None
