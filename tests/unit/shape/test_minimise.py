"""What leaves of a body, and what may be said of it."""

from typing import Any

import pytest

from gateway.errors import CallerError, Reason
from gateway.model.payload import Body
from gateway.model.recipients import Seal
from gateway.shape import Number, compile_send
from tests.marks import promise
from tests.unit.shape.builders import (
    MISMATCH,
    MISSING,
    a_context,
    a_field,
    a_filter,
    a_route,
    body_of,
    parsed,
    sent,
)


def refused(document: str, *fields: Any, **how: Any) -> CallerError:
    with pytest.raises(CallerError) as caught:
        sent(document, *fields, **how)
    return caught.value


@promise("P6", "S3")
def test_only_declared_fields_leave():
    """Of everything the app sends, only what the route declares is in the body that leaves."""
    result = sent(
        '{"recipient":{"name":"欧阳明","phone":"13800138000","born":1990},"secret":"x"}',
        a_field("/recipient/name", transform="mask-name"),
        a_field("/recipient/phone", category="basic.phone", transform="mask-phone"),
    )
    assert result.body == '{"recipient":{"name":"欧**","phone":"138****8000"}}'.encode()
    assert result.fields == ("/recipient/name", "/recipient/phone")
    assert result.categories == ("basic.name", "basic.phone")
    assert result.dropped is True


def test_nothing_dropped_is_said_so():
    """Where everything leaves, nothing is reported as dropped, also when it was changed."""
    fields = (a_field("/a", transform="mask-name"), a_field("/b"))
    result = sent('{"b":1,"a":"欧阳明"}', *fields)
    assert result.dropped is False
    assert result.fields == ("/a", "/b")


def test_the_body_prints_its_size_only():
    """A result in a log line or a failed assertion shows no value."""
    result = sent('{"a":"secret"}', "/a")
    assert isinstance(result.body, Body)
    assert "secret" not in repr(result)


@pytest.mark.parametrize(
    ("document", "left"),
    [('{"b":1}', b"{}"), ('[{"b":1}]', b"[]"), ("{}", b"{}"), ("[]", b"[]")],
)
def test_nothing_left_is_sent_as_the_top_was(document, left):
    """If nothing may leave, an empty object or array is sent, as the top was."""
    result = sent(document, "/a")
    assert result.body == left
    assert (result.fields, result.categories) == ((), ())
    assert result.dropped is (document not in ("{}", "[]"))


@pytest.mark.parametrize("document", ['"a"', "1", "true", "null"])
def test_a_scalar_body_is_a_mismatch(document):
    """A body that is one value alone is refused."""
    assert refused(document, "/a").reason is MISMATCH


def test_keys_and_structure_are_written_anew():
    """Spacing, repeated keys and odd escapes of the app never reach the recipient."""
    document = '{ "a" : "first" , "\\u0061" : "l\\u0061st" , "n" : 1.10 }'
    assert body_of(document, "/a", "/n") == '{"a":"last","n":1.10}'


def test_legal_oddities_are_carried():
    """An escaped NUL, controls, any script and any number leave exactly."""
    document = r'{"a":"\u0000\n\"\\ \ud83d\ude00 שלום","n":1e400,"z":-0.0}'
    assert parsed(body_of(document, "/a", "/n", "/z")) == parsed(document)


@promise("P6")
@pytest.mark.parametrize("container", ["{}", "[]", '{"b":"secret"}', '["secret"]', "[[1]]"])
def test_a_container_never_rides_along(container):
    """An object or array in the place of a declared value is dropped, or refused if required."""
    document = f'{{"a":{container},"c":1}}'
    assert body_of(document, "/a", "/c") == '{"c":1}'
    error = refused(document, a_field("/a", required=True), "/c")
    assert error.reason is MISMATCH
    assert "/a" in error.detail
    assert "secret" not in error.detail


