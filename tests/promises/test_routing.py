"""Which declared route a request is for, and nothing else (contract §6, S3)."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from gateway.testing.builders import merged
from gateway.testing.partner import FakePartner
from tests.marks import promise
from tests.promises import shared
from tests.promises.conftest import OpenHouse
from tests.promises.house import House
from tests.promises.manifests import a_plain, a_route
from tests.promises.wire import a_request, exchange

pytestmark = shared.IN_ONE_LOOP
houses, gateway, open_house = shared.houses, shared.gateway, shared.open_house


def taking(match: str, *fields: str, **more: Any) -> dict[str, Any]:
    """A route that lets out these members."""
    send = {f"/{name}": {"category": "none"} for name in fields}
    return a_route(match, "order-fulfilment@1", "core-function", send=send, **more)


ONE = {"path": {"x": {"category": "none"}}}
ROUTES = {
    "parameter": taking("POST /a/{x}", "parameter", **ONE),
    "literal": taking("POST /a/b", "literal"),
    "deep-parameter": taking("POST /a/{x}/c", "deep_parameter", **ONE),
    "deep-literal": taking("POST /a/b/{x}", "deep_literal", **ONE),
    "slashed": taking("POST /t/", "slashed"),
    "unslashed": taking("POST /t", "unslashed"),
    "got": taking("GET /a/{x}", **ONE),
    "for-payment": {**taking("POST /two", "pay"), "purpose": "payment@1"},
    "for-orders": taking("POST /two", "order"),
    "encoded": taking("POST /e%41", "encoded"),
}
WHOLE = dict.fromkeys(
    (
        *("parameter", "literal", "deep_parameter", "deep_literal"),
        *("slashed", "unslashed", "pay", "order", "encoded"),
    ),
    1,
)


@pytest.fixture
def manifests() -> Iterable[Mapping[str, Any]]:
    """A processor with routes that look like each other."""
    return [merged(a_plain(), {"routes": ROUTES})]


@pytest.fixture
def plain(gateway: House) -> FakePartner:
    """The processor."""
    return gateway.recipients["plain"]


@promise("S3")
@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("/a/z", "parameter"),
        ("/a/b", "literal"),
        ("/a/B", "parameter"),
        ("/a/z/c", "deep_parameter"),
        ("/a/b/z", "deep_literal"),
        ("/a/b/c", "deep_literal"),
        ("/t/", "slashed"),
        ("/t", "unslashed"),
        ("/e%41", "encoded"),
    ],
)
async def test_a_literal_segment_beats_a_parameter(
    path: str, member: str, gateway: House, plain: FakePartner
) -> None:
    """The most literal route, from the left, is the one that counts."""
    reply = await gateway.share("plain", path, WHOLE)
    (received,) = plain.received

    assert reply.status == 200
    assert received.document == {member: 1}
    assert received.request.target == path


@promise("S3")
@pytest.mark.parametrize(
    "path",
    [
        *("/", "/a", "/a/", "/a//b", "//a/b", "/a/b/", "/a/z/c/", "/a/z/d", "/t//"),
        *("/A/z", "/a/../t", "/t/../t", "/./t", "/a/.", "/a/..", "/a/%2e", "/a/%2e%2e"),
        *("/a/x..y", "/a/%2Fetc", "/a/b%2Fc", "/a/b%2fz", "/a/%00", "/a/%0A", "/a/%7F"),
        *("/a/%C2%85", "/a/%", "/a/%4", "/a/%zz", "/a/%ff", "/a/%C3", "/%61/z", "/a/%62/z/y"),
        *("/eA", "/e%2541", "/t;x", "/t%20", "/t%2F", "/a\\b", "/two/"),
    ],
)
async def test_a_path_that_does_not_match_as_it_stands_is_no_route(
    path: str, gateway: House, plain: FakePartner
) -> None:
    """Nothing is normalised: not slashes, not dots, not case, not encodings of literals."""
    headers = {"Sharing-Purpose": "order-fulfilment", "Sharing-Subject": "u-1"}
    reply = await gateway.ask("POST", f"/share/plain{path}", WHOLE, headers=headers)

    assert (reply.status, reply.code) == (404, "route-not-declared")
    assert plain.arrivals == []


@pytest.mark.parametrize("path", ["", "/share", "/share/", "/share/plain", "/share/plain/"])
async def test_without_a_path_there_is_no_route(path: str, gateway: House) -> None:
    """A partner alone, or nobody, is answered as not found."""
    headers = {"Sharing-Purpose": "order-fulfilment", "Sharing-Subject": "u-1"}
    reply = await gateway.ask("POST", path, WHOLE, headers=headers)

    assert reply.status == 404
    assert reply.code in ("not-found", "partner-unknown", "route-not-declared")


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        ("A-1", "A-1"),
        ("~._-", "~._-"),
        ("%41", "A"),
        ("a%20b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("a:b@c", "a%3Ab%40c"),
        ("a;b=c", "a%3Bb%3Dc"),
        ("%e6%ac%a7", "%E6%AC%A7"),
        ("a%252Fb", "a%252Fb"),
        ("%2541", "%2541"),
        ("a%3Fb%23c", "a%3Fb%23c"),
    ],
)
async def test_a_parameter_is_decoded_once_and_encoded_anew(
    raw: str, sent: str, gateway: House, plain: FakePartner
) -> None:
    """Whatever the app wrote, the recipient sees one segment in one spelling."""
    reply = await gateway.share("plain", f"/a/{raw}", {})
    (received,) = plain.received

    assert reply.status == 200
    assert received.request.target == f"/a/{sent}"
    assert received.claims["htu"].endswith(f"/a/{sent}")


async def test_a_backslash_never_leaves_in_a_path(gateway: House, plain: FakePartner) -> None:
    """What some servers take for a slash is refused in a parameter."""
    reply = await gateway.share("plain", "/a/x%5Cy", {})

    assert reply.code in ("route-not-declared", "field-type-mismatch")
    assert plain.arrivals == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_another_method_is_another_route(
    method: str, gateway: House, plain: FakePartner
) -> None:
    """A path that is declared for POST is declared for nothing else."""
    reply = await gateway.share("plain", "/a/b", None, method=method)

    assert (reply.status, reply.headers["Sharing-Refused"]) == (404, "route-not-declared")
    assert plain.arrivals == []


async def test_methods_are_case_sensitive(gateway: House, plain: FakePartner) -> None:
    """`post` is not POST (RFC 9110 §9.1)."""
    request = a_request(
        "post /share/plain/t",
        ("Authorization", f"Bearer {gateway.token()}"),
        ("Sharing-Purpose", "order-fulfilment"),
        ("Sharing-Subject", "u-1"),
    )
    answer = await exchange(gateway.internal_url, request)

    assert answer.status in (400, 404)
    assert plain.arrivals == []


async def test_a_get_carries_its_parameters_and_no_body(gateway: House, plain: FakePartner) -> None:
    """A route without a body is carried without one, and its digest is that of nothing."""
    reply = await gateway.share("plain", "/a/z", None, method="GET")
    (received,) = plain.received

    assert reply.status == 200
    assert received.request.body == b""
    assert "Content-Type" not in received.request.headers
    assert received.request.headers["Content-Digest"].startswith("sha-256=:47DEQpj8HBSa")


@promise("S3")
@pytest.mark.parametrize(
    ("purpose", "document"), [("order-fulfilment", {"order": 1}), ("payment@1", {"pay": 1})]
)
async def test_two_routes_on_one_path_differ_by_purpose(
    purpose: str, document: Any, open_house: OpenHouse
) -> None:
    """The same address lets out other fields for another purpose, and neither for a third."""
    house = await open_house(merged(a_plain(), {"routes": ROUTES}))
    plain = house.recipients["plain"]
    plain._verify = False
    carried = await house.share("plain", "/two", WHOLE, purpose=purpose)
    refused = await house.share("plain", "/two", WHOLE, purpose="customer-support")

    assert carried.status == 200
    assert refused.code == "purpose-not-permitted"
    assert [one.document for one in plain.received] == [document]


@promise("S3")
@pytest.mark.parametrize(
    ("purpose", "code"),
    [
        ("order-fulfilment", None),
        ("order-fulfilment@1", None),
        (" order-fulfilment ", None),
        ("order-fulfilment@2", "purpose-not-permitted"),
        ("order-fulfilment@0", "purpose-not-permitted"),
        ("payment", "purpose-not-permitted"),
        ("order-fulfilment@", "purpose-unknown"),
        ("order-fulfilment@one", "purpose-unknown"),
        ("order-fulfilment@1@1", "purpose-unknown"),
        ("Order-Fulfilment", "purpose-unknown"),
        ("order-fulfilment, payment", "purpose-unknown"),
        ("nothing-of-ours", "purpose-unknown"),
        ("", "purpose-missing"),
        ("  ", "purpose-missing"),
    ],
)
async def test_a_purpose_is_named_exactly(
    purpose: str, code: str | None, gateway: House, plain: FakePartner
) -> None:
    """An id or id@N of the route; an empty header is none."""
    reply = await gateway.share("plain", "/t", WHOLE, purpose=purpose)

    assert reply.code == code
    assert len(plain.arrivals) == (code is None)


async def test_the_target_may_be_absolute(gateway: House, plain: FakePartner) -> None:
    """A request line with the whole URL is the same request (RFC 9112 §3.2.2)."""
    request = a_request(
        "POST http://gateway.example/share/plain/t",
        ("Authorization", f"Bearer {gateway.token()}"),
        ("Sharing-Purpose", "order-fulfilment"),
        ("Sharing-Subject", "u-1"),
    )
    answer = await exchange(gateway.internal_url, request)

    assert answer.status == 200
    assert len(plain.received) == 1


QUERIED = a_plain(
    query={
        "lang": {"category": "none"},
        "page": {"category": "none", "type": "integer"},
        "city": {"category": "location.coarse"},
    }
)


@pytest.mark.parametrize(
    ("query", "sent", "dropped"),
    [
        ("", "", False),
        ("?", "", False),
        ("?lang=zh", "?lang=zh", False),
        ("?lang=zh&session=s3cret", "?lang=zh", True),
        ("?session=s3cret", "", True),
        ("?lang=a%20b+c", "?lang=a%20b%20c", False),
        ("?lang=1&lang=2", "?lang=1&lang=2", False),
        ("?page=7&lang=", "?page=7&lang=", False),
        ("?LANG=zh", "", True),
        ("?lang=%26x%3D1", "?lang=%26x%3D1", False),
    ],
)
@promise("P6")
async def test_query_parameters_are_declared_or_dropped(
    query: str, sent: str, dropped: bool, open_house: OpenHouse
) -> None:
    """Only declared names leave, written anew."""
    house = await open_house(QUERIED)
    reply = await house.share("plain", f"/things{query}", {"value": 1})
    (received,) = house.recipients["plain"].received

    assert reply.status == 200
    assert received.request.target == f"/things{sent}"
    assert reply.headers["Sharing-Dropped"] == ("?1" if dropped else "?0")


async def test_a_query_parameter_obeys_its_rules(open_house: OpenHouse) -> None:
    """A parameter of the wrong type refuses the share; a personal one is told in the ledger."""
    house = await open_house(QUERIED)
    wrong = await house.share("plain", "/things?page=two", {"value": 1})
    strict = await house.share("plain", "/things?x=1", {"value": 1}, prefer="handling=strict")
    right = await house.share("plain", "/things?city=%E6%88%90%E9%83%BD", {"value": 1})
    (leaf,) = await house.leaves("intent")

    assert (wrong.code, strict.code, right.status) == (
        "field-type-mismatch",
        "undeclared-fields",
        200,
    )
    assert leaf["categories"] == ["location.coarse"]
    assert len(leaf["fields"]) == 2
    assert any("city" in field for field in leaf["fields"])


async def test_a_path_parameter_obeys_its_rules(gateway: House, open_house: OpenHouse) -> None:
    """What may not stand in a parameter refuses the share: no path is without it."""
    route = {"path": {"x": {"category": "none", "pattern": "^[0-9]{3}$"}}}
    house = await open_house(a_plain(**{"match": "POST /things/{x}", **route}))

    assert (await house.share("plain", "/things/123", {})).status == 200
    assert (await house.share("plain", "/things/12a", {})).code == "field-type-mismatch"
