"""`gateway case mass certificate|cases|proof`: what is handed on of a mass case."""

import json
from collections.abc import AsyncIterator
from typing import Any

import click

from gateway.cli.output import Output
from gateway.cli.reach import reach
from gateway.cli.streaming import each_piece


@click.command()
@click.argument("id")
@click.option("--interim", is_flag=True, help="As it stands now, before all of it is over.")
@click.option("--page", is_flag=True, help="As a page to print, with the signed text in it.")
@click.pass_obj
def certificate(output: Output, id: str, interim: bool, page: bool) -> None:
    """The signed record of a mass case; it stands alone on standard output."""

    async def directly(gateway: Any) -> Any:
        from gateway.flows.mass_certificates import certified
        from gateway.web.replies import mass_certificate_text

        token = await certified(gateway, id, interim=interim)
        return mass_certificate_text(gateway, token) if page else token

    query = f"?format={'html' if page else 'jose'}" + ("&interim=true" if interim else "")
    token = reach(
        output.home,
        scope="case:read",
        method="GET",
        path=f"/v1/mass-cases/{id}/certificate{query}",
        directly=directly,
    )
    output.result({"page" if page else "certificate": token}, token.rstrip("\n"))


@click.command()
@click.argument("id")
@click.pass_obj
def cases(output: Output, id: str) -> None:
    """The ids of its cases in ascending order, one a line: the list that the certificate counts."""

    async def begin(gateway: Any) -> AsyncIterator[bytes]:
        from gateway.flows.mass_certificates import fixed, pages

        mass = await fixed(gateway, id)

        async def pieces() -> AsyncIterator[bytes]:
            async for some in pages(gateway, mass.no):
                yield "".join(f"{one}\n" for one in some).encode()

        return pieces()

    each_piece(
        output,
        scopes=("case:read",),
        path=f"/v1/mass-cases/{id}/cases",
        begin=begin,
        each=lambda piece: click.echo(piece, nl=False),
    )


@click.command()
@click.argument("id")
@click.argument("case")
@click.pass_obj
def proof(output: Output, id: str, case: str) -> None:
    """The proof that a case is one of its, as JSON; it stands alone on standard output."""

    async def directly(gateway: Any) -> Any:
        from gateway.flows.mass_certificates import belonging

        return await belonging(gateway, id, case)

    found = reach(
        output.home,
        scope="case:read",
        method="GET",
        path=f"/v1/mass-cases/{id}/cases/{case}",
        directly=directly,
    )
    output.result(found, json.dumps(found))