@pytest.mark.parametrize(
    ("document", "selector", "reason"),
    [
        ("{}", "/a", MISSING),
        ('{"a":1}', "/a", None),
        ('{"a":null}', "/a", None),
        ('{"x":{}}', "/x/a", MISSING),
        ("{}", "/x/a", MISSING),
        ('{"x":1}', "/x/a", MISSING),
        ('{"x":[]}', "/x/a", MISSING),
        ('{"x":[{"a":1}]}', "/x/a", MISSING),
        ("{}", "/x/*/a", None),
        ('{"x":[]}', "/x/*/a", None),
        ('{"x":1}', "/x/*/a", None),
        ('{"x":[{"a":1},{"a":2}]}', "/x/*/a", None),
        ('{"x":[{"a":1},{}]}', "/x/*/a", MISSING),
        ('{"x":[{"a":1},1]}', "/x/*/a", MISSING),
        ('{"x":[{"a":1},[]]}', "/x/*/a", MISSING),
        ('{"x":[{}]}', "/x/*/a/b", MISSING),
        ('{"x":[{"y":[{"a":1}]},{}]}', "/x/*/y/*/a", None),
        ('{"x":[1]}', "/x/0", None),
        ('{"x":[]}', "/x/0", MISSING),
        ('{"x":[{}]}', "/x/0/a", MISSING),
        ("[]", "/0", MISSING),
        ("[]", "/a", MISSING),
        ('{"x":[[1],{}]}', "/x/*/*", None),
        ('{"x":[1,{}]}', "/x/*", MISMATCH),
    ],
)
def test_required_means_every_element_that_exists(document, selector, reason):
    """A required value must be there; behind an asterisk, in each element that there is."""
    field = a_field(selector, required=True)
    if reason is None:
        assert sent(document, field) is not None
    else:
        error = refused(document, field)
        assert error.reason is reason
        assert selector in error.detail


def test_required_inside_a_declared_value():
    """Where a value and one inside it are declared, a scalar does not hide what is missing."""
    fields = (a_field("/a"), a_field("/a/b", required=True))
    assert body_of('{"a":{"b":1}}', *fields) == '{"a":{"b":1}}'
    assert refused('{"a":1}', *fields).reason is MISSING
    assert refused('{"a":{}}', a_field("/a", required=True), "/a/b").reason is MISMATCH


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        ({"type": "integer"}, '"secret"'),
        ({"pattern": "^[a-z]+$"}, '"SECRET"'),
        ({"enum": ("A", "B")}, '"secret"'),
        ({"max_length": 3}, '"secret"'),
    ],
)
def test_a_violation_names_the_field_and_no_value(rules, value):
    """A value that is not as declared refuses the share, naming the selector and no value."""
    error = refused(f'{{"a":{value}}}', a_field("/a", **rules))
    assert error.reason is MISMATCH
    assert "/a" in error.detail
    assert "secret" not in error.detail.lower()
    assert "S3" in error.clauses


def test_personal_data_in_free_text_refuses_the_share():
    """A scanned field that holds personal data refuses the share and names the field."""
    error = refused('{"note":"call 13800138000"}', a_field("/note", scan="block"))
    assert error.reason is Reason.PERSONAL_DATA_DETECTED
    assert "/note" in error.detail
    assert "138" not in error.detail


def test_of_several_problems_the_first_counts():
    """Undeclared, missing, mismatch, personal data: the first of these is answered."""
    fields = (
        a_field("/scan", scan="block"),
        a_field("/type", type="integer"),
        a_field("/late", required=True),
        a_field("/gone", required=True),
    )
    document = '{"scan":"13800138000","type":"x","more":1}'
    assert refused(document, *fields, strict=True).reason is Reason.UNDECLARED_FIELDS
    error = refused(document, *fields)
    assert (error.reason, "/late" in error.detail) == (MISSING, True)
    assert refused(document, *fields[:2]).reason is MISMATCH
    assert refused(document, fields[0]).reason is Reason.PERSONAL_DATA_DETECTED


@pytest.mark.parametrize(
    "document",
    [
        '{"a":1,"secret":2}',
        '{"a":1,"secret":null}',
        '{"a":1,"secret":{}}',
        '{"a":{"secret":1}}',
        '{"a":[1]}',
        '{"x":[{"secret":1}]}',
        '{"x":[1]}',
        '{"x":{"secret":1}}',
        "[1]",
    ],
)
def test_strict_refuses_what_is_not_declared(document):
    """Asked to be strict, the gateway refuses instead of dropping, and names nothing."""
    error = refused(document, "/a", "/x/*/b", strict=True)
    assert error.reason is Reason.UNDECLARED_FIELDS
    assert "secret" not in error.detail


@pytest.mark.parametrize(
    "document", ['{"a":1}', "{}", '{"x":[]}', '{"x":[{}]}', '{"x":[{"b":1}]}', '{"gone":1}']
)
def test_strict_lets_through_what_is_declared(document):
    """Strict speaks about what is not declared, not about empty containers or dropped fields."""
    assert sent(document, "/a", "/x/*/b", a_field("/gone", transform="drop"), strict=True)


def test_what_is_transformed_to_nothing_counts_as_dropped():
    """A value that its transform cannot read is dropped, and refused if the field is required."""
    born = a_field("/born", transform="year")
    result = sent('{"born":"unknown","a":1}', born, "/a")
    assert result.body == b'{"a":1}'
    assert result.fields == ("/a",)
    assert result.dropped is True
    needed = a_field("/born", transform="year", required=True)
    assert refused('{"born":"unknown"}', needed).reason is MISMATCH


