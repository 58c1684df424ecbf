"""A bundle on the disk: added to, cut at any byte, and never taken for what it is not."""

import asyncio
import gzip
import io
import json
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import verifier
from gateway.cli import exporting
from gateway.cli.bundles import BundleFile, BundleForeign, place_of
from gateway.cli.exporting import Begin, _Export
from gateway.errors import ConfigError
from gateway.ledger import merkle
from gateway.ledger.bundle import BundleInvalid, BundleReader, pruned_leaf
from gateway.ledger.encode import leaf_hash
from gateway.ledger.proofs import ProofInvalid
from gateway.ledger.verify import check_bundle
from gateway.ports import LedgerHead
from tests.unit.ledger.builders import (
    VERIFIER,
    a_first_bundle,
    a_jwks,
    a_ledger,
    a_note,
)

LEAVES = a_ledger(30)
OTHERS = [*LEAVES[2:4], *LEAVES[:2], *LEAVES[4:]]


class Ledger:
    """A store that has so many leaves of a ledger under its checkpoint."""

    def __init__(self, leaves: list[bytes], size: int) -> None:
        self._leaves = leaves[:size]
        self._tiles = merkle.extend({}, 0, [leaf_hash(leaf) for leaf in self._leaves])
        root = merkle.root(self._tiles, size)
        self._head = LedgerHead(size=size, root=root, note=a_note(self._leaves))

    async def head(self) -> LedgerHead:
        """The checkpoint."""
        return self._head

    async def tiles(self, ids: Any) -> dict[Any, bytes]:
        """Tiles."""
        return {id: self._tiles[id] for id in ids if id in self._tiles}

    async def leaves(self, start: int, limit: int) -> list[bytes]:
        """Leaves."""
        return self._leaves[start : start + limit]


def export(
    file: Path, size: int, leaves: list[bytes] = LEAVES, begin: Begin | None = None
) -> dict[str, int]:
    """Run an export of so many leaves into a file, as the command does."""

    async def run() -> dict[str, int]:
        store: Any = Ledger(leaves, size)
        path = place_of(file)
        with BundleFile(path, compressed=file.suffix == ".gz") as bundle:
            whole = _Export(store, await store.head(), bundle)
            done = await whole.run(begin or Begin(), asked=begin is not None)
        if path != file:
            path.replace(file)
        return done

    return asyncio.run(run())


