"""Writing a report: in which form, and to which file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gateway.cli.output import Output

FORMATS = ("text", "html", "json")
Page = Callable[[dict[str, Any]], str]
Text = Callable[[dict[str, Any]], str]

form_option = click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Default: by the file's name, else text."
)
out_option = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file."
)


def write(
    output: Output,
    value: dict[str, Any],
    form: str | None,
    out: Path | None,
    page: Page,
    text: Text,
) -> None:
    """Write a report in the form that is asked for, to a file or standard output."""
    match _form(output, form, out):
        case "html":
            said = page(value)
        case "json":
            said = json.dumps(value, ensure_ascii=False, indent=1)
        case _:
            said = text(value)
    if out is None:
        click.echo(said)
    else:
        out.write_text(said if said.endswith("\n") else said + "\n", encoding="utf-8")
        click.echo(f"written to {out}", err=True)


def _form(output: Output, form: str | None, out: Path | None) -> str:
    if form is not None:
        return form
    if output.as_json:
        return "json"
    by_name = {".html": "html", ".htm": "html", ".json": "json"}
    return by_name.get(out.suffix.lower() if out else "", "text")
