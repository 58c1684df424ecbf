"""Which keys of a recipient that publishes them at a URL are used."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.model.ids import PartnerId
from gateway.model.keys import PublishedKeys
from gateway.seal import holding
from gateway.seal.jwk import KeyRefused, thumbprint
from gateway.testing.keys import encryption_jwk, public_jwk, signature_jwk

PARTNER = PartnerId("swift-parcel")
URL = "https://swift-parcel.example/keys.json"
DAY = timedelta(hours=24)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def a_key(kid: str, seed: int = 1, **members: Any) -> dict[str, Any]:
    """A public key to seal for; another seed, another key."""
    return public_jwk(encryption_jwk(kid, "X25519", lambda n: bytes([seed]) * n)) | members


ONE, TWO = a_key("one", 1), a_key("two", 2)
SIGN = public_jwk(signature_jwk("sign", lambda n: b"s" * n))


def taken(before: PublishedKeys | None, *keys: dict[str, Any], at: datetime = NOW) -> holding.Taken:
    """What a fetch of these keys at this moment makes of what was known."""
    return holding.take(before, PARTNER, URL, {"keys": list(keys)}, fetched_at=at)


def used(known: PublishedKeys, at: datetime, url: str = URL) -> list[str]:
    """The keys that are used at a moment."""
    return [key["kid"] for key in holding.usable(known, url, hold=DAY, now=at)["keys"]]


def test_a_key_that_was_never_seen_waits() -> None:
    """Also the very first set is used only when its hold is over."""
    first = taken(None, ONE, SIGN)

    assert [key["kid"] for key in first.new] == ["one", "sign"]
    assert used(first.after, NOW) == []
    assert used(first.after, NOW + DAY - timedelta(seconds=1)) == []
    later = taken(first.after, ONE, SIGN, at=NOW + DAY - timedelta(seconds=1)).after
    assert used(later, NOW + DAY) == ["one", "sign"]


def test_only_the_new_key_waits() -> None:
    """A key that is added waits by itself; those before go on meanwhile."""
    known = taken(taken(None, ONE).after, ONE, at=NOW + DAY).after
    more = taken(known, ONE, TWO, at=NOW + DAY)

    assert [key["kid"] for key in more.new] == ["two"]
    assert used(more.after, NOW + DAY) == ["one"]
    assert used(taken(more.after, ONE, TWO, at=NOW + 2 * DAY).after, NOW + 2 * DAY) == [
        "one",
        "two",
    ]


def test_a_person_may_let_a_key_be_used_at_once() -> None:
    """By its kid, by its thumbprint, or all that wait; the others go on waiting."""
    known = taken(None, ONE, TWO).after
    by_kid, released = holding.release(known, "two", hold=DAY, now=NOW)
    by_print, _ = holding.release(known, thumbprint(ONE), hold=DAY, now=NOW)
    everything, all_released = holding.release(known, None, hold=DAY, now=NOW)

    assert [key["kid"] for key in released] == ["two"]
    assert used(by_kid, NOW) == ["two"]
    assert used(by_print, NOW) == ["one"]
    assert used(everything, NOW) == ["one", "two"]
    assert len(all_released) == 2
    assert holding.release(everything, None, hold=DAY, now=NOW)[1] == ()


def test_a_key_that_is_not_published_cannot_be_released() -> None:
    """A name that nobody has is told, not passed over."""
    with pytest.raises(LookupError):
        holding.release(taken(None, ONE).after, "three", hold=DAY, now=NOW)


def test_a_key_that_was_taken_away_is_not_used() -> None:
    """From the fetch on that does not show it."""
    known = holding.release(taken(None, ONE, TWO).after, None, hold=DAY, now=NOW)[0]
    less = taken(known, TWO, at=NOW + timedelta(minutes=5))

    assert [key["kid"] for key in less.removed] == ["one"]
    assert used(less.after, NOW + timedelta(minutes=5)) == ["two"]


def test_a_key_under_a_name_that_was_known_waits_as_any_other() -> None:
    """It is the key that is known, not what it is called."""
    known = holding.release(taken(None, ONE).after, None, hold=DAY, now=NOW)[0]
    swapped = taken(known, a_key("one", 9))

    assert used(swapped.after, NOW) == []
    assert len(swapped.new) == 1


@pytest.mark.parametrize(("away", "waits"), [(timedelta(minutes=10), False), (DAY, True)])
def test_who_comes_back_after_long_counts_as_new(away: timedelta, waits: bool) -> None:
    """Servers that differ for a moment do no harm; a key that somebody took away waits again."""
    known = holding.release(taken(None, ONE, TWO).after, None, hold=DAY, now=NOW)[0]
    gone = taken(known, TWO, at=NOW).after
    gone = taken(gone, TWO, at=NOW + away / 2).after
    back = taken(gone, ONE, TWO, at=NOW + away)

    assert bool(back.new) is waits
    assert used(back.after, NOW + away) == (["two"] if waits else ["one", "two"])


def test_a_set_that_cannot_be_fetched_goes_on_for_a_day() -> None:
    """And ends after that."""
    known = holding.release(taken(None, ONE).after, None, hold=DAY, now=NOW)[0]

    assert used(known, NOW + DAY - timedelta(seconds=1)) == ["one"]
    assert used(known, NOW + DAY) == []


def test_the_set_of_another_address_is_not_used() -> None:
    """A manifest that names another URL begins with what is there."""
    known = holding.release(taken(None, ONE).after, None, hold=DAY, now=NOW)[0]

    assert used(known, NOW, url="https://elsewhere.example/keys.json") == []


def test_the_next_change_is_the_end_of_a_hold_or_of_the_set() -> None:
    """Whoever waits for it wakes at the moment, and not all the time."""
    known = taken(None, ONE, at=NOW).after
    hold = timedelta(hours=2)

    assert holding.next_change(known, hold=hold, now=NOW) == NOW + hold
    assert holding.next_change(known, hold=hold, now=NOW + hold) == NOW + holding.STALE
    assert holding.next_change(known, hold=hold, now=NOW + 2 * DAY) is None


@pytest.mark.parametrize(
    "keys",
    [
        [ONE, a_key("one", 3)],
        [ONE, ONE | {"kid": "again"}],
        [ONE, {"kty": "oct", "k": "c2VjcmV0", "kid": "x", "use": "enc"}],
        [ONE, ONE | {"kid": "private", "d": "AAAA"}],
        [a_key(f"key-{seed}", seed) for seed in range(1, holding.MOST_KEYS + 2)],
    ],
)
def test_a_doubtful_set_changes_nothing(keys: list[dict[str, Any]]) -> None:
    """One key that is wrong, and the whole set is refused; what was known stays."""
    known = taken(None, ONE).after
    with pytest.raises(KeyRefused):
        taken(known, *keys)

    assert [key["kid"] for key in known.jwks["keys"]] == ["one"]


def test_nothing_but_the_key_is_kept() -> None:
    """What a recipient writes beside its keys is nobody's business."""
    known = taken(None, ONE | {"x5c": ["…"], "note": "hello", "purpose": "payment"}).after

    assert known.jwks["keys"] == [ONE | {"purpose": "payment"}]
