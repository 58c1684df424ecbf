"""Forms: the same minimum as of JSON, whatever a form can be made to look like (contract §6)."""

import gzip
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from gateway.testing.partner import FakePartner
from tests.marks import promise
from tests.promises import shared
from tests.promises.conftest import OpenHouse
from tests.promises.house import House
from tests.promises.manifests import a_plain

pytestmark = shared.IN_ONE_LOOP
houses, gateway, open_house = shared.houses, shared.gateway, shared.open_house

FREE = {"category": "none"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def manifests() -> Iterable[Mapping[str, Any]]:
    """A processor that takes a few values."""
    send = {
        "/value": FREE,
        "/a~1b": FREE,
        "/deep/down": FREE,
        "/count": {"category": "none", "type": "integer"},
        "/phone": {"category": "basic.phone", "transform": "mask-phone"},
    }
    return [a_plain(send)]


async def sent(gateway: House, body: bytes, **options: Any) -> bytes:
    """What leaves of a form."""
    headers = {"Content-Type": FORM, **options.pop("headers", {})}
    reply = await gateway.share("plain", "/things", body, headers=headers, **options)
    assert reply.status == 200, reply.code
    arrived = gateway.recipients["plain"].received[-1].request
    assert arrived.headers["Content-Type"] == FORM
    content: bytes = arrived.body
    return content


@promise("P6", "S3")
@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b"value=1&other=2", b"value=1"),
        (b"value=a+b%26c", b"value=a+b%26c"),
        (b"other=1&value=1&value=2", b"value=2"),
        (b"%76alue=1", b"value=1"),
        (b"a%2Fb=1&a/c=2", b"a%2Fb=1"),
        (b"deep/down=1&deep[down]=2&deep.down=3", b""),
        (b"value", b"value="),
        (b"&&value=1&", b"value=1"),
        (b"value[]=1&value%5B%5D=2", b""),
        (b"Value=1&VALUE=2&%20value=3&value%00=4", b""),
        (b"value=1;other=2", b"value=1%3Bother%3D2"),
        (b"value=%00", b"value=%00"),
        (b"phone=13800138000", b"phone=138%2A%2A%2A%2A8000"),
        (b"", b""),
    ],
)
async def test_only_declared_values_leave(body: bytes, left: bytes, gateway: House) -> None:
    """However the names are spelled, what no selector names stays here."""
    assert await sent(gateway, body) == left


async def test_a_compressed_form_is_read_too(gateway: House) -> None:
    """What leaves is never compressed, and cut all the same."""
    body = gzip.compress(b"value=1&secret=2")

    assert await sent(gateway, body, headers={"Content-Encoding": "gzip"}) == b"value=1"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"value=%zz", "body-malformed"),
        (b"value=%e6%ac", "body-malformed"),
        (b"value=\xff", "body-malformed"),
        (b"&" * 10_000, "body-malformed"),
        (b"count=many", "field-type-mismatch"),
    ],
)
async def test_what_cannot_be_read_does_not_leave(body: bytes, code: str, gateway: House) -> None:
    """A clear 4xx, and no byte to the partner."""
    reply = await gateway.share("plain", "/things", body, headers={"Content-Type": FORM})

    assert reply.code == code
    assert gateway.recipients["plain"].arrivals == []


async def test_a_json_body_that_is_called_a_form_is_a_form(gateway: House) -> None:
    """What it is called decides how it is read, so nothing slips through as the other."""
    body = json.dumps({"value": 1, "secret": 2}).encode()

    assert await sent(gateway, body) == b""


@promise("S4d")
async def test_a_sealed_form_opens_to_the_form(open_house: OpenHouse) -> None:
    """Under `seal: body` the recipient opens what would have been sent."""
    gateway = await open_house(a_plain({"/value": FREE}, seal="body"))
    headers = {"Content-Type": FORM}
    reply = await gateway.share("plain", "/things", b"value=1&other=2", headers=headers)
    plain: FakePartner = gateway.recipients["plain"]

    assert reply.status == 200
    assert plain.received[-1].request.headers["Content-Type"] == "application/jose"
    assert plain.received[-1].body == b"value=1"
