"""Patterns, matched in linear time against the whole text."""

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.policy.patterns import check_pattern, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "fits", "differs"),
    [
        ("^[A-Z0-9-]{1,32}$", ["A", "ABC-123"], ["", "abc", "A" * 33, "ABC\n"]),
        ("abc", ["abc"], ["xabc", "abcx", "abc\n"]),
        (r"\d{4}-\d{2}-\d{2}", ["2026-11-22"], ["2026-1-22", "٢٠٢٦-١١-٢٢"]),
        ("[一-龥·]{2,20}", ["欧阳明", "买买提·艾力"], ["明", "Ouyang"]),
        ("a|^b$|", ["a", "b", ""], ["ab", "c"]),
        (r"[^\s@]+@[^\s@]+\.[a-z]{2,}", ["a@b.example"], ["a@b", "a b@c.example"]),
        (".*", ["", "anything"], ["two\nlines"]),
        (r"(?:[a-z]+\.)*[a-z]+", ["a", "mail.shop.example"], ["", ".a", "a..b"]),
        ("😀{2}", ["😀😀"], ["😀"]),
    ],
)
def test_a_pattern_speaks_about_the_whole_text(pattern, fits, differs):
    """A pattern holds for the whole text or not at all, with or without anchors."""
    compiled = compile_pattern(pattern)
    assert [text for text in fits if not compiled.matches(text)] == []
    assert [text for text in differs if compiled.matches(text)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a*)*b",
        "([a-zA-Z]+)*$",
        "(a|aa)+$",
        "(a|a?)+$",
        "(.*a){5}b",
        "a*a*a*a*a*a*a*a*b",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}$",
        "(x+x+)+y",
        r"\s*\s*\s*$",
    ],
)
@pytest.mark.parametrize("unit", ["a", "x", " ", "ab"])
def test_patterns_that_stop_other_engines_are_linear(pattern, unit):
    """A pattern on which a backtracking engine hangs answers at once for a long text."""
    compiled = compile_pattern(pattern)
    begun = time.perf_counter()
    compiled.matches(unit * 20_000 + "!")
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    "pattern",
    [
        ".*a.{20}",
        "(a?){1000}a{1000}",
        "((((a{1,1000}){1,1000}){1,1000}){1,1000})",
        "((((){1000}){1000}){1000})",
        "(a?){1000}(b?){1000}(c?){1000}",
        "(.{0,1000}){3}",
        "a" * 1001,
    ],
)
def test_patterns_that_are_too_large_are_refused_at_once(pattern):
    """A pattern whose table would be too large is refused when it loads, and quickly."""
    begun = time.perf_counter()
    with pytest.raises(ValueError, match=r"max_length|shorter"):
        check_pattern(pattern)
    assert time.perf_counter() - begun < 2


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", "[a-c1]", "(?:)", "中"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})")
        | st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        )
    ),
    max_leaves=6,
)


@given(PATTERNS, st.lists(st.text(st.sampled_from("ab1中\n"), max_size=7), max_size=10))
def test_patterns_mean_what_they_mean_elsewhere(pattern, texts):
    """On everything that both understand, the answer is that of Python's own engine."""
    try:
        compiled = compile_pattern(pattern)
    except ValueError:
        assume(False)
    other = re.compile(pattern, re.ASCII)
    for text in texts:
        assert compiled.matches(text) is (other.fullmatch(text) is not None)


def test_the_same_pattern_is_compiled_once():
    """Manifests repeat patterns; the table is made once and prints what it was made of."""
    assert compile_pattern("^[A-Z]{1,5}$") is compile_pattern("^[A-Z]{1,5}$")
    assert repr(compile_pattern("^[A-Z]{1,5}$")) == "<Pattern '^[A-Z]{1,5}$'>"
