"""What of a body leaves, and which bodies are read at all (contract §6, §7)."""

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from gateway.testing.partner import FakePartner
from tests.marks import promise
from tests.promises import shared
from tests.promises.conftest import OpenHouse
from tests.promises.house import House
from tests.promises.manifests import a_plain
from tests.promises.wire import a_request, exchange

pytestmark = shared.IN_ONE_LOOP
houses, gateway, open_house = shared.houses, shared.gateway, shared.open_house

FREE = {"category": "none"}


@pytest.fixture
def manifests() -> Iterable[Mapping[str, Any]]:
    """A processor that takes `/value`, and members of arrays."""
    send = {
        "/value": FREE,
        "/a~1b": FREE,
        "/items/*/sku": FREE,
        "/items/*/parts/*": FREE,
        "/deep/down/here": FREE,
        "/名": FREE,
    }
    return [a_plain(send)]


@pytest.fixture
def plain(gateway: House) -> FakePartner:
    """The processor."""
    return gateway.recipients["plain"]


async def sent(gateway: House, body: bytes, **options: Any) -> bytes:
    """What leaves of a body."""
    reply = await gateway.share("plain", "/things", body, **options)
    assert reply.status == 200, reply.code
    content: bytes = gateway.recipients["plain"].received[-1].request.body
    return content


