"""A copy of the database beside a gateway that writes to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import StoreFailed
from gateway.stores.sqlite import copies
from gateway.stores.sqlite.copies import check_pages, copy_database
from gateway.stores.sqlite.database import connect, migrate

LEAVES = 3000


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The owner's connection to a database with some leaves."""
    migrate(tmp_path / "gateway.db")
    with closing(connect(tmp_path / "gateway.db")) as db:
        db.execute("BEGIN")
        db.executemany("INSERT INTO entry (leaf) VALUES (?)", [("x" * 500,)] * LEAVES)
        db.execute("COMMIT")
        yield db


def count(path: Path) -> int:
    """Leaves of a database that is only read."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM entry").fetchone()[0])


def test_a_copy_is_of_one_moment(
    tmp_path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What is written while it is made is not in it and waits for nothing; it is one whole
    file, its owner's alone, and takes the place of the one before.
    """
    monkeypatch.setattr(copies, "PAGES", 64)
    target, steps = tmp_path / "copy.db", list[tuple[int, int]]()
    target.write_bytes(b"an older one")

    def told(done: int, total: int) -> None:
        steps.append((done, total))
        writer.execute("INSERT INTO entry (leaf) VALUES ('later')")

    size = copy_database(tmp_path / "gateway.db", target, told)

    assert len(steps) > 3 and steps[-1][0] == steps[-1][1]
    assert count(target) == LEAVES
    assert count(tmp_path / "gateway.db") == LEAVES + len(steps)
    assert (target.stat().st_size, target.stat().st_mode & 0o777) == (size, 0o600)
    assert not list(tmp_path.glob("copy.db?*"))
    check_pages(target)


def test_a_copy_that_breaks_off_leaves_nothing(tmp_path: Path, writer: sqlite3.Connection) -> None:
    """Where it cannot be finished the file of before is still there, and no part of a new one."""
    target = tmp_path / "copy.db"
    target.write_bytes(b"an older one")

    def told(done: int, total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreFailed, match="No space left"):
        copy_database(tmp_path / "gateway.db", target, told)
    assert target.read_bytes() == b"an older one"
    assert not list(tmp_path.glob("copy.db?*"))


def test_a_damaged_copy_is_found_out(tmp_path: Path, writer: sqlite3.Connection) -> None:
    """Zeros in the middle of a copy, or the file of another program, are no copy."""
    target = tmp_path / "copy.db"
    size = copy_database(tmp_path / "gateway.db", target, lambda done, total: None)
    with target.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(bytes(4096))

    with pytest.raises(StoreFailed, match=r"damaged|no whole database"):
        check_pages(target)
    target.write_bytes(b"something else, and long enough to be looked at" * 99)
    with pytest.raises(StoreFailed):
        check_pages(target)
