"""`gateway partner …`: who may receive, and who may not now."""

from typing import Any

import click

from gateway.cli.output import Output, fail, table
from gateway.cli.reach import SERVICE, reach


@click.group()
def partner() -> None:
    """Recipients: list, show, suspend, resume."""


@partner.command("list")
@click.pass_obj
def list_(output: Output) -> None:
    """All recipients and how they stand."""
    from gateway.flows import partners

    async def directly(gateway: Any) -> Any:
        return {"partners": partners.overview(gateway.policy.policy, gateway.partners.states)}

    value = reach(
        output.home, scope="partner:read", method="GET", path="/v1/partners", directly=directly
    )
    rows = [
        (
            one["partner"],
            one["kind"],
            one["territory"],
            one["state"],
            one["agreement"]["expires"] if one["agreement"] else "—",
            len(one["routes"]),
            one["name"],
        )
        for one in value["partners"]
    ]
    headings = ("partner", "kind", "territory", "state", "agreement until", "routes", "name")
    output.result(value, table(headings, rows))


@partner.command()
@click.argument("id")
@click.pass_obj
def show(output: Output, id: str) -> None:
    """One recipient: what it may get, why, and on what terms."""
    value = _one(output, id, "GET", f"/v1/partners/{id}", "partner:read")
    head = [
        (name, value[name])
        for name in ("partner", "name", "owner", "kind", "territory", "contact", "state")
    ]
    agreement = value["agreement"]
    if agreement:
        head.append(("agreement", f"{agreement['reference']} until {agreement['expires']}"))
    routes = [
        (
            one["route"],
            one["match"],
            one["purpose"],
            one["ground"],
            one["seal"],
            f"{one['retention_days']} d",
            ", ".join(one["fields"]),
        )
        for one in value["routes"]
    ]
    headings = ("route", "match", "purpose", "ground", "seal", "kept", "fields")
    output.result(value, table(("", ""), head) + "\n\n" + table(headings, routes))


@partner.command()
@click.argument("id")
@click.pass_obj
def suspend(output: Output, id: str) -> None:
    """Let nothing more leave to a recipient, at once."""
    value = _one(output, id, "POST", f"/v1/partners/{id}/suspend", "partner:write", suspended=True)
    output.result(value, f"{id} is suspended: nothing leaves to it until `gateway partner resume`")


@partner.command()
@click.argument("id")
@click.pass_obj
def resume(output: Output, id: str) -> None:
    """Let shares leave to a recipient again."""
    value = _one(output, id, "POST", f"/v1/partners/{id}/resume", "partner:write", suspended=False)
    output.result(value, f"{id} is {value['state']}")


def _one(
    output: Output, id: str, method: str, path: str, scope: str, *, suspended: bool | None = None
) -> Any:
    from gateway.errors import CallerError
    from gateway.flows import partners
    from gateway.model.ids import PartnerId

    async def directly(gateway: Any) -> Any:
        known = gateway.policy.policy.partners.get(id)
        if known is None:
            fail(f"not-found: there is no partner {id}: `gateway partner list` shows them", 1)
        if suspended is not None:
            await partners.suspend(gateway, PartnerId(id), suspended=suspended, by=SERVICE)
        return partners.described(known, gateway.partners.state(PartnerId(id)))

    try:
        return reach(output.home, scope=scope, method=method, path=path, directly=directly)
    except CallerError as error:
        fail(f"{error.code}: {error.detail}", 1)
