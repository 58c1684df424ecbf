"""
References to secrets, as manifests write them: `env:NAME` and `file:PATH`.

A secret is looked up each time it is used. A file is read again only when its
modification time, size or inode changed, so a rotated secret is picked up
without a restart and without reading it for every share.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.errors import GatewayError

Secrets = Callable[[str], str]
"""From a reference to its value. Raises `SecretMissing`."""

MAX_SECRET_BYTES = 64 * 1024

# What may stand in a header: no control, nothing outside ASCII (RFC 9110 §5.5).
_HEADER_SAFE = re.compile(r"[\x20-\x7e]+")


class SecretMissing(GatewayError):
    """A reference leads nowhere. Names the reference, never a value."""

    code = "secret-missing"


class SecretFiles:
    """
    Looks references up in an environment and on disk.

    `folder` is where relative paths begin: the manifests' folder (contract §2).
    Values are stripped of surrounding white space, as files end in a line feed.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._read: dict[Path, tuple[tuple[int, int, int], str]] = {}

    def __call__(self, reference: str) -> str:
        """The value. Raises `SecretMissing` when there is none, or an empty one."""
        kind, _, name = reference.partition(":")
        if kind == "env":
            value = self._environment.get(name, "").strip()
        elif kind == "file":
            value = self._file(reference, file_path(reference, self._folder))
        else:
            raise SecretMissing("a secret that is no reference; write env:NAME or file:PATH")
        if not value:
            raise SecretMissing(f"{reference} is not there or empty")
        return value

    def _file(self, reference: str, path: Path) -> str:
        try:
            stat = path.stat()
            version = stat.st_mtime_ns, stat.st_size, stat.st_ino
            known = self._read.get(path)
            if known is None or known[0] != version:
                if stat.st_size > MAX_SECRET_BYTES:
                    raise SecretMissing(f"{reference} is too large for a secret")
                known = self._read[path] = version, path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SecretMissing(f"{reference} cannot be read") from None
        return known[1]


def file_path(reference: str, folder: Path) -> Path:
    """Where a `file:` reference, or a bare path, lies; relative ones begin at `folder`."""
    return folder / reference.removeprefix("file:")


def header_secret(secrets: Secrets, reference: str) -> str:
    """A secret that may stand in a header. Raises `SecretMissing` also when it may not."""
    value = secrets(reference)
    if not _HEADER_SAFE.fullmatch(value):
        raise SecretMissing(f"{reference} holds characters that no header can carry")
    return value
