"""What leaves in the path, the query and the headers."""

from typing import Any

import pytest

from gateway.errors import CallerError, Reason
from gateway.model.recipients import Field
from gateway.shape import FilteredParams, compile_params, filter_params
from tests.unit.shape.builders import MISMATCH, MISSING, a_context, a_field

Pair = tuple[str, str]


def passed(pairs: list[Pair], place: str = "query", **fields: Any) -> FilteredParams:
    how = {name: fields.pop(name) for name in ("only", "strict", "context") if name in fields}
    declared = {name: a_field(name, **rules) for name, rules in fields.items()}
    context = how.pop("context", None) or a_context()
    return filter_params(declared, pairs, context, place=place, **how)


def refused(pairs: list[Pair], place: str = "query", **fields: Any) -> CallerError:
    with pytest.raises(CallerError) as caught:
        passed(pairs, place, **fields)
    return caught.value


def test_only_declared_parameters_leave():
    """A parameter that is not declared is dropped; what leaves is named with its place."""
    result = passed(
        [("name", "欧阳明"), ("secret", "x"), ("lang", "zh")],
        name={"transform": "mask-name"},
        lang={"category": "none"},
    )
    assert result.pairs == (("name", "欧**"), ("lang", "zh"))
    assert result.fields == ("query.name",)
    assert result.categories == ("basic.name",)
    assert result.dropped is True


def test_a_result_prints_names_only():
    """A result in a log line shows no value."""
    assert repr(passed([("a", "secret")], a={})) == "<FilteredParams of query.a>"


def test_repeated_parameters_all_obey():
    """A parameter may come several times, and each time the same rules hold."""
    result = passed([("a", "欧阳明"), ("a", "王伟")], a={"transform": "mask-name"})
    assert result.pairs == (("a", "欧**"), ("a", "王*"))
    assert refused([("a", "x"), ("a", "yy")], a={"max_length": 1}).reason is MISMATCH


@pytest.mark.parametrize(
    ("rules", "fits", "differs"),
    [
        ({"type": "integer"}, "12", "1.5"),
        ({"type": "number"}, "1.5", "01"),
        ({"type": "boolean"}, "true", "True"),
        ({"type": "string"}, "12", None),
        ({"enum": ("a", 1, True)}, "1", "2"),
        ({"enum": ("a", 1, True)}, "true", "True"),
        ({"type": "integer", "enum": (1, 2)}, "1.0", "3"),
        ({"pattern": "^[a-z]$"}, "a", "A"),
        ({"max_length": 2}, "ab", "abc"),
    ],
)
def test_parameters_obey_the_rules_of_fields(rules, fits, differs):
    """Type, enum, pattern and length hold for a parameter's text as for a field."""
    assert passed([("a", fits)], a=rules).pairs == (("a", fits),)
    if differs is not None:
        error = refused([("a", differs)], a=rules)
        assert error.reason is MISMATCH
        assert "query.a" in error.detail


def test_required_parameters_must_come():
    """A required parameter that does not come, or that its transform cannot read, refuses."""
    assert refused([], a={"required": True}).reason is MISSING
    rules = {"required": True, "transform": "year"}
    assert refused([("a", "x")], a=rules).reason is MISMATCH
    result = passed([("a", "x")], a={"transform": "year"})
    assert (result.pairs, result.dropped) == ((), True)


def test_personal_data_in_a_parameter_refuses():
    """A scanned parameter that holds personal data refuses and names the parameter."""
    error = refused([("q", "call 13800138000")], q={"scan": "block"})
    assert error.reason is Reason.PERSONAL_DATA_DETECTED
    assert "query.q" in error.detail


def test_sealed_parameters_are_sealed_under_their_place():
    """A sealed parameter leaves as what the seal makes of its JSON text."""
    calls = []

    def seal(pointer: str, text: bytes) -> str:
        calls.append((pointer, text))
        return "jwe"

    result = passed([("a", 'x"')], a={"sealed": True}, context=a_context(seal=seal))
    assert result.pairs == (("a", "jwe"),)
    assert calls == [("query.a", b'"x\\""')]


def test_strict_refuses_undeclared_parameters():
    """Asked to be strict, an undeclared parameter refuses, and is not named."""
    error = refused([("secret", "x")], a={}, strict=True)
    assert error.reason is Reason.UNDECLARED_FIELDS
    assert "secret" not in error.detail


def test_a_limit_holds_for_parameters():
    """A parameter outside a demand's categories stays behind, also a required one."""
    result = passed([("a", "x")], a={"required": True}, only=frozenset({"basic.phone"}))
    assert (result.pairs, result.fields, result.dropped) == ((), (), True)
    error = refused([("a", "x")], "path", a={}, only=frozenset({"basic.phone"}))
    assert error.reason is MISMATCH


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "a\\b", "a\nb", "a\x00", "\x7f"])
def test_a_path_parameter_stays_one_segment(value):
    """A path parameter that would change the path refuses."""
    assert refused([("a", value)], "path", a={}).reason is MISMATCH
    rules = {"transform": {"constant": value}}
    assert refused([("a", "x")], "path", a=rules).reason is MISMATCH


def test_a_path_parameter_cannot_be_left_out():
    """A path has no place for nothing: what is dropped or missing refuses."""
    assert refused([("a", "x")], "path", a={"transform": "drop"}).reason is MISMATCH
    assert refused([], "path", a={}).reason is MISSING
    result = passed([("a", "x..y ü")], "path", a={"category": "none"})
    assert (result.pairs, result.fields) == ((("a", "x..y ü"),), ())


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\nb", "a\x00b", "\x1b[0m", "a\x7f"])
def test_a_header_cannot_hold_another(value):
    """A header value with a control in it refuses; a tab is allowed."""
    assert refused([("x-a", value)], "header", **{"x-a": {}}).reason is MISMATCH
    assert passed([("x-a", "a\tb")], "header", **{"x-a": {}}).pairs == (("x-a", "a\tb"),)


def test_headers_are_matched_in_any_case():
    """Header names have no case; undeclared ones are left out without a word."""
    result = passed([("X-Lang", "zh"), ("User-Agent", "app")], "header", **{"x-lang": {}})
    assert result.pairs == (("x-lang", "zh"),)
    assert result.fields == ("header.x-lang",)
    assert result.dropped is False
    assert passed([("User-Agent", "app")], "header", strict=True).pairs == ()


def test_an_empty_header_counts_as_missing():
    """An empty header is no header, an empty query parameter is an empty text."""
    rules = {"x-a": {"required": True}}
    assert refused([("x-a", "")], "header", **rules).reason is MISSING
    assert passed([("x", "")], x={"required": True}).pairs == (("x", ""),)


def test_a_compiled_filter_can_be_kept():
    """The compiled parameters of a route serve many requests."""
    keep = compile_params({"a": Field(selector="a", category="none", max_length=1)}, "query")
    assert keep.apply([("a", "x")], a_context()).pairs == (("a", "x"),)
    with pytest.raises(CallerError):
        keep.apply([("a", "xx")], a_context())
    assert keep.apply([], a_context()).dropped is False
