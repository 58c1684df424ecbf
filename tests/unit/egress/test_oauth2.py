"""Client credentials: a token is had once, kept, and asked for anew in time (RFC 6749 §4.4)."""

import asyncio
import base64
import json
from typing import Any

import pytest

from gateway.egress.oauth2 import TokenSource
from gateway.errors import PartnerUnreachable
from gateway.model.recipients import Auth, Upstream
from gateway.ports import Answer, Outgoing
from tests.unit.egress.wire import OK, Wire, client_for, fine, read_request, request_to, serving

SETTINGS = {"client_id": "shop", "client_secret": "env:SECRET", "scope": "parcels:write"}


def answer(**said: Any) -> bytes:
    """What a token server answers."""
    body = json.dumps(said).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def partner(wire: Wire, **settings: str) -> Upstream:
    """A partner whose API and token server are the same machine."""
    chosen = {"token_url": wire.url("/token"), **SETTINGS, **settings}
    return Upstream(base_url=wire.url("/api"), auth=Auth(scheme="oauth2", settings=chosen))


def secret(reference: str) -> str:
    """The one secret there is."""
    assert reference == "env:SECRET"
    return "s&cret"


class House:
    """A token server and an API, that count what is asked of them."""

    def __init__(self, *tokens: bytes, api: bytes = OK, slow: float = 0.0) -> None:
        self.tokens = list(tokens)
        self.api = api
        self.slow = slow
        self.asked: list[bytes] = []
        self.shares: list[bytes] = []

    async def __call__(
        self, wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer whatever comes."""
        while request := await read_request(wire, reader):
            if request.startswith(b"POST /token "):
                self.asked.append(request)
                await asyncio.sleep(self.slow)
                writer.write(self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0])
            else:
                self.shares.append(request)
                writer.write(self.api)
            await writer.drain()


async def test_a_token_goes_with_every_share_and_is_asked_for_once() -> None:
    """However many shares begin together, the token server is asked a single time."""
    house = House(answer(access_token="abc", token_type="Bearer", expires_in=3600), slow=0.05)
    async with serving(house) as wire, client_for(partner(wire), secrets=secret) as client:
        url = wire.url("/api/parcels")
        await asyncio.gather(*(client.send(request_to(url), last_look=fine) for _ in range(12)))
        await client.send(request_to(url), last_look=fine)

    assert len(house.asked) == 1
    assert len(house.shares) == 13
    assert all(b"Authorization: Bearer abc\r\n" in share for share in house.shares)
    head, _, body = house.asked[0].partition(b"\r\n\r\n")
    basic = base64.b64encode(b"shop:s%26cret")
    assert b"Authorization: Basic " + basic in head
    assert body == b"grant_type=client_credentials&scope=parcels%3Awrite"


async def test_a_token_that_is_refused_is_not_used_again() -> None:
    """After a 401 the next share asks for a new one; the refused share is not repeated."""
    no = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    house = House(answer(access_token="one"), answer(access_token="two"), api=no)
    async with serving(house) as wire, client_for(partner(wire), secrets=secret) as client:
        first = await client.send(request_to(wire.url("/api")), last_look=fine)
        await client.send(request_to(wire.url("/api")), last_look=fine)

    assert first.status == 401
    assert [b"Bearer one" in share for share in house.shares] == [True, False]
    assert len(house.asked) == 2


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", "the token server answered 503"),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "answered 302"),
        (answer(token_type="bearer"), "gave no token"),
        (answer(access_token="a\nb"), "gave no token"),
        (answer(access_token="a b"), "gave no token"),
        (answer(access_token="", token_type="bearer"), "gave no token"),
        (answer(access_token="a", token_type="mac"), "of another type than bearer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "gave no token"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", "gave no token"),
        (b"", "could not be asked"),
    ],
)
async def test_without_a_token_nothing_is_sent(said: bytes, told: str) -> None:
    """Whatever the token server does wrong, the partner's API gets no byte."""
    house = House(said)
    async with serving(house) as wire, client_for(partner(wire), secrets=secret) as client:
        if not said:
            house.slow = 9.0
        with pytest.raises(PartnerUnreachable, match=told if said else "no connection in time"):
            await client.send(request_to(wire.url("/api"), timeout=0.5), last_look=fine)

    assert house.shares == []


async def test_the_proof_stays_with_its_partner() -> None:
    """What goes to another origin, such as a notice, carries no token and asks for none."""
    house = House(answer(access_token="abc"))
    async with (
        serving(house) as wire,
        serving() as other,
        client_for(partner(wire), secrets=secret) as client,
    ):
        await client.send(request_to(other.url("/notices")), last_look=fine)

    assert house.asked == []
    assert b"Authorization" not in bytes(other.received[0])


class Clock:
    """A clock that is put where a test wants it."""

    now = 0.0

    def __call__(self) -> float:
        """The seconds."""
        return self.now


class Server:
    """A token server without a network: what it was asked, and what it says next."""

    def __init__(self, *said: Answer) -> None:
        self.said = list(said)
        self.asked = 0

    async def __call__(self, request: Outgoing) -> Answer:
        """The next answer."""
        self.asked += 1
        return self.said.pop(0) if len(self.said) > 1 else self.said[0]


def said(status: int = 200, **body: Any) -> Answer:
    """An answer of the token server."""
    return Answer(status=status, headers={}, body=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("life", "kept"),
    [(3600, 3570), ("600", 570), (None, 270), (-1, 270), (True, 270), ("soon", 270), (10, 0)],
)
async def test_a_token_is_asked_for_before_it_runs_out(life: Any, kept: int) -> None:
    """It is kept until half a minute before its end; without a stated end five minutes count."""
    clock = Clock()
    stated = {} if life is None else {"expires_in": life}
    server = Server(said(access_token="a", **stated), said(access_token="b"))
    auth = Auth(scheme="oauth2", settings={"token_url": "https://id.example/t", **SETTINGS})
    tokens = TokenSource("swift-parcel", auth, secrets=secret, post=server, clock=clock)

    assert await tokens.token() == "a"
    clock.now = max(0.0, kept - 0.5)
    assert await tokens.token() == ("a" if kept else "b")
    clock.now = kept + 0.5
    assert await tokens.token() == "b"
    assert server.asked == 2


async def test_a_token_server_that_is_down_is_not_hammered() -> None:
    """After a failure shares are told so for a second without asking again."""
    clock = Clock()
    server = Server(said(500), said(access_token="a"))
    auth = Auth(scheme="oauth2", settings={"token_url": "https://id.example/t", **SETTINGS})
    tokens = TokenSource("swift-parcel", auth, secrets=secret, post=server, clock=clock)
    for _ in range(3):
        with pytest.raises(PartnerUnreachable, match="answered 500"):
            await tokens.token()
    assert server.asked == 1
    clock.now = 1.5

    assert await tokens.token() == "a"


async def test_giving_up_leaves_the_others_waiting_for_the_same_token() -> None:
    """A cancelled share does not take the token away from those beside it."""
    house = House(answer(access_token="abc"), slow=0.1)
    async with serving(house) as wire, client_for(partner(wire), secrets=secret) as client:
        url = wire.url("/api")
        one, two = (
            asyncio.create_task(client.send(request_to(url), last_look=fine)) for _ in range(2)
        )
        await asyncio.sleep(0.03)
        one.cancel()
        kept = await two

    assert kept.status == 200
    assert len(house.asked) == 1


async def test_closing_waits_for_shares_that_wait_for_a_token() -> None:
    """Who drains the gateway loses no share; a request that nobody waits for ends at once."""
    house = House(answer(access_token="abc"), slow=0.1)
    async with serving(house) as wire, client_for(partner(wire), secrets=secret) as client:
        sending = asyncio.create_task(client.send(request_to(wire.url("/api")), last_look=fine))
        await asyncio.sleep(0.03)
        await client.close()

        assert sending.done()
        assert sending.result().status == 200
