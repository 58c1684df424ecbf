"""What a company's own request tool may ask of us in DDRF, and how it is answered (R2, R6)."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from jwcrypto.jwk import JWK
from structlog.testing import capture_logs

from gateway.flows import ddrf_keys
from gateway.testing.behaviour import Delay
from gateway.testing.clock import Clock
from tests.ddrf.house import OURS, DdrfHouse, decoded
from tests.marks import promise
from tests.promises.house import empty_home


async def test_our_document_says_how_to_ask(house: DdrfHouse) -> None:
    """Whoever wants to ask finds the address, the identifiers and the key, at both places."""
    at_root = await house.outside("GET", "/dsrdelete.json")
    well_known = await house.outside("GET", "/.well-known/dsrdelete.json")
    document = at_root.json()

    assert (at_root.status, well_known.json()) == (200, document)
    assert document["endpoint"] == house.endpoint
    assert document["identifiers"] == [
        {"id": 1, "type": "subject", "format": "plaintext"},
        {"id": 2, "type": "member-number", "format": "plaintext"},
    ]
    assert document["vendorScriptRequirement"] is False
    (key,) = document["publicKey"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert "d" not in key
    assert (await house.ask("GET", "/dsrdelete.json")).status == 404


async def test_who_speaks_no_ddrf_says_nothing(tmp_path: Path, clock: Clock) -> None:
    """
    Without a requester and a recipient that is told in it there is no document and no
    endpoint; with our domain alone the keys are there, and everybody is a stranger.
    """
    plain = DdrfHouse(empty_home(tmp_path / "home"), clock)
    async with plain, plain.stranger as other:
        await plain.open([])
        assert (await plain.outside("GET", "/dsrdelete.json")).status == 404
        assert (await plain.outside("POST", "/ddrf", b"e30.e30.e30")).status == 404
        before = ddrf_keys.own_key(plain.gateway).kid
        await plain.stop()
        await plain.open([], settings={"GATEWAY_DDRF__DOMAIN": OURS, "GATEWAY_DDRF__KEY": "2"})
        document = (await plain.outside("GET", "/dsrdelete.json")).json()
        other.issuers[OURS] = plain.document_url
        status, answer = await plain.asked(other.request("u-1"), who=other)

    assert document["identifiers"] == []
    assert [key["kid"][:7] for key in document["publicKey"]] == ["ddrf-1-", "ddrf-2-"]
    assert document["publicKey"][0]["kid"] == before
    assert (status, answer["raResultCode"]) == (400, 2)


@promise("R2")
async def test_a_request_opens_a_case(house: DdrfHouse) -> None:
    """A verified request erases the person: a case, a fence, and notices to all who have data."""
    assert (await house.share()).status == 200
    status, answer = await house.asked(house.desk.request("u-1"))
    (case,) = await house.cases()

    assert (status, answer["raResultCode"]) == (202, 0)
    assert (case["action"], case["reason"]) == ("erase", "user-request")
    assert [one["partner"] for one in case["notices"]] == ["swift-parcel"]
    assert (await house.share()).code == "subject-erased"


async def test_a_person_never_shared_is_done_at_once(house: DdrfHouse) -> None:
    """A request for somebody of whom nothing was shared is taken, and its case closes."""
    status, answer = await house.asked(house.desk.request("nobody-yet", "member-number"))
    (case,) = await house.cases()

    assert (status, answer["raResultCode"], case["state"]) == (202, 0, "closed")


async def test_a_repetition_gets_the_same_words(house: DdrfHouse, clock: Clock) -> None:
    """The very same request again, also a day later and after a restart, is one case and one answer."""
    token = house.desk.request("u-1")
    first = await house.desk.send(house.endpoint, token)
    clock.advance(timedelta(minutes=7))
    second = await house.desk.send(house.endpoint, token)
    await house.restart()
    clock.advance(timedelta(hours=23, minutes=52))
    third = await house.desk.send(house.endpoint, token)

    assert first.body == second.body == third.body
    assert len(await house.cases()) == 1
    clock.advance(timedelta(minutes=2))
    status, late = await house.asked(token)
    assert (status, late["raResultCode"]) == (400, 6)


async def test_a_second_request_for_the_same_person_is_acknowledged(house: DdrfHouse) -> None:
    """Who was erased already is asked for once more: received, and nobody is told twice."""
    assert (await house.share()).status == 200
    for _ in range(2):
        status, answer = await house.asked(house.desk.request("u-1"))
        assert (status, answer["raResultCode"]) == (202, 0)
    assert sorted(len(case["notices"]) for case in await house.cases()) == [0, 1]


async def test_a_request_while_a_share_is_in_flight_joins_the_case(house: DdrfHouse) -> None:
    """While the first case still waits, a second request is received and opens none."""
    house.recipients["swift-parcel"].script.next(Delay(0.3))
    sharing = asyncio.create_task(house.share())
    while not house.recipients["swift-parcel"].arrivals:
        await asyncio.sleep(0.01)
    answers = [await house.asked(house.desk.request("u-1")) for _ in range(2)]
    assert (await sharing).status == 200

    assert [(status, one["raResultCode"]) for status, one in answers] == [(202, 0), (202, 0)]
    assert len(await house.cases()) == 1


async def test_bodies_in_every_spelling_are_read(house: DdrfHouse) -> None:
    """The framework does not say how a JWT is sent: as it stands, as text, as a JSON string."""
    for number, content in enumerate(("text/plain", "application/jwt", "application/jose")):
        status, _ = await house.asked(house.desk.request(f"u-{number}"), content=content)
        assert status == 202
    token = house.desk.request("u-9")
    reply = await house.desk.send(house.endpoint, json.dumps(token), "application/json")
    assert (await house.desk.verified(reply, OURS, token))["raResultCode"] == 0


async def test_wrong_requests_get_the_code_that_they_deserve(
    house: DdrfHouse, clock: Clock
) -> None:
    """Each mistake has its code, is signed by us, and opens no case."""
    desk, other = house.desk, JWK.generate(kty="EC", crv="P-256", kid=house.desk.key["kid"])
    unknown = JWK.generate(kty="EC", crv="P-256", kid="never-published")
    now = int(clock().timestamp())
    identity = house.stranger.identity({"identifierValue": "u-1"})
    tried = {
        "no jti": (desk.request("u-1", without=("jti",)), 1),
        "no idJWT": (desk.request("u-1", without=("idJWT",)), 1),
        "no version": (desk.request("u-1", without=("version",)), 1),
        "no sub": (desk.request("u-1", without=("sub",)), 1),
        "no iat": (desk.request("u-1", without=("iat",)), 1),
        "iat is no number": (desk.request("u-1", iat=True), 1),
        "sub is a word": (desk.request("u-1", sub="u-1"), 1),
        "identity without sub": (desk.request("u-1", idJWT=desk.identity(None)), 1),
        "signed by another": (desk.request("u-1", key=other), 2),
        "unknown key": (desk.request("u-1", key=unknown), 2),
        "unknown requester": (house.stranger.request("u-1"), 2),
        "in another's name": (house.stranger.request("u-1", iss="desk.example"), 2),
        "no issuer": (desk.request("u-1", without=("iss",)), 2),
        "unknown 1st party": (desk.request("u-1", idJWT=identity), 2),
        "broken signature": (desk.request("u-1")[:-8] + "AAAAAAAA", 2),
        "no JWT": ("hello", 3),
        "two parts": ("e30.e30", 3),
        "for another": (desk.request("u-1", aud="other.example"), 3),
        "broken identity": (desk.request("u-1", idJWT="hello"), 3),
        "another type": (desk.request("u-1", "email"), 4),
        "another format": (desk.request("u-1", "subject", "sha256"), 5),
        "too long": (desk.request("u" * 257), 5),
        "from the future": (desk.request("u-1", iat=now + 301), 6),
        "a day old": (desk.request("u-1", iat=now - 86_401), 6),
        "expired": (desk.request("u-1", exp=now), 6),
        "not yet valid": (desk.request("u-1", nbf=now + 301), 6),
    }
    answered = {}
    for name, (token, _) in tried.items():
        status, answer = await house.asked(token)
        assert status == 400, name
        answered[name] = answer["raResultCode"]

    assert answered == {name: code for name, (_, code) in tried.items()}
    assert await house.cases() == []
    empty = await house.outside("POST", "/ddrf", b"")
    assert (empty.status, decoded(empty.body.decode())["raResultCode"]) == (400, 3)


async def test_one_id_is_one_request(house: DdrfHouse) -> None:
    """A jti that counted once means that request and no other."""
    first, second = (house.desk.request(one, jti="once") for one in ("u-1", "u-2"))
    assert (await house.asked(first))[0] == 202
    status, answer = await house.asked(second)

    assert (status, answer["raResultCode"], len(await house.cases())) == (400, 3, 1)


async def test_a_requester_that_cannot_be_verified_now_asks_again(house: DdrfHouse) -> None:
    """Where the requester's keys cannot be had, nothing is decided: it is told to come again."""
    house.desk.document_status = 500
    reply = await house.desk.send(house.endpoint, house.desk.request("u-1"))
    assert reply.status == 502
    assert await house.cases() == []


async def test_what_is_asked_stays_out_of_logs_and_leaves(house: DdrfHouse) -> None:
    """Whom a request means is in no log line, no leaf and no file of the home."""
    mark = "subject-5f2e8a41c7"
    token = house.desk.request(mark)
    with capture_logs() as lines:
        assert (await house.asked(token))[0] == 202
        assert (await house.asked(house.desk.request(mark, "email")))[0] == 400
    told = [line["code"] for line in lines if line["event"] == "deletion-asked"]
    leaves = json.dumps(await house.leaves("case"))
    await house.stop()
    kept = b"".join(path.read_bytes() for path in house.folder.rglob("*") if path.is_file())

    assert told == ["ddrf-0", "ddrf-4"]
    assert mark not in repr(lines) + leaves
    assert mark.encode() not in kept
    assert token.encode() not in kept
