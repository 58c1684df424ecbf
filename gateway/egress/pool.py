"""The clients of all partners, kept over requests and replaced when a manifest changes."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp.abc import AbstractResolver

from gateway.egress.client import CONNECTIONS, PartnerClient
from gateway.egress.guard import AddressRules
from gateway.egress.jwks import Jwks, JwksCache
from gateway.egress.limits import Clock, Gate, NotTried, Passage, Told
from gateway.egress.proving import WallClock, wall_clock
from gateway.egress.references import Secrets
from gateway.egress.tls import Stamp, authorities, tls_stamp
from gateway.errors import PartnerCut, PartnerFailed, PartnerTimeout, PartnerUnreachable
from gateway.model.ids import PartnerId
from gateway.model.recipients import Partner, Tls, Upstream
from gateway.ports import Answer, NotNow, Outgoing, Use

OnStale = Callable[[str, str], None]
"""Told the source and a fixed word."""

Key = tuple[PartnerId, str]
"""Partner and digest of its manifest."""

FETCH_TIMEOUT_SECONDS = 5.0
FETCH_LIMIT_BYTES = 1024 * 1024


class Way:
    """A partner's client for one use: what becomes of each call is told to its gate."""

    __slots__ = ("_breaker", "_client", "_gate", "_use")

    def __init__(self, client: PartnerClient, gate: Gate, use: Use) -> None:
        self._client = client
        self._gate = gate
        self._use = use
        self._breaker = gate.breakers[use]

    async def send(self, request: Outgoing, *, last_look: Callable[[], None]) -> Answer:
        """As `PartnerClient.send`."""
        probe = self._breaker.probe
        try:
            answer = await self._client.send(request, last_look=last_look)
        except NotTried:
            self._breaker.spared(probe)
            raise
        except (PartnerUnreachable, PartnerTimeout, PartnerCut) as error:
            self._gate.failed(self._use, probe, error)
            raise
        except PartnerFailed:
            # It answered, if only what may not pass.
            self._gate.worked(self._use)
            raise
        if self._breaker.failures:
            self._gate.worked(self._use)
        return answer


@dataclass(frozen=True, slots=True)
class _Kept:
    client: PartnerClient
    ways: Mapping[Use, Way]
    upstream: Upstream | None
    stamp: Stamp


class _Shelf:
    """One recipient's keys by URL: fetched by whatever client it has at the moment."""

    def __init__(
        self, pool: "ClientPool", partner: Partner, clock: WallClock, on_stale: OnStale | None
    ) -> None:
        self.partner = partner
        self.cache = JwksCache(
            lambda url: pool.fetch(url, partner=self.partner),
            folder=Path(),
            # The time of a fetch is kept over restarts, so it is that of the wall.
            clock=lambda: clock().timestamp(),
            on_failure=on_stale,
        )


