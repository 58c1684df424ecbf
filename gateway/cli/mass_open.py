"""`gateway case mass open`: one decision about many people, or what it would do."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, BinaryIO

import click

from gateway.cli.mass_words import foreseen, shown
from gateway.cli.output import Output, fail
from gateway.cli.reach import SERVICE, reach, shaped
from gateway.cli.uploading import each_id, upload

AS = click.option(
    "--as", "service", default=SERVICE, metavar="NAME", help="Who decides; stands in the ledger."
)

EXEMPT = (
    '--exempt: write a JSON list, as [{"partner": "…", "reason": "…", "evidence": "…"}]; '
    "`until` may stand there too"
)


@click.command("open")
@click.option("--reason", required=True, help="Why: service-ended, agreement-breached, unlawful …")
@click.option("--reference", required=True, help="What decided it: a minute, a letter, a ticket.")
@click.option("--everybody", is_flag=True, help="Everybody of whom anything is stored.")
@click.option("--partner", "partners", multiple=True, help="What was shared with this recipient.")
@click.option("--purpose", "purposes", multiple=True, help="What was shared for this purpose.")
@click.option(
    "--subjects", type=click.File("rb"), help="The people of this file, one id a line; - reads it."
)
@click.option("--announced-at", help="When the end of the service was announced (RFC 3339).")
@click.option(
    "--exempt",
    type=click.File("rb"),
    help="Recipients that need not be told of anybody: a file with a JSON list; - reads it.",
)
@click.option("--preview", is_flag=True, help="Count only; nothing is done.")
@AS
@click.pass_obj
def open_(
    output: Output,
    reason: str,
    reference: str,
    everybody: bool,
    partners: tuple[str, ...],
    purposes: tuple[str, ...],
    subjects: BinaryIO | None,
    announced_at: str | None,
    exempt: BinaryIO | None,
    preview: bool,
    service: str,
) -> None:
    """Open a mass case, which opens a case of each of its people; or count what it would do."""
    body: dict[str, Any] = {"reason": reason, "reference": reference}
    if everybody:
        body["everybody"] = True
    if partners or purposes:
        body["scope"] = {"partners": list(partners), "purposes": list(purposes)}
    if announced_at:
        body["announced_at"] = announced_at
    if exempt is not None:
        if subjects is exempt:
            fail("--subjects and --exempt: one of them can be standard input, not both", 2)
        body["exempt"] = _exempt(exempt)
    if subjects is not None:
        value = _listed(output, body, subjects, preview=preview, service=service)
    else:
        value = _asked(output, body, preview=preview, service=service)
    output.result(value, foreseen(value) if preview else shown(value))


def _exempt(file: BinaryIO) -> list[Any]:
    """As `exempt` of the API; what is in it is looked at with the rest."""
    try:
        found = json.load(file)
    except ValueError:
        # Not chained: the cause carries the text.
        found = None
    if not isinstance(found, list):
        fail(EXEMPT, 2)
    return found


def _asked(output: Output, body: dict[str, Any], *, preview: bool, service: str) -> Any:
    async def directly(gateway: Any) -> Any:
        from gateway.flows import mass as flow
        from gateway.web.mass import MassBody

        request = shaped(MassBody, body).request(listed=False)
        if preview:
            return await flow.preview(gateway, request)
        return await flow.open_mass(gateway, request, opener=service)

    return reach(
        output.home,
        scope="case:write",
        method="POST",
        path="/v1/mass-cases" + ("?preview=true" if preview else ""),
        body=body,
        service=service,
        directly=directly,
    )


def _listed(
    output: Output, body: dict[str, Any], file: BinaryIO, *, preview: bool, service: str
) -> Any:
    async def directly(gateway: Any) -> Any:
        from gateway.flows.mass_lists import open_list, preview_list
        from gateway.web.mass import MassBody, read_id

        async def ids() -> AsyncIterator[Any]:
            for number, line in enumerate(each_id(file), start=1):
                yield read_id(line, number)

        request = shaped(MassBody, body).request(listed=True)
        if preview:
            return await preview_list(gateway, request, ids())
        return await open_list(gateway, request, ids(), opener=service)

    def lines() -> Iterator[bytes]:
        yield json.dumps(body).encode() + b"\n"
        for line in each_id(file):
            yield line + b"\n"

    path = "/v1/mass-cases" + ("?preview=true" if preview else "")
    return upload(output.home, path=path, lines=lines(), service=service, directly=directly)
