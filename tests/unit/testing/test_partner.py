"""A fake recipient verifies, opens, keeps and answers as a real one would."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.testing.authority import Authority
from gateway.testing.behaviour import Answer
from gateway.testing.clock import Clock
from gateway.testing.keys import PartnerKeys
from gateway.testing.numbered import Numbered
from gateway.testing.partner import NO_KEYS, FakePartner
from gateway.testing.ports import PortLease
from gateway.testing.received import Received
from tests.unit.testing.sender import ISSUER, Sender, sealed

BODY = {"recipient": {"name": "欧**"}, "items": [{"sku": "TEA-1"}]}


async def test_a_verified_share_is_received_answered_and_kept(
    partner: FakePartner, sender: Sender
) -> None:
    """A share with a good grant is answered with a tracking number, and a copy stays."""
    status, answer = await sender.share(partner, BODY)

    assert status == 200
    number = json.loads(answer)["tracking_number"]
    assert [received.share for received in partner.received] == ["sh-1"]
    assert partner.received[0].claims["ground"] == "core-function"
    assert partner.received[0].document == BODY
    [copy] = partner.copies
    assert (copy.subject, copy.purpose, copy.references) == ("ps-1", "order-fulfilment", {number})
    assert (partner.refused, partner.unanswered, partner.arrivals) == ([], [], ["sh-1"])


async def test_the_request_is_kept_as_it_stood_on_the_wire(
    partner: FakePartner, sender: Sender
) -> None:
    """Method, target, headers and bytes of a request can be looked at, unchanged by the server."""
    target = "/v2/shipments/LO%2D1?depot=%e6%9d%ad"
    await sender.share(partner, b'{"a" : 1}', target=target, headers={"X-Request-Id": "sh-1"})

    request = partner.received[0].request
    assert (request.method, request.target, request.body) == ("POST", target, b'{"a" : 1}')
    assert request.headers["x-request-id"] == "sh-1"


@pytest.mark.parametrize("curve", ["X25519", "P-256"])
async def test_sealed_fields_are_opened_where_they_stand(sender: Sender, curve: Any) -> None:
    """The recipient reads sealed fields, with a key on either curve."""
    async with FakePartner(keys=PartnerKeys.generate("swift-parcel", curve=curve)) as partner:
        partner.trust(issuer=ISSUER, jwks=sender.jwks)
        phone = sealed(partner, "13800001234", share="sh-1", field="/to/0/phone~1tel")
        status, _ = await sender.share(partner, {"to": [{"phone/tel": phone}], "n": 1})

    assert status == 200
    assert partner.received[0].document == {"to": [{"phone/tel": "13800001234"}], "n": 1}
    assert b"13800001234" not in partner.received[0].request.body


async def test_a_sealed_body_is_opened(partner: FakePartner, sender: Sender) -> None:
    """The recipient reads a body that was sealed as a whole."""
    body = sealed(partner, BODY, share="sh-1").encode()
    status, _ = await sender.share(partner, body, headers={"Content-Type": "application/jose"})

    assert status == 200
    assert partner.received[0].document == BODY


@pytest.mark.parametrize(
    "wrong,code",
    [
        ({"aud": "other-parcel"}, "audience-mismatch"),
        ({"purpose": "advertising"}, "purpose-mismatch"),
        ({"digest": "AAAA"}, "digest-mismatch"),
        ({"htm": "PUT"}, "method-mismatch"),
    ],
)
async def test_what_does_not_verify_is_refused_and_not_kept(
    partner: FakePartner, sender: Sender, wrong: dict[str, str], code: str
) -> None:
    """A share that the recipient kit refuses is answered 400 with the kit's code, and forgotten."""
    status, answer = await sender.share(partner, BODY, **wrong)

    assert (status, json.loads(answer)) == (400, {"error": code})
    assert [refusal.code for refusal in partner.refused] == [code]
    assert (len(partner.copies), partner.received) == (0, [])


async def test_a_grant_is_good_once(partner: FakePartner, sender: Sender) -> None:
    """The same share a second time is refused as a replay."""
    await sender.share(partner, BODY)
    status, answer = await sender.share(partner, BODY)

    assert (status, json.loads(answer)["error"]) == (400, "replayed")


async def test_its_own_idempotency_header_makes_a_repetition_harmless(sender: Sender) -> None:
    """Under one value of its own header a share may come again and gets the first answer."""
    async with FakePartner(idempotency="X-Request-Id") as partner:
        partner.trust(issuer=ISSUER, jwks=sender.jwks)
        first = await sender.share(partner, BODY, headers={"X-Request-Id": "sh-1"})
        second = await sender.share(partner, BODY, headers={"X-Request-Id": "sh-1"})

    assert first == second
    assert [received.repeated for received in partner.received] == [False, True]
    assert len(partner.copies) == 1


