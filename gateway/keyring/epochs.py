"""
Epoch keys as files: `keys/epochs/000003-20261122T101500Z.key`, 32 bytes, 0600.

The name has the number and when the epoch began. A process reads them once and
keeps them in memory; a reader beside the owner looks again for one that it does
not know.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.errors import ConfigError
from gateway.keyring import durable
from gateway.ports import Random
from gateway.seal.wrapping import EpochKey, EpochKeyMissing

FOLDER = "epochs"
SUFFIX = ".key"
_NAME = re.compile(r"^(\d{6,10})-(\d{8}T\d{6}Z)\.key$")
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochFile:
    """One epoch's key, where it lies, and since when."""

    key: EpochKey
    path: Path
    since: datetime


class EpochFiles:
    """The epoch keys of a home. Raises `ConfigError` where a file is broken."""

    def __init__(self, keys: Path) -> None:
        self._folder = keys / FOLDER
        self._files = self._read()
        # Of keys that are destroyed on the disk, until whoever just read a row has opened it.
        self._leaving: dict[int, EpochKey] = {}

    def get(self, number: int) -> EpochKey:
        """The key of an epoch. Raises `EpochKeyMissing`."""
        known = self._files.get(number)
        if known is not None:
            return known.key
        if number not in self._leaving:
            self._files |= self._read()
        if number in self._files:
            return self._files[number].key
        try:
            return self._leaving[number]
        except KeyError:
            raise EpochKeyMissing(number) from None

    def newest(self) -> EpochKey | None:
        """The key that new wraps use; None in a home of before there were epochs."""
        return self._files[max(self._files)].key if self._files else None

    def files(self) -> list[EpochFile]:
        """All of them, oldest first."""
        return [self._files[number] for number in sorted(self._files)]

    def begin(self, number: int, random: Random, now: datetime) -> EpochKey:
        """Make the key of the next epoch; durable on return, and the newest from then on."""
        if self._files and number <= max(self._files):
            raise ValueError("an epoch has a higher number than those before")
        secret = random(32)
        key = EpochKey.of(number, secret)
        since = now.astimezone(UTC).replace(microsecond=0)
        path = self._folder / f"{number:06d}-{since:{_STAMP}}.key"
        _written(lambda: _make(self._folder, path, secret))
        self._files[number] = EpochFile(key=key, path=path, since=since)
        return key

    def destroy(self, number: int) -> None:
        """
        Destroy an epoch's key on the disk; durable on return. In memory it stays until
        `forget`, for those who have just read what names it.
        """
        known = self._files.get(number)
        if known is not None:
            _written(lambda: durable.destroy(known.path))
            self._leaving[number] = self._files.pop(number).key

    def forget(self) -> None:
        """Let go of destroyed keys in memory too."""
        self._leaving.clear()

    def finish(self) -> None:
        """Finish what a process that died had begun. Only the home's owner may."""
        if self._folder.is_dir():
            _written(lambda: durable.finish(self._folder, SUFFIX))

    def _read(self) -> dict[int, EpochFile]:
        found = [_file(path) for path in sorted(self._folder.glob(f"*{SUFFIX}"))]
        return {one.key.number: one for one in found if one is not None}


def _file(path: Path) -> EpochFile | None:
    """One file; None where the owner has just destroyed it."""
    name = _NAME.match(path.name)
    try:
        if name is None:
            raise ValueError("no name of an epoch")
        key = EpochKey.of(int(name[1]), path.read_bytes())
        since = datetime.strptime(name[2], _STAMP).replace(tzinfo=UTC)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"keys/{FOLDER}/{path.name} is not an epoch's key (32 bytes, its name a number and a "
            "time): restore it from its copy"
        ) from error
    return EpochFile(key=key, path=path, since=since)


def _make(folder: Path, path: Path, secret: bytes) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        durable.sync_folder(folder.parent)
    durable.write_new(path, secret)


def _written(change: Callable[[], None]) -> None:
    try:
        change()
    except OSError as error:
        raise ConfigError(f"keys/{FOLDER}/ cannot be written ({error.strerror})") from error
