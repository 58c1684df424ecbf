"""What a share takes is measured, and a pruned one takes less."""

import json

import pytest

from tests.benchmarks import sizes


def test_what_a_share_takes_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """A small ledger is made, exported, pruned and measured; its leaves are as few as they were."""
    assert sizes.main(["--leaves", "3000", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    whole, later = result["stored"], result["pruned"]["stored"]

    assert whole["shares"] > 1250
    assert later["shares"] == 0
    assert later["leaves"] >= whole["leaves"] == 3000
    assert result["pruned"]["leaves"] > 2900
    assert 300 < whole["intent"] < 1000
    assert all(count > 0 for count in result["leaves_per_cpu_second"].values())
    assert "bytes a share" in sizes.render(result)
    for kind in ("jsonl", "jsonl.gz"):
        assert result["exported"][kind]["bytes"] > result["exported_pruned"][kind]["bytes"] > 0
