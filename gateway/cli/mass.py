"""`gateway case mass …`: one decision about many people, and how far it is."""

import sys
import time
from typing import Any

import click

from gateway.cli.mass_certificates import cases, certificate, proof
from gateway.cli.mass_open import AS, open_
from gateway.cli.mass_words import line, shown, who
from gateway.cli.output import Output, table
from gateway.cli.reach import reach

OVER = ("closed", "cancelled")
FOLLOW_SECONDS = 1.0

DECISIONS = {
    "approve": "Approve it, as somebody else than who opened it.",
    "pause": "Open no further case until it is resumed; those that are open go on.",
    "resume": "Go on.",
    "cancel": "Open no further case, ever; those that are open go on.",
}
"""What somebody decides of a mass case, by the name of the flow and of the command."""


@click.group()
def mass() -> None:
    """Many people at once: a service or purpose that ends, a partner who leaves, a list."""


for _command in (open_, certificate, cases, proof):
    mass.add_command(_command)


@mass.command("list")
@click.pass_obj
def list_(output: Output) -> None:
    """All mass cases, newest first."""

    async def directly(gateway: Any) -> Any:
        from gateway.flows.mass import MAX_LISTED

        return {"mass_cases": [one.shown() for one in await gateway.store.masses(MAX_LISTED)]}

    value = reach(
        output.home, scope="case:read", method="GET", path="/v1/mass-cases", directly=directly
    )
    rows = [
        (one["mass"], one["reason"], who(one), one["state"], one["opened"], one["people"])
        for one in value["mass_cases"]
    ]
    headings = ("mass case", "reason", "who", "state", "opened", "people")
    output.result(value, table(headings, rows) if rows else "No mass cases.")


@mass.command()
@click.argument("id")
@click.option("--follow", is_flag=True, help="Go on showing how far it is, until it is over.")
@click.pass_obj
def show(output: Output, id: str, follow: bool) -> None:
    """How far it is, and how each recipient stands."""
    value = _one(output, id)
    while follow and value["state"] not in OVER:
        click.echo(line(value), err=True, nl=not sys.stderr.isatty())
        time.sleep(FOLLOW_SECONDS)
        value = _one(output, id)
    output.result(value, shown(value))


def _one(output: Output, id: str) -> Any:
    async def directly(gateway: Any) -> Any:
        from gateway.flows import mass as flow
        from gateway.flows import mass_records as records

        return await flow.shown(gateway, await records.found(gateway, id))

    path = f"/v1/mass-cases/{id}"
    return reach(output.home, scope="case:read", method="GET", path=path, directly=directly)


def _decision(what: str, text: str) -> click.Command:
    """A command by which somebody decides what becomes of it."""

    @click.command(what, help=text)
    @click.argument("id")
    @AS
    @click.pass_obj
    def decide(output: Output, id: str, service: str) -> None:
        async def directly(gateway: Any) -> Any:
            from gateway.flows import mass as flow

            return await getattr(flow, what)(gateway, id, by=service)

        value = reach(
            output.home,
            scope="case:write",
            method="POST",
            path=f"/v1/mass-cases/{id}/{what}",
            service=service,
            directly=directly,
        )
        output.result(value, shown(value))

    return decide


for _name, _text in DECISIONS.items():
    mass.add_command(_decision(_name, _text))
