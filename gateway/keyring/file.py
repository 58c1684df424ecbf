"""
Keys as files in `keys/` of a home, readable by their owner only.

    grant-….jwk.json        one Ed25519 key per use, its kid begins with the use
    notice-…  checkpoint-…  certificate-…
    issuer-….jwk.json       signs the home's own service tokens; never public
    home.key                32 bytes; everything stored is protected by keys from it

Retired keys carry `"retired": true` and stay public until nothing signed by
them is live.
"""

import base64
import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import ConfigError
from gateway.ports import Random, SigningKeyRow

PUBLIC_USES = ("grant", "notice", "checkpoint", "certificate")
ISSUER = "issuer"
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "retired"})


class FileKeyring:
    """Implements `Keyring` on a folder. Raises `ConfigError` where a key is missing or broken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._secrets: dict[str, bytes] = {}
        self._rows = [_read(path) for path in sorted(folder.glob("*.jwk.json"))]
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
        for row in self._rows:
            if row.use == use and not row.retired:
                return row
        raise ConfigError(f"{self._folder.name}/ has no key for {use}: restore it from its copy")

    def public_jwks(self) -> dict[str, Any]:
        """See `Keyring.public_jwks`."""
        return {"keys": [_public(row) for row in self._rows if row.use in PUBLIC_USES]}

    def issuer_jwks(self) -> dict[str, Any]:
        """Public halves of the home's own issuer keys, for the gateway itself only."""
        return {"keys": [_public(row) for row in self._rows if row.use == ISSUER]}

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
    _write(folder / "home.key", random(32))
    for use in (*PUBLIC_USES, ISSUER):
        create_signing_key(folder, use, random, now)


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
    }
    _write(folder / f"{kid}.jwk.json", json.dumps(jwk, indent=1).encode() + b"\n")
    return kid


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _read(path: Path) -> SigningKeyRow:
    try:
        jwk: Mapping[str, Any] = json.loads(path.read_bytes())
        kid = str(jwk["kid"])
        use = kid.partition("-")[0]
        if use not in (*PUBLIC_USES, ISSUER) or jwk["crv"] != "Ed25519" or not jwk["d"]:
            raise ValueError("not one of the gateway's own keys")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"keys/{path.name} is not a private Ed25519 JWK whose kid begins with its use "
            f"({', '.join((*PUBLIC_USES, ISSUER))})"
        ) from error
    return SigningKeyRow(use=use, kid=kid, private_jwk=jwk, retired=bool(jwk.get("retired")))


def _public(row: SigningKeyRow) -> dict[str, Any]:
    return {name: value for name, value in row.private_jwk.items() if name not in PRIVATE_MEMBERS}


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
