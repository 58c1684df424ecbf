"""
Key files that are written and destroyed so that a crash leaves a whole one or none.

A file that goes gets another name first (`….dying`), so that what is half
overwritten is never read as a key; the next start finishes what was begun. On
flash and copying file systems the bytes may survive where no file leads to them.
"""

import os
from pathlib import Path

DYING = ".dying"
FRESH = ".new"


def write_new(path: Path, content: bytes) -> None:
    """A file that was not there, 0600; durable with its name on return. Raises `OSError`."""
    fresh = path.with_name(path.name + FRESH)
    _write(fresh, content)
    try:
        # Not a rename: that would take the place of a key that is there.
        os.link(fresh, path)
    finally:
        fresh.unlink()
    sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Put another content in a file's place, and destroy what was there."""
    fresh, dying = path.with_name(path.name + FRESH), path.with_name(path.name + DYING)
    _write(fresh, content)
    os.link(path, dying)
    fresh.replace(path)
    sync_folder(path.parent)
    _overwrite(dying)


def destroy(path: Path) -> None:
    """Overwrite and remove a file; durable on return. Nothing where it is gone already."""
    dying = path.with_name(path.name + DYING)
    try:
        path.replace(dying)
    except FileNotFoundError:
        return
    sync_folder(path.parent)
    _overwrite(dying)


def finish(folder: Path, kind: str) -> None:
    """
    Finish what a process that died had begun to write or to destroy in this folder;
    `kind` is how the names of such files end. Raises `OSError`.
    """
    for path in folder.glob(f"*{kind}{DYING}"):
        _overwrite(path)
    for path in folder.glob(f"*{kind}{FRESH}"):
        # Nobody has used what has no name of its own yet.
        _overwrite(path)


def sync_folder(folder: Path) -> None:
    """The names in a folder are on the disk only when the folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def _overwrite(dying: Path) -> None:
    # Of two names of one file the other one is alive: it was not yet replaced.
    if dying.stat().st_nlink == 1:
        handle = os.open(dying, os.O_WRONLY)
        with os.fdopen(handle, "wb") as file:
            file.write(bytes(dying.stat().st_size))
            file.flush()
            os.fsync(handle)
    dying.unlink()
    sync_folder(dying.parent)
