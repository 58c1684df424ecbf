"""`gateway ledger prune` and `export`: alone, and through a running gateway."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from gateway import config as settings
from gateway import wiring
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.workers.sequencer import catch_up
from tests.unit.cli.calling import Done, call
from tests.unit.cli.test_reports import running

LONG_AGO = datetime(2020, 1, 15, tzinfo=UTC)


async def _old_refusals(home: Path) -> None:
    async with wiring.opened(settings.load(home, {}), clock=lambda: LONG_AGO) as gateway:
        given = {"at": LONG_AGO, "service": "orders", "code": "consent-missing"}
        leaves = [entries.refusal(id=f"r{n}", clause=["S1"], **given) for n in range(3)]
        await gateway.store.append([canonical(leaf) for leaf in leaves])
        await catch_up(gateway)


def _json(home: Path, *command: str) -> dict[str, object]:
    done: Done = call("ledger", *command, home=home, as_json=True)
    assert done.code == 0, done
    found: dict[str, object] = json.loads(done.out)
    return found


def test_old_refusals_go_and_the_export_goes_on(home: Path, tmp_path: Path) -> None:
    """What is past its term is counted, pruned, said, and verified; a day within it is refused."""
    asyncio.run(_old_refusals(home))
    file = tmp_path / "ledger.jsonl.gz"
    assert _json(home, "export", str(file))["added"] == _json(home, "verify")["size"]

    assert _json(home, "prune", "--dry-run") == {"pruned": 3, "kept": 0}
    young = call("ledger", "prune", "--before", "2099-01-01", home=home)
    assert _json(home, "prune", "--compact")["pruned"] == 3
    assert call("ledger", "prune", home=home).out.startswith("0 leaves pruned")
    with running(home):
        through = _json(home, "prune", "--before", "2021-01-01")
        busy = call("ledger", "prune", "--compact", home=home)

    assert young.code == 2
    assert "records are kept for 36 months" in young.err
    assert (through["pruned"], busy.code) == (0, 2)
    assert _json(home, "verify")["pruned"] == 3
    assert _json(home, "export", str(file))["added"]
    assert _json(home, "verify", str(file))["pruned"] == 0
    assert _json(home, "export", str(tmp_path / "new"))["start"] == 0
    assert _json(home, "verify", str(tmp_path / "new"))["pruned"] == 3
