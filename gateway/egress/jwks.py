"""
Public keys of others, from an `https:` URL or a file.

By URL a set is kept for five minutes. A `kid` that it does not have makes it be
fetched anew, once per cool-down, so that rotation works at once and made-up
`kid`s cannot make the gateway hammer an issuer. When a fetch fails the old set
goes on for a day at most.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.egress.references import file_path
from gateway.errors import GatewayError
from gateway.ports import Answer

Jwks = Mapping[str, Any]
"""A JWK Set (RFC 7517 §5): `{"keys": [{…}, …]}`."""

TTL_SECONDS = 300.0
COOL_DOWN_SECONDS = 30.0
STALE_SECONDS = 24 * 3600.0
MAX_FILE_BYTES = 1024 * 1024

_REMOTE = ("https://", "http://")


class KeysUnavailable(GatewayError):
    """A JWK Set cannot be had. Names where it should be."""

    code = "keys-unavailable"


@dataclass(slots=True)
class _Known:
    """What is known of one URL. Times are those of the cache's clock, in seconds."""

    jwks: Jwks | None = None
    fetched: float = 0.0
    tried: float | None = None
    failure: str = ""
    fetch: asyncio.Task[None] | None = None


class JwksCache:
    """
    JWK Sets by where they are.

    `fetch` is `ClientPool.fetch`; `clock` counts seconds; set back, it only
    makes sets be fetched anew. `on_failure` is told the source and a fixed word
    whenever a fetch failed, also when the old set goes on.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Answer]],
        *,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
        on_failure: Callable[[str, str], None] | None = None,
    ) -> None:
        self._fetch = fetch
        self._folder = folder
        self._clock = clock
        self._on_failure = on_failure
        self._known: dict[str, _Known] = {}
        self._files: dict[Path, tuple[tuple[int, int], Jwks]] = {}

    async def get(self, source: str, kid: str | None = None) -> Jwks:
        """
        The set at `source`: a URL, or a file (with or without `file:`).

        With `kid`, a set that lacks it is fetched anew first, unless that was
        tried a moment ago; the answer may still lack it. Callers at the same
        time share one fetch, and cancelling one of them leaves it running.
        Raises `KeysUnavailable`.
        """
        if not source.startswith(_REMOTE):
            return self._file(source)
        known = self._known.setdefault(source, _Known())
        if self._due(known, kid):
            await self._refresh(source, known)
        if known.jwks is None or self._clock() - known.fetched > STALE_SECONDS:
            raise KeysUnavailable(f"{source}: {known.failure or 'no keys were had'}")
        return known.jwks

    def age(self, source: str) -> float:
        """How many seconds ago the set that `get` returned was fetched; a file's is 0."""
        known = self._known.get(source)
        return 0.0 if known is None else self._clock() - known.fetched

    async def close(self) -> None:
        """End fetches that nobody waits for any more."""
        running = [known.fetch for known in self._known.values() if known.fetch is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _due(self, known: _Known, kid: str | None) -> bool:
        now = self._clock()
        # Also after a failure: an issuer that is down is asked twice a minute.
        cooling = known.tried is not None and _within(now - known.tried, COOL_DOWN_SECONDS)
        if cooling and known.fetch is None:
            return False
        expired = not _within(now - known.fetched, TTL_SECONDS)
        return known.jwks is None or expired or _lacks(known.jwks, kid)

    async def _refresh(self, source: str, known: _Known) -> None:
        if known.fetch is None:
            known.tried = self._clock()
            known.fetch = asyncio.create_task(self._load(source, known))
        await asyncio.shield(known.fetch)

    async def _load(self, source: str, known: _Known) -> None:
        try:
            answer = await self._fetch(source)
            if answer.status != 200:
                raise KeysUnavailable(f"answered {answer.status}")
            known.jwks = read_jwks(answer.body)
            known.fetched = self._clock()
        # A `ValueError` is a URL that cannot be asked for.
        except (GatewayError, ValueError) as error:
            known.failure = str(error)
            if self._on_failure is not None:
                self._on_failure(source, getattr(error, "code", KeysUnavailable.code))
        finally:
            known.fetch = None

    def _file(self, source: str) -> Jwks:
        path = file_path(source, self._folder)
        try:
            stat = path.stat()
            version = stat.st_mtime_ns, stat.st_size
            known = self._files.get(path)
            if known is None or known[0] != version:
                if stat.st_size > MAX_FILE_BYTES:
                    raise KeysUnavailable("the file is too large")
                known = self._files[path] = version, read_jwks(path.read_bytes())
        except OSError:
            raise KeysUnavailable(f"{source}: the file cannot be read") from None
        except KeysUnavailable as error:
            raise KeysUnavailable(f"{source}: {error}") from None
        return known[1]


def read_jwks(text: bytes) -> Jwks:
    """
    Read a JWK Set. Which of its keys are good for what is not looked at.

    Raises `KeysUnavailable`.
    """
    try:
        jwks = json.loads(text)
    except (ValueError, RecursionError):
        raise KeysUnavailable("not a JWK Set: not JSON") from None
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise KeysUnavailable('not a JWK Set: write {"keys": […]}')
    return {"keys": keys}


def _within(gone: float, seconds: float) -> bool:
    """Whether less has gone by. What lies ahead is of a clock that was set back since."""
    return 0 <= gone < seconds


def _lacks(jwks: Jwks, kid: str | None) -> bool:
    return kid is not None and all(key.get("kid") != kid for key in jwks["keys"])
