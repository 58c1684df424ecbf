"""Lines out of a stream of bytes."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.shape.lines import LineSplitter


def split(pieces: list[bytes], limit: int = 1000) -> list[bytes | None]:
    """The lines of what comes in these pieces."""
    splitter = LineSplitter(limit)
    found: list[bytes | None] = []
    for piece in pieces:
        found += splitter.feed(piece)
    return [*found, *splitter.finish()]


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([], []),
        ([b""], []),
        ([b"\n"], [b""]),
        ([b"a"], [b"a"]),
        ([b"a\n"], [b"a"]),
        ([b"a\nb"], [b"a", b"b"]),
        ([b"a\n\nb\n"], [b"a", b"", b"b"]),
        ([b"a", b"b", b"\n", b"c"], [b"ab", b"c"]),
        ([b"a\r\n"], [b"a\r"]),
    ],
)
def test_a_line_ends_with_a_line_feed(pieces: list[bytes], lines: list[bytes]):
    """A line feed ends a line, and so does the end of what comes, where something stands there."""
    assert split(pieces) == lines


@given(
    lines=st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=8),
    cuts=st.lists(st.integers(0, 100), max_size=6),
)
@settings(max_examples=60)
def test_where_the_pieces_are_cut_changes_nothing(lines: list[bytes], cuts: list[int]):
    """The same bytes give the same lines, in whatever pieces they come."""
    whole = b"".join(line + b"\n" for line in lines)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[a:b] for a, b in itertools.pairwise(places)]
    assert split(pieces) == lines


@pytest.mark.parametrize("pieces", [[b"12345\nab\n"], [b"123", b"45", b"\nab"], [b"1"] * 5])
def test_a_line_that_is_too_long(pieces: list[bytes]):
    """A line beyond the limit is told as such, and those after it are lines as ever."""
    found = split(pieces, limit=4)
    assert found[0] is None
    assert found[1:] in ([b"ab"], [])


def test_a_line_as_long_as_allowed():
    """The limit itself is allowed, each line anew."""
    assert split([b"1234\n5678\n"], limit=4) == [b"1234", b"5678"]


def test_what_is_too_long_is_not_kept():
    """Of a line without end no more than the limit is in memory."""
    splitter = LineSplitter(1000)
    for _ in range(100):
        assert list(splitter.feed(b"x" * 900)) == []
    assert sum(map(len, splitter._parts)) <= 1000


def test_a_line_does_not_print_what_stands_in_it():
    """What a line says is nowhere by accident."""
    (line,) = split([b"secret\n"])
    assert "secret" not in repr(line)
