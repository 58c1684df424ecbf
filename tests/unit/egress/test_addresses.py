"""The guard on real connections: what is refused is never connected to."""

import pytest

from gateway.egress import AddressRules, parse_networks
from gateway.egress.client import PartnerClient
from gateway.errors import PartnerUnreachable
from tests.unit.egress.wire import LOOPBACK, OPEN, Names, client_for, fine, request_to, serving

CLOSED = AddressRules(plaintext=LOOPBACK)


async def refused(client: PartnerClient, url: str) -> str:
    """The message with which a request to `url` is refused."""
    with pytest.raises(PartnerUnreachable) as told:
        await client.send(request_to(url), last_look=fine)
    assert told.value.__cause__ is None
    assert told.value.__context__ is None
    return str(told.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.2",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
        "0.0.0.0",
    ],
)
async def test_a_literal_address_is_judged(host: str) -> None:
    """No spelling of a loopback address as a literal gets a connection."""
    async with serving() as wire, client_for(rules=CLOSED) as client:
        told = await refused(client, wire.url(host=host))

        assert told.startswith("swift-parcel: address refused: ")
        assert wire.received == []


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1."]
)
async def test_an_odd_spelling_of_an_address_is_refused(host: str) -> None:
    """Numbers, hexadecimal, octal and short forms end without a connection."""
    async with serving() as wire, client_for(rules=CLOSED) as client:
        told = await refused(client, wire.url(host=host))

        assert told.startswith("swift-parcel: ")
        assert wire.received == []


async def test_a_name_is_judged_by_where_it_leads() -> None:
    """A name that leads to loopback is refused like the address."""
    async with serving() as wire, client_for(rules=CLOSED) as client:
        told = await refused(client, wire.url(host="localhost"))

        assert told == "swift-parcel: address refused: loopback"
        assert wire.received == []


async def test_a_name_that_leads_to_a_name_is_refused() -> None:
    """A resolver that answers with a name instead of an address gets no second look-up."""
    async with serving() as wire, client_for(resolver=Names(["localhost"])) as client:
        told = await refused(client, wire.url(host="api.swift-parcel.example"))

        assert told == "swift-parcel: address refused: not-an-address"
        assert wire.received == []


async def test_a_name_that_changes_its_mind_is_judged_each_time() -> None:
    """Rebinding: allowed at the first connection, elsewhere at the second, which is refused."""
    rules = AddressRules(allow=parse_networks(["127.0.0.1/32"], setting="x"), plaintext=LOOPBACK)
    closing = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with (
        serving(closing, host="0.0.0.0") as wire,
        client_for(rules=rules, resolver=names) as client,
    ):
        url = wire.url(host="api.swift-parcel.example")
        first = await client.send(request_to(url), last_look=fine)
        assert client._connector is not None
        client._connector.clear_dns_cache()
        told = await refused(client, url)

        assert first.status == 200
        assert names.asked == 2
        assert told == "swift-parcel: address refused: loopback"
        assert len(wire.received) == 1


async def test_a_name_that_turns_private_after_it_was_public_is_refused() -> None:
    """The same from a public address, which cannot be reached here, to a private one."""
    names = Names(["8.8.8.8"], ["127.0.0.1"])
    async with serving() as wire, client_for(rules=CLOSED, resolver=names) as client:
        url = wire.url(host="api.swift-parcel.example").replace("http:", "https:")
        first = await refused(client, url)
        assert client._connector is not None
        client._connector.clear_dns_cache()
        second = await refused(client, url)

        assert "address refused" not in first
        assert second == "swift-parcel: address refused: loopback"
        assert wire.received == []


async def test_of_several_addresses_only_the_permitted_are_tried() -> None:
    """A refused address in an answer is passed over, and no trick to fail the others."""
    rules = AddressRules(allow=parse_networks(["127.0.0.1/32"], setting="x"), plaintext=LOOPBACK)
    names = Names(["127.0.0.9", "::1", "10.0.0.1", "127.0.0.1"])
    async with serving() as wire, client_for(rules=rules, resolver=names) as client:
        answer = await client.send(request_to(wire.url(host="x.example")), last_look=fine)

        assert answer.status == 200
        assert len(wire.received) == 1


async def test_the_reason_is_kept_when_several_addresses_fail_differently() -> None:
    """An operator reads that an address was refused, also beside other troubles."""
    names = Names(["10.0.0.1", "127.0.0.1", "fe80::1"])
    async with client_for(rules=OPEN, resolver=names) as client:
        told = await refused(client, "http://x.example:1/")

        assert told.startswith("swift-parcel: address refused: ")


async def test_http_is_refused_where_plaintext_is_not_tolerated() -> None:
    """An allowed address is not reached over `http://` by that alone."""
    async with serving() as wire, client_for(rules=AddressRules(allow=LOOPBACK)) as client:
        told = await refused(client, wire.url())

        assert told == "swift-parcel: address refused: plaintext"
        assert wire.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer(status: int) -> None:
    """No redirect is followed, whatever it is: the status comes back as it is."""
    async with serving() as other:
        moved = (
            f"HTTP/1.1 {status} Moved\r\nLocation: {other.url('/elsewhere')}\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        async with serving(moved.encode()) as wire, client_for() as client:
            answer = await client.send(request_to(wire.url()), last_look=fine)

            assert answer.status == status
            assert len(wire.requests) == 1
            assert other.received == []


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says about proxies or accounts changes nothing."""
    async with serving() as proxy, serving() as wire, client_for() as client:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        monkeypatch.delenv("no_proxy", raising=False)
        answer = await client.send(request_to(wire.url()), last_look=fine)

        assert answer.status == 200
        assert (len(wire.requests), proxy.received) == (1, [])


async def test_cookies_are_not_kept() -> None:
    """A cookie that a partner sets never comes back to it."""
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: id=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    async with serving(cookie, host="127.0.0.1") as wire, client_for() as client:
        for _ in range(2):
            await client.send(request_to(wire.url(host="localhost")), last_look=fine)

        assert len(wire.requests) == 2
        assert b"cookie" not in b"".join(wire.requests).lower()
