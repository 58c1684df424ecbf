"""
Signing keys as files: `grant-20261122-5d3a1c2e.jwk.json`, a JWK, 0600.

Of each use the newest key signs. One that was rotated out keeps its public half
only, with `"retired": true`, and is shown until nothing signed by it is live.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import ConfigError
from gateway.keyring import durable
from gateway.ports import Random, SigningKeyRow

PUBLIC_USES = ("grant", "notice", "checkpoint", "certificate")
ISSUER = "issuer"
USES = (*PUBLIC_USES, ISSUER)
OWN_MEMBERS = frozenset({"retired", "retired_at", "created", "counts_until"})
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"}) | OWN_MEMBERS
SUFFIX = ".jwk.json"

COUNTS_FOR: Mapping[str, timedelta] = {
    # A grant lives for 300 s and is believed for 60 s more, a notice for 300 s from
    # its signature; the rest is for what was signed and is still on its way.
    "grant": timedelta(minutes=10),
    "notice": timedelta(minutes=10),
    # Services fetch new tokens within a day; who lost the key ends it at once.
    ISSUER: timedelta(days=1),
}
"""How long a retired key still counts. Checkpoints and certificates are kept for years, and so
are the keys that verify them."""


class SigningFiles:
    """The signing keys of a home. Raises `ConfigError` where a file is broken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows = _settled(_read(path) for path in sorted(folder.glob(f"*{SUFFIX}")))

    def rows(self) -> list[SigningKeyRow]:
        """Every key, by use and age."""
        return list(self._rows)

    def active(self, use: str) -> SigningKeyRow:
        """The key that signs. Raises `ConfigError` where there is none."""
        for row in self._rows:
            if row.use == use and not row.retired:
                return row
        raise ConfigError(f"{self._folder.name}/ has no key for {use}: restore it from its copy")

    def shown(self, uses: Iterable[str], now: datetime) -> list[dict[str, Any]]:
        """The public halves of the keys of these uses that count now."""
        wanted = frozenset(uses)
        return [_public(row) for row in self._rows if row.use in wanted and row.counts(at=now)]

    def finish(self) -> None:
        """Finish what a process that died had begun. Only the home's owner may."""
        try:
            durable.finish(self._folder, SUFFIX)
        except OSError as error:
            raise self._unwritable(error) from error

    def rotate(self, use: str, random: Random, now: datetime, *, at_once: bool) -> SigningKeyRow:
        """
        Make a new key and retire the ones before; `at_once`: they count no more.

        The new one is durable before an old one changes: dying between leaves two,
        of which the newer signs.
        """
        self.finish()
        try:
            kid = create_signing_key(self._folder, use, random, now)
            for row in self._rows:
                if row.use == use and "d" in row.private_jwk:
                    _retire(self._folder, row, now, at_once=at_once)
        except OSError as error:
            raise self._unwritable(error) from error
        self._rows = _settled(_read(path) for path in sorted(self._folder.glob(f"*{SUFFIX}")))
        return next(row for row in self._rows if row.kid == kid)

    def _unwritable(self, error: OSError) -> ConfigError:
        return ConfigError(f"{self._folder.name}/ cannot be written ({error.strerror})")


def create_signing_key(folder: Path, use: str, random: Random, now: datetime) -> str:
    """Make one more key for a use; returns its kid."""
    private = Ed25519PrivateKey.from_private_bytes(random(32))
    kid = f"{use}-{now:%Y%m%d}-{random(4).hex()}"
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": kid,
        "use": "sig",
        "alg": "EdDSA",
        "x": _b64(private.public_key().public_bytes_raw()),
        "d": _b64(private.private_bytes_raw()),
        "created": _stamp(now),
    }
    durable.write_new(folder / f"{kid}{SUFFIX}", _text(jwk))
    return kid


def _retire(folder: Path, row: SigningKeyRow, now: datetime, *, at_once: bool) -> None:
    # Nothing is signed by it any more: what could is destroyed.
    kept = {name: value for name, value in row.private_jwk.items() if name != "d"}
    kept |= {"retired": True, "retired_at": kept.get("retired_at", _stamp(now))}
    if at_once:
        kept["counts_until"] = _stamp(now)
    durable.replace(folder / f"{row.kid}{SUFFIX}", _text(kept))


def _read(path: Path) -> SigningKeyRow:
    try:
        jwk: Mapping[str, Any] = json.loads(path.read_bytes())
        kid, retired = str(jwk["kid"]), bool(jwk.get("retired"))
        use = kid.partition("-")[0]
        if use not in USES or jwk["crv"] != "Ed25519" or not (retired or jwk["d"]):
            raise ValueError("not one of the gateway's own keys")
        return SigningKeyRow(
            use=use,
            kid=kid,
            private_jwk=jwk,
            retired=retired,
            since=_moment(jwk.get("created")) or _day(kid),
            retired_at=_moment(jwk.get("retired_at")),
            counts_until=_moment(jwk.get("counts_until")),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"keys/{path.name} is not a private Ed25519 JWK whose kid begins with its use "
            f"({', '.join(USES)})"
        ) from error


def _settled(rows: Iterable[SigningKeyRow]) -> list[SigningKeyRow]:
    """By use and age; of each use only the newest signs, whatever a process left that died."""
    ordered = sorted(rows, key=_order)
    settled: list[SigningKeyRow] = []
    for use in USES:
        mine = [row for row in ordered if row.use == use]
        last = max((row.since or _NEVER for row in mine if not row.retired), default=_NEVER)
        newest = next((row for row in reversed(mine) if not row.retired), None)
        settled += [row if row is newest else _past(row, last) for row in mine]
    return settled


def _order(row: SigningKeyRow) -> tuple[int, datetime, bool, str]:
    # Of two of one moment the one that signs no more was there first.
    return USES.index(row.use), row.since or _NEVER, not row.retired, row.kid


def _past(row: SigningKeyRow, newer: datetime) -> SigningKeyRow:
    """A key that signs no more; one that was retired by hand counts from the newer one's start."""
    retired_at = row.retired_at or newer
    life = COUNTS_FOR.get(row.use)
    until = row.counts_until or (None if life is None else retired_at + life)
    return replace(row, retired=True, retired_at=retired_at, counts_until=until)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _public(row: SigningKeyRow) -> dict[str, Any]:
    return {name: value for name, value in row.private_jwk.items() if name not in PRIVATE_MEMBERS}


def _text(jwk: Mapping[str, Any]) -> bytes:
    return json.dumps(jwk, indent=1).encode() + b"\n"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text)).astimezone(UTC)


def _day(kid: str) -> datetime | None:
    """Keys of before said the day of their making only, in their kid."""
    try:
        return datetime.strptime(kid.split("-")[1], "%Y%m%d").replace(tzinfo=UTC)
    except (ValueError, IndexError):
        return None


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
