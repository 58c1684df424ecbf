"""
Keys that a recipient publishes at a URL: which of them are used (contract §4).

A key that was never seen before waits: whoever takes over the URL could else
have everything sealed for a key of theirs from the next fetch on. It is used
once its hold is over, or a person has released it. What is not in the set any
more is not used, and a set that cannot be fetched any more ends after a day.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.model.ids import PartnerId
from gateway.model.keys import PublishedKeys, SeenKey
from gateway.seal.jwk import KeyRefused, thumbprint
from gateway.seal.keys import parse_partner_keys

Jwk = Mapping[str, Any]

STALE = timedelta(days=1)
"""How long a set is used that cannot be fetched anew."""

FLICKER = timedelta(minutes=15)
"""
A key that is back this soon was never away: several servers of one recipient do
not change at the same moment. After that it counts as one never seen before, as
somebody may have brought back what its owner took away.
"""

MOST_KEYS = 32
"""In one set. Each new one is an entry of the ledger, and nobody needs this many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a fetch made of what was known."""

    after: PublishedKeys
    new: tuple[Jwk, ...]
    """Never seen before, in the order of the set."""
    removed: tuple[Jwk, ...]
    """Of the set before, and not of this one."""


def take(
    before: PublishedKeys | None,
    partner: PartnerId,
    url: str,
    jwks: Mapping[str, Any],
    *,
    fetched_at: datetime,
) -> Taken:
    """
    Take over a set that was fetched at a moment.

    Raises `KeyRefused` where the set holds a key that is doubtful in any way
    (`parse_partner_keys`), twice the same one, or too many: then what was known
    stays as it is.
    """
    keys = _by_thumbprint(jwks)
    known = _still_known(before, fetched_at)
    known_keys = _by_thumbprint(before.jwks) if before is not None else {}
    seen = {
        mark: replace(known[mark], gone_at=None) if mark in known else SeenKey(seen_at=fetched_at)
        for mark in keys
    }
    for mark, one in known.items():
        if mark not in keys:
            seen[mark] = replace(one, gone_at=one.gone_at or fetched_at)
    return Taken(
        after=PublishedKeys(
            partner=partner, url=url, fetched_at=fetched_at, jwks=_public(jwks), seen=seen
        ),
        new=tuple(jwk for mark, jwk in keys.items() if mark not in known),
        removed=tuple(jwk for mark, jwk in known_keys.items() if mark not in keys),
    )


def usable(
    published: PublishedKeys | None, url: str, *, hold: timedelta, now: datetime
) -> dict[str, list[Jwk]]:
    """
    The JWK Set that seals and verifies now, in the order in which it is published.

    Empty where nothing was fetched from this URL yet, or not for a day.
    """
    if published is None or published.url != url or now - published.fetched_at >= STALE:
        return {"keys": []}
    seen = published.seen
    keys = published.jwks["keys"]
    return {"keys": [jwk for jwk in keys if usable_from(seen[thumbprint(jwk)], hold=hold) <= now]}


def usable_from(seen: SeenKey, *, hold: timedelta) -> datetime:
    """From when on a key is used."""
    return seen.released_at or seen.seen_at + hold


def next_change(published: PublishedKeys, *, hold: timedelta, now: datetime) -> datetime | None:
    """When another set is used than now, if nothing is fetched until then; None: never."""
    starts = (usable_from(one, hold=hold) for one in published.seen.values() if not one.gone_at)
    moments = [*starts, published.fetched_at + STALE]
    return min((moment for moment in moments if moment > now), default=None)


def release(
    published: PublishedKeys, name: str | None, *, hold: timedelta, now: datetime
) -> tuple[PublishedKeys, tuple[Jwk, ...]]:
    """
    Let keys be used at once: the one with this `kid` or thumbprint, or all that wait.

    Returns what is known then, and which were released. Raises `LookupError`
    where the set has no such key.
    """
    named = [jwk for jwk in published.jwks["keys"] if name in (None, jwk["kid"], thumbprint(jwk))]
    if name is not None and not named:
        raise LookupError("no such key is published")
    held = tuple(
        jwk for jwk in named if usable_from(published.seen[thumbprint(jwk)], hold=hold) > now
    )
    seen = dict(published.seen)
    for jwk in held:
        seen[thumbprint(jwk)] = replace(seen[thumbprint(jwk)], released_at=now)
    return replace(published, seen=seen), held


def _still_known(before: PublishedKeys | None, now: datetime) -> Mapping[str, SeenKey]:
    """What is remembered of keys: those of the set, and those that went a moment ago."""
    if before is None:
        return {}
    return {
        mark: one
        for mark, one in before.seen.items()
        if one.gone_at is None or now - one.gone_at <= FLICKER
    }


def _by_thumbprint(jwks: Mapping[str, Any]) -> dict[str, Jwk]:
    members: Sequence[Any] = jwks.get("keys", ())
    if isinstance(members, list | tuple) and len(members) > MOST_KEYS:
        raise KeyRefused("keys", "are too many", f"publish at most {MOST_KEYS}")
    parse_partner_keys(jwks)
    keys: dict[str, Jwk] = {}
    for place, jwk in enumerate(members):
        if keys.setdefault(thumbprint(jwk), jwk) is not jwk:
            raise KeyRefused(f"keys[{place}]", "is there twice", "publish each key once")
    return keys


# What is kept of a key: what makes it, and what says what it is for.
_KEPT = ("kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "purpose", "key_ops")


def _public(jwks: Mapping[str, Any]) -> dict[str, list[Jwk]]:
    return {"keys": [dict(_members(jwk)) for jwk in jwks["keys"]]}


def _members(jwk: Jwk) -> Iterator[tuple[str, Any]]:
    return ((name, jwk[name]) for name in _KEPT if name in jwk)
