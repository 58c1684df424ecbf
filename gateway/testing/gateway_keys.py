"""The gateway's public keys, as a recipient gets hold of them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import aiohttp

from gateway.recipient import RecipientError

Checked = TypeVar("Checked")
UNKNOWN_KEY = "signing-key-unknown"

JwksSource = Mapping[str, Any] | Callable[[], Mapping[str, Any]] | str
"""A JWK Set, a function that gives one each time, or the URL of one."""


class GatewayKeys:
    """
    Where a recipient has the gateway's JWK Set from.

    A URL is fetched once, at the first use, and again when something is signed
    by a key that is not in it.
    """

    def __init__(self, source: JwksSource) -> None:
        self._source = source
        self._fetched: Mapping[str, Any] | None = None

    async def verified(
        self, session: aiohttp.ClientSession, check: Callable[[Mapping[str, Any]], Checked]
    ) -> Checked:
        """
        What `check` makes of the JWK Set.

        Raises `RecipientError` as `check` does, and `aiohttp.ClientError` if the
        set cannot be fetched.
        """
        try:
            return check(await self._jwks(session))
        except RecipientError as error:
            if error.code != UNKNOWN_KEY or self._fetched is None:
                raise
        self._fetched = None
        return check(await self._jwks(session))

    async def _jwks(self, session: aiohttp.ClientSession) -> Mapping[str, Any]:
        if isinstance(self._source, Mapping):
            return self._source
        if not isinstance(self._source, str):
            return self._source()
        if self._fetched is None:
            async with session.get(self._source, raise_for_status=True) as response:
                self._fetched = await response.json(content_type=None)
        return self._fetched or {}
