"""Issuers of service tokens, and their keys as they now are (contract §5)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import jwt

from gateway.access.cache import TokenCache
from gateway.access.keys import parse_keys
from gateway.access.revoked import NOTHING, Revocations
from gateway.access.scopes import Service
from gateway.access.services import Issuer
from gateway.errors import CallerError, ConfigError, GatewayError
from gateway.model.settings import IssuerConfig
from gateway.ports import Clock

OUTLIVES = timedelta(days=1)
"""So long the keys of an issuer count that cannot be fetched any more."""

GetKeys = Callable[[str, str | None], Awaitable[Mapping[str, Any]]]
"""(where, wanted kid) to a JWK Set."""


class Services:
    """
    Who may call: verifies tokens, remembers those that verified.

    Keys by URL are looked up anew when a token names a key that is not known;
    how often, is the business of `get_keys`.
    """

    def __init__(
        self,
        configs: Sequence[IssuerConfig],
        own: Mapping[str, Mapping[str, Any]],
        get_keys: GetKeys,
        clock: Clock,
        *,
        capacity: int,
        revoked: Callable[[], Revocations] = lambda: NOTHING,
    ) -> None:
        """`revoked` gives the list of tokens and services that may call no more."""
        self._configs = tuple(configs)
        self._own = own
        self._get_keys = get_keys
        self._clock = clock
        self._cache = TokenCache(capacity)
        self._issuers: tuple[Issuer, ...] = ()
        self._revoked = revoked
        self._had: dict[str, datetime] = {}
        """When each issuer's keys were good last."""

    async def refresh(self, kid: str | None = None) -> None:
        """
        Read every issuer's keys. An issuer whose keys cannot be had keeps those it
        has for a day, or has none. Raises `ConfigError` where a file's keys are broken.
        """
        known = {issuer.name: issuer for issuer in self._issuers}
        issuers = []
        for config in self._configs:
            try:
                issuers.append(await self._issuer(config, kid))
                self._had[config.name] = self._clock()
            except GatewayError as error:
                if _local(config):
                    raise _broken(config, error) from error
                if config.name in known and self._clock() - self._had[config.name] <= OUTLIVES:
                    issuers.append(known[config.name])
        if tuple(issuers) != self._issuers:
            self._issuers = tuple(issuers)
            self._cache.clear()

    async def _issuer(self, config: IssuerConfig, kid: str | None) -> Issuer:
        own = self._own.get(config.jwks)
        jwks = own if own is not None else await self._get_keys(config.jwks, kid)
        return Issuer(name=config.name, iss=config.iss, aud=config.aud, keys=parse_keys(jwks))

    def is_own(self, service: Service) -> bool:
        """Whether the home's own issuer key signed for it, and no other issuer."""
        return any(one.name == service.issuer and one.jwks in self._own for one in self._configs)

    async def verify(self, token: str) -> Service:
        """The service that a token names. Raises `CallerError` (`token-invalid`)."""
        service = await self._verified(token)
        self.check_revoked(service)
        return service

    def check_revoked(self, service: Service) -> None:
        """Raise `CallerError` (`token-invalid`) for who was let in once and may call no more."""
        self._revoked().check(service)

    async def _verified(self, token: str) -> Service:
        try:
            return self._cache.verify(token, self._issuers, now=self._clock())
        except CallerError:
            kid = _kid(token)
            if kid is None or all(_local(config) for config in self._configs) or self._knows(kid):
                raise
        await self.refresh(kid)
        return self._cache.verify(token, self._issuers, now=self._clock())

    def _knows(self, kid: str) -> bool:
        return any(key.kid == kid for issuer in self._issuers for key in issuer.keys)


def _broken(config: IssuerConfig, error: GatewayError) -> ConfigError:
    if isinstance(error, ConfigError):
        return error
    return ConfigError(f"[[issuer]] {config.name}: {error}")


def _local(config: IssuerConfig) -> bool:
    return not config.jwks.startswith(("https://", "http://"))


def _kid(token: str) -> str | None:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError:
        return None
    return kid if isinstance(kid, str) else None
