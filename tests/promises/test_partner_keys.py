"""
Keys that a recipient publishes at a URL: fetched over TLS, held, released, put to
use without a gap (contract §4).
"""

import asyncio
import io
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.flows import published
from gateway.observe.logs import configure_logging
from gateway.recipient import open_sealed, sign_receipt
from gateway.testing.authority import Authority, IssuedCertificate
from gateway.testing.clock import Clock
from gateway.testing.keys import PartnerKeys, encryption_jwk, signature_jwk
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_courier, problem_of
from tests.unit.egress.wire import Wire, read_request, serving

HOLD = timedelta(hours=24)
# Sets are asked for at most once in this time.
KEPT = timedelta(minutes=6)


class KeyServer:
    """Where the courier publishes its keys; it may go away and come back."""

    def __init__(self, courier: PartnerKeys, certificate: IssuedCertificate) -> None:
        self.keys = [*courier.public_jwks()["keys"]]
        self.certificate = certificate
        self.asked = 0
        self.down = False
        self.url = ""

    async def reply(
        self, wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """The set as it is now."""
        while await read_request(wire, reader):
            self.asked += 1
            body = json.dumps({"keys": self.keys}).encode()
            status = b"503 Down" if self.down else b"200 OK"
            head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            writer.write(head + body)

    def manifest(self, **changes: Any) -> dict[str, Any]:
        """The courier's manifest, with its keys here and the root of this server."""
        upstream = {"tls": {"ca": f"file:{self.certificate.ca}"}}
        return a_courier(keys=self.url, upstream=upstream, **changes)


@asynccontextmanager
async def publishing(courier: PartnerKeys, folder: Path) -> AsyncIterator[KeyServer]:
    """A server of keys over TLS until the block ends."""
    certificate = Authority.create(datetime.now(UTC)).issue(folder)
    server = KeyServer(courier, certificate)
    async with serving(server.reply, tls=certificate.server_context()) as wire:
        server.url = wire.url("/keys.json", scheme="https", host="localhost")
        yield server


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the gateway logs."""
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    configure_logging()


@pytest.fixture
def keys() -> PartnerKeys:
    """The courier's, one of each use."""
    return PartnerKeys.generate("swift-parcel")


@pytest.fixture
async def server(keys: PartnerKeys, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The courier's key server."""
    async with publishing(keys, tmp_path_factory.mktemp("keys")) as server:
        yield server


@pytest.fixture
async def house(open_house: OpenHouse, server: KeyServer, keys: PartnerKeys) -> House:
    """A gateway whose courier publishes its keys at a URL; nothing is fetched yet."""
    return await open_house(server.manifest(), keys={"swift-parcel": keys})


async def seen(house: House) -> list[tuple[str, str, str]]:
    """What the ledger says of the courier's keys."""
    leaves = await house.leaves("key")
    mine = (leaf for leaf in leaves if leaf["owner"] == "swift-parcel")
    return [(leaf["event"], leaf["kid"], leaf.get("actor", "")) for leaf in mine]


def states(house: House) -> dict[str, str]:
    """How each published key stands."""
    courier = house.gateway.policy.policy.partners["swift-parcel"]  # type: ignore[index]
    return {one["kid"]: one["state"] for one in published.described(house.gateway, courier)}


async def after(house: House, clock: Clock, by: timedelta) -> None:
    """Let time pass, as the worker does: a look every few hours and one at the end."""
    while by > timedelta(0):
        step = min(by, timedelta(hours=6))
        clock.advance(step)
        by -= step
        await published.look(house.gateway)


def sealed_with(house: House, keys: PartnerKeys) -> str:
    """The kid for which the last share was sealed, once it opens."""
    sealed = json.loads(house.recipients["swift-parcel"].received[-1].body)["recipient"]["phone"]
    value = open_sealed(
        sealed,
        keys.private_jwks(),
        partner="swift-parcel",
        purpose="order-fulfilment",
        field="/recipient/phone",
    )
    assert json.loads(value) == "13800138000"
    head = sealed.partition(".")[0]
    kid: str = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return kid


async def answered(house: House, keys: PartnerKeys) -> int:
    """How a receipt for a notice that is nobody's is answered: 404 once it has verified."""
    receipt = sign_receipt(
        keys.signature,
        partner="swift-parcel",
        audience=house.public_url,
        notice="ntc_none",
        status="completed",
        now=house.clock(),
    )
    headers = {"Content-Type": "application/jose"}
    reply = await house._partner.request("POST", "/receipts", receipt.encode(), headers=headers)
    return reply.status


@promise("S4d", "P1")
async def test_a_key_is_used_only_after_its_hold(
    house: House, clock: Clock, log: io.StringIO
) -> None:
    """
    Before the first fetch and during the hold nothing can be sealed; after it everything
    is. Each key is an entry of the ledger and an alert before it is used.
    """
    before = await house.share()
    await published.look(house.gateway)
    held = await house.share()
    await after(house, clock, HOLD)
    carried = await house.share(path="/v2/shipments/LO-2")

    assert [problem_of(reply)["code"] for reply in (before, held)] == ["sealing-key-missing"] * 2
    assert carried.status == 200
    assert len(house.recipients["swift-parcel"].received) == 1
    assert [event[:2] for event in await seen(house)] == [
        ("seen", "swift-parcel-enc-1"),
        ("seen", "swift-parcel-sig-1"),
    ]
    lines = map(json.loads, log.getvalue().splitlines())
    alerts = [line for line in lines if line["event"] == "key-seen"]
    assert [line["level"] for line in alerts] == ["warning", "warning"]
    assert {line["kid"] for line in alerts} == set(states(house))


async def test_a_person_may_release_a_key(house: House) -> None:
    """`partner rotate-key` fetches anew and lets the key be used at once; the ledger says who."""
    reply = await house.ask("POST", "/v1/partners/swift-parcel/keys/swift-parcel-enc-1/release")
    carried = await house.share()

    assert reply.status == 200
    assert reply.json()["released"] == ["swift-parcel-enc-1"]
    assert states(house) == {"swift-parcel-enc-1": "used", "swift-parcel-sig-1": "held"}
    assert carried.status == 200
    assert ("released", "swift-parcel-enc-1", "order-service") in await seen(house)
    everything = await house.ask("POST", "/v1/partners/swift-parcel/keys/release")
    assert everything.json()["released"] == ["swift-parcel-sig-1"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/partners/swift-parcel/keys/no-such-key/release", 404),
        ("/v1/partners/nobody/keys/release", 404),
    ],
)
async def test_what_is_not_published_cannot_be_released(
    house: House, path: str, status: int
) -> None:
    """A wrong name releases nothing, and a token without the scope nothing at all."""
    assert (await house.ask("POST", path)).status == status
    narrow = house.token(scope=["partner:read"])
    assert (await house.ask("POST", path, token=narrow)).status == 403
    assert "used" not in states(house).values()


async def test_keys_of_a_file_are_not_held(open_house: OpenHouse) -> None:
    """Whoever writes the file answers for it: it is used at once, and there is nothing to release."""
    house = await open_house(a_courier())

    assert (await house.share()).status == 200
    reply = await house.ask("POST", "/v1/partners/swift-parcel/keys/release")
    assert (reply.status, problem_of(reply)["code"]) == (400, "request-invalid")
    assert set(states(house).values()) == {"used"}


async def test_receipts_are_verified_with_the_keys_in_use(house: House, keys: PartnerKeys) -> None:
    """A key that waits signs nothing; once it is used an unknown notice is all that is wrong."""
    await published.look(house.gateway)

    held = await answered(house, keys)
    await house.ask("POST", "/v1/partners/swift-parcel/keys/release")

    assert (held, await answered(house, keys)) == (401, 404)


async def test_who_has_no_manifest_any_more_signs_with_the_keys_it_had(
    house: House, keys: PartnerKeys
) -> None:
    """A recipient that was removed still answers notices, with the keys that were in use."""
    await house.ask("POST", "/v1/partners/swift-parcel/keys/release")
    (house.folder / "partners/swift-parcel.yaml").unlink()
    assert await house.reload()
    removed = await answered(house, keys)
    await house.restart()

    assert (removed, await answered(house, keys)) == (404, 404)


async def test_what_is_known_of_keys_outlives_a_restart(
    house: House, server: KeyServer, clock: Clock
) -> None:
    """A hold goes on over a restart, and a set that is in use serves while its URL is silent."""
    await published.look(house.gateway)
    clock.advance(HOLD / 2)
    await published.look(house.gateway)
    await house.restart()
    server.down = True
    assert set(states(house).values()) == {"held"}
    clock.advance(HOLD / 2 - timedelta(seconds=1))
    await published.look(house.gateway)
    assert set(states(house).values()) == {"held"}
    clock.advance(seconds=1)
    await published.look(house.gateway)

    assert (await house.share()).status == 200
    assert len(await seen(house)) == 2, "nobody saw them a second time"


async def test_a_silent_url_is_outlived_by_a_day(
    house: House, server: KeyServer, clock: Clock
) -> None:
    """The old set goes on for a day and no longer; when the URL answers again, so does it."""
    await house.ask("POST", "/v1/partners/swift-parcel/keys/release")
    server.down = True
    await after(house, clock, timedelta(hours=23))
    going_on = await house.share()
    await after(house, clock, timedelta(hours=2))
    over = await house.share(path="/v2/shipments/LO-2")
    server.down = False
    await after(house, clock, KEPT)
    again = await house.share(path="/v2/shipments/LO-3")

    assert (going_on.status, again.status) == (200, 200)
    assert problem_of(over)["code"] == "sealing-key-missing"
    assert set(states(house).values()) == {"used"}


async def test_a_key_that_is_taken_away_is_used_no_more(
    house: House, server: KeyServer, keys: PartnerKeys, clock: Clock
) -> None:
    """From the next fetch on; the ledger has it, and what replaces it waits."""
    await house.ask("POST", "/v1/partners/swift-parcel/keys/release")
    stolen = server.keys[0]
    server.keys[0] = {**encryption_jwk("taken-over", "X25519", lambda n: b"t" * n)}
    server.keys[0].pop("d")
    await after(house, clock, KEPT)
    refused = await house.share()

    assert problem_of(refused)["code"] == "sealing-key-missing"
    assert ("removed", stolen["kid"], "") in await seen(house)
    assert states(house) == {"taken-over": "held", "swift-parcel-sig-1": "used"}


async def test_a_doubtful_set_changes_nothing(
    house: House, server: KeyServer, clock: Clock
) -> None:
    """A private key in it, or no JWK Set at all: what was in use goes on."""
    await house.ask("POST", "/v1/partners/swift-parcel/keys/release")
    server.keys.append(signature_jwk("private"))
    await after(house, clock, KEPT)

    assert (await house.share()).status == 200
    assert "private" not in states(house)


async def test_no_share_asks_for_keys(house: House, server: KeyServer) -> None:
    """However many shares there are, the URL is asked by the worker alone."""
    await house.ask("POST", "/v1/partners/swift-parcel/keys/release")
    asked = server.asked
    await asyncio.gather(*(house.share(path=f"/v2/shipments/LO-{n}") for n in range(10)))
    await published.look(house.gateway)

    assert (asked, server.asked) == (1, 1)


@promise("S4d")
async def test_a_rotation_has_no_gap(
    open_house: OpenHouse, server: KeyServer, clock: Clock
) -> None:
    """
    Shares go on while a new key is published, held, and takes the old one's place, over
    reloads too: none fails, each opens, and the last declared key seals in the end.
    """
    old = PartnerKeys.generate("swift-parcel")
    new = encryption_jwk("swift-parcel-enc-2", "P-256", lambda n: bytes(range(n)))
    both = PartnerKeys((*old.encryption, new), old.signature)
    server.keys = [*old.public_jwks()["keys"]]
    house = await open_house(server.manifest(), keys={"swift-parcel": both})
    await house.ask("POST", "/v1/partners/swift-parcel/keys/release")
    replies: list[int] = []
    done = asyncio.Event()

    async def load(lane: int) -> None:
        while not done.is_set():
            async with turns[lane]:
                number = len(replies)
                reply = await house.share(path=f"/v2/shipments/L{lane}-{number}")
                replies.append(reply.status)

    turns = [asyncio.Lock() for _ in range(4)]
    lanes = [asyncio.create_task(load(lane)) for lane in range(4)]
    await asyncio.sleep(0.1)
    first = sealed_with(house, both)
    server.keys = [*both.public_jwks()["keys"]]
    # No grant is on its way while the clock leaps beyond its end.
    async with AsyncExitStack() as still:
        for turn in turns:
            await still.enter_async_context(turn)
        clock.advance(KEPT)
    await published.look(house.gateway)
    assert await house.reload()
    await asyncio.sleep(0.1)
    held = sealed_with(house, both)
    await house.ask("POST", "/v1/partners/swift-parcel/keys/swift-parcel-enc-2/release")
    assert await house.reload()
    await asyncio.sleep(0.1)
    done.set()
    await asyncio.gather(*lanes)

    assert (first, held) == ("swift-parcel-enc-1", "swift-parcel-enc-1")
    assert sealed_with(house, both) == "swift-parcel-enc-2"
    assert set(replies) == {200}
    assert house.recipients["swift-parcel"].refused == []


async def test_a_rotated_key_file_takes_over_at_a_reload(open_house: OpenHouse) -> None:
    """Keys of a file change with SIGHUP: the newest seals from then on, and both open."""
    old = PartnerKeys.generate("swift-parcel")
    new = encryption_jwk("swift-parcel-enc-2", "X25519", lambda n: b"n" * n)
    both = PartnerKeys((*old.encryption, new), old.signature)
    house = await open_house(a_courier(), keys={"swift-parcel": both})
    file = house.folder / "partners/keys/swift-parcel.jwks.json"
    file.write_text(json.dumps(old.public_jwks()))
    assert await house.reload()
    await house.share()
    before = sealed_with(house, both)
    file.write_text(json.dumps(both.public_jwks()))
    assert await house.reload()
    await house.share(path="/v2/shipments/LO-2")

    assert (before, sealed_with(house, both)) == ("swift-parcel-enc-1", "swift-parcel-enc-2")
