"""Bodies of `/v1` that are wrong are told by place, never by what stands there."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.flows.clockwork import parse_stamp
from gateway.flows.incoming import is_unicode
from gateway.web.bodies import ConsentBody, DisclosureBody
from gateway.web.requests import places

CONSENT = (
    '{"subject": "s", "purpose": "advertising", "purpose_version": 1, "method": "explicit", '
    '"granted_at": "2026-11-01T08:00:00Z", "evidence": "e"%s}'
)


def told(body: str, kind: object = ConsentBody | list[ConsentBody]) -> str:
    """What the caller is told of a body that is refused."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_json(body)
    return places(caught.value)


def test_a_time_that_cannot_be_read_is_not_repeated() -> None:
    """The caller learns which member is no time, and how one is written."""
    said = told(CONSENT.replace("08:00:00Z", "zebra") % "")

    assert "granted_at: " in said
    assert "2026-03-01T12:00:00Z" in said
    assert "zebra" not in said


def test_a_time_that_is_no_text_is_refused() -> None:
    """A number where a time belongs is a mistake of the caller, not of the gateway."""
    assert "granted_at: " in told(CONSENT.replace('"2026-11-01T08:00:00Z"', "5") % "")


def test_an_undeclared_member_is_not_named() -> None:
    """The name of what is not declared is the caller's own word, and stays out."""
    said = told(CONSENT % ', "zebra": 1')

    assert "this member is not declared" in said
    assert "zebra" not in said


def test_a_place_in_an_array_is_told_by_its_number() -> None:
    """Of many consents the caller learns which one is wrong, and where."""
    wrong = CONSENT.replace('"explicit"', '"silence"') % ""
    said = told(f"[{CONSENT % ''}, {wrong}]")

    assert "1.method: " in said
    assert "silence" not in said
    assert "ConsentBody" not in said


@pytest.mark.parametrize("field", ["13800138000", "Ming, West Lake 3", "/a\\u0007", "path."])
def test_a_declared_disclosure_names_fields_and_not_values(field: str) -> None:
    """What is no selector does not get into a leaf, which nobody could erase."""
    body = (
        '{"subject": "s", "partner": "swift-parcel", "purpose": "order-fulfilment", '
        '"at": "2026-01-02T03:04:05Z", "fields": ["%s"]}'
    )
    for fits in ("/recipient/name", "/items/*/sku", "/收件人/姓名", "path.reference"):
        assert TypeAdapter(DisclosureBody).validate_json(body % fits).fields == [fits]

    assert "fields.0: " in told(body % field, DisclosureBody)


@pytest.mark.parametrize(
    "text", ["", "2026-03-01", "2026-03-01T12:00:00", "2026-03-01Tzebra", "0001-01-01T00:00+23:00"]
)
def test_what_is_no_moment_is_refused_in_words_of_our_own(text: str) -> None:
    """No part of a text that is no time is in the error, nor in one behind it."""
    with pytest.raises(ValueError, match=r"^write a time such as") as caught:
        parse_stamp(text)

    assert caught.value.__context__ is None


def test_a_moment_is_read_with_any_offset() -> None:
    """RFC 3339 allows small letters, a space and every offset."""
    expected = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for text in ("2026-03-01T12:00:00Z", "2026-03-01t12:00:00z", "2026-03-01 20:00:00+08:00"):
        assert parse_stamp(text) == expected


@pytest.mark.parametrize(("value", "good"), [("café 欧阳", True), ("", True), ("caf\udce9", False)])
def test_a_header_that_is_no_utf_8_is_told_from_one_that_is(value: str, good: bool) -> None:
    """Bytes that are no UTF-8 arrive as halves of pairs, which no recipient could be sent."""
    assert is_unicode(value) is good
