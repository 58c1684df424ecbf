"""Public keys of others: kept, refreshed, and spared."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.egress import ClientPool, JwksCache, KeysUnavailable, SecretFiles
from gateway.egress.jwks import (
    COOL_DOWN_SECONDS,
    MAX_FILE_BYTES,
    STALE_SECONDS,
    TTL_SECONDS,
    read_jwks,
)
from gateway.errors import PartnerUnreachable
from gateway.ports import Answer
from tests.unit.egress.wire import OPEN, serving

URL = "https://issuer.example/jwks.json"


def a_set(*kids: str) -> bytes:
    """A JWK Set with keys of these ids."""
    return json.dumps({"keys": [{"kty": "OKP", "kid": kid} for kid in kids]}).encode()


def kids(jwks: object) -> list[str]:
    """The ids in a set."""
    return [key["kid"] for key in jwks["keys"]]  # type: ignore[index]


class Issuer:
    """Serves a set, or fails, and counts how often it was asked."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked = 0
        self.down = False
        self.status = 200
        self.gate: asyncio.Event | None = None

    async def fetch(self, url: str) -> Answer:
        """The set as it now is."""
        assert url == URL
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise PartnerUnreachable("fetch: no connection in time")
        return Answer(status=self.status, headers={}, body=a_set(*self.names))


class Seconds:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


Make = Callable[..., JwksCache]


@pytest.fixture
def issuer() -> Issuer:
    """An issuer with one key."""
    return Issuer("one")


@pytest.fixture
def clock() -> Seconds:
    """The cache's clock."""
    return Seconds()


@pytest.fixture
def told() -> list[tuple[str, str]]:
    """What the cache told of failures."""
    return []


@pytest.fixture
def cache(issuer: Issuer, clock: Seconds, told: list[tuple[str, str]], tmp_path: Path) -> JwksCache:
    """A cache in front of the issuer."""
    return JwksCache(
        issuer.fetch,
        folder=tmp_path,
        clock=clock,
        on_failure=lambda source, code: told.append((source, code)),
    )


async def test_a_set_is_kept_for_its_time(cache: JwksCache, issuer: Issuer, clock: Seconds) -> None:
    """Within five minutes the issuer is asked once; after that, what it took away is gone."""
    assert kids(await cache.get(URL, "one")) == ["one"]
    clock.now += TTL_SECONDS - 1
    await cache.get(URL, "one")
    assert issuer.asked == 1

    issuer.names = ("two",)
    clock.now += 1
    assert kids(await cache.get(URL, "one")) == ["two"]
    assert issuer.asked == 2


async def test_a_new_key_works_after_the_cool_down(
    cache: JwksCache, issuer: Issuer, clock: Seconds
) -> None:
    """An unknown `kid` fetches anew, so that a rotated key works long before the five minutes."""
    await cache.get(URL)
    issuer.names = ("one", "two")
    clock.now += COOL_DOWN_SECONDS

    assert kids(await cache.get(URL, "two")) == ["one", "two"]
    assert issuer.asked == 2


async def test_a_clock_that_was_set_back_keeps_no_set(
    cache: JwksCache, issuer: Issuer, clock: Seconds
) -> None:
    """A set that was fetched at a wrong, later time is not kept until that time has come."""
    clock.now += 365 * 24 * 3600
    await cache.get(URL)
    clock.now -= 365 * 24 * 3600
    issuer.names = ("new",)

    assert kids(await cache.get(URL, "new")) == ["new"]


async def test_made_up_keys_do_not_hammer_the_issuer(
    cache: JwksCache, issuer: Issuer, clock: Seconds
) -> None:
    """However many unknown `kid`s come, the issuer is asked once per cool-down."""
    for second in range(int(3 * COOL_DOWN_SECONDS)):
        clock.now = 1000.0 + second
        assert kids(await cache.get(URL, f"made-up-{second}")) == ["one"]

    assert issuer.asked == 3


async def test_many_callers_share_one_fetch(cache: JwksCache, issuer: Issuer) -> None:
    """Callers at the same time wait for the same answer."""
    issuer.gate = asyncio.Event()
    calls = [asyncio.create_task(cache.get(URL, "one")) for _ in range(20)]
    await asyncio.sleep(0)
    issuer.gate.set()
    sets = await asyncio.gather(*calls)

    assert issuer.asked == 1
    assert {tuple(kids(each)) for each in sets} == {("one",)}


