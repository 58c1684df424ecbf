"""What may stand in a declared field, and in which order that is judged."""

from typing import Any

import pytest

from gateway.errors import Reason
from gateway.shape import DROPPED, Number
from gateway.shape.rules import compile_rule
from tests.unit.shape.builders import MISMATCH, a_context, a_field


def judged(value: Any, **rules: Any) -> Any:
    rule = compile_rule(a_field("/x", **rules))
    assert rule is not None
    return rule(value, a_context())


def test_a_field_without_rules_needs_none():
    """A field that only names its category lets any scalar out as it is."""
    assert compile_rule(a_field("/x", required=True, sealed=True)) is None


@pytest.mark.parametrize(
    ("kind", "fits", "differs"),
    [
        ("string", ["", "1"], [Number("1"), True]),
        ("number", [Number("1"), Number("1.5")], ["1", True]),
        ("integer", [Number("1"), Number("1.0"), Number("1e3")], [Number("1.5"), "1", True]),
        ("boolean", [True, False], ["true", Number("1")]),
    ],
)
def test_types_are_those_of_json(kind, fits, differs):
    """A value of another type than declared is a mismatch; null fits everywhere."""
    assert [judged(value, type=kind) for value in [*fits, None]] == [*fits, None]
    assert {judged(value, type=kind) for value in differs} == {MISMATCH}


def test_an_enum_lists_exact_values():
    """Only listed values pass: numbers by value, everything else by type as well."""
    listed = ("A", 1, True)
    assert judged("A", enum=listed) == "A"
    assert judged(Number("1.0"), enum=listed) == "1.0"
    assert judged(True, enum=listed) is True
    for other in ("a", "1", Number("1.1"), False, "true"):
        assert judged(other, enum=listed) is MISMATCH


def test_a_pattern_holds_for_text_and_digits():
    """A pattern judges strings and the digits of numbers; a boolean has no form."""
    rules = {"pattern": "^[0-9]{1,3}$"}
    assert judged("12", **rules) == "12"
    assert judged(Number("12"), **rules) == "12"
    assert judged("12a", **rules) is MISMATCH
    assert judged(Number("1.2"), **rules) is MISMATCH
    assert judged(True, **rules) is MISMATCH


def test_a_length_counts_characters_of_text_and_digits():
    """Length is in code points, and a number may not carry more digits than a text letters."""
    assert judged("欧阳明", max_length=3) == "欧阳明"
    assert judged("欧阳明!", max_length=3) is MISMATCH
    assert judged(Number("1234"), max_length=3) is MISMATCH
    assert judged(True, max_length=3) is True


def test_free_text_is_scanned_before_it_is_transformed():
    """Personal data blocks or is masked in what the app sent, whatever a transform leaves."""
    assert judged("call 13800138000", scan="block") is Reason.PERSONAL_DATA_DETECTED
    assert judged("call me", scan="block") == "call me"
    assert judged("call 13800138000", scan="mask") == "call ***"
    assert judged(Number("13800138000"), scan="mask") == "***"
    assert judged(Number("1380013.8e4"), scan="mask") == "***"
    assert judged(Number("1380013.8e4"), scan="block") is Reason.PERSONAL_DATA_DETECTED
    assert judged(Number("4.2e1"), scan="block") == "4.2e1"
    number = judged(Number("42"), scan="mask")
    assert (number, type(number)) == ("42", Number)
    blocked = judged("call 13800138000", scan="block", transform={"truncate": 4})
    assert blocked is Reason.PERSONAL_DATA_DETECTED
    assert judged("13800138000!", scan="mask", transform={"truncate": 3}) == "***"


def test_rules_judge_what_the_app_sends():
    """Type, pattern and length speak about the value before it is transformed."""
    rules = {"pattern": "^[0-9]{11}$", "max_length": 11, "transform": "mask-phone"}
    assert judged("13800138000", **rules) == "138****8000"
    assert judged("138****8000", **rules) is MISMATCH
    assert judged("13800138000", max_length=5, transform={"truncate": 3}) is MISMATCH


def test_null_passes_every_rule():
    """Null breaks no rule, as it says nothing; drop still drops it."""
    rules = {"type": "string", "enum": ("a",), "pattern": "a", "max_length": 1, "scan": "block"}
    assert judged(None, **rules) is None
    assert judged(None, **rules, transform="mask-name") is None
    assert judged(None, **rules, transform="drop") is DROPPED


@pytest.mark.parametrize(
    "rules",
    [
        {"type": "date"},
        {"pattern": "(?=a)"},
        {"scan": "maybe"},
        {"enum": ([],)},
        {"transform": "blur"},
    ],
)
def test_what_cannot_be_carried_out_does_not_compile(rules):
    """A rule that the filter does not know stops the route from loading."""
    with pytest.raises(ValueError):
        compile_rule(a_field("/x", **rules))
