"""How a manifest names values of a body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.selectors import EACH, escape, index_of, overlaps, parse_selector, unescape


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("/name", ("name",)),
        ("/recipient/name", ("recipient", "name")),
        ("/items/*/sku", ("items", EACH, "sku")),
        ("/*/*", (EACH, EACH)),
        ("/a~1b/m~0n", ("a/b", "m~n")),
        ("/~01", ("~1",)),
        ("/", ("",)),
        ("/a//b", ("a", "", "b")),
        ("/a*b", ("a*b",)),
        ("/items/0", ("items", "0")),
        ("/收货人/姓名", ("收货人", "姓名")),
        ("/ spaced ", (" spaced ",)),
    ],
)
def test_selectors_are_json_pointers(text, tokens):
    """A selector is a JSON Pointer in which a lone asterisk stands for each element."""
    assert parse_selector(text) == tokens


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be empty"),
        ("name", 'write "/name"'),
        ("$.name", 'write "/$.name"'),
        ("/a~", "write ~0 for ~"),
        ("/a~2b", "write ~0 for ~"),
        ("/~~0", "write ~0 for ~"),
        ("/a" * 101, "write a shorter one"),
    ],
)
def test_a_wrong_selector_says_what_to_write(text, message):
    """A selector that cannot be read says what to write instead."""
    with pytest.raises(ValueError) as caught:
        parse_selector(text)
    assert message in str(caught.value)


@given(st.text())
def test_every_name_can_be_written(name):
    """Every member's name has an escape that leads back to it."""
    assert unescape(escape(name)) == name
    assert "/" not in escape(name)
    assert parse_selector("/" + escape(name)) == (name,)


@pytest.mark.parametrize(
    ("token", "index"),
    [("0", 0), ("12", 12), ("01", None), ("-", None), ("-1", None), ("", None), ("٣", None)],
)
def test_indexes_have_no_leading_zeros(token, index):
    """Only digits without leading zeros name an element, as in RFC 6901."""
    assert index_of(token) == index


@pytest.mark.parametrize(
    ("selectors", "pairs"),
    [
        (["/a", "/b"], []),
        (["/a", "/a/b"], []),
        (["/a/*", "/a/*/b"], []),
        (["/a", "/a"], [("/a", "/a")]),
        (["/a/*", "/a/0"], [("/a/*", "/a/0")]),
        (["/a/0/x", "/b", "/a/*/x"], [("/a/0/x", "/a/*/x")]),
        (["/a/*/x", "/a/0/y"], []),
        (["/a/*", "/a/b"], []),
        (["/a/*", "/a/01"], []),
    ],
)
def test_selectors_for_the_same_value_are_found(selectors, pairs):
    """Two selectors that can name the same value are reported as a pair."""
    assert overlaps(selectors) == pairs
