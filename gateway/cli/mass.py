"""`gateway case mass …`: one decision about many people, and how far it is."""

import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, BinaryIO

import click

from gateway.cli.output import Output, fail, table
from gateway.cli.reach import SERVICE, reach
from gateway.cli.uploading import each_id, upload

OVER = ("closed", "cancelled")
FOLLOW_SECONDS = 1.0

AS = click.option(
    "--as", "service", default=SERVICE, metavar="NAME", help="Who decides; stands in the ledger."
)


@click.group()
def mass() -> None:
    """Many people at once: a service or purpose that ends, a partner who leaves, a list."""


@mass.command("open")
@click.option("--reason", required=True, help="Why: service-ended, agreement-breached, unlawful …")
@click.option("--reference", required=True, help="What decided it: a minute, a letter, a ticket.")
@click.option("--everybody", is_flag=True, help="Everybody of whom anything is stored.")
@click.option("--partner", "partners", multiple=True, help="What was shared with this recipient.")
@click.option("--purpose", "purposes", multiple=True, help="What was shared for this purpose.")
@click.option(
    "--subjects", type=click.File("rb"), help="The people of this file, one id a line; - reads it."
)
@click.option("--announced-at", help="When the end of the service was announced (RFC 3339).")
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
    if subjects is not None:
        value = _listed(output, body, subjects, preview=preview, service=service)
    else:
        value = _asked(output, body, preview=preview, service=service)
    output.result(value, _foreseen(value) if preview else _shown(value))


def _asked(output: Output, body: dict[str, Any], *, preview: bool, service: str) -> Any:
    async def directly(gateway: Any) -> Any:
        from gateway.flows import mass as flow

        request = _body(body).request(listed=False)
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
        from gateway.web.mass import read_id

        async def ids() -> AsyncIterator[Any]:
            for number, line in enumerate(each_id(file), start=1):
                yield read_id(line, number)

        request = _body(body).request(listed=True)
        if preview:
            return await preview_list(gateway, request, ids())
        return await open_list(gateway, request, ids(), opener=service)

    def lines() -> Iterator[bytes]:
        yield json.dumps(body).encode() + b"\n"
        for line in each_id(file):
            yield line + b"\n"

    path = "/v1/mass-cases" + ("?preview=true" if preview else "")
    return upload(output.home, path=path, lines=lines(), service=service, directly=directly)


def _body(body: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    from gateway.web.mass import MassBody
    from gateway.web.requests import places

    try:
        return MassBody.model_validate_json(json.dumps(body))
    except ValidationError as error:
        fail(f"request-invalid: {places(error)}", 1)


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
        (one["mass"], one["reason"], _who(one), one["state"], one["opened"], one["people"])
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
        click.echo(_line(value), err=True, nl=not sys.stderr.isatty())
        time.sleep(FOLLOW_SECONDS)
        value = _one(output, id)
    output.result(value, _shown(value))


def _one(output: Output, id: str) -> Any:
    async def directly(gateway: Any) -> Any:
        from gateway.flows import mass as flow
        from gateway.flows import mass_records as records

        return await flow.shown(gateway, await records.found(gateway, id))

    path = f"/v1/mass-cases/{id}"
    return reach(output.home, scope="case:read", method="GET", path=path, directly=directly)


@mass.command()
@click.argument("id")
@AS
@click.pass_obj
def approve(output: Output, id: str, service: str) -> None:
    """Approve it, as somebody else than who opened it."""
    _decide(output, id, "approve", service)


@mass.command()
@click.argument("id")
@AS
@click.pass_obj
def pause(output: Output, id: str, service: str) -> None:
    """Open no further case until it is resumed; those that are open go on."""
    _decide(output, id, "pause", service)


@mass.command()
@click.argument("id")
@AS
@click.pass_obj
def resume(output: Output, id: str, service: str) -> None:
    """Go on."""
    _decide(output, id, "resume", service)


@mass.command()
@click.argument("id")
@AS
@click.pass_obj
def cancel(output: Output, id: str, service: str) -> None:
    """Open no further case, ever; those that are open go on."""
    _decide(output, id, "cancel", service)


def _decide(output: Output, id: str, what: str, service: str) -> None:
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
    output.result(value, _shown(value))


def _who(one: dict[str, Any]) -> str:
    bounds = [*one["scope"]["partners"], *one["scope"]["purposes"]]
    return " ".join(bounds) if one["chosen"] == "scope" else " ".join([one["chosen"], *bounds])


def _line(one: dict[str, Any]) -> str:
    """How far it is, in one line that the next one overwrites on a terminal."""
    done = sum(row["done"] for row in one["recipients"])
    notices = sum(row["notices"] for row in one["recipients"])
    text = (
        f"{one['state']}: {one['opened']} of {one['people']} cases opened, {done} of {notices} "
        f"notices settled, about {_lasting(one['seconds'])} until all are open"
    )
    return f"\r{text:100}" if sys.stderr.isatty() else text


def _shown(one: dict[str, Any]) -> str:
    head = [
        (name, one[name] or "—")
        for name in ("mass", "reason", "state", "opener", "approver", "accepted_at", "starts_at")
    ]
    head += [
        ("people", f"{one['people']} ({_who(one)})"),
        ("cases", f"{one['opened']} opened, {one['passed']} not needed, {one['left']} to come"),
        ("all open in", _lasting(one["seconds"])),
        ("ended_at", one["ended_at"] or "—"),
    ]
    names = ("partner", "notices", "done", "open", "overdue", "failed")
    rows = [[row[name] for name in names] for row in one["recipients"]]
    recipients = table(("recipient", *names[1:]), rows) if rows else "Nobody was told yet."
    second = "\n\nA second person must approve it: `gateway case mass approve`."
    return (
        table(("", ""), head) + "\n\n" + recipients + (second if one["state"] == "proposed" else "")
    )


def _foreseen(value: dict[str, Any]) -> str:
    rows = [
        (row["partner"], row["people"], row["notices"], row["stays"] or "", row["exempt"] or "")
        for row in value["recipients"]
    ]
    second = " A second person must approve it." if value["second_person"] else ""
    headings = ("recipient", "people", "notices", "stays", "exempt")
    return (
        f"{value['people']} people, {value['notices']} notices, from {value['starts_at']} on, "
        f"{_lasting(value['seconds'])} at {value['per_second']} a second.{second}\n\n"
        + (table(headings, rows) if rows else "Nobody would have to be told.")
    )


def _lasting(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    clock = f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{days} days {clock}" if days else clock
