"""What the caller gets back, and what becomes of a share (contract §6, C5)."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.authority import Authority
from gateway.testing.behaviour import (
    Answer,
    Behaviour,
    CloseAfter,
    Cut,
    CutAt,
    Delay,
    Drip,
    GzipBomb,
    Huge,
    Silence,
    invalid_json,
    wrong_type,
)
from gateway.testing.builders import REMOVE, merged
from gateway.testing.client import Reply
from gateway.testing.partner import FakePartner
from gateway.testing.ports import PortLease
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, problem_of
from tests.promises.manifests import a_plain

RECEIVE = {"/id": {"reference": True}, "/state": {}, "/items/*/n": {}, "/name": {"max_length": 3}}
ANSWER = {
    "id": "r-1",
    "state": "done",
    "items": [{"n": 1, "x": 2}],
    "name": "abc",
    "profile": {"risk": "high"},
}
LEFT = {"id": "r-1", "state": "done", "items": [{"n": 1}], "name": "abc"}


def a_plain_taking(receive: Any, **more: Any) -> dict[str, Any]:
    """A processor of which this comes back, and nothing else."""
    manifest = a_plain(**more)
    if receive is REMOVE:
        del manifest["routes"]["only"]["receive"]
    else:
        manifest["routes"]["only"]["receive"] = receive
    return merged(manifest, {"upstream": {"timeout": "400ms"}})


async def answered(
    open_house: OpenHouse, behaviour: Behaviour, receive: Any = RECEIVE, **more: Any
) -> tuple[House, Reply]:
    """One share to a recipient that answers so."""
    house = await open_house(a_plain_taking(receive, **more))
    house.recipients["plain"].script.next(behaviour)
    return house, await house.share("plain", "/things", {"value": 1})


async def outcome_of(house: House) -> dict[str, Any]:
    """The one outcome's leaf."""
    (leaf,) = await house.leaves("outcome")
    (intent,) = await house.leaves("intent")
    assert leaf["share"] == intent["share"]
    assert leaf["partner"] == "plain"
    return leaf


@promise("C5")
@pytest.mark.parametrize(
    "status", [200, 201, 202, 203, 206, 226, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503]
)
async def test_every_status_passes_and_its_body_is_filtered(
    status: int, open_house: OpenHouse
) -> None:
    """Only what is declared reaches the app, whatever the status."""
    house, reply = await answered(open_house, Answer(status=status, data=ANSWER))
    leaf = await outcome_of(house)

    assert reply.status == status
    assert reply.json() == LEFT
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.code is None
    assert "profile" not in reply.body.decode()
    assert (leaf["outcome"], leaf["status"]) == ("delivered", status)
    assert set(leaf["received"]) == set(RECEIVE)


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_has_none(status: int, open_house: OpenHouse) -> None:
    """204 and 304 pass as they are."""
    _, reply = await answered(open_house, Answer(status=status))

    assert (reply.status, reply.body) == (status, b"")
    assert "Content-Type" not in reply.headers


@promise("C5")
@pytest.mark.parametrize(
    ("data", "left"),
    [
        ({}, {}),
        ([], []),
        ({"profile": 1}, {}),
        ([ANSWER], []),
        ({"id": {"x": 1}, "state": ["a"]}, {}),
        ({"id": None, "state": True}, {"id": None, "state": True}),
        ({"name": "abcd", "state": "x"}, {"state": "x"}),
        ({"items": [{"n": 1}, {"x": 1}, {"n": 1.10}]}, {"items": [{"n": 1}, {"n": 1.1}]}),
    ],
    ids=json.dumps,
)
async def test_an_answer_is_cut_to_what_is_declared(
    data: Any, left: Any, open_house: OpenHouse
) -> None:
    """The same rules as on the way out: scalars by selector, structure written anew."""
    _, reply = await answered(open_house, Answer(data=data))

    assert reply.status == 200
    assert reply.json() == left


