"""
A copy of the database as of one moment, beside whoever writes to it.

SQLite's own online backup, page by page, from a connection that holds one read
transaction open: what is committed meanwhile is in the log and not in the copy.
Nobody waits for it; the log grows until it is done. The copy is one file without
a log, that needs nothing beside it.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gateway.errors import StoreFailed
from gateway.stores.sqlite.database import check_version

# Pages of 4 KiB copied between two looks at how far it is.
PAGES = 1024
PART = ".part"

Progress = Callable[[int, int], None]
"""Pages done, and pages in all."""


def copy_database(source: Path, target: Path, told: Progress) -> int:
    """
    Copy a database, running gateway or not; the copy's size in bytes. It is written
    under another name, synced, and takes its own with the last step, readable by
    its owner only. A file of that name is replaced.

    Memory does not grow with the database. Raises `StoreFailed` and `SchemaTooNew`.
    """
    check_version(source)
    part = target.with_name(target.name + PART)
    try:
        _create(part)
        try:
            _copy(source, part, told)
            _sync(part, os.O_RDWR)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        _sync(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        return target.stat().st_size
    except OSError as error:
        raise StoreFailed(f"{target.name} cannot be written ({error.strerror})") from error
    except sqlite3.Error as error:
        raise StoreFailed(f"{source.name} cannot be copied ({error.args[0]})") from error


def check_pages(path: Path) -> None:
    """
    Let SQLite check every page and index of a copy that is opened for reading alone.

    Raises `StoreFailed`, `SchemaTooNew`.
    """
    check_version(path)
    try:
        with closing(_reading(path)) as db:
            problems = [row[0] for row in db.execute("PRAGMA integrity_check(3)")]
            broken = db.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.Error as error:
        raise StoreFailed(f"{path.name} is no whole database ({error.args[0]})") from error
    if problems != ["ok"] or broken:
        what = (
            "; ".join(problems) if problems != ["ok"] else "a row points to one that is not there"
        )
        raise StoreFailed(f"{path.name} is damaged: {what}")


def _create(part: Path) -> None:
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _copy(source: Path, part: Path, told: Progress) -> None:
    with closing(sqlite3.connect(source, isolation_level=None)) as old:
        old.execute("PRAGMA query_only = ON")
        # Opened here and held to the end: else each commit of the gateway would begin it anew.
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        with closing(sqlite3.connect(part, isolation_level=None)) as new:
            # A copy that was broken off is thrown away, so it needs no journal of its own.
            new.execute("PRAGMA journal_mode = OFF")
            new.execute("PRAGMA synchronous = OFF")
            old.backup(new, pages=PAGES, progress=lambda _, left, total: told(total - left, total))
            new.execute("PRAGMA journal_mode = DELETE").fetchall()


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