@promise("D2")
def test_a_demand_lets_out_its_categories_only():
    """Of a share under a demand only the demanded categories leave, and those of no person."""
    fields = (
        a_field("/name", category="basic.name"),
        a_field("/phone", category="basic.phone", required=True),
        a_field("/place", category="location.coarse"),
        a_field("/case", category="none"),
    )
    document = '{"name":"n","phone":"p","place":"x","case":"c"}'
    result = sent(document, *fields, only=frozenset({"basic.name"}))
    assert result.body == b'{"name":"n","case":"c"}'
    assert (result.categories, result.dropped) == (("basic.name",), True)
    assert body_of(document, *fields, only=frozenset({"location"})) == '{"place":"x","case":"c"}'
    assert body_of(document, *fields, only=frozenset()) == '{"case":"c"}'
    assert body_of('{"case":"c"}', *fields, only=frozenset({"basic.name"})) == '{"case":"c"}'
    assert sent(document, *fields, only=frozenset({"basic"}), strict=True).fields == (
        "/name",
        "/phone",
        "/case",
    )


def test_categories_are_sorted_and_leave_none_out():
    """Categories are listed once each, sorted, without the one that speaks of no person."""
    result = sent(
        '{"a":1,"b":2,"c":3,"d":4}',
        a_field("/a", category="network.ip"),
        a_field("/b", category="basic.name"),
        a_field("/c", category="none"),
        a_field("/d", category="basic.name"),
    )
    assert result.categories == ("basic.name", "network.ip")
    assert result.fields == ("/a", "/b", "/c", "/d")


@promise("S4d")
def test_sealed_fields_become_what_the_seal_makes():
    """A sealed field leaves as a string made of its pointer and the JSON text of its value."""
    calls = []

    def seal(pointer: str, text: bytes) -> str:
        calls.append((pointer, text))
        return f"jwe{len(calls)}"

    document = '{"items":[{},{"p":"13800138000"},{"p":null}],"n":{"m":1.50}}'
    body = body_of(
        document,
        a_field("/items/*/p", sealed=True, transform="mask-phone"),
        a_field("/n/m", sealed=True),
        seal=Seal.FIELDS,
        context=a_context(seal=seal),
    )
    assert body == '{"items":[{"p":"jwe1"},{"p":"jwe2"}],"n":{"m":"jwe3"}}'
    assert calls == [
        ("/items/0/p", b'"138****8000"'),
        ("/items/1/p", b"null"),
        ("/n/m", b"1.50"),
    ]


def test_under_a_sealed_body_fields_go_as_they_are():
    """Where the whole body will be sealed, a sealed field is satisfied as it is."""
    field = a_field("/a", sealed=True)
    assert body_of('{"a":1}', field, seal=Seal.BODY) == '{"a":1}'


def test_nothing_is_sealed_for_a_share_that_is_refused():
    """Once a problem is known, no more is sealed."""
    calls = []
    context = a_context(seal=lambda pointer, text: calls.append(pointer) or "x")
    fields = (a_field("/a", type="integer"), a_field("/b", sealed=True))
    refused('{"a":"x","b":1}', *fields, seal=Seal.FIELDS, context=context)
    assert calls == []


def test_a_sealed_field_under_no_seal_does_not_compile():
    """A route that marks a field as sealed and seals nothing cannot be prepared."""
    with pytest.raises(ValueError, match="seal: fields"):
        compile_send(a_route(a_field("/a", sealed=True)))


@pytest.mark.parametrize("selectors", [("a",), ("/a/*", "/a/0"), ("",)])
def test_broken_selectors_do_not_compile(selectors):
    """A route whose selectors are broken or contradict each other cannot be prepared."""
    with pytest.raises(ValueError):
        a_filter(*selectors)


def test_a_filter_can_be_used_again():
    """One share leaves no trace in the filter that another could see."""
    send = a_filter("/a", a_field("/b", required=True))
    with pytest.raises(CallerError):
        send.apply(parsed('{"a":1}'), a_context())
    result = send.apply(parsed('{"b":2}'), a_context())
    assert (result.body, result.fields, result.dropped) == (b'{"b":2}', ("/b",), False)


def test_documents_from_elsewhere_fail_closed():
    """A value of a type that the parser never makes is dropped, a broken string refused."""
    send = a_filter("/a")
    assert send.apply({"a": 1.5}, a_context()).body == b"{}"
    assert send.apply({"a": Number("1.5")}, a_context()).body == b'{"a":1.5}'
    with pytest.raises(CallerError) as caught:
        send.apply({"a": "\ud800"}, a_context())
    assert caught.value.reason is Reason.BODY_MALFORMED
    assert caught.value.__context__ is None
