"""`gateway ledger …`: verify, prove, export."""

import asyncio
from pathlib import Path
from typing import Any

import click

from gateway.cli.affected import affected
from gateway.cli.backup import backup
from gateway.cli.exporting import export
from gateway.cli.looking import looking, trusted
from gateway.cli.output import Output, fail
from gateway.cli.proving import prove
from gateway.cli.pruning import prune
from gateway.cli.replaying import replay_erasures
from gateway.errors import ConfigError, GatewayError, StoreFailed


@click.group()
def ledger() -> None:
    """The evidence: verify it, prove a share, export it, find who is affected."""


ledger.add_command(affected)
ledger.add_command(export)
ledger.add_command(prove)
ledger.add_command(prune)
ledger.add_command(backup)
ledger.add_command(replay_erasures)


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
    output.result({"ok": True, **report}, _told(report))


def _told(report: dict[str, Any]) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in report["kinds"].items())
    lines = [f"verified {report['size']} leaves of {report['origin']}"]
    if "start" in report:
        lines.append(f"those before leaf {report['start']} by their root {report['start_root']}")
    lines += [f"root {report['root']}", kinds or "no leaves yet"]
    if report["pruned"]:
        lines.append(f"{report['pruned']} pruned leaves, by their hash")
    return "\n".join([*lines, f"{report['open']} intents without outcome"])


async def _verify_home(home: Path, trust: Path | None) -> dict[str, Any]:
    from gateway.cli.verifying import verify_stored
    from gateway.keyring import HeadFile
    from gateway.wiring import load_config

    config = load_config(home)
    kept = HeadFile(home / "keys").read()
    async with looking(home) as store:
        report = await verify_stored(config, store, trusted(home, trust), kept)
    if report is None:
        empty = {"size": 0, "root": "", "kinds": {}, "open": 0, "pruned": 0}
        return {"origin": config.origin, **empty}
    return _shown(report)


def _verify_bundle(home: Path, bundle: Path, trust: Path | None) -> dict[str, Any]:
    import gzip

    from gateway.ledger.bundle import BundleReader
    from gateway.ledger.checkpoint import trusted_keys
    from gateway.ledger.verify import check_bundle

    # One that was interrupted has `.part` behind its name.
    opener = gzip.open if bundle.name.removesuffix(".part").endswith(".gz") else open
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
        "pruned": report.pruned,
        **({"start": report.start, "start_root": report.start_root} if report.start else {}),
    }
