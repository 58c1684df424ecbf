"""`gateway case resolve|retry|evidence`: what a person does about a task, and did."""

from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from gateway.cli.output import Output, fail
from gateway.cli.reach import SERVICE, reach, shaped

STATUSES = ("completed", "partial", "refused", "exempt", "failed")


@click.command()
@click.argument("notice")
@click.option(
    "--status", required=True, type=click.Choice(STATUSES), help="How the recipient stands."
)
@click.option("--reason", required=True, help="Why, in a few words; part of the certificate.")
@click.option("--evidence", required=True, help="What it rests on; kept sealed.")
@click.option(
    "--attach",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The recipient's answer: a PDF, or a text in UTF-8.",
)
@click.pass_obj
def resolve(
    output: Output, notice: str, status: str, reason: str, evidence: str, attach: Path | None
) -> None:
    """Settle a notice on evidence; it is shown as a person's word, never as a receipt."""
    body: dict[str, Any] = {"status": status, "reason": reason, "evidence": evidence}
    if attach is not None:
        body["attachment"] = _attachment(attach)

    async def directly(gateway: Any) -> Any:
        from gateway.flows import settling
        from gateway.web.cases import ResolveBody

        said = shaped(ResolveBody, body)
        done = await settling.settle(
            gateway,
            notice,
            status=said.status,
            reason=said.reason,
            evidence=said.evidence,
            attached=said.attachment.attachment() if said.attachment else None,
            actor=SERVICE,
        )
        return {**done.shown(), "case": done.case}

    value = _asked(output, notice, "resolve", body, directly)
    output.result(value, f"{value['partner']} is settled: {value['state']}, on your word")
    _say_what_is_left(output, value["case"])


@click.command()
@click.argument("notice")
@click.pass_obj
def retry(output: Output, notice: str) -> None:
    """Tell a recipient once more, now."""

    async def directly(gateway: Any) -> Any:
        from gateway.flows import settling

        told = await settling.tell_again(gateway, notice, actor=SERVICE)
        return {**told.shown(), "case": told.case}

    value = _asked(output, notice, "retry", None, directly)
    output.result(
        value,
        f"{value['partner']} is to be told once more, now: "
        f"`gateway case show {value['case']}` says how it stands",
    )


@click.command()
@click.argument("notice")
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the recipient's answer that was kept with it to this file.",
)
@click.option("--forget", is_flag=True, help="Destroy it; the commitment in the ledger stays.")
@click.pass_obj
def evidence(output: Output, notice: str, save: Path | None, forget: bool) -> None:
    """On what a person settled a notice, as long as it is kept; the read is recorded."""
    if forget and save is not None:
        fail("--forget: save the file before; leave out one of the two", 2)

    async def directly(gateway: Any) -> Any:
        from gateway.flows import resolutions

        if forget:
            return await resolutions.forgotten(gateway, notice)
        return await resolutions.opened(gateway, notice, service=SERVICE)

    value = reach(
        output.home,
        scope="case:write",
        method="DELETE" if forget else "GET",
        path=f"/v1/notices/{quote(notice, safe='')}/resolution",
        directly=directly,
    )
    if forget:
        output.result({"notice": notice, "forgotten": True}, f"{notice}: its evidence is destroyed")
        return
    attached = value["attachment"]
    if save is not None:
        if attached is None:
            fail(f"--save: nothing was attached to {notice}", 1)
        save.write_bytes(b64decode(attached["content"]))
        click.echo(f"written to {save}", err=True)
    output.result(value, _told(value["evidence"], attached))


def _told(evidence: str, attached: dict[str, str] | None) -> str:
    lines = [f"evidence    {evidence}"]
    if attached is not None:
        lines.append(f"attachment  {attached['name']}, {attached['type']}")
        lines.append(f"SHA-256     {attached['sha256']}")
    return "\n".join(lines)


def _asked(output: Output, notice: str, what: str, body: Any, directly: Any) -> Any:
    return reach(
        output.home,
        scope="case:write",
        method="POST",
        path=f"/v1/notices/{quote(notice, safe='')}/{what}",
        body=body,
        directly=directly,
    )


def _attachment(file: Path) -> dict[str, str]:
    pdf = file.suffix.lower() == ".pdf"
    return {
        "name": file.name,
        "type": "application/pdf" if pdf else "text/plain",
        "content": b64encode(file.read_bytes()).decode(),
    }


def _say_what_is_left(output: Output, id: str) -> None:
    """Whether that was the last notice of its case; for people only."""
    if output.as_json:
        return

    async def directly(gateway: Any) -> Any:
        case = await gateway.store.case(id)
        return case.shown()

    case = reach(
        output.home, scope="case:read", method="GET", path=f"/v1/cases/{id}", directly=directly
    )
    if case["state"] == "closed":
        click.echo(f"its case is closed: `gateway case certificate {id}` proves it")
        return
    settled = sum(one["settled"] for one in case["notices"])
    click.echo(
        f"its case is open, {settled} of {len(case['notices'])} notices settled: "
        f"`gateway case show {id}` says what is left"
    )
