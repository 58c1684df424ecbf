"""`gateway partner …`: who may receive, and who may not now."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import click

from gateway.cli.output import Output, fail, table
from gateway.cli.reach import SERVICE, reach


@click.group()
def partner() -> None:
    """Recipients: list, show, suspend, resume, rotate-key."""


@partner.command("list")
@click.pass_obj
def list_(output: Output) -> None:
    """All recipients and how they stand."""
    from gateway.flows import partners

    async def directly(gateway: Any) -> Any:
        return partners.overview(gateway)

    value = reach(
        output.home, scope="partner:read", method="GET", path="/v1/partners", directly=directly
    )
    rows = [
        (
            one["partner"],
            one["kind"],
            one["territory"],
            _standing(one),
            _until(one["agreement"]) if one["agreement"] else "—",
            len(one["routes"]),
            one["name"],
        )
        for one in value["partners"]
    ]
    headings = ("partner", "kind", "territory", "state", "agreement until", "routes", "name")
    text = table(headings, rows)
    if value["stopped"]:
        text += "\n\nnothing leaves to anybody: `gateway partner resume --all` takes that back"
    output.result(value, text)


@partner.command()
@click.argument("id")
@click.pass_obj
def show(output: Output, id: str) -> None:
    """One recipient: what it may get, why, and on what terms."""
    value = _one(output, id, "GET", f"/v1/partners/{id}", "partner:read")
    head = [
        (name, value[name]) for name in ("partner", "name", "owner", "kind", "territory", "contact")
    ]
    head.append(("state", _standing(value)))
    agreement = value["agreement"]
    if agreement:
        head.append(("agreement", f"{agreement['reference']} until {_until(agreement)}"))
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
    parts = [table(("", ""), head), table(headings, routes)]
    if value["keys"]:
        parts.append(_keys(value["keys"]))
    output.result(value, "\n\n".join(parts))


@partner.command()
@click.argument("id", required=False)
@click.option("--all", "everybody", is_flag=True, help="Everybody, at once: the kill switch.")
@click.pass_obj
def suspend(output: Output, id: str | None, everybody: bool) -> None:
    """Let nothing more leave to a recipient, at once."""
    whom = _whom(id, everybody=everybody)
    path = f"/v1/partners/{whom}/suspend"
    value = _one(output, whom, "POST", path, "partner:write", suspended=True)
    until = "gateway partner resume"
    if everybody:
        output.result(value, f"nothing leaves to anybody until `{until} --all`; notices go on")
    else:
        said = f"{whom} is suspended: nothing leaves to it until `{until} {whom}`; notices go on"
        output.result(value, said)


@partner.command()
@click.argument("id", required=False)
@click.option("--all", "everybody", is_flag=True, help="Everybody who is not suspended alone.")
@click.pass_obj
def resume(output: Output, id: str | None, everybody: bool) -> None:
    """Let shares leave to a recipient again."""
    whom = _whom(id, everybody=everybody)
    path = f"/v1/partners/{whom}/resume"
    value = _one(output, whom, "POST", path, "partner:write", suspended=False)
    if everybody:
        output.result(value, "shares leave again, but to those who are suspended alone")
    else:
        output.result(value, f"{whom} is {value['state']}")


@partner.command("rotate-key")
@click.argument("id")
@click.argument("kid", required=False)
@click.pass_obj
def rotate_key(output: Output, id: str, kid: str | None) -> None:
    """Use new keys that a recipient publishes at once, before their hold is over."""
    from urllib.parse import quote

    from gateway.errors import CallerError
    from gateway.flows import published
    from gateway.model.ids import PartnerId

    async def directly(gateway: Any) -> Any:
        released = await published.release(gateway, PartnerId(id), kid, by=SERVICE)
        known = gateway.policy.policy.partners[id]
        return {"released": list(released), "keys": published.described(gateway, known)}

    one = f"/{quote(kid, safe='')}" if kid else ""
    path = f"/v1/partners/{quote(id, safe='')}/keys{one}/release"
    try:
        value = reach(
            output.home, scope="partner:write", method="POST", path=path, directly=directly
        )
    except CallerError as error:
        fail(f"{error.code}: {error.detail}", 1)
    done = ", ".join(value["released"]) or "nothing: no key was waiting"
    output.result(value, f"released {done}\n\n{_keys(value['keys'])}")


def _whom(id: str | None, *, everybody: bool) -> str:
    if (id is None) is not everybody:
        fail("name one recipient, or write --all", 2)
    return id or "*"


def _keys(keys: list[Mapping[str, Any]]) -> str:
    rows = [
        (one["kid"], one["use"], one["state"], one["used_from"] or "—", one["thumbprint"])
        for one in keys
    ]
    return table(("key", "use", "state", "used from", "thumbprint"), rows)


def _standing(one: Mapping[str, Any]) -> str:
    return f"{one['state']}, left alone" if one["breaker"] == "open" else str(one["state"])


def _until(agreement: Mapping[str, Any]) -> str:
    """When an agreement ends, and how near that is from sixty days before (S4a)."""
    from gateway.model.recipients import WARNING_DAYS

    expires = agreement["expires"]
    left = (date.fromisoformat(expires) - datetime.now(UTC).date()).days
    if left <= 0:
        return f"{expires} (over)"
    if left > max(WARNING_DAYS):
        return str(expires)
    return f"{expires} ({left} day{'s' if left > 1 else ''} left)"


def _one(
    output: Output, id: str, method: str, path: str, scope: str, *, suspended: bool | None = None
) -> Any:
    from gateway.errors import CallerError
    from gateway.flows import partners
    from gateway.flows.gateway import EVERYBODY
    from gateway.model.ids import PartnerId

    async def directly(gateway: Any) -> Any:
        known = gateway.policy.policy.partners.get(id)
        if known is None and id != EVERYBODY:
            fail(f"not-found: there is no partner {id}: `gateway partner list` shows them", 1)
        if suspended is not None:
            await partners.suspend(gateway, PartnerId(id), suspended=suspended, by=SERVICE)
        return partners.overview(gateway) if known is None else partners.described(gateway, known)

    try:
        return reach(output.home, scope=scope, method=method, path=path, directly=directly)
    except CallerError as error:
        fail(f"{error.code}: {error.detail}", 1)
