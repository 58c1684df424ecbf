"""`gateway ledger affected`: exactly whose data a recipient got (P8)."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import click

from gateway.cli.output import Output, fail
from gateway.cli.reach import SERVICE
from gateway.cli.streaming import Line, Printed, Sheet, each_line

SCOPES = ("ledger:read", "subject:read")
COLUMNS = (
    *("subject", "shares", "first", "last", "partners", "purposes"),
    *("categories", "fields", "kinds", "may_be_told"),
)
HEADINGS = (
    *("person", "shares", "first", "last", "recipients", "purposes"),
    *("categories", "may be told"),
)


@click.command()
@click.option("--partner", help="The recipient that lost data; without it, any.")
@click.option("--from", "start", required=True, help="A time, or a UTC day.")
@click.option("--to", "end", required=True, help="A time, or a UTC day, which is in it whole.")
@click.option("--purpose", help="Only shares for this purpose.")
@click.option("--category", help="Only shares that let out this category, or one below it.")
@click.option("--csv", "as_csv", is_flag=True, help="A table of commas, the summary beside it.")
@click.pass_obj
def affected(
    output: Output,
    partner: str | None,
    start: str,
    end: str,
    purpose: str | None,
    category: str | None,
    as_csv: bool,
) -> None:
    """List exactly whose data left in a time, one person a line as they are found."""
    if not (partner or purpose or category):
        fail("name a --partner, a --purpose or a --category", 2)
    asked = {"partner": partner, "from": start, "to": end, "purpose": purpose, "category": category}

    async def begin(gateway: Any) -> AsyncIterator[Line]:
        from gateway.flows.affected import affected as flow
        from gateway.flows.reports import period_of
        from gateway.model.ids import CategoryId
        from gateway.reports.affected import Question

        question = Question(
            partner=partner,
            period=period_of(start, end),
            purpose=purpose,
            category=CategoryId(category) if category else None,
        )
        return await flow(gateway, question, SERVICE)

    printed = Sheet(COLUMNS) if as_csv else Printed(output, HEADINGS, _row)
    query = urlencode({name: value for name, value in asked.items() if value})
    ended = each_line(
        output, scopes=SCOPES, path=f"/v1/ledger/affected?{query}", begin=begin, each=printed
    )
    printed.end(ended, told(ended["summary"]))


def _row(line: Line) -> tuple[Any, ...]:
    return (
        line["subject"],
        line["shares"],
        line["first"][:19].replace("T", " "),
        line["last"][:19].replace("T", " "),
        " ".join(line["partners"]),
        " ".join(line["purposes"]),
        " ".join(one for one in line["categories"] if one != "none"),
        "yes" if line["may_be_told"] else "no",
    )


def told(summary: dict[str, Any]) -> str:
    """The last line for a terminal."""
    from gateway.reports.words import plural

    parts = [f"{plural(summary['people'], 'person', 'people')}, {_shares(summary['shares'])}"]
    if summary["erased"]["shares"]:
        parts.append(
            f"{_shares(summary['erased']['shares'])} of people who were erased since, and cannot "
            "be named or told apart any more"
        )
    if summary["about_nobody"]:
        parts.append(f"{_shares(summary['about_nobody'])} about nobody")
    return "; ".join(parts)


def _shares(count: int) -> str:
    from gateway.reports.words import plural

    return plural(count, "share")
