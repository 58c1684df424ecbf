"""The benchmark of very many cases works: quickly, and without a word about how fast it is."""

from pathlib import Path

from tests.benchmarks.many_cases import measured


async def test_it_lists_every_case_in_little_memory(tmp_path: Path) -> None:
    """A list of three thousand cases is whole, and no more than a page of it is held."""
    found = await measured(3000, tmp_path)

    assert found["rows"] == 3001
    assert 0 < found["list_mib"] < 4