def held(file: Path) -> list[bytes]:
    """The leaves of a file, after it was verified."""
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    check_bundle(io.BytesIO(data), [VERIFIER])
    return list(BundleReader(io.BytesIO(data)).leaves())


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few leaves at a time, so that a small ledger has several gzip members."""
    monkeypatch.setattr(exporting, "BATCH", 7)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_an_export_adds_what_is_new(name: str, tmp_path: Path) -> None:
    """The second export keeps every byte of the first and adds the rest; the third adds nothing."""
    file = tmp_path / name
    assert export(file, 20) == {"start": 0, "size": 20, "added": 20}
    first = file.read_bytes()
    assert export(file, 61) == {"start": 0, "size": 61, "added": 41}
    second = file.read_bytes()

    assert export(file, 61)["added"] == 0
    assert second.startswith(first)
    assert file.read_bytes() == second
    assert held(file) == LEAVES
    assert [path.name for path in tmp_path.iterdir()] == [name]


@given(st.integers(0, 2**32), st.booleans())
def test_a_killed_export_goes_on_where_it_stopped(seed: int, compressed: bool) -> None:
    """Cut at any byte it is no bundle, or the whole one of before; the next run makes it whole."""
    random = Random(seed)
    with TemporaryDirectory() as folder:
        file = Path(folder) / ("a.gz" if compressed else "a")
        export(file, 25)
        before = file.read_bytes()
        export(file, 50)
        end = random.randrange(len(before), file.stat().st_size)
        file.write_bytes(file.read_bytes()[:end])
        if end == len(before):
            assert held(file) == LEAVES[:25]
        else:
            with pytest.raises((BundleInvalid, EOFError)):
                held(file)

        size = random.choice([50, 61])
        export(file, size)
        assert held(file) == LEAVES[:size]


@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_a_first_export_that_was_killed_leaves_no_file_of_that_name(
    name: str, tmp_path: Path
) -> None:
    """Until it is whole it has another name, and from there it goes on, whatever is in it."""
    file, part = tmp_path / name, tmp_path / f"{name}.part"
    export(file, 61)
    data = file.read_bytes()
    for end in (0, 5, 70, len(data) // 2, len(data) - 1, len(data)):
        file.unlink()
        part.write_bytes(data[:end])
        assert export(file, 61)["size"] == 61
        assert held(file) == LEAVES
        assert not part.exists()


def test_a_pruned_ledger_goes_on_in_an_older_file(tmp_path: Path) -> None:
    """What was exported whole and is pruned by now has the same hash, and so the same tree."""
    file = tmp_path / "a"
    export(file, 20)
    pruned = [pruned_leaf(leaf_hash(leaf)) for leaf in LEAVES[:30]] + LEAVES[30:]
    store = Ledger(LEAVES, 61)
    store._leaves = pruned

    async def run() -> None:
        with BundleFile(file, compressed=False) as bundle:
            await _Export(store, await store.head(), bundle).run(Begin(), asked=False)  # type: ignore[arg-type]

    asyncio.run(run())
    assert held(file) == LEAVES[:20] + pruned[20:]


@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_another_ledger_is_not_added_to(name: str, tmp_path: Path) -> None:
    """A file of other leaves, of more leaves or of another origin is refused, and left as it is."""
    file = tmp_path / name
    export(file, 40, OTHERS)
    before = file.read_bytes()

    with pytest.raises(ProofInvalid, match="not the beginning of this ledger"):
        export(file, 61)
    with pytest.raises(BundleForeign, match="has 40 leaves, and this ledger 30"):
        export(file, 30, OTHERS)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (a_first_bundle(LEAVES), "of sharing-ledger/1, which says how long it is"),
        (b"a letter\nto a friend\n", "no JSON object"),
        (b"half a letter", "no bundle"),
        (b'{"format":"sharing-ledger/2","origin":"other.example/ledger"}\n', "of another ledger"),
    ],
)
def test_a_file_that_is_no_bundle_is_never_overwritten(
    data: bytes, why: str, tmp_path: Path
) -> None:
    """What is there under that name and is something else stays as it is."""
    file = tmp_path / "a"
    file.write_bytes(data)

    with pytest.raises(BundleForeign, match=why):
        export(file, 61)
    assert file.read_bytes() == data


def test_a_damaged_file_is_not_added_to(tmp_path: Path) -> None:
    """A changed byte in what was exported before is found, compressed or not."""
    plain, packed = tmp_path / "a", tmp_path / "a.gz"
    for file in (plain, packed):
        export(file, 40)
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)

    with pytest.raises(ProofInvalid, match="damaged"):
        export(plain, 61)
    with pytest.raises((BundleForeign, ProofInvalid)):
        export(packed, 61)


def test_two_exports_do_not_write_one_file(tmp_path: Path) -> None:
    """While one export has the file, another is refused."""
    file = tmp_path / "a"
    with (
        BundleFile(file, compressed=False),
        pytest.raises(ConfigError, match="another export is writing it"),
    ):
        BundleFile(file, compressed=False)


def test_what_is_new_can_be_shipped_alone(tmp_path: Path) -> None:
    """A bundle of later leaves grows too, and shows that the tree of before goes on in it."""
    file, trust = tmp_path / "a.gz", tmp_path / "trust"
    trust.write_text(json.dumps(a_jwks()))
    export(file, 40, begin=Begin(start=33))
    export(file, 61)

    assert held(file) == LEAVES[33:]
    assert verifier.main([str(file), "--trust", str(trust), "--json"]) == 0
    with pytest.raises(BundleForeign, match="begins at leaf 33, not at 0"):
        export(file, 61, begin=Begin())
