"""JSON Pointers, as RFC 6901 has them."""

from typing import Any

import pytest

from gateway.recipient.pointers import resolve

# The document and the pointers of RFC 6901 §5.
DOCUMENT: dict[str, Any] = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_the_examples_of_the_rfc_resolve(pointer: str, value: Any) -> None:
    """Every example of the RFC finds what the RFC says."""
    assert resolve(DOCUMENT, pointer) == value


def test_escapes_are_undone_in_order() -> None:
    """`~01` is a tilde and a one, not a slash."""
    assert resolve({"~1": "tilde", "/": "slash"}, "/~01") == "tilde"


def test_a_digit_is_a_name_in_an_object() -> None:
    """What is an index in an array is a name in an object."""
    assert resolve({"0": "name"}, "/0") == "name"
