"""What `gateway explain` says of each value."""

from typing import Any

from hypothesis import given

from gateway.errors import CallerError
from gateway.model.recipients import Seal
from gateway.shape import FieldFate
from tests.unit.shape.builders import a_context, a_field, a_filter, parsed
from tests.unit.shape.documents import DOCUMENTS, SELECTORS


def told(document: str, *fields: Any, seal: Seal = Seal.NONE, **how: Any) -> list[FieldFate]:
    return a_filter(*fields, seal=seal).explain(parsed(document), a_context(), **how)


def short(fates: list[FieldFate]) -> list[tuple[str, str | None, str, str]]:
    return [(each.pointer, each.selector, each.fate, each.clause) for each in fates]


def test_each_value_has_its_fate():
    """Kept, transformed, sealed and dropped values are told apart, each with its clause."""
    fates = told(
        '{"a":1,"b":"欧阳明","c":2,"d":3,"e":{},"f":{"g":"call 13800138000"},"h":[1]}',
        a_field("/a", category="none"),
        a_field("/b", transform="mask-name"),
        a_field("/c", sealed=True, transform={"truncate": 1}),
        a_field("/f/g", scan="mask"),
        a_field("/h"),
        seal=Seal.FIELDS,
    )
    assert short(fates) == [
        ("/a", "/a", "kept", "S3"),
        ("/b", "/b", "transformed", "C6"),
        ("/c", "/c", "sealed", "S4d"),
        ("/d", None, "dropped", "P6"),
        ("/e", None, "dropped", "P6"),
        ("/f/g", "/f/g", "transformed", "P6"),
        ("/h", "/h", "dropped", "S3"),
    ]
    assert fates[1].category == "basic.name"
    assert "mask-name" in fates[1].why
    assert "truncate" in fates[2].why


def test_undeclared_values_are_named_by_pointer():
    """Here, and only here, what is not declared is named, down to each value."""
    fates = told('{"x":{"a~b":[1,{"":2}]},"y":1}', "/y/z")
    assert [each.pointer for each in fates] == ["/x/a~0b/0", "/x/a~0b/1/", "/y"]
    assert {each.selector for each in fates} == {None}


def test_what_would_refuse_the_share_is_said():
    """Missing, mismatching and blocked values are told, each with the reason."""
    fates = told(
        '{"a":"x","b":"13800138000","c":{"d":1},"items":[{"s":1},{}],"y":"never"}',
        a_field("/a", type="integer"),
        a_field("/b", scan="block"),
        a_field("/c", required=True),
        a_field("/gone/deep", required=True),
        a_field("/items/*/s", required=True),
        a_field("/y", transform="year", required=True),
    )
    refusing = [each.pointer for each in fates if "the share is refused" in each.why]
    assert refusing == ["/a", "/b", "/c", "/y", "/gone/deep", "/items/*/s"]
    assert {each.fate for each in fates if each.pointer in refusing} == {"dropped"}


def test_a_limit_is_explained():
    """What a demand's limit keeps back is told, and not asked for."""
    fields = (
        a_field("/name", category="basic.name", required=True),
        a_field("/phone", category="basic.phone", required=True),
    )
    fates = told('{"name":"n"}', *fields, only=frozenset({"basic.phone"}))
    assert short(fates) == [
        ("/name", "/name", "dropped", "D2"),
        ("/phone", "/phone", "dropped", "S3"),
    ]


def test_explaining_makes_no_token_and_seals_nothing():
    """Explaining has no effect: no token is made, nothing is sealed."""
    made: list[str] = []
    context = a_context(
        seal=lambda pointer, text: made.append(pointer) or "x",
        token=lambda field, value: made.append(field.selector) or "x",
    )
    fields = (a_field("/a", transform="token"), a_field("/b", sealed=True))
    fates = a_filter(*fields, seal=Seal.FIELDS).explain(parsed('{"a":1,"b":2}'), context)
    assert [each.fate for each in fates] == ["transformed", "sealed"]
    assert made == []


def test_a_transform_that_lets_nothing_out_is_named():
    """Of a dropped value the transform that dropped it is named, never the value."""
    fates = told('{"a":"secret"}', a_field("/a", transform="year"))
    assert "year" in fates[0].why
    assert "secret" not in repr(fates)


@given(DOCUMENTS, SELECTORS)
def test_explaining_agrees_with_sending(document, selectors):
    """What is explained as kept is exactly what leaves."""
    send = a_filter(*selectors)
    parsed_document = parsed(document)
    if not isinstance(parsed_document, dict | list):
        return
    try:
        result = send.apply(parsed_document, a_context())
    except CallerError:
        return
    fates = send.explain(parsed_document, a_context())
    assert {each.selector for each in fates if each.fate == "kept"} == set(result.fields)
    assert any(each.fate == "dropped" for each in fates) is result.dropped
    assert len({each.pointer for each in fates}) == len(fates)


def test_a_scalar_body_is_explained():
    """Of a body that is one value alone, and of an empty one, there is only so much to say."""
    assert [each.fate for each in told('"secret"', "/a")] == ["dropped"]
    assert told("{}", "/a") == []