async def test_cancelling_one_caller_leaves_the_others_their_fetch(
    cache: JwksCache, issuer: Issuer
) -> None:
    """Whoever began the fetch may go away; the others get their keys."""
    issuer.gate = asyncio.Event()
    calls = [asyncio.create_task(cache.get(URL)) for _ in range(3)]
    await asyncio.sleep(0)
    calls[0].cancel()
    await asyncio.sleep(0)
    issuer.gate.set()
    ends = await asyncio.gather(*calls, return_exceptions=True)

    assert isinstance(ends[0], asyncio.CancelledError)
    assert [kids(end) for end in ends[1:]] == [["one"], ["one"]]
    assert issuer.asked == 1


@pytest.mark.parametrize("how", ["down", "status"])
async def test_an_issuer_that_is_down_leaves_the_old_keys(
    cache: JwksCache, issuer: Issuer, clock: Seconds, told: list[tuple[str, str]], how: str
) -> None:
    """The old set goes on for a day, somebody is told, and the issuer is left in peace."""
    await cache.get(URL)
    issuer.down, issuer.status = how == "down", 503
    clock.now += TTL_SECONDS
    for _ in range(10):
        assert kids(await cache.get(URL)) == ["one"]
    assert issuer.asked == 2
    assert told == [(URL, "partner-unreachable" if how == "down" else "keys-unavailable")]

    clock.now += STALE_SECONDS
    with pytest.raises(KeysUnavailable, match=r"issuer\.example"):
        await cache.get(URL)


async def test_without_any_keys_the_failure_is_said_and_not_repeated_at_once(
    cache: JwksCache, issuer: Issuer, clock: Seconds
) -> None:
    """An issuer that never answered is asked again after the cool-down."""
    issuer.down = True
    for _ in range(3):
        with pytest.raises(KeysUnavailable, match="fetch: no connection in time"):
            await cache.get(URL)
    assert issuer.asked == 1

    issuer.down = False
    clock.now += COOL_DOWN_SECONDS
    assert kids(await cache.get(URL)) == ["one"]


@pytest.mark.parametrize("source", ["keys.json", "file:keys.json"])
async def test_a_file_is_read_when_it_changed(
    cache: JwksCache, tmp_path: Path, source: str
) -> None:
    """A set in a file counts from the moment it is replaced."""
    path = tmp_path / "keys.json"
    path.write_bytes(a_set("one"))
    first = kids(await cache.get(source))
    path.with_suffix(".new").write_bytes(a_set("one", "two"))
    path.with_suffix(".new").replace(path)

    assert first == ["one"]
    assert kids(await cache.get(source, "two")) == ["one", "two"]


async def test_a_file_that_cannot_be_used_is_named(cache: JwksCache, tmp_path: Path) -> None:
    """Missing, broken or huge: the message says which file."""
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "huge.json").write_bytes(b" " * (MAX_FILE_BYTES + 1))
    for name in ("none.json", "broken.json", "huge.json"):
        with pytest.raises(KeysUnavailable, match=f"^{name}: "):
            await cache.get(name)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": ["x"]}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_set_is_refused(text: bytes) -> None:
    """Only `{"keys": [objects]}` is a JWK Set."""
    with pytest.raises(KeysUnavailable, match="not a JWK Set"):
        read_jwks(text)


async def test_an_address_that_cannot_be_asked_for_is_a_failure_like_others(tmp_path: Path) -> None:
    """A mistyped URL gives no keys, and no error of another kind."""
    pool = ClientPool(rules=OPEN, secrets=SecretFiles(tmp_path, {}), folder=tmp_path)
    cache = JwksCache(pool.fetch, folder=tmp_path)
    with pytest.raises(KeysUnavailable, match="not percent-encoded"):
        await cache.get("https://issuer.example/jw ks.json")
    await pool.close()


async def test_keys_come_over_the_guarded_client(tmp_path: Path) -> None:
    """From a real server, end to end."""
    body = a_set("one")
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    pool = ClientPool(rules=OPEN, secrets=SecretFiles(tmp_path, {}), folder=tmp_path)
    async with serving(head + body) as wire:
        cache = JwksCache(pool.fetch, folder=tmp_path)
        got = await cache.get(wire.url("/jwks.json"))
        await pool.close()

    assert kids(got) == ["one"]


async def test_closing_ends_what_nobody_waits_for(cache: JwksCache, issuer: Issuer) -> None:
    """A fetch whose callers are gone does not outlive the cache."""
    issuer.gate = asyncio.Event()
    call = asyncio.create_task(cache.get(URL))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await cache.close()

    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
