"""What a store keeps of witnesses, and where the leaves of a share are."""

from pathlib import Path

import pytest

from gateway.ports import LedgerHead
from gateway.stores.sqlite import SQLiteStore


def a_head(size: int, root: bytes = b"r" * 32) -> LedgerHead:
    """A checkpoint of this size."""
    return LedgerHead(size=size, root=root, note=f"ledger.example\n{size}\nroot\n\nline\n")


@pytest.fixture
async def store(tmp_path: Path) -> SQLiteStore:
    """An open store; it is closed with its folder."""
    opened = SQLiteStore(tmp_path / "gateway.db")
    await opened.start()
    return opened


async def test_lines_stand_behind_their_own_checkpoint(store: SQLiteStore) -> None:
    """The newest checkpoint has the lines that were kept for it, in one order, and none of another."""
    await store.sequence(a_head(3), {}, 0)
    for witness in ("w2", "w1"):
        await store.keep_cosignature(a_head(3), witness, f"line of {witness}", 2)
    head = await store.head()
    assert head.cosigned_note == a_head(3).note + "line of w1\nline of w2\n"

    await store.sequence(a_head(5), {}, 3)
    assert (await store.head()).cosignatures == ()
    await store.keep_cosignature(a_head(5, b"x" * 32), "w1", "of another tree", 2)
    assert (await store.head()).cosignatures == ()
    await store.close()


async def test_the_newest_that_enough_signed_is_kept(store: SQLiteStore) -> None:
    """Older checkpoints stay until a newer one has as many lines as are wanted; a newer line of one
    witness takes the place of its older one."""
    for size, witnesses in ((3, "ab"), (5, "a"), (7, "b")):
        for witness in witnesses:
            await store.keep_cosignature(a_head(size), witness, f"{witness}{size}", 2)
    two, one = await store.witnessed(2), await store.witnessed(1)
    assert (two and two.size, one and one.size) == (3, 7)

    await store.keep_cosignature(a_head(7), "a", "a7", 2)
    await store.keep_cosignature(a_head(7), "a", "a7 again", 2)
    two = await store.witnessed(2)
    assert two is not None
    assert (two.size, two.cosignatures) == (7, ("a7 again", "b7"))
    assert await store.keep_witnesses(["a", "b"]) == {"a": 7, "b": 7}
    assert await store.keep_witnesses(["b"]) == {"b": 7}
    assert await store.witnessed(2) is None
    await store.close()


async def test_a_quorum_that_is_never_reached_fills_no_disk(store: SQLiteStore) -> None:
    """Where too few witnesses answer, a bounded number of checkpoints is kept for the rest."""
    for size in range(1, 60):
        await store.keep_cosignature(a_head(size), "a", f"a{size}", 2)
    async with store.reader.snapshot() as view:
        rows = await view.all("cosigned_sizes")
        kept = await view.all("oldest_kept", (40,))

    assert rows == [("a", 59)]
    assert kept == []
    await store.close()
