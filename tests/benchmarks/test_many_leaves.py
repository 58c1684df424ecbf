"""A made ledger is a real one, and one that was begun is finished."""

import asyncio
import json
from pathlib import Path

import pytest

from gateway.cli.verifying import verify_stored
from gateway.keyring import FileKeyring
from gateway.ledger.verify import Report
from gateway.wiring import load_config, store_of
from tests.benchmarks import made_shares, many_leaves

LEAVES = 1_000


async def verified(home: Path) -> Report | None:
    """What the check of a home's own ledger finds."""
    config = load_config(home)
    store = store_of(config)
    await store.open_for_reading()
    try:
        return await verify_stored(config, store, FileKeyring(home / "keys").public_jwks(), None)
    finally:
        await store.close()


def test_a_run_that_was_ended_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was made by then is whole; at the end the ledger verifies, and all indexes are there."""
    monkeypatch.setattr(made_shares, "CHUNK", 300)
    chunk = many_leaves._chunk

    def until_the_second(making: many_leaves.Making, number: int) -> None:
        if number == 2:
            raise KeyboardInterrupt
        chunk(making, number)

    with monkeypatch.context() as ended:
        ended.setattr(many_leaves, "_chunk", until_the_second)
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(many_leaves.make(tmp_path / "home", LEAVES))
    half = asyncio.run(verified(tmp_path / "home"))
    asyncio.run(many_leaves.make(tmp_path / "home", LEAVES))
    whole = asyncio.run(verified(tmp_path / "home"))
    with pytest.raises(ValueError, match="begun with other"):
        asyncio.run(many_leaves.make(tmp_path / "home", LEAVES, seed=2))

    notes = json.loads((tmp_path / "home" / many_leaves.NOTES).read_text())
    assert half is not None
    assert whole is not None
    assert half.size == notes["first"] + 600
    assert whole.size == LEAVES
    assert whole.kinds["intent"] == whole.kinds["outcome"] > LEAVES / 3
    assert whole.open_intents == 0