async def test_the_clock_decides_whether_a_grant_is_over(sender: Sender) -> None:
    """A recipient with a clock of its own judges grants by it."""
    clock = Clock()
    async with FakePartner(clock=clock) as partner:
        partner.trust(issuer=ISSUER, jwks=sender.jwks)
        now = int(clock().timestamp())
        good = await sender.share(partner, BODY, share="a", iat=now, exp=now + 300)
        clock.advance(seconds=400)
        late = await sender.share(partner, BODY, share="b", iat=now, exp=now + 300)

    assert (good[0], late[0]) == (200, 400)
    assert partner.refused[0].code == "grant-expired"


async def test_without_verifying_everything_is_received(sender: Sender) -> None:
    """A recipient that does not verify takes plain requests, which raw tests need."""
    async with FakePartner(verify=False) as partner:
        status, _ = await sender.post(partner, "/anything", b"[1]", {"Sharing-Id": "x"})

    assert status == 200
    assert (partner.received[0].document, partner.received[0].claims) == ([1], {})


async def test_an_answer_of_its_own(partner: FakePartner, sender: Sender) -> None:
    """A test says what the recipient answers, from what it received."""

    def respond(received: Received) -> Mapping[str, Any] | Answer:
        if "quote" in received.request.target:
            return {"id": "Q-1", "for": received.document["recipient"]["name"]}
        return Answer(status=422, data={"error": "no such depot"})

    partner.respond = respond
    quote = await sender.share(partner, BODY, share="a", target="/quotes")
    other = await sender.share(partner, BODY, share="b")

    assert (quote[0], json.loads(quote[1])) == (200, {"id": "Q-1", "for": "欧**"})
    assert (other[0], json.loads(other[1])) == (422, {"error": "no such depot"})


async def test_numbers_of_its_own_are_its_references(sender: Sender) -> None:
    """A recipient numbers its records as its manifest calls them, and finds them by that."""
    charges = Numbered("charge", "CH", status="paid")
    async with FakePartner(respond=charges) as partner:
        partner.trust(issuer=ISSUER, jwks=sender.jwks)
        answers = [(await sender.share(partner, {}, share=n))[1] for n in "ab"]

    assert [json.loads(answer)["charge"] for answer in answers] == ["CH0000000001", "CH0000000002"]
    assert json.loads(answers[0])["status"] == "paid"
    assert [set(copy.references) for copy in partner.copies] == [{"CH0000000001"}, {"CH0000000002"}]


async def test_each_line_of_a_bulk_request_is_a_copy(partner: FakePartner, sender: Sender) -> None:
    """Records that came together are kept, found and deleted one by one."""
    lines = b'{"person": "ps-7", "n": 1}\n{"person": "ps-8", "n": 2}\n'
    await sender.share(partner, lines, headers={"Content-Type": "application/x-ndjson"}, sub="-")

    assert len(partner.copies.of("ps-7")) == 1
    assert partner.copies.delete("ps-7") == 1
    assert [copy.document["n"] for copy in partner.copies] == [2]


async def test_a_batch_is_answered_record_by_record(partner: FakePartner, sender: Sender) -> None:
    """A bulk share with its count is answered with a list, and each copy has its own number."""
    lines = b'{"person": "ps-7"}\n{"person": "ps-8"}\n'
    headers = {"Content-Type": "application/x-ndjson"}
    claims = {"records": 2, "sub": None}
    status, body = await sender.share(partner, lines, headers=headers, **claims)
    short, _ = await sender.share(partner, lines, share="b", headers=headers, records=3, sub=None)

    assert status == 200
    numbers = [one["tracking_number"] for one in json.loads(body)]
    assert [sorted(copy.references) for copy in partner.copies] == [[one] for one in numbers]
    assert [copy.subject for copy in partner.copies] == [None, None]
    assert (short, partner.refused[-1].code) == (400, "records-mismatch")


async def test_purposes_by_route(sender: Sender) -> None:
    """A recipient may take data for one purpose here and for another there."""

    def purpose(method: str, target: str) -> str:
        return "payment" if target.startswith("/charges") else "order-fulfilment"

    async with FakePartner(purpose=purpose) as partner:
        partner.trust(issuer=ISSUER, jwks=sender.jwks)
        right = await sender.share(partner, {}, share="a", target="/charges", purpose="payment")
        wrong = await sender.share(partner, {}, share="b", target="/parcels", purpose="payment")

    assert (right[0], wrong[0]) == (200, 400)


