"""Who may ask for deletions from outside (`[[requester]]`), and their keys."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.model.settings import RequesterConfig
from gateway.notices.ddrf_acknowledgements import usable_keys
from gateway.notices.ddrf_discovery import published_keys
from gateway.ports import Answer

Jwks = Mapping[str, Any]
KeysOf = Callable[[str, str | None], Awaitable[Jwks]]
"""The JWK Set at a place, asked for anew where it lacks the `kid`. Raises `GatewayError`."""


async def _nobody(source: str, kid: str | None) -> Jwks:
    return {"keys": []}


@dataclass(frozen=True, slots=True)
class Requesters:
    """Who may ask, by the domain that they sign as."""

    known: Mapping[str, RequesterConfig] = field(default_factory=dict)
    keys_of: KeysOf = _nobody

    @classmethod
    def of(cls, configured: Sequence[RequesterConfig], keys_of: KeysOf) -> "Requesters":
        """Those of the settings."""
        return cls({one.domain: one for one in configured}, keys_of)

    async def keys(self, domain: str, kid: str | None) -> Sequence[Mapping[str, Any]]:
        """
        The signature keys of one of them. Raises `KeyError` for a stranger,
        `GatewayError` where they cannot be had.
        """
        jwks = await self.keys_of(self.known[domain].jwks, kid)
        return usable_keys(jwks["keys"])


def reading_documents(
    fetch: Callable[[str], Awaitable[Answer]],
) -> Callable[[str], Awaitable[Answer]]:
    """`fetch`, for a dsrdelete.json as for a JWK Set: what it gives is a JWK Set."""

    async def fetched(url: str) -> Answer:
        answer = await fetch(url)
        if answer.status != 200:
            return answer
        keys = [dict(key) for key in published_keys(answer.body)]
        return replace(answer, body=json.dumps({"keys": keys}).encode())

    return fetched
