"""A token is verified once, and never outlives itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.access import cache as module
from gateway.access.cache import TokenCache
from gateway.access.keys import parse_keys
from gateway.access.scopes import Service
from gateway.access.services import Issuer, sign_service_token, verify_token
from gateway.errors import CallerError, Reason
from tests.unit.access.keys_of import EC, ED, public

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ISSUERS = (Issuer(name="home", iss="home", aud="gateway", keys=parse_keys(public(ED))),)


def a_token(name: str = "shop", minutes: int = 10) -> str:
    """A token of the home's own issuer."""
    return sign_service_token(
        ED,
        iss="home",
        aud="gateway",
        sub=name,
        scopes=["share"],
        now=NOW,
        ttl=timedelta(minutes=minutes),
    )


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were really verified, in order."""
    seen: list[str] = []

    def counted(token: str, issuers: Any, *, now: datetime) -> Service:
        seen.append(token)
        return verify_token(token, issuers, now=now)

    monkeypatch.setattr(module, "verify_token", counted)
    return seen


def test_a_token_is_verified_once(verifications: list[str]) -> None:
    """The same token again names the same service without another verification."""
    cache, token = TokenCache(), a_token()

    first = cache.verify(token, ISSUERS, now=NOW)
    again = cache.verify(token, ISSUERS, now=NOW + timedelta(minutes=9))

    assert first is again
    assert verifications == [token]


def test_a_token_is_forgotten_when_it_runs_out() -> None:
    """From its end and the allowed minute on, a token that was known is refused like any other."""
    cache, token = TokenCache(), a_token()
    cache.verify(token, ISSUERS, now=NOW)
    end = NOW + timedelta(minutes=11)

    assert cache.verify(token, ISSUERS, now=end - timedelta(seconds=1)).name == "shop"
    with pytest.raises(CallerError) as caught:
        cache.verify(token, ISSUERS, now=end)
    assert caught.value.reason is Reason.TOKEN_INVALID
    assert len(cache) == 0


def test_other_issuers_need_a_cleared_cache() -> None:
    """After a reload the cache is cleared, and a token of a removed key is refused."""
    cache, token = TokenCache(), a_token()
    cache.verify(token, ISSUERS, now=NOW)
    others = (Issuer(name="home", iss="home", aud="gateway", keys=parse_keys(public(EC))),)

    cache.clear()

    with pytest.raises(CallerError):
        cache.verify(token, others, now=NOW)


def test_the_cache_is_bounded(verifications: list[str]) -> None:
    """The oldest token makes room, and comes back at the price of a verification."""
    cache = TokenCache(max_tokens=2)
    one, two, three = a_token("one"), a_token("two"), a_token("three")

    for token in (one, two, three):
        cache.verify(token, ISSUERS, now=NOW)
    size = len(cache)
    cache.verify(three, ISSUERS, now=NOW)
    cache.verify(one, ISSUERS, now=NOW)

    assert size == len(cache) == 2
    assert verifications == [one, two, three, one]


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a.b.c", "x" * 9000])
def test_what_does_not_verify_is_not_kept(token: str) -> None:
    """A token that is refused is refused again, and takes no room."""
    cache = TokenCache()

    for _ in range(2):
        with pytest.raises(CallerError):
            cache.verify(token, ISSUERS, now=NOW)

    assert len(cache) == 0


def test_the_cache_holds_and_prints_no_token() -> None:
    """What the cache keeps is of no use to call with."""
    cache, token = TokenCache(), a_token()
    cache.verify(token, ISSUERS, now=NOW)

    assert token not in str(cache._services)
    assert repr(cache) == "<TokenCache of 1 tokens>"


def test_a_cache_without_room_is_refused() -> None:
    """A cache keeps at least one token."""
    with pytest.raises(ValueError, match="at least one"):
        TokenCache(max_tokens=0)