async def test_the_gateways_keys_are_fetched_once_and_again_when_rotated(
    sender: Sender, unused_jwks: dict[str, Any]
) -> None:
    """Keys by URL are fetched at the first share, and when a grant names one that is new."""
    served, fetches = [unused_jwks, sender.jwks], []

    async def jwks(request: web.Request) -> web.Response:
        fetches.append(request.path)
        return web.json_response(served[min(len(fetches), 2) - 1])

    app = web.Application()
    app.router.add_get("/.well-known/jwks.json", jwks)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/.well-known/jwks.json"
    async with FakePartner() as partner:
        partner.trust(issuer=ISSUER, jwks=url)
        statuses = [(await sender.share(partner, {}, share=str(n)))[0] for n in range(3)]
    await runner.cleanup()

    assert statuses == [200, 200, 200]
    assert len(fetches) == 2


@pytest.fixture
async def unused_jwks() -> dict[str, Any]:
    """A gateway's keys with another id than the sender's."""
    other = Sender(seed=2)
    await other.session.close()
    return {"keys": [key | {"kid": f"grant-old-{n}"} for n, key in enumerate(other.jwks["keys"])]}


async def test_it_goes_away_and_comes_back_at_the_same_address(
    partner: FakePartner, sender: Sender
) -> None:
    """Between stop and start nothing answers; after it the same address does."""
    url = partner.base_url
    await partner.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await sender.share(partner, BODY)
    await partner.start()

    assert partner.base_url == url
    assert (await sender.share(partner, BODY))[0] == 200


async def test_connections_are_counted(partner: FakePartner, sender: Sender) -> None:
    """A test can say that nothing so much as knocked; a kept-alive connection counts once."""
    assert partner.connections == 0
    await sender.share(partner, BODY, share="a")
    await sender.share(partner, BODY, share="b")

    assert partner.connections == 1


async def test_tls_with_a_certificate_of_the_test_authority(sender: Sender, tmp_path: Path) -> None:
    """A recipient speaks TLS, and can demand and show whom the caller is certified as."""
    authority = Authority.create(Clock()())
    served = authority.issue(tmp_path, "partner")
    shown = authority.issue(tmp_path, "gateway")
    async with FakePartner(verify=False, tls=served, client_ca=served.ca) as partner:
        assert partner.base_url.startswith("https://")
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.post(partner.base_url, json={})
            answer = await session.post(partner.base_url, json={}, ssl=shown.client_context())

    assert answer.status == 200
    certificate = partner.received[0].request.client_certificate
    assert certificate is not None
    assert ("commonName", "gateway") in certificate["subject"][0]


async def test_a_fault_of_the_fake_itself_does_not_pass_as_a_bad_recipient(sender: Sender) -> None:
    """An exception inside the fake is raised at its end, so no test passes because of it."""

    def respond(received: Received) -> Answer:
        raise LookupError("a mistake in the test")

    with pytest.raises(LookupError):
        async with FakePartner(verify=False, respond=respond) as partner:
            await sender.post(partner, "/", b"{}", {})

    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="trust"):
            async with FakePartner() as untrusting:
                await sender.share(untrusting, {})


async def test_a_caller_that_dies_in_its_request_is_no_fault_of_the_fake(
    partner: FakePartner, sender: Sender
) -> None:
    """A request that breaks off has arrived and was not received."""
    port = int(partner.base_url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /x HTTP/1.1\r\nHost: a\r\nSharing-Id: s\r\nContent-Length: 9\r\n\r\n{")
    await writer.drain()
    while not partner.arrivals:
        await asyncio.sleep(0.01)
    writer.close()
    await asyncio.sleep(0.05)

    assert (partner.arrivals, partner.received, partner.errors) == (["s"], [], [])


async def test_a_gateway_whose_keys_cannot_be_fetched_is_told_to_come_again(
    partner: FakePartner, sender: Sender
) -> None:
    """Without the gateway's keys nothing is accepted, and 503 says that it may be later."""
    with PortLease() as nobody:
        partner.trust(issuer=ISSUER, jwks=f"http://{nobody.address}/jwks.json")
        status, _ = await sender.share(partner, BODY)

    assert (status, len(partner.copies)) == (503, 0)
    assert [refusal.code for refusal in partner.refused] == [NO_KEYS]


async def test_nothing_of_a_person_is_printed(partner: FakePartner, sender: Sender) -> None:
    """What a failed assertion shows of a recipient holds no data that it received."""
    await sender.share(partner, {"name": "欧阳明明"}, target="/v2/13800001234")
    shown = repr([partner, partner.received, partner.copies, list(partner.copies), partner.keys])

    assert "欧阳" not in shown
    assert "13800001234" not in shown
    assert str(partner.keys.signature["d"]) not in shown
