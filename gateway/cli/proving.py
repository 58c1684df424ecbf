"""`gateway ledger prove`: leaves with their proofs, for whoever may see them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from gateway.cli.output import Output, fail
from gateway.cli.subjects import write_proofs


@click.command()
@click.argument("share", required=False)
@click.option("--index", type=click.IntRange(0), help="A leaf's index instead of a share.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each proof into this folder, and its leaf beside it.",
)
@click.pass_obj
def prove(output: Output, share: str | None, index: int | None, out: Path | None) -> None:
    """Prove that a share's leaves are in the ledger, in a form that anybody can check."""
    if (share is None) == (index is None):
        fail("name a share, or a leaf with --index", 2)
    value = asyncio.run(_prove(output.home, share, index))
    if out is None:
        output.result(value, "\n".join(one["proof"] for one in value["proofs"]))
        return
    name = share or "leaf"
    write_proofs(out, ({**one, "share": name, "leaf": one["text"]} for one in value["proofs"]))
    output.result(value, "")


async def _prove(home: Path, share: str | None, index: int | None) -> dict[str, Any]:
    from gateway.cli.looking import looking
    from gateway.flows import proving
    from gateway.wiring import load_config

    config = load_config(home)
    async with looking(home) as store:
        if index is not None:
            places = [index]
        else:
            # Declared disclosures, too: whoever has the home may see every leaf.
            both = (*await store.find_share(share), *await store.places_of_share(share))
            places = sorted(set(both))
        heads = await proving.heads(store, config.witness_quorum if config.witnesses else None)
        if any(place >= heads.newest.size for place in places[:1]):
            fail("the leaf is not under a checkpoint yet: try again in a second", 1)
        found = await proving.proofs(store, places, heads)
    if not found:
        what = "that leaf was pruned" if places else "no leaf of this ledger is of that share"
        fail(what, 1)
    return {
        "size": heads.newest.size,
        "checkpoint": heads.newest.cosigned_note,
        "proofs": [_described(one) for one in found.values()],
    }


def _described(one: Any) -> dict[str, Any]:
    from gateway.ledger.encode import leaf_hash

    return {
        "index": one.index,
        "leaf": json.loads(one.leaf),
        "text": one.leaf.decode(),
        "leaf_hash": leaf_hash(one.leaf).hex(),
        "proof": one.proof,
    }
