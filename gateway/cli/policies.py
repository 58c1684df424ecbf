"""`gateway policy …`: what the policy says, for people to read."""

import asyncio
from pathlib import Path

import click

from gateway.cli.output import Output, progress
from gateway.cli.report_files import form_option, out_option
from gateway.cli.reports import write_sharing_list


@click.group()
def policy() -> None:
    """The policy: what it says, and what changes from one edition to the next."""


@policy.command()
@form_option
@out_option
@click.pass_obj
def render(output: Output, form: str | None, out: Path | None) -> None:
    """The third-party sharing list, as `report sharing-list` has it."""
    write_sharing_list(output, form, out)


@policy.command()
@click.argument("old")
@click.argument("new")
@click.option("--replay", is_flag=True, help="Decide past shares again under both.")
@click.pass_obj
def diff(output: Output, old: str, new: str, replay: bool) -> None:
    """What widens sharing from one edition to another, and what narrows it."""
    from gateway.cli.comparing import compared
    from gateway.cli.differences import report

    found = asyncio.run(compared(output.home, old, new, again=replay, tell=_tell))
    value = found.value()
    output.result(value, report(value))


# A line that moves once in so many is enough.
_EVERY = 200


def _tell(done: int, total: int) -> None:
    if done % _EVERY == 0 or done >= total:
        progress(done, total, "replayed")
