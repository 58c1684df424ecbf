"""The grammar of patterns."""

import pytest

from gateway.policy.pattern_syntax import (
    Anchor,
    Chars,
    Choice,
    Repeat,
    Sequence,
    parse_pattern,
)

A, B = Chars(((97, 97),)), Chars(((98, 98),))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", Sequence(())),
        ("ab", Sequence((A, B))),
        ("a|b", Choice((Sequence((A,)), Sequence((B,))))),
        ("a{2,3}", Sequence((Repeat(A, 2, 3),))),
        ("a{,3}", Sequence((Repeat(A, 0, 3),))),
        ("a{2}", Sequence((Repeat(A, 2, 2),))),
        ("a*?", Sequence((Repeat(A, 0, None),))),
        ("^a$", Sequence((Anchor("^"), A, Anchor("$")))),
        (r"\Aa\Z", Sequence((Anchor("^"), A, Anchor("$")))),
        ("(?:a)", Sequence((Sequence((A,)),))),
        ("(?P<n>a)", Sequence((Sequence((A,)),))),
        ("[a-ab]", Sequence((Chars(((97, 98),)),))),
        ("[]a]", Sequence((Chars(((93, 93), (97, 97))),))),
        ("[a-]", Sequence((Chars(((45, 45), (97, 97))),))),
        (r"\x61\u0062", Sequence((A, B))),
        (r"[^\d\D]", Sequence((Chars(()),))),
    ],
)
def test_patterns_are_read_as_written(text, tree):
    """Every construct of the grammar is read as what it says."""
    assert parse_pattern(text) == tree


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(?=a)", "lookaround"),
        ("(?!a)", "lookaround"),
        ("(?<=a)b", "lookaround"),
        ("(?<!a)b", "lookaround"),
        (r"(a)\1", "backreference"),
        ("(?P<n>a)(?P=n)", "backreference"),
        (r"\bword\b", "write the characters out"),
        (r"\p{L}", "write the characters out"),
        ("[[:alpha:]]", "write the characters out"),
        ("(?i)a", "write both cases out"),
        ("(?>a)", "write (?: ... )"),
        ("(?#a)", "leave it out"),
        ("a**", "two quantifiers"),
        ("a+{2}", "two quantifiers"),
        ("a++", "two quantifiers"),
        ("*a", "repeats nothing"),
        ("{2}", "repeats nothing"),
        ("a{,}", "has no number"),
        ("a{3,2}", "ends before it begins"),
        ("a{2000}", "use max_length"),
        ("^*", "cannot be repeated"),
        ("a^b", "stands inside"),
        ("(a$)b", "stands inside"),
        ("(^a)*", "stands inside"),
        ("(a", "not closed"),
        ("[a", "not closed"),
        ("[", "not closed"),
        ("a)", "closes nothing"),
        ("[z-a]", "the smaller first"),
        (r"[a-\d]", "the smaller first"),
        ("\\", "is not supported"),
        ("(" * 50 + ")" * 50, "write it flatter"),
    ],
)
def test_what_is_refused_says_what_to_write(text, message):
    """What cannot be decided in linear time, or is a slip, is refused with the remedy."""
    with pytest.raises(ValueError) as caught:
        parse_pattern(text)
    assert message in str(caught.value)
