"""The last signed checkpoint, kept beside the keys."""

import os
from pathlib import Path

import pytest

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.keyring import HeadFile, head


async def test_what_is_kept_is_there_for_the_next_process(tmp_path: Path) -> None:
    """The newest note alone, for its owner only, and no other file."""
    file = HeadFile(tmp_path)
    assert file.read() is None
    await file.keep("first\n", 1)
    await file.keep("second\n", 2)

    assert HeadFile(tmp_path).read() == "second\n"
    assert [path.name for path in tmp_path.iterdir()] == ["head.note"]
    assert (tmp_path / "head.note").stat().st_mode & 0o777 == 0o600


async def test_a_process_signs_nothing_smaller_than_before(tmp_path: Path) -> None:
    """The same size again is no step back; a smaller one is, and the note stays."""
    file = HeadFile(tmp_path)
    await file.keep("two\n", 2)
    await file.keep("two again\n", 2)

    with pytest.raises(LedgerContradiction, match="a checkpoint of 1 leaves"):
        await file.keep("one\n", 1)
    assert file.read() == "two again\n"


async def test_file_and_folder_are_synced_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the new file, then, under its name, the folder."""
    synced: list[tuple[bool, bool]] = []
    sync = os.fsync

    def seen(handle: int) -> None:
        sync(handle)
        folder = Path(f"/proc/self/fd/{handle}").resolve() == tmp_path.resolve()
        synced.append((folder, (tmp_path / "head.note").exists()))

    monkeypatch.setattr(os, "fsync", seen)
    await HeadFile(tmp_path).keep("note\n", 1)

    assert synced == [(False, False), (True, True)]


async def test_a_disk_that_does_not_take_it(tmp_path: Path) -> None:
    """Whoever keeps it is told, and the note from before is still whole."""
    file = HeadFile(tmp_path)
    await file.keep("first\n", 1)
    (tmp_path / f"{head.NAME}.new").mkdir()

    with pytest.raises(StoreFailed, match=r"head\.note cannot be written"):
        await file.keep("second\n", 2)
    assert file.read() == "first\n"


async def test_what_cannot_be_read_is_said_to_be(tmp_path: Path) -> None:
    """A folder in its place is no note, and no reason to begin anew."""
    (tmp_path / head.NAME).mkdir()

    with pytest.raises(StoreFailed, match="cannot be read"):
        HeadFile(tmp_path).read()
