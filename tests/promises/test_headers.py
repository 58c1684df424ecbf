"""The request headers of a share (contract §6)."""

from typing import Any
from urllib.parse import quote

import pytest

from gateway.testing.partner import FakePartner
from tests.marks import promise
from tests.promises import shared
from tests.promises.conftest import OpenHouse
from tests.promises.house import ORDER, PATH, House, a_courier
from tests.promises.manifests import a_plain, a_route
from tests.promises.wire import a_request, exchange

pytestmark = shared.IN_ONE_LOOP
houses, gateway, open_house = shared.houses, shared.gateway, shared.open_house


async def sub_of(gateway: House, raw: str) -> str:
    """The pseudonym that the courier gets for a raw `Sharing-Subject`."""
    reply = await gateway.share(subject=None, headers={"Sharing-Subject": raw})
    assert reply.status == 200, reply.code
    sub: str = gateway.recipients["swift-parcel"].received[-1].claims["sub"]
    return sub


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("u-1", "u%2D1", True),
        ("%e6%ac%a7", "%E6%AC%A7", True),
        ("a%2Fb", "a/b", True),
        ("a%20b", "a+b", False),
        ("a%2520b", "a%20b", False),
        ("U-1", "u-1", False),
        ("%C3%A9", "e%CC%81", False),
        ("1", "01", False),
        ("a%20", "a", False),
    ],
)
async def test_a_subject_is_decoded_once_and_compared_byte_for_byte(
    one: str, other: str, same: bool, gateway: House
) -> None:
    """Two spellings of one id are one person; anything else is somebody else."""
    assert (await sub_of(gateway, one) == await sub_of(gateway, other)) is same


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "subject-missing"),
        ("   ", "subject-missing"),
        ("%", "subject-malformed"),
        ("%4", "subject-malformed"),
        ("a%zz", "subject-malformed"),
        ("%FF", "subject-malformed"),
        ("%C3", "subject-malformed"),
        ("%ED%A0%80", "subject-malformed"),
        ("x" * 256, None),
        ("x" * 257, "subject-malformed"),
        (quote("欧" * 85) + "x", None),
        (quote("欧" * 86), "subject-malformed"),
    ],
)
async def test_a_subject_has_its_form(
    raw: str, code: str | None, gateway: House, courier: FakePartner
) -> None:
    """Percent-encoded UTF-8 of 1 to 256 bytes."""
    reply = await gateway.share(subject=None, headers={"Sharing-Subject": raw})

    assert reply.code == code
    assert len(courier.arrivals) == (code is None)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ((("Sharing-Subject", "u-1"), ("Sharing-Subject", "u-2")), "subject-malformed"),
        ((("Sharing-Subject", "欧阳明"),), "subject-malformed"),
        ((("sharing-subject", "u-1"),), None),
    ],
)
async def test_a_subject_comes_once_and_in_ascii(
    names: tuple[tuple[str, str], ...], code: str | None, gateway: House
) -> None:
    """Two subjects are none; bytes beyond ASCII are no percent-encoding."""
    request = a_request(
        f"POST /share/swift-parcel{PATH}",
        ("Authorization", f"Bearer {gateway.token()}"),
        ("Sharing-Purpose", "order-fulfilment"),
        ("Content-Type", "application/json"),
        *names,
        body=b'{"recipient": {"address": "1"}}',
    )
    answer = await exchange(gateway.internal_url, request)

    assert answer.headers.get("sharing-refused") == code


async def test_a_subject_is_the_same_person_in_v1(open_house: OpenHouse) -> None:
    """What is told of a subject at `/v1/subjects/…` counts for the same id in the header."""
    gateway = await open_house(a_courier())
    await gateway.ask("PUT", "/v1/subjects/a%2Fb%20%E6%AC%A7", {"minor": True})
    minor = await gateway.share(subject="a/b 欧")
    other = await gateway.share(subject="a%2Fb 欧")

    assert (minor.code, other.status) == ("guardian-consent-missing", 200)


