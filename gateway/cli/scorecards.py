"""`gateway report scorecard`: how each recipient answers what it is told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from gateway.cli.output import Output, table
from gateway.cli.reach import reach
from gateway.cli.report_files import FORMATS, out_option, write


@click.command()
@click.option("--partner", help="Only this recipient.")
@click.option("--since", "--from", "start", help="A time, or a UTC day. Default: the beginning.")
@click.option(
    "--until", "--to", "end", help="A time, or a UTC day, which is in it whole. Default: now."
)
@click.option(
    "--format",
    "form",
    type=click.Choice((*FORMATS, "csv")),
    help="Default: by the file's name, else text.",
)
@out_option
@click.pass_obj
def scorecard(
    output: Output,
    partner: str | None,
    start: str | None,
    end: str | None,
    form: str | None,
    out: Path | None,
) -> None:
    """How each recipient answers what it is told: how many notices, how fast, what is left."""
    from gateway.reports.scorecard import HEADINGS, scorecard_csv, scorecard_page, scorecard_rows

    async def directly(gateway: Any) -> Any:
        from gateway.flows import reports

        return await reports.scored(gateway, reports.period_of(start, end), partner)

    asked = (("from", start), ("to", end), ("partner", partner))
    query = urlencode({key: text for key, text in asked if text})
    value: dict[str, Any] = reach(
        output.home,
        scope="report:read",
        method="GET",
        path=f"/v1/reports/scorecard?{query}",
        directly=directly,
    )
    as_csv = form == "csv" or (form is None and out is not None and out.suffix.lower() == ".csv")

    def text(value: dict[str, Any]) -> str:
        if as_csv:
            return scorecard_csv(value).rstrip("\r\n")
        rows = scorecard_rows(value)
        return _tables(HEADINGS, rows) if rows else "Nobody had to be told."

    write(output, value, "text" if as_csv else form, out, scorecard_page, text)


# Columns that tell how fast a recipient is; the others tell what is left of its notices.
_FAST = 9


def _tables(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Two tables, as one would be wider than a terminal."""
    fast = table(headings[:_FAST], [row[:_FAST] for row in rows])
    left = table((headings[0], *headings[_FAST:]), [(row[0], *row[_FAST:]) for row in rows])
    return f"{fast}\n\n{left}"
