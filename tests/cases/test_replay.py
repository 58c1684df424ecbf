"""What is left of an erased person for a replay: nothing."""

import asyncio
import json
from typing import Any

from click.testing import CliRunner

from gateway.cli import cli
from tests.cases.house import CaseHouse
from tests.marks import promise


def replayed(house: CaseHouse) -> Any:
    """The documents on disk against themselves, with every past share and refusal."""
    call = ["--home", str(house.folder), "--json", "policy", "diff", "2026-1", "current"]
    done = CliRunner().invoke(cli, [*call, "--replay"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["replay"]


async def indexed(house: CaseHouse) -> int:
    """How many refusals the index of refusals names somebody for."""
    store: Any = house.gateway.store
    count = "SELECT count(*) FROM refusal WHERE subject IS NOT NULL"
    found: int = await store.write(lambda db: db.execute(count).fetchone()[0])
    return found


@promise("K2", "A1")
async def test_shares_and_refusals_of_the_erased_are_not_replayed(house: CaseHouse) -> None:
    """The index of whose refusals they are goes with the person, as that of shares does."""
    await house.share()
    await house.facts(opt_out=["order-fulfilment"])
    refused = await house.share()
    await house.gateway.store.flush()
    before, counted = await asyncio.to_thread(replayed, house), await indexed(house)
    case = await house.opened_case()
    await house.until_closed(case["case"])
    after = await asyncio.to_thread(replayed, house)

    assert refused.code == "opted-out"
    assert (before["shares"]["replayed"], before["refusals"]["replayed"]) == (1, 1)
    assert (after["shares"]["replayed"], after["refusals"]["replayed"]) == (0, 0)
    assert (before["erased"], after["erased"]) == (0, 1)
    assert (counted, await indexed(house)) == (1, 0)
