"""Form bodies: the declared minimum and no more, written anew (contract §6)."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CallerError, Reason
from gateway.model.ids import CategoryId
from gateway.model.recipients import Field, TransformCall
from gateway.shape.forms import MAX_PAIRS, compile_form, parse_form, write_form
from gateway.shape.parse import Limits
from tests.unit.shape.builders import a_context

LIMITS = Limits(bytes=64 * 1024)
NONE = CategoryId("none")


def field(selector: str, category: str = "none", **more: object) -> Field:
    """A declared value."""
    return Field(selector=selector, category=CategoryId(category), **more)  # type: ignore[arg-type]


def cut(fields: list[Field], body: bytes, *, strict: bool = False, seal: bool = False):
    """What leaves of a form."""
    filtered = compile_form(fields, seal_fields=seal)
    return filtered.apply(parse_form(body, LIMITS), a_context(), strict=strict)


def test_only_what_is_declared_leaves() -> None:
    """Undeclared pairs stay here, and the answer says that something was dropped."""
    left = cut([field("/sku"), field("/city", "basic.address")], b"sku=A-1&card=4111&city=Ulm")

    assert left.body == b"sku=A-1&city=Ulm"
    assert left.fields == ("/sku", "/city")
    assert left.categories == ("basic.address",)
    assert left.dropped


def test_of_a_repeated_name_only_the_last_value_leaves() -> None:
    """No reader can be given another value than the one that was looked at."""
    left = cut([field("/a")], b"a=1&b=2&a=3")

    assert left.body == b"a=3"


def test_names_and_values_are_written_anew() -> None:
    """However something was spelled, it leaves in one spelling."""
    left = cut([field("/a~1b"), field("/n")], b"%61%2Fb=%7e+%26&n=%e4%bd%a0")

    assert left.body == b"a%2Fb=~+%26&n=%E4%BD%A0"


def test_a_selector_of_several_tokens_names_nothing_in_a_form() -> None:
    """`a[b]` and `a.b` are names like any other, and open no way into a form."""
    left = cut([field("/a/b"), field("/c")], b"a/b=1&a[b]=2&a.b=3&a%2Fb=4&c=5")

    assert left.body == b"c=5"


def test_transforms_types_and_limits_hold_as_in_json() -> None:
    """A masked phone is masked, a number is a number, a listed value is listed."""
    fields = [
        field("/phone", "basic.phone", transform=TransformCall(name="mask-phone")),
        field("/count", type="integer"),
        field("/kind", enum=("a", "b")),
    ]
    left = cut(fields, b"phone=13800138000&count=7&kind=b")

    assert left.body == b"phone=138%2A%2A%2A%2A8000&count=7&kind=b"
    with pytest.raises(CallerError) as error:
        cut(fields, b"kind=c")
    assert error.value.reason is Reason.FIELD_TYPE_MISMATCH


def test_a_sealed_value_says_which_it_is() -> None:
    """Its seal is bound to the selector, as in JSON."""
    left = cut([field("/phone", "basic.phone", sealed=True)], b"phone=13800138000", seal=True)

    assert b"13800138000" not in left.body
    assert dict(parse_qsl(left.body.decode()))["phone"].startswith("sealed(/phone)")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"a=%", Reason.BODY_MALFORMED),
        (b"a=%zz", Reason.BODY_MALFORMED),
        (b"a=%ff", Reason.BODY_MALFORMED),
        (b"a=\xff", Reason.BODY_MALFORMED),
        (b"a=%ed%a0%80", Reason.BODY_MALFORMED),
        (b"&" * MAX_PAIRS, Reason.BODY_MALFORMED),
        (b"a" * (LIMITS.bytes + 1), Reason.BODY_TOO_LARGE),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, reason: Reason) -> None:
    """Broken escapes, other encodings, too many pairs, too many bytes."""
    with pytest.raises(CallerError) as error:
        parse_form(body, LIMITS)

    assert error.value.reason is reason
    assert error.value.__context__ is None


@pytest.mark.parametrize(
    ("fields", "body", "strict", "reason"),
    [
        ([field("/a", required=True)], b"b=1", False, Reason.REQUIRED_FIELD_MISSING),
        ([field("/a/b", required=True)], b"b=1", False, Reason.REQUIRED_FIELD_MISSING),
        ([field("/a/b", required=True)], b"a=1", False, Reason.REQUIRED_FIELD_MISSING),
        ([field("/a", type="integer", required=True)], b"a=x", False, Reason.FIELD_TYPE_MISMATCH),
        ([field("/a")], b"a=1&b=2", True, Reason.UNDECLARED_FIELDS),
        ([field("/a", scan="block")], b"a=call+13800138000", False, Reason.PERSONAL_DATA_DETECTED),
    ],
)
def test_each_refusal_has_its_reason(
    fields: list[Field], body: bytes, strict: bool, reason: Reason
) -> None:
    """The same reasons as for JSON, and in them no value."""
    with pytest.raises(CallerError) as error:
        cut(fields, body, strict=strict)

    assert error.value.reason is reason
    assert "13800138000" not in str(error.value)


def test_what_is_required_of_elements_is_not_missing() -> None:
    """A form has no elements, so nothing is missing in them."""
    assert cut([field("/a/*/b", required=True), field("/c")], b"c=1").body == b"c=1"


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.dictionaries(TEXT, TEXT, max_size=6))
def test_what_is_written_reads_the_same(pairs: dict[str, str]) -> None:
    """Names and values survive, whatever they hold."""
    assert parse_form(write_form(list(pairs.items())), LIMITS) == pairs


@given(st.dictionaries(st.sampled_from("abcdef"), TEXT, max_size=6))
def test_only_declared_names_arrive(pairs: dict[str, str]) -> None:
    """Whatever is in a form, no name leaves that no selector has."""
    left = cut([field("/a"), field("/c")], urlencode(pairs).encode())

    arrived = dict(parse_qsl(left.body.decode(), keep_blank_values=True))
    assert arrived == {name: value for name, value in pairs.items() if name in "ac"}
