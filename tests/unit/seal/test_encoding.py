"""Base64url and JSON with one spelling each."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.seal.encoding import b64, dumps, loads_object, unb64


@given(st.binary(max_size=200))
def test_octets_survive(octets: bytes) -> None:
    """Whatever is written reads back as it was, without padding."""
    assert unb64(b64(octets)) == octets
    assert "=" not in b64(octets)


@given(st.text(alphabet="ABab09-_+/= \n\x00é", max_size=12))
def test_each_octet_string_has_one_spelling(text: str) -> None:
    """A text is either refused or the very text that its octets are written as."""
    try:
        octets = unb64(text)
    except ValueError:
        return
    assert b64(octets) == text


@pytest.mark.parametrize("text", ["AA==", "AB", "A", "AA+A", "AA/A", "AA\n", " AA", "AAé", "AAA="])
def test_other_spellings_are_refused(text: str) -> None:
    """Padding, foreign characters, impossible lengths and loose bits are refused."""
    with pytest.raises(ValueError):
        unb64(text)


def test_json_is_compact_ascii() -> None:
    """What is signed is compact JSON in ASCII, so no reader can mistake its encoding."""
    assert dumps({"name": "欧阳明", "n": [1, True, None]}) == (
        b'{"name":"\\u6b27\\u9633\\u660e","n":[1,true,null]}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_has_no_nan(value: float) -> None:
    """Numbers that JSON does not have are not written."""
    with pytest.raises(ValueError):
        dumps({"n": value})


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"b":{"a":1,"a":1}}',
        '[{"a":1,"a":1}]',
        "[]",
        '"text"',
        "",
        "{",
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_a_doubtful_object_is_refused(text: str) -> None:
    """Repeated members, other types, NaN and endless nesting are not read."""
    with pytest.raises(ValueError):
        loads_object(text.encode())


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """JSON is UTF-8 and nothing else."""
    with pytest.raises(ValueError):
        loads_object(b'{"a":"\xff"}')
    with pytest.raises(ValueError):
        loads_object(json.dumps({"a": 1}).encode("utf-16"))
