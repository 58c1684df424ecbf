"""`gateway ledger …`: verify, prove, export."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from gateway.cli.affected import affected
from gateway.cli.output import Output, fail, progress
from gateway.errors import ConfigError, GatewayError, StoreFailed

BATCH = 2000


@click.group()
def ledger() -> None:
    """The evidence: verify it, prove a share, export it, find who is affected."""


ledger.add_command(affected)


@ledger.command()
@click.argument("bundle", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--trust", type=click.Path(path_type=Path, exists=True), help="A JWK Set file.")
@click.pass_obj
def verify(output: Output, bundle: Path | None, trust: Path | None) -> None:
    """Verify the home's own ledger, or a bundle that was exported from one."""
    try:
        if bundle is not None:
            report = _verify_bundle(output.home, bundle, trust)
        else:
            report = asyncio.run(_verify_home(output.home, trust))
    except (ConfigError, StoreFailed):
        # Nothing was found out about the ledger: it could not be read at all.
        raise
    except GatewayError as error:
        if output.as_json:
            output.result({"ok": False, "error": str(error)}, "")
        fail(f"the ledger does not verify: {error}", 1)
    value = {"ok": True, **report}
    kinds = ", ".join(f"{count} {kind}" for kind, count in report["kinds"].items())
    output.result(
        value,
        f"verified {report['size']} leaves of {report['origin']}\n"
        f"root {report['root']}\n{kinds or 'no leaves yet'}\n"
        f"{report['open']} intents without outcome",
    )


@asynccontextmanager
async def _looking(home: Path) -> AsyncIterator[Any]:
    from gateway.wiring import load_config, store_of

    store = store_of(load_config(home))
    if not load_config(home).database.exists():
        fail("this home has no ledger yet: start it with `gateway serve`", 2)
    await store.open_for_reading()
    try:
        yield store
    finally:
        await store.close()


def trusted(home: Path, trust: Path | None) -> dict[str, Any]:
    """The JWK Set to trust: the one named, or the home's own; never one in a file checked."""
    from gateway.errors import ConfigError
    from gateway.keyring import FileKeyring

    if trust is None:
        return FileKeyring(home / "keys").public_jwks()
    try:
        jwks = json.loads(trust.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"--trust: {trust.name} is not a JWK Set") from error
    if not isinstance(jwks, dict):
        raise ConfigError(f"--trust: {trust.name} is not a JWK Set")
    return jwks


async def _verify_home(home: Path, trust: Path | None) -> dict[str, Any]:
    from gateway.ledger.checkpoint import open_checkpoint, trusted_keys
    from gateway.ledger.verify import Checker
    from gateway.wiring import load_config

    config = load_config(home)
    async with _looking(home) as store:
        head = await store.head()
        checker = Checker()
        done = 0
        while done < head.size:
            leaves = await store.leaves(done, min(BATCH, head.size - done))
            if not leaves:
                break
            for leaf in leaves:
                checker.add(leaf)
            done += len(leaves)
            progress(done, head.size, "leaves")
    if not head.note:
        return {"origin": config.origin, "size": 0, "root": "", "kinds": {}, "open": 0}
    keys = trusted_keys(trusted(home, trust), _origin(head.note))
    checkpoint = open_checkpoint(head.note, keys)
    return _shown(checker.finish(checkpoint))


def _origin(note: str) -> str:
    return note.partition("\n")[0]


def _verify_bundle(home: Path, bundle: Path, trust: Path | None) -> dict[str, Any]:
    import gzip

    from gateway.ledger.bundle import BundleReader
    from gateway.ledger.checkpoint import trusted_keys
    from gateway.ledger.verify import check_bundle

    opener = gzip.open if bundle.suffix == ".gz" else open
    with opener(bundle, "rb") as stream:
        origin = BundleReader(stream).header.origin  # type: ignore[arg-type]
    with opener(bundle, "rb") as stream:
        return _shown(check_bundle(stream, trusted_keys(trusted(home, trust), origin)))  # type: ignore[arg-type]


def _shown(report: Any) -> dict[str, Any]:
    return {
        "origin": report.origin,
        "size": report.size,
        "root": report.root,
        "kinds": {str(kind): count for kind, count in sorted(report.kinds.items())},
        "open": report.open_intents,
    }


@ledger.command()
@click.argument("share", required=False)
@click.option("--index", type=click.IntRange(0), help="A leaf's index instead of a share.")
@click.pass_obj
def prove(output: Output, share: str | None, index: int | None) -> None:
    """Prove that a share's leaf is in the ledger, in a form that anybody can check."""
    if (share is None) == (index is None):
        fail("name a share, or a leaf with --index", 2)
    value = asyncio.run(_prove(output.home, share, index))
    output.result(value, "\n".join(one["proof"] for one in value["proofs"]))


async def _prove(home: Path, share: str | None, index: int | None) -> dict[str, Any]:
    from gateway.ledger import merkle
    from gateway.ledger.checkpoint import tlog_proof
    from gateway.ledger.encode import leaf_hash
    from gateway.ledger.proofs import verify_inclusion

    async with _looking(home) as store:
        head = await store.head()
        places = [index] if index is not None else await store.find_share(share)
        proofs = []
        for place in places:
            if place >= head.size:
                fail("the leaf is not under a checkpoint yet: try again in a second", 1)
            tiles = await store.tiles(merkle.inclusion_tiles(place, head.size))
            hashes = merkle.inclusion(tiles, place, head.size)
            (leaf,) = await store.leaves(place, 1)
            verify_inclusion(leaf_hash(leaf), place, head.size, hashes, head.root)
            proofs.append(
                {
                    "index": place,
                    "leaf": json.loads(leaf),
                    "leaf_hash": leaf_hash(leaf).hex(),
                    "proof": tlog_proof(place, hashes, head.note),
                }
            )
    if not proofs:
        fail("no leaf of this ledger is of that share", 1)
    return {"size": head.size, "checkpoint": head.note, "proofs": proofs}


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def export(output: Output, file: Path) -> None:
    """Write the ledger up to its newest checkpoint into one file that anybody can verify."""
    size = asyncio.run(_export(output.home, file))
    output.result({"file": str(file), "size": size}, f"{size} leaves in {file}")


async def _export(home: Path, file: Path) -> int:
    import gzip

    from gateway.ledger.bundle import footer_line, header_line, leaf_line
    from gateway.wiring import utc_now

    async with _looking(home) as store:
        head = await store.head()
        if not head.note:
            fail("this ledger has no checkpoint yet", 1)
        part = file.with_name(file.name + ".part")
        opener = gzip.open if file.suffix == ".gz" else open
        with opener(part, "wb") as out:
            origin = _origin(head.note)
            out.write(header_line(origin=origin, size=head.size, exported_at=utc_now()))
            done = 0
            while done < head.size:
                leaves = await store.leaves(done, min(BATCH, head.size - done))
                for leaf in leaves:
                    out.write(leaf_line(leaf))
                done += len(leaves)
                progress(done, head.size, "leaves")
            out.write(footer_line(head.note))
        part.replace(file)
    return int(head.size)