async def test_a_route_may_name_the_person_in_its_path(open_house: OpenHouse) -> None:
    """The subject is the path parameter, and the header is not asked for."""
    manifest = a_plain(match="POST /people/{id}", subject={"from": "path.id"})
    manifest["routes"]["only"]["path"] = {
        "id": {"category": "network.account", "transform": "pseudonym"}
    }
    house = await open_house(manifest)
    await house.facts("u-1", minor=True)
    minor = await house.share("plain", "/people/u-1", {}, subject="u-2")
    adult = await house.share("plain", "/people/u-2", {}, subject=None)
    (received,) = house.recipients["plain"].received

    assert (minor.code, adult.status) == ("guardian-consent-missing", 200)
    assert received.request.target == f"/people/{received.claims['sub']}"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"customer": {"id": "u-2"}, "value": 1}, None),
        ({"customer": {"id": 7}, "value": 1}, None),
        ({"customer": {"id": "u-1"}, "value": 1}, "guardian-consent-missing"),
        ({"value": 1}, "subject-missing"),
        ({"customer": {}}, "subject-missing"),
        ({"customer": {"id": None}}, "subject-missing"),
        ({"customer": {"id": ""}}, "subject-malformed"),
        ({"customer": {"id": "x" * 257}}, "subject-malformed"),
        ({"customer": {"id": ["u-2"]}}, "subject-malformed"),
        ({"customer": {"id": True}}, "subject-malformed"),
        ([], "subject-missing"),
        (None, "subject-missing"),
    ],
)
async def test_a_route_may_name_the_person_in_its_body(
    body: Any, code: str | None, open_house: OpenHouse
) -> None:
    """The subject is where the pointer says, as text or as a number."""
    house = await open_house(a_plain(subject={"from": "/customer/id"}))
    await house.facts("u-1", minor=True)
    headers = {"Content-Type": "" if body is None else "application/json"}
    reply = await house.share("plain", "/things", body, subject=None, headers=headers)

    assert reply.code == code
    assert len(house.recipients["plain"].arrivals) == (code is None)


SEVERAL = a_plain({"/people/*/order": {"category": "none"}}, subject={"from": "/people/*/id"})


async def test_of_several_people_everyone_must_pass(open_house: OpenHouse) -> None:
    """A share about several people is carried if it may be for each, and is told to each."""
    house = await open_house(SEVERAL)
    await house.facts("u-3", minor=True)
    people = [{"id": "u-1", "order": 1}, {"id": "u-2", "order": 2}]
    carried = await house.share("plain", "/things", {"people": people}, subject=None)
    refused = await house.share(
        "plain", "/things", {"people": [*people, {"id": "u-3"}]}, subject=None
    )
    unnamed = await house.share("plain", "/things", {"people": [*people, {}]}, subject=None)
    leaves = await house.leaves("intent")

    assert carried.status == 200
    assert refused.code == "guardian-consent-missing"
    assert unnamed.code == "subject-missing"
    assert len(leaves) == 2
    assert len({leaf["subject"] for leaf in leaves}) == 2
    assert {leaf["share"] for leaf in leaves} == {carried.share}
    for subject in ("u-1", "u-2"):
        assert [row["share"] for row in await house.disclosures(subject)] == [carried.share]
    assert await house.disclosures("u-3") == []


COUNTS = a_route(
    "POST /v1/usage",
    "analytics@1",
    "public-interest",
    subject={"from": "none"},
    send={"/users": {"category": "statistics", "type": "integer"}},
)


@promise("C6")
async def test_a_route_about_nobody_needs_nobody(open_house: OpenHouse) -> None:
    """Counts over many people are shared without a subject, and lead to none."""
    manifest = a_plain()
    manifest["routes"] = {"count": COUNTS}
    house = await open_house(manifest)
    reply = await house.share(
        "plain",
        "/v1/usage",
        {"users": 7},
        subject=None,
        purpose="analytics",
        evidence='"PI-1"',
    )
    (leaf,) = await house.leaves("intent")
    (received,) = house.recipients["plain"].received

    assert reply.status == 200
    assert "subject" not in leaf
    assert "sub" not in received.claims


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        ('"ORDER-1"', None),
        ('"ORDER-1";type=invoice', None),
        ('"with \\"quotes\\" and \\\\"', None),
        ('"', "evidence-not-valid"),
        ('"open', "evidence-not-valid"),
        ('"bad \\escape"', "evidence-not-valid"),
        ('""', "evidence-missing"),
        ("", "evidence-missing"),
        ("  ", "evidence-missing"),
        (None, "evidence-missing"),
    ],
)
@promise("S1")
async def test_evidence_is_a_string_of_structured_fields(
    evidence: str | None, code: str | None, gateway: House
) -> None:
    """A ground that needs evidence is carried with an RFC 9651 string, and by nothing broken."""
    reply = await gateway.share(ground="requested-service", evidence=evidence)

    assert reply.code == code


async def test_the_evidence_itself_is_in_no_leaf(open_house: OpenHouse) -> None:
    """A leaf holds a commitment to the evidence, another one in each."""
    gateway = await open_house(a_courier())
    for _ in range(2):
        reply = await gateway.share(ground="agreement", evidence='"SECRET-CONTRACT-9"')
        assert reply.status == 200
    first, second = await gateway.leaves("intent")

    assert len(first["evidence"]) == 64
    assert first["evidence"] != second["evidence"]
    assert "SECRET" not in str(first)


