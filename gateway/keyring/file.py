"""
Keys as files in `keys/` of a home, readable by their owner only.

    grant-….jwk.json        one Ed25519 key per use, its kid begins with the use
    notice-…  checkpoint-…  certificate-…
    issuer-….jwk.json       signs the home's own service tokens; never public
    home.key                32 bytes, for good: look-up marks, tombstones, what lies under no
                            person's key, and one half of what opens a person's
    epochs/000001-….key     32 bytes, for a time: the other half

Signing keys are those of `signing`, epochs those of `epochs`.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import ConfigError
from gateway.keyring import durable
from gateway.keyring.epochs import EpochFile, EpochFiles
from gateway.keyring.signing import (
    ISSUER,
    PUBLIC_USES,
    SigningFiles,
    create_signing_key,
)
from gateway.ports import Clock, EpochKeyRow, Random, SigningKeyRow
from gateway.seal.wrapping import EpochKey


def utc_now() -> datetime:
    """The time, where nobody gives another clock."""
    return datetime.now(UTC)


class FileKeyring:
    """Implements `Keyring` on a folder. Raises `ConfigError` where a key is missing or broken."""

    def __init__(self, folder: Path, clock: Clock = utc_now) -> None:
        self._folder = folder
        self._clock = clock
        self._secrets: dict[str, bytes] = {}
        self._signing = SigningFiles(folder)
        self._epochs = EpochFiles(folder)
        try:
            self._master = (folder / "home.key").read_bytes()
        except OSError as error:
            raise ConfigError(
                f"{folder.name}/home.key cannot be read: restore it from its copy; what the home "
                "stores cannot be read without it"
            ) from error
        if len(self._master) != 32:
            raise ConfigError(f"{folder.name}/home.key must hold exactly 32 bytes")

    def signing(self, use: str) -> SigningKeyRow:
        """See `Keyring.signing`."""
        return self._signing.active(use)

    def signing_keys(self) -> list[SigningKeyRow]:
        """See `Keyring.signing_keys`."""
        return self._signing.rows()

    def rotate(self, use: str, random: Random, *, at_once: bool = False) -> SigningKeyRow:
        """See `Keyring.rotate`."""
        return self._signing.rotate(use, random, self._clock(), at_once=at_once)

    def public_jwks(self) -> dict[str, Any]:
        """See `Keyring.public_jwks`."""
        return {"keys": self._signing.shown(PUBLIC_USES, self._clock())}

    def issuer_jwks(self) -> dict[str, Any]:
        """See `Keyring.issuer_jwks`."""
        return {"keys": self._signing.shown((ISSUER,), self._clock())}

    def epoch(self, number: int) -> EpochKey:
        """See `Keyring.epoch`."""
        return self._epochs.get(number)

    def newest_epoch(self) -> EpochKey | None:
        """See `Keyring.newest_epoch`."""
        return self._epochs.newest()

    def epochs(self) -> list[EpochKeyRow]:
        """See `Keyring.epochs`."""
        return [_epoch_row(one) for one in self._epochs.files()]

    def begin_epoch(self, number: int, random: Random) -> EpochKeyRow:
        """See `Keyring.begin_epoch`."""
        self._epochs.begin(number, random, self._clock())
        return self.epochs()[-1]

    def destroy_epoch(self, number: int) -> None:
        """See `Keyring.destroy_epoch`."""
        self._epochs.destroy(number)

    def forget_epochs(self) -> None:
        """See `Keyring.forget_epochs`."""
        self._epochs.forget()

    def finish(self) -> None:
        """See `Keyring.finish`."""
        self._signing.finish()
        self._epochs.finish()

    def secret(self, label: str) -> bytes:
        """See `Keyring.secret`."""
        # Every share asks for some; the labels are a few fixed words.
        known = self._secrets.get(label)
        if known is None:
            info = b"sharing-gateway/1 " + label.encode()
            known = HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(self._master)
            self._secrets[label] = known
        return known


def create(folder: Path, random: Random, now: datetime) -> None:
    """
    Make a fresh set of keys. The folder must not hold keys yet.

    The first file that exists stops it: keys are never overwritten.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    durable.write_new(folder / "home.key", random(32))
    for use in (*PUBLIC_USES, ISSUER):
        create_signing_key(folder, use, random, now)
    EpochFiles(folder).begin(1, random, now)


def _epoch_row(one: EpochFile) -> EpochKeyRow:
    return EpochKeyRow(number=one.key.number, fingerprint=one.key.fingerprint, since=one.since)
