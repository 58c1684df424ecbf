"""The clients of all partners, kept over requests and replaced when a manifest changes."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aiohttp.abc import AbstractResolver

from gateway.egress.client import CONNECTIONS, PartnerClient
from gateway.egress.guard import AddressRules
from gateway.egress.proving import WallClock, wall_clock
from gateway.egress.references import Secrets
from gateway.egress.tls import Stamp, tls_stamp
from gateway.model.ids import PartnerId
from gateway.model.recipients import Partner, Tls, Upstream
from gateway.ports import Answer, Outgoing

Key = tuple[PartnerId, str]
"""Partner and digest of its manifest."""

FETCH_TIMEOUT_SECONDS = 5.0
FETCH_LIMIT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    client: PartnerClient
    upstream: Upstream | None
    stamp: Stamp


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
    ) -> None:
        self._rules = rules
        self._secrets = secrets
        self._folder = folder
        self._connections = connections
        self._resolver = resolver
        self._clock = clock
        self._kept: dict[Key, _Kept] = {}
        self._fetching: PartnerClient | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def partner(self, partner: Partner) -> PartnerClient:
        """
        The way to this partner as this manifest has it.

        Raises `ConfigError` where the manifest asks for what cannot be done.
        """
        key = partner.id, partner.digest
        tls = partner.upstream.tls if partner.upstream else Tls()
        stamp = tls_stamp(tls, self._folder)
        kept = self._kept.get(key)
        if kept is not None and kept.stamp == stamp and kept.upstream == partner.upstream:
            return kept.client
        client = self._client(partner.id, partner.upstream)
        self._kept[key] = _Kept(client, partner.upstream, stamp)
        if kept is not None:
            self._retire(kept.client)
        return client

    def secret(self, reference: str) -> str:
        """See `Egress.secret`."""
        return self._secrets(reference)

    def keep(self, partners: Iterable[Partner]) -> None:
        """After a reload: only these manifests count; other clients end with their requests."""
        wanted = {(partner.id, partner.digest) for partner in partners}
        for key in [key for key in self._kept if key not in wanted]:
            self._retire(self._kept.pop(key).client)

    async def fetch(
        self,
        url: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        timeout_seconds: float = FETCH_TIMEOUT_SECONDS,
        limit: int = FETCH_LIMIT_BYTES,
    ) -> Answer:
        """
        GET something rare, such as a JWK Set, under the same guard and limits.

        No partner's proof or TLS settings go with it. Raises as `PartnerClient.send`.
        """
        if self._fetching is None:
            self._fetching = self._client("fetch", None)
        request = Outgoing(
            method="GET",
            url=url,
            headers=headers,
            body=None,
            timeout_seconds=timeout_seconds,
            connect_timeout_seconds=timeout_seconds,
            response_limit=limit,
        )
        return await self._fetching.send(request, last_look=_nothing_to_look_at)

    async def close(self) -> None:
        """Let every request in flight end, then close every connection."""
        self.keep(())
        if self._fetching is not None:
            self._retire(self._fetching)
            self._fetching = None
        while self._closing:
            await asyncio.gather(*self._closing)

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


def _nothing_to_look_at() -> None:
    """What is fetched discloses nothing."""
