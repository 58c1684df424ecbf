"""Opening the file: settings, migrations, the lock that makes one owner."""

import fcntl
import os
import sqlite3
from pathlib import Path

from gateway.errors import SchemaTooNew, StoreFailed
from gateway.stores.sqlite.statements import migrations

# So that `file` and other programs know whose database this is: "SHRG".
APPLICATION_ID = 0x53485247

# How long a start waits for another program's lock.
START_SECONDS = 5.0

SETTINGS = (
    "PRAGMA journal_mode = WAL",
    # A commit returns when it is on the disk: the ledger is written before bytes leave.
    "PRAGMA synchronous = FULL",
    # What is erased is overwritten, not only unlinked (K2).
    "PRAGMA secure_delete = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
)


def connect(path: Path, *, patience_seconds: float = 0) -> sqlite3.Connection:
    """
    A connection for the writer. `patience_seconds`: how long each call may
    block for another connection's lock. Raises `sqlite3.Error`.
    """
    db = sqlite3.connect(
        path,
        timeout=patience_seconds,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        for setting in SETTINGS:
            db.execute(setting).fetchall()
    except BaseException:
        db.close()
        raise
    return db


def migrate(path: Path) -> None:
    """
    Bring the schema up to this program's version.

    Raises `SchemaTooNew` where the file is newer than the program, `StoreFailed`
    where it is not ours or cannot be written; the file is left as it was then.
    """
    if path.exists():
        check_version(path)
    try:
        db = connect(path, patience_seconds=START_SECONDS)
    except sqlite3.Error as error:
        raise StoreFailed(f"cannot open the database {path.name} ({error.args[0]})") from error
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        for number, script in migrations():
            if number > version:
                db.executescript(_whole(number, script))
    except sqlite3.Error as error:
        raise StoreFailed(f"cannot migrate the database {path.name} ({error.args[0]})") from error
    finally:
        db.close()


def _whole(number: int, script: str) -> str:
    """A migration and the marks that it was made: all of it or nothing."""
    return (
        f"BEGIN IMMEDIATE;{script};PRAGMA user_version = {number};"
        f"PRAGMA application_id = {APPLICATION_ID};COMMIT;"
    )


def check_version(path: Path) -> None:
    """Raise `SchemaTooNew` or `StoreFailed` where this program cannot read the file."""
    try:
        db = sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise StoreFailed(f"cannot open the database {path.name} ({error.args[0]})") from error
    try:
        _refuse_foreign(db, path)
        (version,) = db.execute("PRAGMA user_version").fetchone()
        _refuse_newer(version, path)
    except sqlite3.Error as error:
        raise StoreFailed(f"cannot read the database {path.name} ({error.args[0]})") from error
    finally:
        db.close()


def _refuse_newer(version: int, path: Path) -> None:
    newest = migrations()[-1][0]
    if version > newest:
        raise SchemaTooNew(
            f"the database {path.name} has schema {version} and this program knows {newest}: "
            "run the newer program, or restore a copy from before the upgrade"
        )


def _refuse_foreign(db: sqlite3.Connection, path: Path) -> None:
    (owner,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    # An empty file is ours to fill; one with tables and without our mark is somebody's.
    if owner != APPLICATION_ID and (owner or tables):
        raise StoreFailed(f"{path.name} is another program's database: name another storage url")


class Ownership:
    """
    The lock that makes one process the owner of a store.

    Held as an advisory lock on a file beside the database, so that it ends with
    the process however that ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> None:
        """Raises `StoreFailed` where another process is the owner, or nobody can be."""
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreFailed(f"cannot write {self._path.name} ({error.strerror})") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise StoreFailed(
                "another gateway process owns this database: stop it first, or let commands "
                "reach it through its internal listener"
            ) from error
        self._handle = handle

    def release(self) -> None:
        """Give the ownership back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def owned_by_another(lock: Path) -> bool:
    """Whether some process holds the ownership now."""
    probe = Ownership(lock)
    if not lock.exists():
        return False
    try:
        probe.take()
    except StoreFailed:
        return True
    probe.release()
    return False
