"""JSON scalars in memory and on the wire."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shape.values import (
    Number,
    declared_scalar,
    is_integral,
    is_number,
    same_value,
    text_of,
    without_exponent,
    write_scalar,
)


def test_a_number_prints_no_digits():
    """A number of a person's data shows nothing where it is printed for debugging."""
    assert repr(Number("13800138000")) == "<Number>"
    assert "138" not in repr({"phone": Number("13800138000")})


@pytest.mark.parametrize(
    ("spelling", "digits"),
    [
        ("1.38e3", "1380"),
        ("-1380E-2", "13.8"),
        ("1380013.8e4", "13800138000"),
        ("1380013800000e-2", "13800138000"),
        ("13e-5", "13"),
        ("1e999999999", "1"),
        ("0e5", ""),
        ("42", "42"),
    ],
)
def test_a_number_is_read_without_its_exponent(spelling, digits):
    """However a number is spelled, its digits can be looked at, and never millions of zeros."""
    assert without_exponent(Number(spelling)) == digits


@given(st.text())
def test_text_is_written_as_json(text):
    """Whatever a string holds, what is written reads back as that string."""
    assert json.loads(write_scalar(text)) == text


def test_numbers_are_written_as_they_came():
    """A number is written digit by digit; booleans and null by their names."""
    assert [write_scalar(value) for value in (Number("1.10"), True, False, None)] == [
        "1.10",
        "true",
        "false",
        "null",
    ]


@pytest.mark.parametrize("value", [{}, [], 1, 1.5, b"x", object()])
def test_nothing_else_is_a_scalar(value):
    """Anything that is no scalar of a parsed document cannot be written."""
    with pytest.raises(KeyError):
        write_scalar(value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1", "1.0", True),
        ("1", "1e0", True),
        ("100", "1E2", True),
        ("0", "-0.00e5", True),
        ("0.1", "1e-1", True),
        ("1", "-1", False),
        ("1", "10", False),
        ("1e999999999999999999999", "1", False),
        ("1e-99999999999999999999999", "1e99999999999999999999999", False),
    ],
)
def test_numbers_are_compared_by_exact_value(one, other, same):
    """Two spellings are the same exactly if their values are, at any size."""
    assert (same_value(Number(one)) == same_value(Number(other))) is same


def test_types_are_never_confused():
    """A number is not its digits as text, and true is not one."""
    values = [Number("1"), "1", True, None, "", "true"]
    assert len({same_value(value) for value in values}) == len(values)


@pytest.mark.parametrize(
    ("number", "whole"),
    [("1", True), ("1.0", True), ("1e3", True), ("0.0", True), ("1.5", False), ("1e-1", False)],
)
def test_whole_numbers_are_known_however_spelled(number, whole):
    """A whole number is whole in every spelling."""
    assert is_integral(Number(number)) is whole


@pytest.mark.parametrize(
    ("written", "scalar"), [(1, "1"), (1.5, "1.5"), ("x", "x"), (True, True), (None, None)]
)
def test_scalars_of_a_manifest_become_scalars_of_a_document(written, scalar):
    """What a manifest lists compares with what a document holds."""
    assert declared_scalar(written) == scalar
    assert (type(declared_scalar(written)) is Number) == (type(written) in (int, float))


@pytest.mark.parametrize("written", [float("nan"), float("inf"), [], {}, object()])
def test_what_json_has_no_scalar_for_is_refused(written):
    """A manifest cannot list what JSON cannot say."""
    with pytest.raises(ValueError):
        declared_scalar(written)


@pytest.mark.parametrize("text", ["", "01", "1.", ".5", "+1", "NaN", "0x1", "1 ", "١"])
def test_only_json_numbers_are_numbers(text):
    """What RFC 8259 does not call a number is none."""
    assert not is_number(text)


def test_text_of_takes_strings_and_numbers_only():
    """Strings and numbers have a text, nothing else does."""
    assert [text_of(value) for value in ("a", Number("1"), True, None, [])] == [
        "a",
        "1",
        None,
        None,
        None,
    ]
