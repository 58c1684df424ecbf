"""The transforms of the contract, as a manifest calls them."""

import hashlib
import hmac
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.transforms import TRANSFORMS
from gateway.shape import DROPPED, TRANSFORMERS, Number, compile_transform
from tests.marks import promise
from tests.unit.shape.builders import a_call, a_context, a_field


def transformed(value: Any, written: str | dict[str, Any], **context: Any) -> Any:
    call = a_call(written)
    assert call is not None
    return compile_transform(call, a_field("/x"))(value, a_context(**context))


def test_every_transform_of_the_policy_can_be_carried_out():
    """What the policy knows by name is what the filter can do, and the other way round."""
    assert set(TRANSFORMERS) == set(TRANSFORMS)


@pytest.mark.parametrize(
    ("written", "value", "shown"),
    [
        ("mask-name", "欧阳明", "欧**"),
        ("mask-phone", "13800138000", "138****8000"),
        ("mask-email", "zhang@mail.example", "z***@mail.example"),
        ("mask-tail", "A12345678", "A1234****"),
        ({"mask-tail": 6}, "A12345678", "A12******"),
        ({"truncate": 3}, "610041", "610"),
        ("year", "1990-05-17", "1990"),
        ("age-band", "34", "30-39"),
        ({"age-band": 5}, "1990-11-23", "35-39"),
        ("region", "四川省成都市青羊区", "四川省"),
        ({"region": "city"}, "四川省成都市青羊区", "四川省成都市"),
        ("coarse-location", "31.2304", "31.2"),
        ({"coarse-location": 2}, "31.2304,121.4737", "31.23,121.47"),
        ("ip-prefix", "203.0.113.7", "203.0.113.0"),
        ({"ip-prefix": 16}, "203.0.113.7", "203.0.0.0"),
        ("pseudonym", "user-7", "pseudonym of 6"),
        ("token", "13800138000", "token(/x)"),
        ({"constant": "withheld"}, "13800138000", "withheld"),
        ("drop", "anything", DROPPED),
    ],
)
def test_each_transform_does_what_it_says(written, value, shown):
    """Each transform of the contract shows what its documentation says."""
    assert transformed(value, written) == shown


@pytest.mark.parametrize(
    ("written", "value", "shown"),
    [
        ("mask-phone", "13800138000", "138****8000"),
        ("mask-phone", "1.38e10", DROPPED),
        ("mask-name", "12345", "1****"),
        ({"truncate": 3}, "610041", "610"),
        ("year", "1990", "1990"),
        ("year", "19900517", "1990"),
        ("age-band", "34", "30-39"),
        ("region", "610041", DROPPED),
        ("coarse-location", "31.2304", "31.2"),
        ("coarse-location", "3.1e1", DROPPED),
        ("ip-prefix", "3405803783", DROPPED),
        ("pseudonym", "17", "pseudonym of 2"),
    ],
)
def test_a_number_counts_as_its_digits(written, value, shown):
    """A number is treated as the digits it is written with; coordinates stay numbers."""
    result = transformed(Number(value), written)
    assert result == shown
    assert (type(result) is Number) == (written == "coarse-location" and shown is not DROPPED)


EVERY = [
    "mask-name",
    "mask-phone",
    "mask-email",
    "mask-tail",
    {"truncate": 2},
    "year",
    "age-band",
    "region",
    "coarse-location",
    "ip-prefix",
    "hash",
    "pseudonym",
    "token",
    {"constant": "x"},
    "drop",
]


@pytest.mark.parametrize("written", EVERY)
def test_null_stays_null(written):
    """Null stays null through every transform, except that drop drops it."""
    assert transformed(None, written) is (DROPPED if written == "drop" else None)


@pytest.mark.parametrize("written", [each for each in EVERY if each not in ("hash", "token")])
def test_a_boolean_is_never_passed_raw(written):
    """A boolean, which no mask can read, is dropped or replaced."""
    assert transformed(True, written) in (DROPPED, "x")


@pytest.mark.parametrize("written", ["mask-phone", "mask-email", "year", "region", "ip-prefix"])
@given(value=st.text())
def test_what_cannot_be_read_is_dropped(written, value):
    """A value that a transform cannot read never leaves as it is."""
    result = transformed(value, written)
    # What is a year, a province or a prefix already, is no more than it would say.
    as_said = result is not DROPPED and transformed(result, written) == result
    assert result is DROPPED or result != value or as_said


@promise("C6")
def test_a_hash_is_keyed_for_each_partner():
    """A value hashes alike for one partner, differently for another, and needs the key."""
    mine = transformed("13800138000", "hash")
    assert mine == transformed("13800138000", "hash") == transformed(Number("13800138000"), "hash")
    assert mine != transformed("13800138000", "hash", partner="other")
    assert mine != transformed("13800138001", "hash")
    expected = hmac.new(b"k" * 32, b"courier\x0013800138000", hashlib.sha256).hexdigest()
    assert mine == expected
    other_key = replace(a_context(), hash_key=b"x" * 32)
    call = a_call("hash")
    assert call is not None
    assert compile_transform(call)("13800138000", other_key) != mine
    assert transformed("", "hash") != transformed(True, "hash")


def test_a_token_gets_the_field_and_the_value():
    """A token is made for one declared field and the value as it stood in the document."""
    made = []

    def token(field, value):
        made.append((field.selector, value))
        return "t1"

    assert transformed(Number("1.10"), "token", token=token) == "t1"
    assert made == [("/x", "1.10")]
    assert type(made[0][1]) is Number


@pytest.mark.parametrize(("written", "kind"), [(7, Number), (True, bool), ("x", str)])
def test_a_constant_keeps_its_type(written, kind):
    """A constant is sent as the manifest writes it."""
    result = transformed("secret", {"constant": written})
    assert type(result) is kind
    assert result == (str(written) if kind is Number else written)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("mask-everything", "write one of"),
        ("truncate", "whole number"),
        ({"truncate": 0}, "whole number"),
        ({"truncate": "3"}, "whole number"),
        ({"mask-tail": True}, "whole number"),
        ({"coarse-location": 3}, "from 0 to 2"),
        ({"region": "street"}, "write {region: province}"),
        ({"ip-prefix": 33}, "whole number"),
        ({"constant": float("nan")}, "NaN"),
        ({"constant": ["x"]}, "one value"),
    ],
)
def test_a_wrong_call_does_not_compile(written, message):
    """A transform that cannot be carried out as written is refused when the policy loads."""
    with pytest.raises(ValueError, match=message):
        transformed("x", written)


def test_a_token_without_its_field_does_not_compile():
    """A token cannot be made for nobody knows what."""
    call = a_call("token")
    assert call is not None
    with pytest.raises(ValueError, match="needs the field"):
        compile_transform(call)
