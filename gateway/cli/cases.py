"""`gateway case …`: who was told, who answered, what a person must settle."""

import json
from pathlib import Path
from typing import Any

import click

from gateway.cli.output import Output, fail, table
from gateway.cli.reach import reach

# What no program settles any more.
TASKS = ("refused", "failed", "overdue", "partial")


@click.group()
def case() -> None:
    """Requests to erase: list, show, prove, verify."""


@case.command("list")
@click.option("--state", type=click.Choice(["open", "refused", "closed"]))
@click.option("--partner", help="Only cases that tell this recipient.")
@click.option("--tasks", is_flag=True, help="Only what a person must settle.")
@click.pass_obj
def list_(output: Output, state: str | None, partner: str | None, tasks: bool) -> None:
    """Cases, due first."""

    async def directly(gateway: Any) -> Any:
        found = await gateway.store.cases(state=state, partner=partner, due_before=None, limit=1000)
        return {"cases": [one.shown() for one in found]}

    query = "&".join(
        f"{name}={value}" for name, value in (("state", state), ("partner", partner)) if value
    )
    value = reach(
        output.home,
        scope="case:read",
        method="GET",
        path=f"/v1/cases?{query}",
        directly=directly,
    )
    if tasks:
        output.result(*_tasks(value["cases"]))
        return
    rows = [
        (
            one["case"],
            one["action"],
            one["reason"],
            one["state"],
            one["deadline"][:10],
            f"{sum(n['settled'] for n in one['notices'])} of {len(one['notices'])}",
            sum(needs_person(n) for n in one["notices"]),
        )
        for one in value["cases"]
    ]
    headings = ("case", "action", "reason", "state", "due", "settled", "tasks")
    output.result(value, table(headings, rows) if rows else "No cases.")


def _tasks(cases: list[dict[str, Any]]) -> tuple[Any, str]:
    found = [
        {"case": one["case"], **notice}
        for one in cases
        for notice in one["notices"]
        if needs_person(notice)
    ]
    rows = [
        (one["notice"], one["partner"], one["state"], one["reason"] or "", one["deadline"][:10])
        for one in found
    ]
    headings = ("notice", "recipient", "state", "reason", "due")
    return {"tasks": found}, table(headings, rows) if rows else "Nothing waits for a person."


def needs_person(notice: dict[str, Any]) -> bool:
    """Whether only a person can bring this notice further."""
    if notice["settled"]:
        return False
    return notice["state"] in TASKS or notice["reason"] == "manual"


@case.command()
@click.argument("id")
@click.pass_obj
def show(output: Output, id: str) -> None:
    """One case, and how each recipient stands."""

    async def directly(gateway: Any) -> Any:
        found = await gateway.store.case(id)
        if found is None:
            fail(f"not-found: there is no case {id}: `gateway case list` shows them", 1)
        return found.shown()

    value = reach(
        output.home, scope="case:read", method="GET", path=f"/v1/cases/{id}", directly=directly
    )
    output.result(value, shown(value))


def shown(value: dict[str, Any]) -> str:
    """A case for a terminal."""
    head = [
        (name, value[name] or "—")
        for name in ("case", "action", "reason", "state", "accepted_at", "deadline", "closed_at")
    ]
    rows = [
        (
            one["partner"],
            one["state"],
            one["reason"] or "",
            one["evidence"] or "",
            "yes" if one["settled"] else ("needs a person" if needs_person(one) else "no"),
            one["attempts"],
            one["deadline"][:10],
            one["backups_until"] or "",
            one["notice"],
        )
        for one in value["notices"]
    ]
    headings = (
        *("recipient", "state", "reason", "on whose word", "settled", "tries", "due"),
        *("backups until", "notice"),
    )
    notices = table(headings, rows) if rows else "Nobody had to be told."
    return table(("", ""), head) + "\n\n" + notices


@case.command()
@click.argument("id")
@click.option("--interim", is_flag=True, help="As it stands now, before the case is closed.")
@click.pass_obj
def certificate(output: Output, id: str, interim: bool) -> None:
    """The signed record of a case; it stands alone on standard output."""

    async def directly(gateway: Any) -> Any:
        from gateway.web.cases import certified

        found = await gateway.store.case(id)
        if found is None:
            fail(f"not-found: there is no case {id}: `gateway case list` shows them", 1)
        if found.state.value == "open" and not interim:
            fail("case-open: not every notice is settled: wait, or ask with --interim", 1)
        return await certified(gateway, found)

    query = "?interim=true" if interim else ""
    token = reach(
        output.home,
        scope="case:read",
        method="GET",
        path=f"/v1/cases/{id}/certificate{query}",
        directly=directly,
    )
    output.result({"certificate": token}, token)


@case.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--trust", type=click.Path(path_type=Path, exists=True), help="A JWK Set file.")
@click.pass_obj
def verify(output: Output, file: Path, trust: Path | None) -> None:
    """Verify a certificate offline, by the home's keys or those named; never by a key in it."""
    from gateway.cases.certificate import CertificateInvalid, verify_certificate
    from gateway.cli.ledger import trusted

    text = file.read_text("utf-8", "replace").strip()
    try:
        claims = verify_certificate(text, trusted(output.home, trust))
    except CertificateInvalid as error:
        if output.as_json:
            output.result({"ok": False, "error": str(error)}, "")
        fail(f"the certificate does not verify: {error}", 1)
    settled = sum(one["settled"] for one in claims["notices"])
    output.result(
        {"ok": True, "claims": claims},
        f"verified: case {claims['case']}, {claims['action']} for {claims['reason']}, "
        f"{claims['state']}; {settled} of {len(claims['notices'])} notices settled",
    )


def erase(
    output: Output, subject: str, method: str, reference: str, reason: str, scope: dict[str, Any]
) -> None:
    """Open a case that erases a person; print what was opened."""
    from gateway.flows.clockwork import stamp
    from gateway.wiring import utc_now

    body: dict[str, Any] = {
        "action": "erase",
        "subject": subject,
        "reason": reason,
        "verified": {"method": method, "reference": reference, "at": stamp(utc_now())},
    }
    if any(scope.values()):
        body["scope"] = {name: list(values) for name, values in scope.items() if values}

    async def directly(gateway: Any) -> Any:
        from gateway.flows.cases import open_once
        from gateway.web.cases import CaseBody

        request = CaseBody.model_validate_json(json.dumps(body)).request()
        return await open_once(gateway, request, None)

    value = reach(
        output.home,
        scope="case:write",
        method="POST",
        path="/v1/cases",
        body=body,
        directly=directly,
    )
    output.result(
        value,
        f"case {value['case']} is {value['state']}, due {value['deadline'][:10]}\n"
        f"salt {value['salt']} (keep it: with it the certificate can be matched to the person)\n"
        f"{len(value['notices'])} recipients are told",
    )
