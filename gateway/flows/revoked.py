"""The home's list of revoked tokens, as its file now stands (contract §5; P3)."""

from collections.abc import Callable
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from gateway.access.revoked import NOTHING, Revocations, read_revocations
from gateway.errors import ConfigError

# A share looks at what was read this short a time ago.
LOOK_SECONDS = 0.1
MAX_BYTES = 4 * 1024 * 1024


Version = tuple[int, int, int, int]
"""What the file looked like: times of its content and of itself, size, inode."""

NOWHERE = (0, 0, 0, 0)


class RevokedList:
    """
    Reads the list when it changed, at most ten times a second.

    No file is an empty list. Where a line cannot be read, or the whole file, what was
    on the list before stays on it, and what can be read is on it too: a mistake
    lets nobody in again.
    """

    def __init__(
        self, path: Path, *, monotonic: Callable[[], float], log: FilteringBoundLogger
    ) -> None:
        """Raises `ConfigError` where the list cannot be read: nobody knows who may call."""
        self._path = path
        self._monotonic = monotonic
        self._log = log
        self._version: Version | None = None
        self._looked = float("-inf")
        self._list = NOTHING
        wrong = self._read(first=True)
        if wrong is None:
            raise ConfigError(f"{path.name} cannot be read: make it readable, or take it away")
        if wrong:
            lines = ", ".join(map(str, wrong))
            raise ConfigError(
                f"{path.name}: line {lines}: write `token JTI`, `service NAME`, or a comment"
            )

    def __call__(self) -> Revocations:
        """The list that counts now."""
        now = self._monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            wrong = self._read()
            if wrong is None or wrong:
                self._log.warning("revocations-broken", count=len(wrong or ()))
        return self._list

    def _read(self, *, first: bool = False) -> tuple[int, ...] | None:
        """The lines that are wrong, once for each version; None where nothing can be read."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._changed(None, NOTHING, first)
            return ()
        except OSError:
            return self._unreadable()
        version = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino
        if version == self._version:
            return ()
        try:
            if stat.st_size > MAX_BYTES:
                return self._unreadable(version)
            found, wrong = read_revocations(self._path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            return self._unreadable(version)
        self._changed(version, found | self._list if wrong else found, first)
        return wrong

    def _unreadable(self, version: Version = NOWHERE) -> tuple[int, ...] | None:
        # Told once, and not ten times a second.
        told, self._version = self._version == version, version
        return () if told else None

    def _changed(self, version: Version | None, found: Revocations, first: bool) -> None:
        before, self._list, self._version = self._list, found, version
        if found != before and not first:
            count = len(found.tokens) + len(found.services)
            self._log.warning("revocations-changed", count=count)
