"""`python -m tests.benchmarks.memory` works, and the memory of a short run is flat as well."""

import json
from pathlib import Path

import pytest

from tests.benchmarks import memory
from tests.benchmarks.memory import Sample, grown

LINES = 12_000
# What lines left behind, were they kept, is some kB each: three times as much as this.
ROOM_MIB = 8.0


def test_a_bulk_share_is_carried_in_flat_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thousands of lines of as many people go through, and nothing of them stays in memory."""
    file = tmp_path / "memory.json"
    code = memory.main(["--lines", str(LINES), "--mixed", "0", "--json", str(file)])
    result = json.loads(file.read_text())["bulk"]

    assert code == 0
    assert result["answered"] == {"200": LINES}
    assert result["grown_mib"] <= ROOM_MIB
    assert "bulk: flat" in capsys.readouterr().out


def test_growth_is_what_the_end_has_more_than_the_beginning() -> None:
    """A run that grows all the way is seen to grow, one that warms up is not."""
    growing = [Sample(place, 100.0 + place, place) for place in range(100)]
    warm = [Sample(place, 100.0 + min(place, 15), place) for place in range(100)]

    assert grown(growing) == pytest.approx(60.0)
    assert grown(warm) == 0.0
