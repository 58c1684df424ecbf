"""`gateway report …`: what regulators, users and auditors ask for."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from gateway.cli.output import Output, table
from gateway.cli.reach import SERVICE, reach
from gateway.cli.report_files import form_option, out_option, write
from gateway.cli.scorecards import scorecard
from gateway.cli.streaming import Line, Printed, each_line

_from = click.option("--from", "start", help="A time, or a UTC day. Default: the beginning.")
_to = click.option("--to", "end", help="A time, or a UTC day, which is in it whole. Default: now.")


@click.group()
def report() -> None:
    """What regulators, users and auditors ask for."""


report.add_command(scorecard)


def sharing_list_of(output: Output) -> dict[str, Any]:
    """The third-party sharing list out of the home's documents; no gateway is needed."""
    from gateway.policy.load import load_home
    from gateway.reports.sharing import sharing_list
    from gateway.wiring import load_config, utc_now

    config = load_config(output.home)
    today = utc_now().date()
    loaded = load_home(
        output.home / "policies",
        output.home / "partners",
        home_territory=config["home.territory"],
        strict=False,
        today=today,
    )
    return sharing_list(loaded.policy, on=today)


def write_sharing_list(output: Output, form: str | None, out: Path | None) -> None:
    """What `report sharing-list` and `policy render` do."""
    from gateway.reports.sharing import sharing_page, sharing_rows

    headings = ("recipient", "purpose", "ground", "data", "kept")
    write(
        output,
        sharing_list_of(output),
        form,
        out,
        sharing_page,
        lambda value: table(headings, sharing_rows(value)),
    )


@report.command("sharing-list")
@form_option
@out_option
@click.pass_obj
def sharing_list(output: Output, form: str | None, out: Path | None) -> None:
    """The third-party sharing list: who gets what, why, on what ground, and how."""
    write_sharing_list(output, form, out)


def _counted(
    output: Output, name: str, start: str | None, end: str | None, *scopes: str
) -> dict[str, Any]:
    """A report that is counted out of the ledger, by a running gateway or as its owner."""

    async def directly(gateway: Any) -> Any:
        from gateway.flows import reports

        flows = {"ropa": reports.ropa, "transparency": reports.demanded, "access": reports.access}
        return await flows[name](gateway, reports.period_of(start, end), SERVICE)

    query = urlencode({key: text for key, text in (("from", start), ("to", end)) if text})
    value: dict[str, Any] = reach(
        output.home,
        scope="report:read",
        also=scopes,
        method="GET",
        path=f"/v1/reports/{name}?{query}",
        directly=directly,
    )
    return value


@report.command()
@_from
@_to
@form_option
@out_option
@click.pass_obj
def ropa(
    output: Output, start: str | None, end: str | None, form: str | None, out: Path | None
) -> None:
    """Records of processing, by recipient and purpose, with counts of the period."""
    from gateway.reports.processing import records_page, records_rows

    headings = (
        "recipient",
        "purpose",
        "ground",
        "territory",
        "kept",
        "agreement ends",
        "disclosed",
    )
    write(
        output,
        _counted(output, "ropa", start, end),
        form,
        out,
        records_page,
        lambda value: table(headings, records_rows(value)),
    )


@report.command()
@_from
@_to
@form_option
@out_option
@click.pass_obj
def transparency(
    output: Output, start: str | None, end: str | None, form: str | None, out: Path | None
) -> None:
    """Demands of authorities: what was given and what was refused, counted, and no person."""
    from gateway.reports.transparency import transparency_page

    value = _counted(output, "transparency", start, end)
    write(output, value, form, out, transparency_page, _transparency_text)


def _transparency_text(value: dict[str, Any]) -> str:
    from gateway.reports.transparency import transparency_rows

    headings = ("authority", "purpose", "demands", "not told", "given", "refused", "why")
    rows = transparency_rows(value)
    totals = [(name.replace("_", " "), count) for name, count in value["totals"].items()]
    shown = table(headings, rows) if rows else "Nothing was demanded, given or refused."
    return f"{shown}\n\n{table(('in all', ''), totals)}"


@report.command()
@_from
@_to
@form_option
@out_option
@click.pass_obj
def access(
    output: Output, start: str | None, end: str | None, form: str | None, out: Path | None
) -> None:
    """Who read people's records, and which of it is unusual. This reading is a leaf too."""
    from gateway.reports.access_page import access_page

    value = _counted(output, "access", start, end, "subject:read")
    write(output, value, form, out, access_page, _access_text)


def _access_text(value: dict[str, Any]) -> str:
    from gateway.reports.access_page import access_rows, unusual_rows

    marks = unusual_rows(value)
    parts = [
        table(("who read", "reads", "people", "days", "median a day"), access_rows(value)),
        table(("unusual", "who read", "when, or whom", "reads", "usual"), marks)
        if marks
        else "Nothing unusual.",
        "\n".join(f"{name}: {rule}" for name, rule in value["rules"].items()),
    ]
    return "\n\n".join(parts)


@report.command("ask-again")
@click.option("--purpose", help="Only this purpose.")
@click.pass_obj
def ask_again(output: Output, purpose: str | None) -> None:
    """Who must be asked again: their newest consent is older than what it is to."""

    async def begin(gateway: Any) -> AsyncIterator[Line]:
        from gateway.flows.affected import ask_again as flow

        return await flow(gateway, purpose, SERVICE)

    headings = ("person", "purpose", "for", "scope", "held", "needed", "why", "ask")
    printed = Printed(output, headings, _asked_row)
    query = urlencode({"purpose": purpose} if purpose else {})
    ended = each_line(
        output,
        scopes=("report:read", "subject:read"),
        path=f"/v1/reports/ask-again?{query}",
        begin=begin,
        each=printed,
    )
    summary = ended["summary"]
    printed.end(ended, f"{summary['people']} people, {summary['consents']} consents")


def _asked_row(line: Line) -> tuple[Any, ...]:
    return (
        line["subject"],
        line["purpose"],
        line["partner"] or "every recipient",
        line["scope"] or "",
        line["held"],
        line["needed"],
        line["why"],
        line["ask"],
    )
