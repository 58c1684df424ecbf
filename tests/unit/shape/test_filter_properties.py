"""
Whatever the app sends, only declared leaves leave.

The promise is held against a second filter, written here as plainly as the
contract is and sharing nothing with the product.
"""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import CallerError, Reason
from gateway.model.recipients import Field
from gateway.shape import Minimised
from tests.marks import promise
from tests.unit.shape.builders import a_context, a_field, a_filter, parsed
from tests.unit.shape.documents import DOCUMENTS, SELECTORS


class Digits(str):
    """A number as it is spelled."""

    __slots__ = ()


def read(text: str) -> Any:
    return json.loads(text, parse_int=Digits, parse_float=Digits)


def outcome(document: str | bytes, *fields: Field | str, **how: Any) -> Minimised | Reason:
    """What leaves, or why the share is refused."""
    try:
        return a_filter(*fields).apply(parsed(document), a_context(), **how)
    except CallerError as error:
        return error.reason


def naive(value: Any, selectors: list[list[str]]) -> list[Any]:
    """What the contract lets out of `value`: one thing in a list, or nothing."""
    if isinstance(value, dict):
        members = {
            key: left[0]
            for key, item in value.items()
            if (left := naive(item, [s[1:] for s in selectors if s and s[0] == key != "*"]))
        }
        return [members] if members else []
    if isinstance(value, list):
        items = []
        for index, item in enumerate(value):
            items += naive(item, [s[1:] for s in selectors if s and s[0] in ("*", str(index))])
        return [items] if items else []
    return [value] if [] in selectors else []


def tokens(selector: str) -> list[str]:
    return [each.replace("~1", "/").replace("~0", "~") for each in selector[1:].split("/")]


def typed(value: Any) -> Any:
    """The same with every leaf beside its type, so that 1, true and "1" differ."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, str(value)


@promise("P6", "S3")
@settings(max_examples=300)
@given(DOCUMENTS, SELECTORS)
def test_only_declared_leaves_leave(document, selectors):
    """Whatever the app sends, exactly the declared leaves leave, digit by digit."""
    sent = read(document)
    result = outcome(document, *selectors)
    if isinstance(result, Reason):
        assert result is Reason.FIELD_TYPE_MISMATCH
        assert not isinstance(sent, dict | list)
        return
    left = naive(sent, [tokens(selector) for selector in selectors])
    expected = left[0] if left else type(sent)()
    assert typed(read(bytes(result.body).decode())) == typed(expected)


@given(DOCUMENTS, SELECTORS)
def test_what_left_would_leave_again_unchanged(document, selectors):
    """Filtering twice changes nothing more, as long as no element is named by its index."""
    if any(token.isdigit() for selector in selectors for token in tokens(selector)):
        return
    once = outcome(document, *selectors)
    if isinstance(once, Reason):
        return
    twice = outcome(bytes(once.body), *selectors, strict=True)
    assert isinstance(twice, Minimised)
    assert twice.body == once.body
    assert twice.fields == once.fields
    assert twice.dropped is False


@given(DOCUMENTS, SELECTORS)
def test_what_is_reported_is_what_left(document, selectors):
    """A selector is reported exactly if it lets something out on its own."""
    result = outcome(document, *selectors)
    if isinstance(result, Reason):
        return
    alone = [each for each in selectors if naive(read(document), [tokens(each)])]
    assert list(result.fields) == alone


@given(DOCUMENTS, SELECTORS)
def test_required_fields_are_there_or_the_share_is_refused(document, selectors):
    """A share is carried only if every required field without an asterisk left something."""
    result = outcome(document, *(a_field(selector, required=True) for selector in selectors))
    if isinstance(result, Reason):
        assert result in (Reason.REQUIRED_FIELD_MISSING, Reason.FIELD_TYPE_MISMATCH)
        return
    plain = [each for each in selectors if "*" not in tokens(each)]
    assert set(plain) <= set(result.fields)


@given(DOCUMENTS, SELECTORS, st.sampled_from(["mask-name", "hash", {"constant": "x"}, "drop"]))
def test_transformed_leaves_never_leave_raw(document, selectors, transform):
    """Behind a transform no text of the app is in the body that leaves."""
    fields = [a_field(selector, transform=transform) for selector in selectors]
    result = outcome(document, *fields)
    if isinstance(result, Reason):
        return
    for leaf in leaves(read(bytes(result.body).decode())):
        assert leaf is None or leaf.endswith("*") or leaf in ("x", "") or len(leaf) == 64


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]
