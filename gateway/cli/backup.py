"""`gateway ledger backup`: a copy of the database, and the check of one."""

import asyncio
from pathlib import Path
from typing import Any

import click

from gateway.cli.output import Output, fail, progress
from gateway.errors import GatewayError, StoreFailed


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--verify", is_flag=True, help="Check a copy that is there instead of making one.")
@click.option(
    "--trust",
    type=click.Path(path_type=Path, exists=True),
    help="A JWK Set file, for --verify where the home's keys are not.",
)
@click.pass_obj
def backup(output: Output, file: Path, verify: bool, trust: Path | None) -> None:
    """Copy the database as of one moment, the gateway running or not; or check such a copy."""
    if trust is not None and not verify:
        fail("--trust: belongs to --verify", 2)
    value = _verified(output.home, file, trust) if verify else _copied(output.home, file)
    done = f"verified {value['size']} leaves in {file}" if verify else f"{file} is written"
    output.result(
        value,
        f"{done}\nledger {value['origin']}, {value['size']} leaves, root {value['root']}\n"
        f"{value['bytes']} bytes; keys/ is a backup of its own",
    )


def _copied(home: Path, file: Path) -> dict[str, Any]:
    from gateway.stores.sqlite.copies import copy_database
    from gateway.wiring import load_config

    config = load_config(home)
    if not config.database.exists():
        fail("this home has no database yet: start it with `gateway serve`", 2)
    if file.exists() and file.samefile(config.database):
        fail("this is the database itself: name another file", 2)
    size = copy_database(
        config.database, file, lambda done, total: progress(done, total, "pages copied")
    )
    return {"file": str(file), "bytes": size, **asyncio.run(_head(file))}


async def _head(file: Path) -> dict[str, Any]:
    from gateway.stores.sqlite import SQLiteStore

    store = SQLiteStore(file)
    await store.open_for_reading()
    try:
        head = await store.head()
    finally:
        await store.close()
    return {"origin": head.note.partition("\n")[0], "size": head.size, "root": head.root.hex()}


def _verified(home: Path, file: Path, trust: Path | None) -> dict[str, Any]:
    from gateway.cli.looking import trusted
    from gateway.stores.sqlite.copies import check_pages

    if not file.exists():
        fail(f"{file}: there is no such file", 2)
    try:
        check_pages(file)
        checked = asyncio.run(_checked(home, file, trusted(home, trust)))
    except GatewayError as error:
        # A copy that cannot be read is no copy: the answer is no.
        fail(f"the copy does not verify: {error}", 1)
    return {"file": str(file), "bytes": file.stat().st_size, **checked}


async def _checked(home: Path, file: Path, jwks: dict[str, Any]) -> dict[str, Any]:
    from gateway.cli.verifying import verify_stored
    from gateway.stores.sqlite import SQLiteStore
    from gateway.wiring import load_config

    store = SQLiteStore(file)
    await store.open_for_reading()
    try:
        report = await verify_stored(load_config(home), store, jwks, None)
    finally:
        await store.close()
    if report is None:
        raise StoreFailed("its ledger has no checkpoint")
    return {
        "origin": report.origin,
        "size": report.size,
        "root": report.root,
        "kinds": {str(kind): count for kind, count in sorted(report.kinds.items())},
    }
