"""`gateway ledger prune`: the content of leaves whose term is over goes, their hashes stay."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from gateway.cli.output import Output, fail, progress
from gateway.cli.reach import reach
from gateway.errors import CallerError

# Where no gateway serves nobody is kept waiting.
ALL, STEP = 1 << 62, 1000


@click.command()
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Only leaves from before this UTC day; the policy's term must be over on it.",
)
@click.option("--dry-run", is_flag=True, help="Count, and change nothing.")
@click.option("--compact", is_flag=True, help="Give the room back to the disk; nothing may run.")
@click.pass_obj
def prune(output: Output, before: datetime | None, dry_run: bool, compact: bool) -> None:
    """Prune what is past the policy's record-keeping term: every proof goes on to hold."""
    day = before.date() if before else None
    if dry_run:
        found = _counted(output.home, day)
        text = f"{found['pruned']} leaves would be pruned; {found['kept']} are still needed"
        output.result(found, text)
        return
    done = _pruned(output.home, day, compact=compact)
    output.result(done, f"{done['pruned']} leaves pruned, of those before {done['before'][:10]}")


def _pruned(home: Path, day: date | None, *, compact: bool) -> dict[str, Any]:
    """Ask until nothing is left to be done; where nobody serves, once."""
    from gateway.wiring import load_config, running

    if compact and running(load_config(home)):
        fail("--compact: stop the gateway first; it would have to wait all the while", 2)

    async def directly(gateway: Any) -> dict[str, Any]:
        from gateway.flows import pruning

        size = await gateway.store.size()
        run = await pruning.prune(
            gateway,
            before=day,
            most=ALL,
            step_of=STEP,
            pause=0,
            tell=lambda upto: progress(upto, size, "leaves"),
        )
        if compact:
            await gateway.store.compact()
            await gateway.store.scrub()
        return run.shown()

    body = {"before": day.isoformat()} if day else {}
    totals = {"pruned": 0, "looked_at": 0}
    while True:
        run: dict[str, Any] = reach(
            home,
            scope="partner:write",
            method="POST",
            path="/v1/ledger/prune",
            body=body,
            directly=directly,
        )
        totals = {name: count + run[name] for name, count in totals.items()}
        if run["done"]:
            return {"before": run["before"], **totals, "upto": run["upto"]}
        progress(totals["looked_at"], totals["looked_at"] + 1, "leaves looked at")


def _counted(home: Path, day: date | None) -> dict[str, Any]:
    from gateway.flows.pruning import terms_for
    from gateway.keyring import FileKeyring
    from gateway.ledger.pruning import judging
    from gateway.wiring import load_config, read_documents

    config = load_config(home)
    rights = read_documents(config, FileKeyring(home / "keys")).policy.rights
    now = datetime.now(UTC)
    try:
        terms = terms_for(rights, now, day)
    except CallerError as error:
        fail(f"{error.code}: {error.detail}", 1)
    return asyncio.run(_looked(home, judging(terms, now=now), now))


async def _looked(home: Path, judge: Any, now: datetime) -> dict[str, Any]:
    from gateway.cli.looking import looking

    async with looking(home) as store:
        size = (await store.head()).size
        found = await store.prunable(judge, now, lambda done: progress(done, size, "leaves"))
    return {"pruned": found.pruned, "kept": found.kept}