@pytest.mark.parametrize(
    ("prefer", "strict"),
    [
        ("handling=strict", True),
        ('handling="strict"', True),
        ("HANDLING=STRICT", True),
        ("handling = strict", True),
        ("wait=10, handling=strict", True),
        ("handling=strict;x=1", True),
        ("handling=lenient", False),
        ("handling", False),
        ("strict", False),
        ("", False),
    ],
)
@promise("P6")
async def test_strict_handling_refuses_what_would_be_dropped(
    prefer: str, strict: bool, gateway: House, courier: FakePartner
) -> None:
    """With `Prefer: handling=strict` nothing leaves that is short of what the app sent."""
    reply = await gateway.share(body={**ORDER, "age": 36}, prefer=prefer)
    whole = await gateway.share(body=ORDER, prefer=prefer)

    assert reply.code == ("undeclared-fields" if strict else None)
    assert whole.status == 200
    assert whole.headers["Sharing-Dropped"] == "?0"
    assert len(courier.arrivals) == 2 - strict
    if not strict:
        assert reply.headers["Sharing-Dropped"] == "?1"


HEADED = a_plain(
    headers={
        "accept-language": {"category": "none"},
        "x-city": {"category": "location.coarse", "max_length": 10},
    }
)
MINE = {
    "Accept-Language": "zh",
    "X-City": "Chengdu",
    "X-Session": "s3cret",
    "Cookie": "session=s3cret",
    "X-Forwarded-For": "198.51.100.7",
    "Referer": "https://app.shop.example/u-1",
    "User-Agent": "shop-app/7 (u-1)",
    "Accept": "application/vnd.app",
    "Accept-Encoding": "br",
    "Sharing-Evidence": '"E-1"',
    "Sharing-Ground": "core-function",
    "Idempotency-Key": "k-s3cret",
    "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "Prefer": "wait=1",
    "Sec-GPC": "0",
    "Proxy-Authorization": "Basic c2VjcmV0",
    "Content-Digest": "sha-256=:AAAA:",
    "Sharing-Grant": "forged",
    "Sharing-Id": "forged",
}


@promise("P6")
async def test_no_header_of_the_caller_reaches_the_recipient_undeclared(
    open_house: OpenHouse,
) -> None:
    """Declared headers, the gateway's own and the connection's, and no others."""
    house = await open_house(HEADED)
    reply = await house.share("plain", "/things", {"value": 1}, headers=MINE)
    (received,) = house.recipients["plain"].received
    names = {name.lower() for name in received.request.headers}
    ours = {"sharing-id", "sharing-grant", "content-digest", "content-type", "content-length"}
    wire = {"host", "accept-encoding", "user-agent", "accept", "connection"}

    assert reply.status == 200
    assert {"accept-language", "x-city"} <= names <= ours | wire | {"accept-language", "x-city"}
    assert received.request.headers["Sharing-Id"] == reply.share
    assert "s3cret" not in str(received.request.headers)
    assert "u-1" not in str(received.request.headers)


async def test_a_declared_header_obeys_its_rules(open_house: OpenHouse) -> None:
    """A header that is too long refuses the share; an empty one is none."""
    house = await open_house(HEADED)
    long = await house.share("plain", "/things", {"value": 1}, headers={"X-City": "x" * 11})
    empty = await house.share("plain", "/things", {"value": 1}, headers={"X-City": ""})
    (received,) = house.recipients["plain"].received

    assert (long.code, empty.status) == ("field-type-mismatch", 200)
    assert "X-City" not in received.request.headers


@promise("R5", "C3")
async def test_a_signal_of_the_browser_counts_for_sale_only(open_house: OpenHouse) -> None:
    """`Sec-GPC: 1` objects to sale and sharing, and not to a core function."""
    gateway = await open_house(a_courier())
    reply = await gateway.share(headers={"Sec-GPC": "1"})

    assert reply.status == 200


async def test_an_empty_header_counts_as_missing(gateway: House) -> None:
    """Empty `Sharing-Ground`, `Prefer` and `Idempotency-Key` are as if not there."""
    names = ("Sharing-Ground", "Sharing-Evidence", "Prefer", "Idempotency-Key", "Sec-GPC")
    replies = [await gateway.share(headers=dict.fromkeys(names, "")) for _ in range(2)]

    assert [reply.status for reply in replies] == [200, 200]
    assert replies[0].share != replies[1].share


async def test_what_is_no_http_is_refused_like_everything_else(gateway: House) -> None:
    """Broken requests get a problem document that quotes nothing of them."""
    head = a_request("GET /x", ("Sharing-Subject", "marked-person" * 2000))
    for request in (head, b"marked-person\r\n\r\n", b"GET /marked-person HTTP/9.9\r\n\r\n"):
        answer = await exchange(gateway.internal_url, request)
        assert answer.status == 400
        assert answer.headers["sharing-refused"] == "request-invalid"
        assert answer.headers["content-type"] == "application/problem+json"
        assert b"marked" not in answer.body
        assert "aiohttp" not in answer.headers["server"]