@promise("C5")
@pytest.mark.parametrize("behaviour", [Answer(data=ANSWER), wrong_type(), invalid_json()], ids=str)
async def test_without_receive_nothing_but_the_status_comes_back(
    behaviour: Behaviour, open_house: OpenHouse
) -> None:
    """A route that declares no answer has none."""
    house, reply = await answered(open_house, behaviour, REMOVE)

    assert (reply.status, reply.body) == (200, b"")
    assert "Content-Type" not in reply.headers
    assert reply.share
    assert (await outcome_of(house))["outcome"] == "delivered"


@pytest.mark.parametrize("behaviour", [Answer(data=ANSWER), wrong_type()], ids=str)
async def test_an_empty_receive_lets_nothing_in(
    behaviour: Behaviour, open_house: OpenHouse
) -> None:
    """`receive: {}` declares an answer of no field."""
    _, reply = await answered(open_house, behaviour, {})

    assert b"r-1" not in reply.body
    assert b"Maintenance" not in reply.body


@promise("C5")
@pytest.mark.parametrize(
    "behaviour",
    [
        wrong_type(),
        invalid_json(),
        Answer(body=b'{"id": NaN}'),
        Answer(body=b'{"id": "\xff"}'),
        Answer(body=b"[" * 70 + b"]" * 70),
        Answer(body=b"1 2"),
        Answer(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
        Answer(body=b"{}", headers={"Content-Encoding": "br"}),
        Huge(11 << 20),
        Huge(11 << 20, announced=False),
        GzipBomb(11 << 20),
    ],
    ids=[
        *("html", "broken", "nan", "no-utf-8", "deep", "two", "no-gzip", "brotli"),
        *("huge", "huge-in-chunks", "bomb"),
    ],
)
async def test_an_answer_that_cannot_be_filtered_does_not_pass(
    behaviour: Behaviour, open_house: OpenHouse
) -> None:
    """The app learns that the data arrived, and sees nothing of the answer."""
    house = await open_house(merged(a_plain_taking(RECEIVE), {"upstream": {"timeout": "20s"}}))
    house.recipients["plain"].script.next(behaviour)
    reply = await house.share("plain", "/things", {"value": 1})
    told = problem_of(reply)

    assert (reply.status, reply.code) == (502, "partner-response-refused")
    assert (told["disclosed"], told["share"]) == ("yes", reply.share)
    assert "C5" in reply.clause
    assert b"Maintenance" not in reply.body
    assert (await outcome_of(house))["outcome"] == "delivered"


async def test_an_error_page_passes_as_its_status(open_house: OpenHouse) -> None:
    """An error in another type than declared keeps its status and loses its body."""
    page = Answer(status=503, body=b"<h1>u-1 failed</h1>", headers={"Content-Type": "text/html"})
    _, reply = await answered(open_house, page)

    assert (reply.status, reply.body, reply.code) == (503, b"", None)


async def test_a_compressed_answer_is_read(open_house: OpenHouse) -> None:
    """gzip is undone, and the app gets it plain."""
    body = gzip.compress(json.dumps(ANSWER).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    _, reply = await answered(open_house, Answer(body=body, headers=headers))

    assert reply.json() == LEFT
    assert "Content-Encoding" not in reply.headers


@pytest.mark.parametrize("behaviour", [Drip(0.001, 20), CloseAfter(), Delay(0.05)], ids=str)
async def test_a_slow_answer_is_an_answer(behaviour: Behaviour, open_house: OpenHouse) -> None:
    """What arrives in pieces, late, or on a connection that closes, is whole in the end."""
    house, reply = await answered(open_house, behaviour, {"/tracking_number": {}, "/status": {}})

    assert reply.status == 200
    assert (await outcome_of(house))["outcome"] == "delivered"


async def test_declared_headers_pass_and_no_others(open_house: OpenHouse) -> None:
    """`Retry-After` and what the route declares; no cookie, no address, no name of a server."""
    headers = {
        "Retry-After": "7",
        "X-Quota": "3",
        "ETag": '"1"',
        "X-Other": "x",
        "Set-Cookie": "a=b",
        "Location": "https://elsewhere.example",
        "Server": "nginx",
        "Sharing-Id": "forged",
        "Sharing-Refused": "forged",
        "Sharing-Dropped": "?1",
        "Cache-Control": "no-store",
    }
    answer = Answer(status=201, data=ANSWER, headers=headers)
    _, reply = await answered(open_house, answer, receive_headers=["X-Quota", "etag"])
    names = {name.lower() for name in reply.headers}

    assert names == {
        *("retry-after", "x-quota", "etag", "content-type", "content-length"),
        *("sharing-id", "sharing-dropped", "date", "server"),
    }
    assert (reply.headers["Retry-After"], reply.headers["X-Quota"]) == ("7", "3")
    assert reply.headers["Sharing-Id"].startswith("shr_")
    assert reply.headers["Sharing-Dropped"] == "?0"
    assert reply.headers["Server"] != "nginx"


PDF = {"content": "application/pdf", "max": "1kB"}


@pytest.mark.parametrize(
    ("body", "media", "code"),
    [
        (b"%PDF-1.7 \x00\xff" * 10, "application/pdf", None),
        (b"x" * 1000, "application/pdf", None),
        (b"x" * 1001, "application/pdf", "partner-response-refused"),
        (b"%PDF", "Application/PDF; version=1", None),
        (b"%PDF", "text/html", "partner-response-refused"),
        (b'{"id": 1}', "application/json", "partner-response-refused"),
        (b"", "application/pdf", None),
    ],
)
@promise("C5")
async def test_a_declared_file_passes_whole(
    body: bytes, media: str, code: str | None, open_house: OpenHouse
) -> None:
    """A file of the declared type and size reaches the app byte for byte."""
    headers = {"Content-Type": media}
    _, reply = await answered(open_house, Answer(body=body, headers=headers), PDF)

    assert reply.code == code
    if code is None:
        assert reply.body == body
        assert reply.headers.get("Content-Type") == ("application/pdf" if body else None)


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_a_file_passes_under_every_status(status: int, open_house: OpenHouse) -> None:
    """The rules are of the route, not of the status."""
    answer = Answer(status=status, body=b"%PDF", headers={"Content-Type": "application/pdf"})
    _, reply = await answered(open_house, answer, PDF)

    assert (reply.status, reply.body) == (status, b"%PDF")


async def test_a_file_may_be_as_large_as_the_route_says(open_house: OpenHouse) -> None:
    """A file larger than other answers may be passes where its route declares it."""
    large = Answer(body=b"x" * (11 << 20), headers={"Content-Type": "application/pdf"})
    manifest = a_plain_taking({"content": "application/pdf", "max": "12MB"})
    house = await open_house(merged(manifest, {"upstream": {"timeout": "20s"}}))
    house.recipients["plain"].script.next(large)
    reply = await house.share("plain", "/things", {"value": 1})

    assert (reply.status, len(reply.body)) == (200, 11 << 20)


async def test_the_limit_of_requests_is_not_that_of_answers(open_house: OpenHouse) -> None:
    """A home that takes small bodies only still reads its partners' answers."""
    house = await open_house(a_plain_taking(RECEIVE), settings={"GATEWAY_LIMITS__BODY": "60"})
    house.recipients["plain"].script.next(Answer(data={**ANSWER, "padding": "x" * 500}))
    reply = await house.share("plain", "/things", {"value": 1})

    assert reply.json() == LEFT


async def test_a_home_may_take_smaller_answers(open_house: OpenHouse) -> None:
    """`limits.response` bounds what any partner may answer."""
    house = await open_house(a_plain_taking(RECEIVE), settings={"GATEWAY_LIMITS__RESPONSE": "400"})
    for size, code in ((100, None), (500, "partner-response-refused")):
        house.recipients["plain"].script.next(Answer(data={**ANSWER, "padding": "x" * size}))
        assert (await house.share("plain", "/things", {"value": 1})).code == code


BROKEN: dict[str, tuple[Behaviour, str, str]] = {
    "silent": (Silence(), "partner-timeout", "timeout"),
    "late": (Delay(2), "partner-timeout", "timeout"),
    "dripping": (Drip(0.1, 1), "partner-timeout", "timeout"),
    "cut in the request": (Cut(CutAt.REQUEST), "outcome-unknown", "unknown"),
    "cut before the answer": (Cut(CutAt.BEFORE_HEADERS), "outcome-unknown", "unknown"),
    "cut after the head": (Cut(CutAt.AFTER_HEADERS), "outcome-unknown", "unknown"),
    "cut in the answer": (Cut(CutAt.MID_BODY), "outcome-unknown", "unknown"),
}


@pytest.mark.parametrize(("behaviour", "code", "outcome"), BROKEN.values(), ids=BROKEN)
async def test_what_may_have_arrived_counts_as_disclosed(
    behaviour: Behaviour, code: str, outcome: str, open_house: OpenHouse
) -> None:
    """A timeout and a cut are 504, told as maybe, recorded, and in the person's account."""
    house, reply = await answered(open_house, behaviour, {"/status": {}})
    told = problem_of(reply)
    rows = await house.disclosures()

    assert (reply.status, reply.code, told["disclosed"]) == (504, code, "maybe")
    assert told["share"] == reply.share
    assert (await outcome_of(house))["outcome"] == outcome
    assert [(row["share"], row["outcome"]) for row in rows] == [(reply.share, outcome)]


@asynccontextmanager
async def listening(answer: bytes) -> AsyncIterator[str]:
    """A server that says this to whoever connects, before anything is asked."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    with PortLease() as lease:
        server = await asyncio.start_server(handle, "127.0.0.1", lease.port)
        async with server:
            yield f"http://127.0.0.1:{lease.port}"


async def not_sent(open_house: OpenHouse, base_url: str, **settings: str) -> Reply:
    """One share to an address; nothing of it may have left."""
    house = await open_house()
    await house.stop()
    manifest = merged(a_plain(), {"upstream": {"base_url": base_url}})
    await house.open([manifest], settings=settings)
    path = house.folder / "partners/plain.yaml"
    path.write_text(path.read_text().replace(house.recipients["plain"].base_url, base_url))
    await house.restart()
    reply = await house.share("plain", "/things", {"value": 1})
    told = problem_of(reply)

    assert (reply.status, reply.code, told["disclosed"]) == (502, "partner-unreachable", "no")
    assert (await outcome_of(house))["outcome"] == "not-sent"
    assert await house.disclosures() == []
    assert house.recipients["plain"].connections == 0
    return reply


async def test_a_refused_connection_is_no_disclosure(open_house: OpenHouse) -> None:
    """Where nobody listens, nothing left, and the account does not name the partner."""
    with PortLease() as lease:
        await not_sent(open_house, f"http://127.0.0.1:{lease.port}")


async def test_a_name_that_leads_nowhere_is_no_disclosure(open_house: OpenHouse) -> None:
    """A name without an address is unreachable."""
    await not_sent(open_house, "https://api.no-such-partner.example")


@promise("P1")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "0.0.0.0",
        "localhost",
        "2130706433",
        "127.1",
    ],
)
async def test_an_address_outside_the_allowed_networks_is_not_reached(
    host: str, open_house: OpenHouse
) -> None:
    """Loopback, private and metadata addresses, in every spelling, are unreachable by default."""
    async with listening(b"") as url:
        target = url.replace("127.0.0.1", host)
        reply = await not_sent(
            open_house, target, GATEWAY_EGRESS__ALLOW="", GATEWAY_EGRESS__PLAINTEXT=""
        )

    assert host not in reply.body.decode() or host == "127.0.0.1"


@promise("P1")
async def test_plain_http_is_not_spoken_where_it_is_not_tolerated(open_house: OpenHouse) -> None:
    """An allowed network is not thereby one without TLS."""
    async with listening(b"") as url:
        await not_sent(open_house, url, GATEWAY_EGRESS__PLAINTEXT="")


@promise("P1")
async def test_a_certificate_that_does_not_verify_ends_it(open_house: OpenHouse) -> None:
    """A server that speaks no TLS, or none that can be trusted, gets nothing."""
    async with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as url:
        await not_sent(open_house, url.replace("http:", "https:"))


@promise("P1")
async def test_tls_is_verified_both_ways(open_house: OpenHouse, tmp_path: Path) -> None:
    """The right certificate is accepted and ours is shown; a stranger's gets nothing."""
    now = datetime.now(UTC)
    ours, strangers = Authority.create(now), Authority.create(now, name="A stranger")
    certificate = ours.issue(tmp_path / "tls")
    forged = strangers.issue(tmp_path / "forged")
    mine = ours.issue(tmp_path / "mine", "gateway")
    proof = {"cert": f"file:{mine.cert}", "key": f"file:{mine.key}"}
    house = await open_house(
        merged(a_plain(id="mutual"), {"upstream": {"tls": proof}}),
        merged(a_plain(id="pinned"), {"upstream": {"tls": {**proof, "pins": [mine.pin]}}}),
        a_plain(id="nameless"),
        a_plain(id="forged"),
        tls={
            **dict.fromkeys(("mutual", "pinned", "nameless"), certificate),
            "forged": forged,
        },
        client_ca=certificate.ca,
        settings={"GATEWAY_EGRESS__PLAINTEXT": ""},
    )
    path = house.folder / "partners/forged.yaml"
    path.write_text(path.read_text().replace("forged.ca.pem", "mutual.ca.pem"))
    await house.restart()
    replies = {id: await house.share(id, "/things", {"value": 1}) for id in house.recipients}
    (received,) = house.recipients["mutual"].received

    assert replies["mutual"].status == 200
    assert received.request.client_certificate
    assert replies["pinned"].code == "partner-unreachable"
    assert replies["forged"].code == "partner-unreachable"
    assert replies["nameless"].code in ("partner-unreachable", "outcome-unknown")
    assert [len(one.received) for one in house.recipients.values()] == [1, 0, 0, 0]


async def test_a_connect_that_hangs_is_unreachable(open_house: OpenHouse) -> None:
    """A connection that does not come about in time is not a timeout of the answer."""
    with PortLease() as lease, socket.socket() as full:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind(("127.0.0.1", lease.port))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", lease.port))
        house = await open_house(a_plain())
        path = house.folder / "partners/plain.yaml"
        text = path.read_text().replace(
            house.recipients["plain"].base_url, f"http://127.0.0.1:{lease.port}"
        )
        path.write_text(text.replace("timeout: 5s", "timeout: 2s\n  connect_timeout: 200ms"))
        await house.restart()
        reply = await house.share("plain", "/things", {"value": 1})
        for filler in fillers:
            filler.close()

    assert reply.code == "partner-unreachable"
    assert (await outcome_of(house))["outcome"] == "not-sent"


async def test_a_caller_who_leaves_changes_nothing_of_the_record(
    open_house: OpenHouse,
) -> None:
    """A share whose caller hangs up has its outcome all the same."""
    house = await open_house(a_plain_taking(RECEIVE))
    partner: FakePartner = house.recipients["plain"]
    partner.script.next(Delay(0.2))
    waiting = asyncio.create_task(house.share("plain", "/things", {"value": 1}))
    while not partner.arrivals:
        await asyncio.sleep(0.005)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    for _ in range(200):
        if await house.leaves("outcome"):
            break
        await asyncio.sleep(0.01)

    assert (await outcome_of(house))["outcome"] in ("delivered", "unknown")
    assert len(await house.disclosures()) == 1