async def code_of(gateway: House, body: bytes, **headers: str) -> str | None:
    """How a body is refused."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = await gateway.share("plain", "/things", body, headers=named)
    assert len(gateway.recipients["plain"].arrivals) == (reply.code is None)
    return reply.code


@promise("P6", "S3")
@pytest.mark.parametrize(
    ("body", "left"),
    [
        ('{"value": 1, "other": 2}', '{"value":1}'),
        ('{"value": "欧阳明"}', '{"value":"欧阳明"}'),
        ('{"value": "\\u6b27\\/\\n"}', '{"value":"欧/\\n"}'),
        ('{"v\\u0061lue": true}', '{"value":true}'),
        ('{"a/b": 1, "a": {"b": 2}}', '{"a/b":1}'),
        ('{"名": 1}', '{"名":1}'),
        ('{"value": null}', '{"value":null}'),
        ('{"value": {"secret": 1}}', "{}"),
        ('{"value": [1, 2]}', "{}"),
        ('{"value": {}}', "{}"),
        ("{}", "{}"),
        ("[]", "[]"),
        ('{"other": 1}', "{}"),
        ('[{"value": 1}]', "[]"),
        (
            '{"items": [{"sku": "A"}, {"price": 2}, {"sku": "B"}]}',
            '{"items":[{"sku":"A"},{"sku":"B"}]}',
        ),
        ('{"items": [{"price": 1}]}', "{}"),
        ('{"items": {"sku": "A"}}', "{}"),
        ('{"items": [[{"sku": "A"}]]}', "{}"),
        ('{"items": [{"parts": [1, [2], 3, {"x": 4}]}]}', '{"items":[{"parts":[1,3]}]}'),
        ('{"deep": {"down": {"here": 1, "x": 2}, "y": 3}}', '{"deep":{"down":{"here":1}}}'),
        ('{"deep": {"down": {"x": 2}}}', "{}"),
        ('{"deep": "down"}', "{}"),
        ('{"value": 1, "value": 2}', '{"value":2}'),
        ('{"value": 1, "value": {"x": 1}}', "{}"),
        ('{"deep": {"down": {"here": 1}}, "deep": {}}', "{}"),
        (' {"value" :\t1 }\n', '{"value":1}'),
    ],
)
async def test_only_declared_scalars_leave(body: str, left: str, gateway: House) -> None:
    """Keys and structure are written anew; what is not declared stays, containers and all."""
    content = await sent(gateway, body.encode())

    assert json.loads(content) == json.loads(left)
    assert b" " not in content
    assert content.count(b"value") <= 1


@pytest.mark.parametrize(
    "number",
    [
        *(
            "0",
            "-0",
            "1.0",
            "1.10",
            "1e5",
            "1E+2",
            "-1.5e-10",
            "1E400",
            "0.1",
            "123456789.123456789",
        ),
        *("9007199254740993", "12345678901234567890123", "0.1000000000000000055511151231257827"),
        "9" * 400,
    ],
)
async def test_numbers_keep_their_exact_value(number: str, gateway: House) -> None:
    """What the app wrote as a number leaves with every digit."""
    assert (
        await sent(gateway, f'{{"value": {number}}}'.encode()) == f'{{"value":{number}}}'.encode()
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body-malformed"),
        (b" ", "body-malformed"),
        (b"{", "body-malformed"),
        (b"{}{}", "body-malformed"),
        (b"{} x", "body-malformed"),
        (b"{'value': 1}", "body-malformed"),
        (b'{"value": 1,}', "body-malformed"),
        (b'{"value": 01}', "body-malformed"),
        (b'{"value": .5}', "body-malformed"),
        (b'{"value": +1}', "body-malformed"),
        (b'{"value": 0x1}', "body-malformed"),
        (b'{"value": NaN}', "body-malformed"),
        (b'{"x": Infinity}', "body-malformed"),
        (b'{"x": -Infinity}', "body-malformed"),
        (b'{"value": "\x01"}', "body-malformed"),
        (b'{"value": "\\x"}', "body-malformed"),
        (b'{"value": "\\ud800"}', "body-malformed"),
        (b'{"value": "\xff"}', "body-malformed"),
        (b'{"x": "\xed\xa0\x80"}', "body-malformed"),
        (b'\xef\xbb\xbf{"value": 1}', "body-malformed"),
        ('{"value": 1}'.encode("utf-16"), "body-malformed"),
        (b'{"value": 1} /* note */', "body-malformed"),
        (b"1", "field-type-mismatch"),
        (b'"text"', "field-type-mismatch"),
        (b"null", "field-type-mismatch"),
        (b"true", "field-type-mismatch"),
    ],
)
async def test_a_body_is_json_or_nothing(body: bytes, code: str, gateway: House) -> None:
    """RFC 8259 to the letter, the whole of it UTF-8, and an object or array at the top."""
    assert await code_of(gateway, body) == code


@pytest.mark.parametrize(
    ("depth", "code"), [(64, None), (65, "body-too-deep"), (50_000, "body-too-deep")]
)
async def test_a_body_nests_at_most_64_deep(depth: int, code: str | None, gateway: House) -> None:
    """64 levels are read, one more is not, and no number of them hurts."""
    arrays = depth - 1
    body = b'{"other": ' + b"[" * arrays + b"]" * arrays + b', "value": 1}'

    assert await code_of(gateway, body) == code


async def test_a_body_may_have_ten_mebibytes(gateway: House, plain: FakePartner) -> None:
    """10 MiB are read, a byte more is not."""
    limit = 10 * 1024 * 1024
    body = b'{"value": 1, "other": "' + b"x" * (limit - 25) + b'"}'
    assert len(body) == limit
    for more, status in ((b"", 200), (b" ", 413)):
        request = a_request(
            "POST /share/plain/things",
            ("Authorization", f"Bearer {gateway.token()}"),
            ("Sharing-Purpose", "order-fulfilment"),
            ("Sharing-Subject", "u-1"),
            ("Content-Type", "application/json"),
            body=body + more,
        )
        assert (await exchange(gateway.internal_url, request)).status == status

    assert [one.request.body for one in plain.received] == [b'{"value":1}']


async def test_a_body_in_chunks_is_bounded_too(open_house: OpenHouse) -> None:
    """A body without a length is read no further than the limit."""
    house = await open_house(a_plain(), settings={"GATEWAY_LIMITS__BODY": "100"})
    for size, status in ((50, 200), (150, 413)):
        body = b'{"value": 1, "x": "' + b"x" * (size - 22) + b'"}'
        request = a_request(
            "POST /share/plain/things",
            ("Authorization", f"Bearer {house.token()}"),
            ("Sharing-Purpose", "order-fulfilment"),
            ("Sharing-Subject", "u-1"),
            ("Content-Type", "application/json"),
            ("Transfer-Encoding", "chunked"),
        )
        chunks = b"".join(b"%x\r\n%s\r\n" % (1, body[n : n + 1]) for n in range(len(body)))
        answer = await exchange(house.internal_url, request + chunks + b"0\r\n\r\n")
        assert answer.status == status


async def test_a_body_that_is_broken_off_is_malformed(gateway: House, plain: FakePartner) -> None:
    """Chunks that are none are the caller's mistake, and nothing leaves."""
    request = a_request(
        "POST /share/plain/things",
        ("Authorization", f"Bearer {gateway.token()}"),
        ("Sharing-Purpose", "order-fulfilment"),
        ("Sharing-Subject", "u-1"),
        ("Content-Type", "application/json"),
        ("Transfer-Encoding", "chunked"),
    )
    answer = await exchange(gateway.internal_url, request + b'b\r\n{"value": 1\r\nzz\r\n}')

    assert (answer.status, answer.headers["sharing-refused"]) in (
        (400, "body-malformed"),
        (400, "request-invalid"),
    )
    assert plain.arrivals == []


