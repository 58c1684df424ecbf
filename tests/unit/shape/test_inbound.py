"""What comes back from a partner."""

from typing import Any

import pytest

from gateway.errors import PartnerResponseRefused
from gateway.model.recipients import ReceivedField, ReceivedFile
from gateway.shape import Limits, Received, compile_receive
from tests.marks import promise
from tests.unit.shape.builders import a_route

JSON = "application/json"


def received(
    body: str | bytes, *fields: str | ReceivedField, content_type: str = JSON, **limits: int
) -> Received:
    declared = tuple(
        ReceivedField(selector=each) if isinstance(each, str) else each for each in fields
    )
    receive = compile_receive(a_route(receive=declared))
    assert receive is not None
    content = body.encode() if isinstance(body, str) else body
    return receive.apply(content, content_type, Limits(**limits))


def refusal(*args: Any, **how: Any) -> str:
    with pytest.raises(PartnerResponseRefused) as caught:
        received(*args, **how)
    return str(caught.value)


@promise("C5")
def test_only_declared_fields_reach_the_app():
    """Of a partner's answer only the declared fields reach the app, and they are named."""
    result = received(
        '{"parcel":{"id":"P1","eta":"soon"},"debug":{"trace":"x"}}', "/parcel/id", "/status"
    )
    assert result.body == b'{"parcel":{"id":"P1"}}'
    assert result.fields == ("/parcel/id",)
    assert result.content_type == JSON
    assert result.dropped is True


def test_a_route_without_receive_takes_nothing_back():
    """Where nothing is declared to come back, there is no filter to let anything in."""
    assert compile_receive(a_route()) is None


def test_references_are_kept_once_each():
    """The partner's own ids are kept, distinct, as text, also of numbers; null is none."""
    reference = ReceivedField(selector="/items/*/id", reference=True)
    result = received('{"items":[{"id":"P1"},{"id":17},{"id":"P1"},{"id":null},{}]}', reference)
    assert result.references == ("P1", "17")
    assert result.fields == ("/items/*/id",)
    assert "P1" not in repr(result.references)


def test_a_value_that_is_too_long_does_not_come_in():
    """A value longer than declared stays out; a reference is remembered all the same."""
    limited = ReceivedField(selector="/id", max_length=3, reference=True)
    result = received('{"id":"P1234","ok":true}', limited, "/ok")
    assert result.body == b'{"ok":true}'
    assert result.references == ("P1234",)
    assert result.dropped is True


@pytest.mark.parametrize("container", ["{}", '{"a":"secret"}', '["secret"]'])
def test_containers_never_ride_along(container):
    """An object or array in the place of a declared value stays out."""
    result = received(f'{{"id":{container},"ok":1}}', "/id", "/ok")
    assert result.body == b'{"ok":1}'


@pytest.mark.parametrize(
    ("body", "left"), [('{"x":1}', b"{}"), ("[1]", b"[]"), ('"x"', b""), ("null", b"")]
)
def test_nothing_declared_is_nothing(body, left):
    """If nothing declared is in the answer, an empty container or nothing reaches the app."""
    result = received(body, "/id")
    assert (result.body, result.fields, result.references) == (left, (), ())
    assert result.dropped is True
    assert result.content_type == (JSON if left else None)


def test_an_empty_answer_is_an_empty_result():
    """An answer without a body is no mistake."""
    result = received(b"", "/id", content_type="text/html")
    assert (result.body, result.references, result.fields, result.dropped) == (b"", (), (), False)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<html>secret</html>", "text/html"),
        ('{"id":"secret"}', "text/plain"),
        ("secret", JSON),
        ('{"id":"secret"', ""),
        ('{"id":"secret\\ud800"}', JSON),
        (b'{"id":"secret\xff"}', JSON),
        ("[" * 100, JSON),
        ("[" * 100 + "]" * 100, JSON),
    ],
)
def test_what_cannot_be_read_does_not_pass(body, content_type):
    """An answer that is not JSON of the declared kind is refused, without quoting it."""
    assert "secret" not in refusal(body, "/id", content_type=content_type)


def test_limits_hold_for_answers():
    """An answer over the limit is refused."""
    assert received('{"id":1}', "/id", bytes=8).body == b'{"id":1}'
    assert "more than 7 bytes" in refusal('{"id":1}', "/id", bytes=7)


@pytest.mark.parametrize(
    "content_type",
    [JSON, "Application/JSON; charset=utf-8", "application/problem+json", " application/json ", ""],
)
def test_every_json_type_is_json(content_type):
    """JSON is known by its type in any spelling, and without a type by being JSON."""
    assert received('{"id":1}', "/id", content_type=content_type).body == b'{"id":1}'


def label(body: bytes, content_type: str = "application/pdf", **limits: int) -> Received:
    file = ReceivedFile(content="application/pdf", max_bytes=10)
    receive = compile_receive(a_route(receive=file))
    assert receive is not None
    return receive.apply(body, content_type, Limits(**limits))


def test_a_declared_file_passes_whole():
    """A file of the declared type and size reaches the app byte for byte."""
    result = label(b"%PDF\xff\x00", "Application/PDF; name=x")
    assert result.body == b"%PDF\xff\x00"
    assert result.content_type == "application/pdf"
    assert label(b"", "text/html").body == b""


@pytest.mark.parametrize(
    ("body", "content_type", "limits"),
    [
        (b"%PDF", "text/html", {}),
        (b"%PDF", "", {}),
        (b"%PDF", "application/pdfx", {}),
        (b"x" * 11, "application/pdf", {}),
        (b"x" * 6, "application/pdf", {"bytes": 5}),
    ],
)
def test_another_file_does_not_pass(body, content_type, limits):
    """A file of another type, or larger than declared, is refused."""
    with pytest.raises(PartnerResponseRefused):
        label(body, content_type, **limits)
