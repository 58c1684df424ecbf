"""
The last checkpoint that was signed, kept in `keys/` as `head.note`.

It lies beside the keys and not beside the data, because a copy of `data/` that
is put back takes everything in `data/` back with it. It is a signed note as
anybody outside gets it, names nobody, and is 0600 like all that lies there.

It is written as a new file that takes the old one's place, and both the file
and the folder are synced, so that a crash leaves the old one or the new one.
"""

import asyncio
import os
from pathlib import Path
from threading import Lock

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.keyring.durable import sync_folder

NAME = "head.note"
# A note of a hundred signatures, the most that is read, is far shorter.
MAX_BYTES = 64 * 1024


class HeadFile:
    """Implements `KeptHead` on a file of the folder of keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / NAME
        self._size = 0
        self._lock = Lock()

    def read(self) -> str | None:
        """See `KeptHead.read`."""
        try:
            with self._path.open("rb") as file:
                # What is no text, or too long, is no note; whoever parses it says so.
                return file.read(MAX_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(f"{self._name} cannot be read ({error.strerror})") from error

    async def keep(self, note: str, size: int) -> None:
        """See `KeptHead.keep`."""
        await asyncio.to_thread(self._keep, note, size)

    @property
    def _name(self) -> str:
        return f"{self._folder.name}/{NAME}"

    def _keep(self, note: str, size: int) -> None:
        # Of a caller that was cancelled the thread goes on; the next one waits for it.
        with self._lock:
            if size < self._size:
                raise LedgerContradiction(
                    f"the ledger contradicts itself: a checkpoint of {size} leaves was to be "
                    f"signed after one of {self._size}\n  where: {self._name}\n  what to do: "
                    "stop here, and follow deploy/runbooks/ledger-contradiction.md"
                )
            try:
                self._replace(note.encode())
            except OSError as error:
                raise StoreFailed(f"{self._name} cannot be written ({error.strerror})") from error
            self._size = size

    def _replace(self, content: bytes) -> None:
        fresh = self._path.with_name(NAME + ".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        fresh.replace(self._path)
        sync_folder(self._folder)