async def test_who_waits_to_be_asked_for_the_body_is_asked(open_house: OpenHouse) -> None:
    """`Expect: 100-continue` is answered before the body is read (RFC 9110 §10.1.1)."""
    house = await open_house(a_plain())
    body = b'{"value": 1}'
    request = a_request(
        "POST /share/plain/things",
        ("Authorization", f"Bearer {house.token()}"),
        ("Sharing-Purpose", "order-fulfilment"),
        ("Sharing-Subject", "u-1"),
        ("Content-Type", "application/json"),
        ("Expect", "100-continue"),
        body=body,
    )
    answer = await exchange(house.internal_url, request)

    assert answer.status == 100


@pytest.mark.parametrize(
    ("media", "code"),
    [
        ("application/json", None),
        ("application/json; charset=utf-8", None),
        ("Application/JSON;charset=UTF-8", None),
        ('application/json; charset="utf-8"', None),
        ("application/merge-patch+json", None),
        ("application/json; charset=utf-16", "body-type-unsupported"),
        ("application/json; charset=latin-1", "body-type-unsupported"),
        ("application/jsonp", "body-type-unsupported"),
        ("text/json", "body-type-unsupported"),
        ("text/plain", "body-type-unsupported"),
        ("text/html", "body-type-unsupported"),
        ("application/xml", "body-type-unsupported"),
        ("application/octet-stream", "body-type-unsupported"),
        ("multipart/form-data; boundary=x", "body-type-unsupported"),
        ("application/json, text/plain", "body-type-unsupported"),
        ("json", "body-type-unsupported"),
        ("+json", "body-type-unsupported"),
        ("", "body-type-unsupported"),
    ],
)
async def test_a_body_has_a_type_that_can_be_filtered(
    media: str, code: str | None, gateway: House
) -> None:
    """JSON in UTF-8; everything else is refused unread."""
    assert await code_of(gateway, b'{"value": 1}', Content_Type=media) == code


async def test_the_recipient_gets_the_type_that_the_app_sent(
    gateway: House, plain: FakePartner
) -> None:
    """A patch arrives as a patch; parameters do not travel."""
    headers = {"Content-Type": "application/merge-patch+json; charset=utf-8"}
    await gateway.share("plain", "/things", b'{"value": 1}', headers=headers)
    await gateway.share("plain", "/things", b'{"value": 1}')

    types = [one.request.headers["Content-Type"] for one in plain.received]
    assert types == ["application/merge-patch+json", "application/json"]


BODY = b'{"value": 1, "other": 2}'


def packed(body: bytes) -> bytes:
    """gzip, the same bytes each time."""
    return gzip.compress(body, mtime=0)


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        ("gzip", packed(BODY), None),
        ("x-gzip", packed(BODY), None),
        ("GZIP", packed(BODY), None),
        ("deflate", zlib.compress(BODY), None),
        ("identity", BODY, None),
        ("", BODY, None),
        ("gzip", BODY, "body-malformed"),
        ("gzip", packed(BODY)[:-4], "body-malformed"),
        ("gzip", packed(BODY) + b"x", "body-malformed"),
        ("deflate", packed(BODY), "body-malformed"),
        ("gzip", b"", "body-malformed"),
        ("br", BODY, "body-type-unsupported"),
        ("gzip, gzip", packed(packed(BODY)), "body-type-unsupported"),
    ],
)
async def test_a_body_may_be_compressed(
    encoding: str, body: bytes, code: str | None, gateway: House, plain: FakePartner
) -> None:
    """gzip and deflate are undone, and the recipient gets the plain minimum."""
    assert await code_of(gateway, body, Content_Encoding=encoding) == code
    for received in plain.received:
        assert received.request.body == b'{"value":1}'
        assert "Content-Encoding" not in received.request.headers


async def test_a_compressed_body_is_bounded_by_what_it_becomes(open_house: OpenHouse) -> None:
    """A bomb is refused as too large, long before it is all there."""
    house = await open_house(a_plain(), settings={"GATEWAY_LIMITS__BODY": "1000"})
    bomb = packed(b'{"value": "' + b"x" * 200_000 + b'"}')
    assert len(bomb) < 1000
    headers = {"Content-Encoding": "gzip"}
    reply = await house.share("plain", "/things", bomb, headers=headers)

    assert reply.code == "body-too-large"


async def test_a_route_may_take_less_than_the_home(open_house: OpenHouse) -> None:
    """`body_limit` narrows the limit of one route."""
    house = await open_house(a_plain(body_limit="50B"))
    small = await house.share("plain", "/things", b'{"value": 1}')
    large = await house.share("plain", "/things", b'{"value": 1, "x": "%s"}' % (b"x" * 50))

    assert (small.status, large.code) == (200, "body-too-large")


