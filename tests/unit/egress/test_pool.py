"""The clients of all partners over reloads, and what is fetched besides shares."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.egress import AddressRules, ClientPool, SecretFiles
from gateway.errors import ConfigError, PartnerResponseRefused, PartnerUnreachable
from gateway.model.ids import PartnerId
from gateway.model.policy import Kind
from gateway.model.recipients import Auth, Partner, State, Tls, Upstream
from gateway.ports import Egress
from gateway.testing.authority import Authority
from tests.unit.egress.wire import OPEN, TLS_ONLY, Wire, fine, read_request, request_to, serving


def a_partner(wire: Wire | None, *, digest: str = "1", tls: Tls | None = None) -> Partner:
    """A partner with this server as its API."""
    upstream = Upstream(base_url=wire.url(), tls=tls or Tls()) if wire else None
    return Partner(
        id=PartnerId("swift-parcel"),
        name="Swift Parcel",
        owner="logistics",
        kind=Kind.PROCESSOR,
        territory="CN",
        contact="privacy@swift-parcel.example",
        state=State.ACTIVE,
        agreement=None,
        keys=None,
        jwks={"keys": []},
        upstream=upstream,
        routes=(),
        deletion=None,
        digest=digest,
    )


def a_pool(folder: Path = Path(), rules: AddressRules = OPEN) -> ClientPool:
    """A pool that may reach loopback."""
    return ClientPool(rules=rules, secrets=SecretFiles(folder, {}), folder=folder)


@pytest.fixture
async def pool() -> AsyncIterator[ClientPool]:
    """A pool that is closed after the test."""
    pool = a_pool()
    yield pool
    await pool.close()


async def test_one_manifest_has_one_client(pool: ClientPool) -> None:
    """Shares of one partner use one client as long as its manifest stays."""
    async with serving() as wire:
        ways: Egress = pool
        for _ in range(3):
            way = ways.partner(a_partner(wire))
            await way.send(request_to(wire.url()), last_look=fine)

        assert len(wire.received) == 1


async def test_a_changed_manifest_has_its_own_client(pool: ClientPool) -> None:
    """Requests that began with the old manifest keep its client until the reload is done."""
    old = pool.partner(a_partner(None, digest="1"))
    new = pool.partner(a_partner(None, digest="2"))

    assert old is not new
    assert pool.partner(a_partner(None, digest="1")) is old


async def test_a_reload_closes_old_clients_after_their_requests() -> None:
    """A share in flight over a reload ends well; then its connection closes."""
    gate = asyncio.Event()

    async def hold(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(wire, reader):
            await gate.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    pool = a_pool()
    async with serving(hold) as wire:
        old, new = a_partner(wire, digest="1"), a_partner(wire, digest="2")
        in_flight = asyncio.create_task(
            pool.partner(old).send(request_to(wire.url()), last_look=fine)
        )
        await asyncio.sleep(0.05)
        pool.keep([new])
        await asyncio.sleep(0.05)
        open_during = wire.closed
        gate.set()
        answer = await in_flight
        await asyncio.sleep(0.05)

        assert (open_during, answer.status, wire.closed) == (0, 200, 1)
        assert (await pool.partner(new).send(request_to(wire.url()), last_look=fine)).status == 200
        await pool.close()


async def test_a_reload_keeps_clients_whose_manifest_stayed(pool: ClientPool) -> None:
    """A reload of other manifests costs no connection."""
    async with serving() as wire:
        partner = a_partner(wire)
        await pool.partner(partner).send(request_to(wire.url()), last_look=fine)
        pool.keep([partner])
        await pool.partner(partner).send(request_to(wire.url()), last_look=fine)

        assert len(wire.received) == 1


async def test_closing_lets_requests_end(pool: ClientPool) -> None:
    """The pool drains: what is in flight is answered before it closes."""

    async def slow(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(wire, reader)
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(slow) as wire:
        way = pool.partner(a_partner(wire))
        send = asyncio.create_task(way.send(request_to(wire.url()), last_look=fine))
        await asyncio.sleep(0.02)
        await pool.close()

        assert send.done()
        assert (await send).status == 200


async def test_a_rotated_certificate_gives_a_new_client(tmp_path: Path) -> None:
    """TLS files are picked up without a restart, as other secrets are."""
    first, second = (Authority.create(datetime.now(UTC)) for _ in range(2))
    issued = first.issue(tmp_path / "server")
    (tmp_path / "ca.pem").write_bytes(second.pem)
    pool = a_pool(tmp_path, TLS_ONLY)
    async with serving(tls=issued.server_context()) as wire:
        partner = a_partner(wire, tls=Tls(ca="file:ca.pem"))
        url = wire.url(host="localhost", scheme="https")
        with pytest.raises(PartnerUnreachable, match="does not verify"):
            await pool.partner(partner).send(request_to(url), last_look=fine)
        (tmp_path / "new.pem").write_bytes(first.pem)
        (tmp_path / "new.pem").replace(tmp_path / "ca.pem")
        answer = await pool.partner(partner).send(request_to(url), last_look=fine)

        assert answer.status == 200
        await pool.close()


async def test_a_manifest_that_cannot_be_served_gives_no_client(pool: ClientPool) -> None:
    """A proof that is not supported is refused when the client is asked for."""
    upstream = Upstream(base_url="https://x.example", auth=Auth(scheme="oauth2", settings={}))
    partner = dataclasses.replace(a_partner(None), upstream=upstream)
    with pytest.raises(ConfigError, match="oauth2"):
        pool.partner(partner)


async def test_what_is_fetched_is_guarded_and_bounded(pool: ClientPool) -> None:
    """A JWK Set comes under the same rules: address, size, no redirect."""
    async with serving() as wire:
        answer = await pool.fetch(wire.url("/jwks.json"))
        assert (answer.status, answer.body) == (200, b"ok")
        assert wire.requests[0].startswith(b"GET /jwks.json HTTP/1.1\r\n")
        with pytest.raises(PartnerResponseRefused):
            await pool.fetch(wire.url(), limit=1)
        closed = a_pool(rules=AddressRules())
        with pytest.raises(PartnerUnreachable, match="fetch: address refused"):
            await closed.fetch(wire.url())
        await closed.close()
