"""
Tokens that were verified already.

A service sends the same token thousands of times. Verifying a signature costs
a hundred times what looking up its hash does, so each token is verified once.
Only what verified is kept, and never longer than its token lives.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from gateway.access.scopes import Service
from gateway.access.services import MAX_TOKEN_BYTES, SKEW_SECONDS, Issuer, verify_token

# A home has tens of services, each with a handful of live tokens.
MAX_TOKENS = 4096


class TokenCache:
    """
    Remembers the service of each verified token.

    Keyed on SHA-256, so the cache holds nothing with which to call. Plain and
    synchronous: one event loop uses it. Clear it whenever issuers change.
    """

    __slots__ = ("_max_tokens", "_services")

    def __init__(self, max_tokens: int = MAX_TOKENS) -> None:
        if max_tokens < 1:
            raise ValueError("a cache keeps at least one token")
        self._max_tokens = max_tokens
        self._services: dict[bytes, tuple[datetime, Service]] = {}

    def __len__(self) -> int:
        return len(self._services)

    def __repr__(self) -> str:
        return f"<TokenCache of {len(self)} tokens>"

    def verify(self, token: str, issuers: Sequence[Issuer], *, now: datetime) -> Service:
        """
        Return the service of `token`, verified now or earlier.

        Raises `CallerError` (`token-invalid`) exactly when `verify_token` would.
        """
        if len(token) > MAX_TOKEN_BYTES:
            return verify_token(token, issuers, now=now)
        key = sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._services.get(key)
        if known is not None:
            if now < known[0]:
                return known[1]
            del self._services[key]
        service = verify_token(token, issuers, now=now)
        self._keep(key, service)
        return service

    def clear(self) -> None:
        """Forget every token: issuers, keys or audiences changed."""
        self._services.clear()

    def _keep(self, key: bytes, service: Service) -> None:
        # The oldest goes first; one that is still in use comes back at the
        # price of one verification.
        while len(self._services) >= self._max_tokens:
            del self._services[next(iter(self._services))]
        self._services[key] = (service.expires + timedelta(seconds=SKEW_SECONDS), service)