async def test_what_is_wrong_before_the_body_counts_before_its_size(open_house: OpenHouse) -> None:
    """A huge body does not hide a missing purpose."""
    house = await open_house(a_plain(), settings={"GATEWAY_LIMITS__BODY": "10"})
    body = b'{"value": 1, "x": 2}'
    assert (await house.share("plain", "/things", body, purpose=None)).code == "purpose-missing"
    assert (await house.share("plain", "/things", body, subject=None)).code == "subject-missing"
    assert (await house.share("plain", "/nothing", body)).code == "route-not-declared"
    assert (await house.share("plain", "/things", body)).code == "body-too-large"


@pytest.mark.parametrize(
    ("body", "dropped"),
    [
        (b'{"value": 1}', False),
        (b'{"value": null}', False),
        (b"{}", False),
        (b'{"other": 1}', True),
        (b'{"value": {}}', True),
        (b'{"items": [{"sku": 1, "x": 2}]}', True),
        (b'{"items": [{"sku": 1}]}', False),
    ],
)
@promise("P6")
async def test_the_app_learns_that_something_was_dropped(
    body: bytes, dropped: bool, gateway: House
) -> None:
    """`Sharing-Dropped` says whether all of it left, and not what stayed."""
    reply = await gateway.share("plain", "/things", body)

    assert reply.headers["Sharing-Dropped"] == ("?1" if dropped else "?0")


RULES = {
    "/text": {"category": "none", "type": "string", "max_length": 3},
    "/whole": {"category": "none", "type": "integer"},
    "/number": {"category": "none", "type": "number"},
    "/flag": {"category": "none", "type": "boolean"},
    "/kind": {"category": "none", "enum": ["a", 1]},
    "/form": {"category": "none", "pattern": "^[A-Z]{2}$"},
    "/must": {"category": "none", "required": True},
    "/note": {"category": "none", "max_length": 100, "scan": "mask"},
}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"text": "欧阳明"}, None),
        ({"text": "欧阳明明"}, "field-type-mismatch"),
        ({"text": 1}, "field-type-mismatch"),
        ({"text": None}, None),
        ({"whole": 3}, None),
        ({"whole": 3.5}, "field-type-mismatch"),
        ({"whole": "3"}, "field-type-mismatch"),
        ({"number": 3.5}, None),
        ({"number": True}, "field-type-mismatch"),
        ({"flag": False}, None),
        ({"flag": 0}, "field-type-mismatch"),
        ({"kind": "a"}, None),
        ({"kind": 1}, None),
        ({"kind": "1"}, "field-type-mismatch"),
        ({"form": "AB"}, None),
        ({"form": "AB\n"}, "field-type-mismatch"),
        ({"form": "xAB"}, "field-type-mismatch"),
        ({"must": None}, None),
        ({"must": {}}, "field-type-mismatch"),
        ({"must": []}, "field-type-mismatch"),
    ],
    ids=str,
)
async def test_a_field_obeys_its_rules(
    changes: dict[str, Any], code: str | None, open_house: OpenHouse
) -> None:
    """Type, length, list, pattern and presence, as the manifest says."""
    house = await open_house(a_plain(RULES))
    reply = await house.share("plain", "/things", {"must": 1, **changes})

    assert reply.code == code


async def test_what_is_required_must_be_there(open_house: OpenHouse) -> None:
    """Without a required field, or without any body, nothing leaves."""
    house = await open_house(a_plain(RULES))
    without = await house.share("plain", "/things", {"text": "a"})
    nothing = await house.share("plain", "/things", None, headers={"Content-Type": ""})

    assert (without.code, nothing.code) == ("required-field-missing", "required-field-missing")
    assert "/must" in without.json()["detail"]


@promise("P6")
async def test_free_text_is_masked_where_it_is_scanned(open_house: OpenHouse) -> None:
    """A phone number in a note does not leave."""
    house = await open_house(a_plain(RULES))
    await house.share("plain", "/things", {"must": 1, "note": "请致电 13900001111"})
    (received,) = house.recipients["plain"].received

    assert "13900001111" not in received.request.body.decode()
    assert "请致电" in received.document["note"]


async def test_a_share_may_have_no_body_at_all(gateway: House, plain: FakePartner) -> None:
    """Where nothing is required a POST without a body is carried as one."""
    reply = await gateway.share("plain", "/things", None, headers={"Content-Type": ""})
    (received,) = plain.received

    assert reply.status == 200
    assert received.request.body == b""
    assert reply.headers["Sharing-Dropped"] == "?0"
