"""`gateway keys …`: the gateway's own keys."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from gateway.cli.output import Output, fail, table
from gateway.cli.reach import SERVICE, reach

USES = ("grant", "notice", "checkpoint", "certificate", "issuer", "epoch")


@click.group()
def keys() -> None:
    """The gateway's own keys: list, rotate, give-up."""


@keys.command("list")
@click.pass_obj
def list_(output: Output) -> None:
    """Every key: its use, since when, whether it is in force, until when it counts."""
    import asyncio

    from gateway.flows.keys import listed
    from gateway.keyring import FileKeyring
    from gateway.wiring import load_config, store_of

    config = load_config(output.home)
    keyring = FileKeyring(output.home / "keys")

    async def looked() -> list[dict[str, Any]]:
        store = store_of(config)
        if not config.database.exists():
            return await listed(None, keyring)
        await store.open_for_reading()
        try:
            return await listed(store, keyring)
        finally:
            await store.close()

    found = asyncio.run(looked())
    output.result({"keys": found}, _table(found))


@keys.command()
@click.option("--use", required=True, type=click.Choice(USES), help="Which key.")
@click.option("--at-once", is_flag=True, help="The one before counts no more from now on.")
@click.pass_obj
def rotate(output: Output, use: str, at_once: bool) -> None:
    """Put a new key in the place of one, in force at once, without a restart."""
    from gateway.errors import CallerError
    from gateway.flows import epochs
    from gateway.flows import keys as flow

    async def directly(gateway: Any) -> Any:
        done = await flow.rotate(gateway, use, at_once=at_once, by=SERVICE)
        if use != flow.EPOCH:
            return done
        # Nobody else is there to wrap anew what the old one wrapped.
        await epochs.settle(gateway)
        every = await flow.listed(gateway.store, gateway.keys)
        return {"keys": [one for one in every if one["use"] == use]}

    try:
        value = reach(
            output.home,
            scope="partner:write",
            method="POST",
            path=f"/v1/keys/{use}/rotate",
            body={"at_once": at_once},
            directly=directly,
        )
    except CallerError as error:
        fail(f"{error.code}: {error.detail}", 1)
    output.result(value, _table(value["keys"]))


@keys.command("give-up")
@click.argument("epoch", type=click.IntRange(1))
@click.option("--yes", is_flag=True, required=True, help="It cannot be taken back.")
@click.pass_obj
def give_up(output: Output, epoch: int, yes: bool) -> None:
    """Forget everything that only the lost key of an epoch could open."""
    import asyncio

    from gateway.flows import epochs
    from gateway.wiring import load_config, opened, running

    config = load_config(output.home)
    if running(config):
        fail("a gateway runs on this home, so every key opens: there is nothing to give up", 1)

    async def alone() -> tuple[int, int]:
        async with opened(config, locked=True) as gateway:
            return await epochs.give_up(gateway, epoch, by=SERVICE)

    try:
        people, escrows = asyncio.run(alone())
    except LookupError as error:
        fail(f"epoch {epoch}: {error.args[0]}", 1)
    output.result(
        {"epoch": epoch, "people": people, "escrows": escrows},
        f"{people} people and what {escrows} notices were to say are given up; who these people "
        "are, and so which recipients have their data, is known to nobody any more",
    )


def _table(found: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            one["use"],
            f"{one['kid']} {one['thumbprint']}",
            one["state"],
            (one["since"] or "")[:19].replace("T", " "),
            "yes" if one["public"] else "no",
            _until(one),
        )
        for one in found
    ]
    headings = ("use", "key, and its thumbprint", "state", "since", "public", "counts until")
    return table(headings, rows)


def _until(one: Mapping[str, Any]) -> str:
    if one["counts_until"]:
        return str(one["counts_until"])[:19].replace("T", " ")
    return "—" if one["state"] == "active" else "for good"
