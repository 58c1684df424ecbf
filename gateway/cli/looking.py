"""What commands need that look at a home and change nothing in it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.cli.output import fail


@asynccontextmanager
async def looking(home: Path) -> AsyncIterator[Any]:
    """A home's store, opened for reading beside a gateway that may run."""
    from gateway.wiring import load_config, store_of

    store = store_of(load_config(home))
    if not load_config(home).database.exists():
        fail("this home has no ledger yet: start it with `gateway serve`", 2)
    await store.open_for_reading()
    try:
        yield store
    finally:
        await store.close()


def trusted(home: Path, trust: Path | None) -> dict[str, Any]:
    """The JWK Set to trust: the one named, or the home's own; never one in a file checked."""
    from gateway.errors import ConfigError
    from gateway.keyring import FileKeyring

    if trust is None:
        return FileKeyring(home / "keys").public_jwks()
    try:
        jwks = json.loads(trust.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"--trust: {trust.name} is not a JWK Set") from error
    if not isinstance(jwks, dict):
        raise ConfigError(f"--trust: {trust.name} is not a JWK Set")
    return jwks


def no_key(length: int) -> bytes:
    """Nothing is stored here, so the key of a person who is not known is never used."""
    return bytes(length)
