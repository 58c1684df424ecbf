"""`gateway ledger replay-erasures`: a restored database is brought up to a later export."""

import asyncio
import gzip
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

from gateway.cli.output import Output, fail, progress
from gateway.errors import ConfigError, GatewayError, StoreFailed

if TYPE_CHECKING:
    from gateway.flows.restored import Replayed
    from gateway.flows.restored_ledger import Compared, OpenBundle
    from gateway.ledger.note import Verifier
    from gateway.model.settings import Config
    from gateway.ports import Clock

DEFAULT_TRIES = 200_000_000


@click.command("replay-erasures")
@click.argument("bundle", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--trust", type=click.Path(path_type=Path, exists=True), help="A JWK Set file.")
@click.option(
    "--tries",
    type=click.IntRange(0),
    default=DEFAULT_TRIES,
    show_default=True,
    help="At most so many, to find whose shares these are; 0: all that it takes.",
)
@click.option(
    "--give-up-unreadable", is_flag=True, help="Destroy what is stored of people no key opens."
)
@click.pass_obj
def replay_erasures(
    output: Output, bundle: Path, trust: Path | None, tries: int, give_up_unreadable: bool
) -> None:
    """Bring a restored database up to BUNDLE: its leaves, and everything deleted since."""
    from gateway.cli.looking import trusted
    from gateway.wiring import load_config, running

    config = load_config(output.home)
    if not config.database.exists():
        fail("there is no database to bring up to date: put the copy in its place first", 2)
    if running(config):
        fail(
            "a gateway runs on this home: stop it first. A restored database is not to be served "
            "before it is brought up to date",
            2,
        )

    def opener() -> AbstractContextManager[BinaryIO]:
        how = gzip.open if bundle.suffix == ".gz" else open
        return cast(AbstractContextManager[BinaryIO], how(bundle, "rb"))

    jwks = trusted(output.home, trust)
    told = asyncio.run(
        replayed(config, opener, jwks, tries=tries or None, give_up=give_up_unreadable)
    )
    output.result(told, _told(told))


async def replayed(
    config: "Config",
    bundle: "OpenBundle",
    jwks: dict[str, Any],
    *,
    tries: int | None = DEFAULT_TRIES,
    give_up: bool = False,
    clock: "Clock | None" = None,
) -> dict[str, Any]:
    """Replay a bundle into a home that is stopped; what was done, for programs."""
    from gateway.flows import restored
    from gateway.wiring import opened, utc_now

    compared, appended = await _joined(config, bundle, jwks)
    if compared.done and not compared.untried and not give_up:
        # Opening a gateway would write into the ledger that it was.
        return _shown(compared, appended, compared.held, restored.Replayed())
    async with opened(config, clock=clock or utc_now, locked=True, restoring=True) as gateway:
        done = await restored.replay(
            gateway, bundle, compared, tries=tries, give_up=give_up, told=progress
        )
        size = await gateway.store.size()
    return _shown(compared, appended, size, done)


async def _joined(
    config: "Config", bundle: "OpenBundle", jwks: dict[str, Any]
) -> "tuple[Compared, int]":
    """The ledger itself, before there is a gateway that could write into it."""
    from gateway.flows import restored_ledger
    from gateway.ledger.checkpoint import trusted_keys
    from gateway.wiring import store_of

    def verifiers(origin: str) -> "Iterable[Verifier]":
        return trusted_keys(jwks, origin)

    store = store_of(config)
    await store.start()
    try:
        head = await store.head()
        origin = head.note.partition("\n")[0] or config.origin
        compared = await restored_ledger.compare(store, bundle, verifiers, origin, progress)
        return compared, await restored_ledger.append(store, bundle, compared, progress)
    except (ConfigError, StoreFailed):
        raise
    except GatewayError as error:
        fail(f"nothing was replayed: {error}", 1)
    finally:
        await store.close()


def _shown(compared: "Compared", appended: int, size: int, done: "Replayed") -> dict[str, Any]:
    return {
        "origin": compared.origin,
        "bundle": compared.size,
        "size": size,
        "forked_at": compared.start if compared.forked else None,
        "done_before": compared.done,
        "appended": appended,
        "erased": done.erased,
        "cases": done.cases,
        "consents_withdrawn": done.consents,
        "suspended": done.suspended,
        "declared": done.declared,
        "shares": {
            "found": done.shares.found,
            "unknown": done.shares.unknown,
            "untried": done.shares.untried,
        },
        "unknown_cases": done.unknown,
        "unknown_erased": done.unknown_erased,
        "not_replayed": done.not_replayed,
        "unreadable": done.unreadable,
        "given_up": done.given_up,
    }


def _told(value: dict[str, Any]) -> str:
    """The result for people."""
    lines = [_first(value)]
    if value["done_before"]:
        lines.append("this bundle was replayed before: no case was done again")
    lines += [_case(one) for one in value["cases"]]
    lines += [text.format(**value) for name, text in SENTENCES.items() if value[name]]
    shares = value["shares"]
    lines += [text.format(**shares) for name, text in ABOUT_SHARES.items() if shares[name]]
    return "\n".join(lines)


SENTENCES = {
    "erased": "people erased: {erased}",
    "consents_withdrawn": "consents withdrawn: {consents_withdrawn}",
    "suspended": "suspended as before: {suspended}",
    "declared": "shares that this ledger does not have, declared in it so that their recipients "
    "are told: {declared}",
    "unknown_cases": "cases about people whom this copy does not know: {unknown_cases}",
    "unknown_erased": "of these, whole erasures: {unknown_erased}; no tombstone keeps these people "
    "out, so see that the app asks for none of them",
    "not_replayed": "corrections, whose new values are in no leaf: {not_replayed}; "
    "ask for them once more",
    "unreadable": "rows of people that open with no key: {unreadable}",
    "given_up": "people of whom everything was destroyed, as no key opens it: {given_up}",
}
ABOUT_SHARES = {
    "found": "shares found to be of people whom this copy knows: {found}",
    "unknown": "shares that belong to people whom this copy does not know: {unknown}",
    "untried": "shares not tried with everybody's key: {untried}; a later deletion of their person "
    "would not tell these recipients; run it again with a larger --tries, or with 0",
}


def _first(value: dict[str, Any]) -> str:
    if value["forked_at"] is None:
        return (
            f"{value['appended']} leaves appended; the ledger of {value['origin']} goes on from "
            f"leaf {value['bundle']}"
        )
    return (
        f"the ledger forked at leaf {value['forked_at']}: the copy was written to after it was "
        "restored. No leaf was appended. Whoever holds a checkpoint of more than "
        f"{value['forked_at']} leaves will notice: tell them, see deploy/runbooks/"
        "restored-backup.md. What the bundle says was erased is erased in this ledger too"
    )


def _case(one: dict[str, Any]) -> str:
    again = "" if one["case"] == one["was"] else f", as {one['case']}"
    kind = "erased" if one["whole"] else one["action"]
    return f"case {one['was']}{again}: {kind}, {one['reason'] or 'no reason'}; salt {one['salt']}"