class ClientPool:
    """
    One client per partner and manifest (`ports.Egress`).

    A request that began with an older manifest keeps its client. A TLS file that
    was rotated gives a new client; secrets are looked up at each request anyway.
    """

    def __init__(
        self,
        *,
        rules: AddressRules,
        secrets: Secrets,
        folder: Path,
        connections: int = CONNECTIONS,
        resolver: AbstractResolver | None = None,
        clock: WallClock = wall_clock,
        monotonic: Clock = time.monotonic,
        on_breaker: Told | None = None,
        on_stale: OnStale | None = None,
    ) -> None:
        """
        `monotonic` counts seconds and never goes back. `on_breaker` is told when
        a recipient is left alone for a while, and when it answers again;
        `on_stale` whose key set could not be fetched.
        """
        self._monotonic = monotonic
        self._on_breaker = on_breaker or _nobody_listens
        self._on_stale = on_stale
        self._gates: dict[PartnerId, Gate] = {}
        self._shelves: dict[tuple[PartnerId, str], _Shelf] = {}
        self._rules = rules
        self._secrets = secrets
        self._folder = folder
        self._connections = connections
        self._resolver = resolver
        self._clock = clock
        self._kept: dict[Key, _Kept] = {}
        self._fetching: PartnerClient | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def partner(self, partner: Partner, use: Use = Use.SHARES) -> Way:
        """
        The way to this partner as this manifest has it.

        Raises `ConfigError` where the manifest asks for what cannot be done.
        """
        return self._standing(partner).ways[use]

    def admit(self, partner: Partner, use: Use = Use.SHARES) -> Passage | NotNow:
        """See `Egress.admit`."""
        return self._gate(partner.id).admit(partner.upstream, use)

    def resting(self, use: Use) -> tuple[PartnerId, ...]:
        """See `Egress.resting`."""
        return tuple(id for id, gate in self._gates.items() if gate.breakers[use].wait())

    def failing(self) -> tuple[PartnerId, ...]:
        """See `Egress.failing`."""
        return tuple(id for id, gate in self._gates.items() if gate.failing)

    async def published_keys(self, partner: Partner, *, anew: bool = False) -> tuple[Jwks, float]:
        """See `Egress.published_keys`."""
        url = partner.keys or ""
        shelf = self._shelves.get((partner.id, url))
        if shelf is None:
            shelf = self._shelves[partner.id, url] = _Shelf(
                self, partner, self._clock, self._on_stale
            )
        shelf.partner = partner
        # No key is called so: where it is asked for, the set lacks it.
        jwks = await shelf.cache.get(url, "" if anew else None)
        return jwks, shelf.cache.age(url)

    def _gate(self, id: PartnerId) -> Gate:
        gate = self._gates.get(id)
        if gate is None:
            gate = self._gates[id] = Gate(id, self._monotonic, self._on_breaker)
        return gate

    def _standing(self, partner: Partner) -> _Kept:
        key = partner.id, partner.digest
        tls = partner.upstream.tls if partner.upstream else Tls()
        stamp = tls_stamp(tls, self._folder)
        kept = self._kept.get(key)
        if kept is not None and kept.stamp == stamp and kept.upstream == partner.upstream:
            return kept
        client = self._client(partner.id, partner.upstream)
        gate = self._gate(partner.id)
        ways = {use: Way(client, gate, use) for use in Use}
        new = self._kept[key] = _Kept(client, ways, partner.upstream, stamp)
        if kept is not None:
            self._retire(kept.client)
        return new

    def secret(self, reference: str) -> str:
        """See `Egress.secret`."""
        return self._secrets(reference)

    def authorities(self) -> tuple[bytes, ...]:
        """See `Egress.authorities`."""
        return authorities()

    def keep(self, partners: Iterable[Partner]) -> None:
        """After a reload: only these manifests count; other clients end with their requests."""
        partners = tuple(partners)
        wanted = {(partner.id, partner.digest) for partner in partners}
        for key in [key for key in self._kept if key not in wanted]:
            self._retire(self._kept.pop(key).client)
        current = {(partner.id, partner.keys) for partner in partners}
        self._shelves = {key: one for key, one in self._shelves.items() if key in current}

    async def fetch(
        self,
        url: str,
        *,
        partner: Partner | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        timeout_seconds: float = FETCH_TIMEOUT_SECONDS,
        limit: int = FETCH_LIMIT_BYTES,
    ) -> Answer:
        """
        GET something rare, such as a JWK Set, under the same guard and limits.

        No partner's proof goes with it; with `partner` its TLS settings hold, else
        nobody's. Raises as `PartnerClient.send`.
        """
        client = self._fetcher() if partner is None else self._standing(partner).client
        request = Outgoing(
            method="GET",
            url=url,
            headers=headers,
            body=None,
            timeout_seconds=timeout_seconds,
            connect_timeout_seconds=timeout_seconds,
            response_limit=limit,
        )
        return await client.send_without_proof(request)

    async def ask(self, request: Outgoing) -> Answer:
        """See `Egress.ask`."""
        return await self._fetcher().send_without_proof(request)

    async def close(self) -> None:
        """Let every request in flight end, then close every connection."""
        for shelf in self._shelves.values():
            await shelf.cache.close()
        self._shelves.clear()
        self.keep(())
        if self._fetching is not None:
            self._retire(self._fetching)
            self._fetching = None
        while self._closing:
            await asyncio.gather(*self._closing)

    def _fetcher(self) -> PartnerClient:
        if self._fetching is None:
            self._fetching = self._client("fetch", None)
        return self._fetching

    def _client(self, name: str, upstream: Upstream | None) -> PartnerClient:
        return PartnerClient(
            name,
            upstream,
            rules=self._rules,
            secrets=self._secrets,
            folder=self._folder,
            connections=self._connections,
            resolver=self._resolver,
            clock=self._clock,
        )

    def _retire(self, client: PartnerClient) -> None:
        # Kept, because a task that nobody holds may be collected before it ends.
        task = asyncio.create_task(client.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _nobody_listens(partner: PartnerId, use: Use, opened: bool) -> None:
    """Breakers open and close all the same."""
