"""A running gateway prunes what is past its term, and everything else goes on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.flows import terms
from gateway.ledger.checkpoint import parse_checkpoint
from gateway.ledger.note import SignedNote
from gateway.ledger.proofs import verify_inclusion
from gateway.ledger.verify import Checker
from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from gateway.workers.pruner import prune_in_time
from gateway.workers.sequencer import catch_up
from tests.cases.house import CaseHouse
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE

YEARS = timedelta(days=3 * 366)
LONG = {"agreement": {"expires": "2099-01-01"}}


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[CaseHouse]:
    """A courier that keeps what it gets for a second, and another one for ten years."""
    opened = CaseHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        short = {"routes": {"create-shipment": {"retention": "1s"}}}
        long = {"routes": {"create-shipment": {"retention": "3650d"}}}
        await opened.open(
            [
                a_manifest("swift-parcel", base_url=NOWHERE, **LONG, **short),
                a_manifest("slow-parcel", base_url=NOWHERE, **LONG, **long),
            ]
        )
        yield opened


async def old_shares(house: CaseHouse) -> None:
    """One share with each, of which the first has ended; then three years go by."""
    assert (await house.share()).status == 200
    assert (await house.share("slow-parcel")).status == 200
    house.clock.advance(timedelta(seconds=2))
    await house.gateway.store.flush()
    while await terms.Terms(house.gateway).look():
        pass
    found = (await house.ask("GET", "/v1/cases")).json()["cases"]
    for one in found:
        await house.until_closed(one["case"])
    house.clock.advance(YEARS)


async def entries(house: CaseHouse) -> list[dict[str, Any]]:
    """Every leaf under the checkpoint."""
    await catch_up(house.gateway)
    found: list[dict[str, Any]] = (await house.ask("GET", "/v1/ledger/entries?limit=1000")).json()[
        "entries"
    ]
    return found


async def test_what_is_past_its_term_goes_and_all_the_rest_goes_on(house: CaseHouse) -> None:
    """
    The old share leaves the account and the ledger's text; its hash, every proof, the
    other share, a deletion and the reports stay as good as they were.
    """
    await old_shares(house)
    before, account = await entries(house), await house.disclosures()
    done = await house.ask("POST", "/v1/ledger/prune", {})
    after = await entries(house)

    assert [one["partner"] for one in account] == ["swift-parcel", "slow-parcel"]
    assert [one["partner"] for one in await house.disclosures()] == ["slow-parcel"]
    assert done.status == 200
    gone = [index for index, leaf in enumerate(after) if "pruned" in leaf]
    assert done.json()["pruned"] == len(gone) > 0
    assert {before[index]["kind"] for index in gone} >= {"intent", "outcome", "case", "receipt"}
    lasting = [leaf for leaf in after if "pruned" not in leaf]
    assert {leaf["kind"] for leaf in lasting} >= {"key", "policy", "partner", "intent", "read"}
    (said,) = [leaf for leaf in lasting if leaf.get("event") == "pruned"]
    assert (said["kind"], said["count"]) == ("policy", len(gone))
    await _every_proof_holds(house, after)
    assert (await house.share()).status == 200
    for path in ("ropa", "transparency", "access"):
        assert (await house.ask("GET", f"/v1/reports/{path}")).status == 200
    affected = "/v1/ledger/affected?partner=slow-parcel&from=2020-01-01&to=2099-01-01"
    assert (await house.ask("GET", affected)).status == 200
    case = await house.opened_case()
    assert {one["partner"] for one in case["notices"]} == {"swift-parcel", "slow-parcel"}


async def _every_proof_holds(house: CaseHouse, leaves: list[dict[str, Any]]) -> None:
    note = (await house.gateway.store.head()).note
    checkpoint = parse_checkpoint(SignedNote.parse(note).text)
    checker = Checker()
    for index, leaf in enumerate(leaves):
        checker.add(leaf)
        query = f"/v1/ledger/proof/inclusion?index={index}&size={checkpoint.size}"
        proof = (await house.ask("GET", query)).json()
        digest, *hashes = map(bytes.fromhex, [proof["leaf_hash"], *proof["hashes"]])
        verify_inclusion(digest, index, checkpoint.size, hashes, checkpoint.root)
        if "pruned" in leaf:
            assert leaf == {"pruned": True, "leaf_hash": proof["leaf_hash"]}
    checker.finish(checkpoint)


async def test_the_gateway_prunes_by_itself(house: CaseHouse) -> None:
    """Where the policy states a term, nobody has to ask; the log says how many."""
    await old_shares(house)
    await catch_up(house.gateway)
    with capture_logs() as logs:
        worker = asyncio.create_task(prune_in_time(house.gateway))
        while not any(one["event"] == "ledger-pruned" for one in logs):
            await asyncio.sleep(0.01)
    worker.cancel()

    assert [one["partner"] for one in await house.disclosures()] == ["slow-parcel"]


async def test_records_within_their_term_cannot_be_pruned(house: CaseHouse) -> None:
    """A day on which the term is not over is refused, and nothing is pruned."""
    assert (await house.share()).status == 200
    today = house.clock().date().isoformat()
    refused = await house.ask("POST", "/v1/ledger/prune", {"before": today})
    done = await house.ask("POST", "/v1/ledger/prune", {"before": "2020-01-01"})

    assert (refused.status, refused.code) == (400, "request-invalid")
    assert "records are kept for 36 months" in refused.json()["detail"]
    assert done.json()["pruned"] == 0
    assert len(await house.disclosures()) == 1
