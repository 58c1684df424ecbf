"""A home's settings as values; `config` reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerConfig:
    """One issuer of service tokens (`[[issuer]]`)."""

    name: str
    iss: str
    aud: str
    jwks: str
    """A file, relative to the home, or an https URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessConfig:
    """One witness of the ledger (`[[witness]]`)."""

    url: str
    """Its submission prefix, without a final slash."""
    key: str
    """Its public key as C2SP signed-note writes one; the name in it is the witness's."""

    @property
    def name(self) -> str:
        """What the gateway calls it."""
        return self.key.partition("+")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequesterConfig:
    """Who may ask for deletions from outside (`[[requester]]`)."""

    name: str
    domain: str
    """`iss` of what it signs."""
    jwks: str
    """Its keys: a file, relative to the home, or the URL of a JWK Set or dsrdelete.json."""
    identifiers: tuple[str, ...]
    """Types of identifiers whose value is the app's own id of the person."""
    method: str
    """How it verifies who asks: a `VerifiedBy`."""
    strict: bool = False
    """Whether its requests must have `aud` and `exp`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A home's settings, read and checked. Values by `section.key`."""

    home: Path
    values: Mapping[str, Any]
    issuers: tuple[IssuerConfig, ...]
    witnesses: tuple[WitnessConfig, ...] = ()
    requesters: tuple[RequesterConfig, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def public_url(self) -> str:
        """How partners reach the public listener, without a final slash."""
        host, port = self.values["listen.public"]
        shown = f"[{host}]" if ":" in host else host
        url: str = self.values["public.url"] or f"http://{shown}:{port}"
        return url.rstrip("/")

    @property
    def origin(self) -> str:
        """Origin of the checkpoints and name of their key (contract §10)."""
        parts = urlsplit(self.public_url)
        return f"{parts.netloc}{parts.path.rstrip('/')}/ledger"

    @property
    def witness_quorum(self) -> int:
        """How many witnesses make a checkpoint a witnessed one; at least one."""
        return max(1, int(self.values["ledger.witness_quorum"]))

    @property
    def database(self) -> Path:
        """The SQLite file. Raises `ConfigError` for another kind of store."""
        url: str = self.values["storage.url"]
        if url.startswith("sqlite:////"):
            return Path(url.removeprefix("sqlite:///"))
        if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
            return self.home / url.removeprefix("sqlite:///")
        if url.startswith("postgresql://"):
            raise ConfigError(
                "storage.url: this version keeps its ledger in SQLite only, "
                "write sqlite:///data/gateway.db"
            )
        raise ConfigError("storage.url: write sqlite:///data/gateway.db")
