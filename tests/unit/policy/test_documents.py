"""YAML documents, read strictly and with positions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigError
from gateway.policy.documents import MAX_DEPTH, read_document, scan_document


def told(text: str | bytes) -> list[tuple[int, int, str]]:
    """Line, column and the first words of every mistake of a document."""
    raw = text if isinstance(text, bytes) else text.encode()
    found = scan_document("file.yaml", raw).problems
    return [(one.line, one.column, one.message.split(",")[0]) for one in found]


def test_a_document_becomes_plain_values():
    """Mappings, lists and scalars come out as Python's own, quoted or not."""
    document = read_document(
        "file.yaml",
        b'a: {b: [1, "1", true, null, 2026-03-01]}\nc: >-\n  two\n  lines\n"d e": \'no\'\n',
    )
    assert document.root == {
        "a": {"b": [1, "1", True, None, "2026-03-01"]},
        "c": "two lines",
        "d e": "no",
    }


def test_an_unchanged_document_is_not_read_again():
    """The same bytes under the same name are read once; another name or byte is another document."""
    first = scan_document("one.yaml", b"a: [1, 2]\n")

    assert scan_document("one.yaml", bytes(bytearray(b"a: [1, 2]\n"))) is first
    assert scan_document("two.yaml", b"a: [1, 2]\n").name == "two.yaml"
    assert scan_document("one.yaml", b"a: [1, 3]\n").root == {"a": [1, 3]}


def test_every_value_and_key_knows_its_place():
    """Lines and columns are counted from one, for values and for keys."""
    document = read_document("file.yaml", b"routes:\n  create:\n    send: {/a: [x, y]}\n")
    assert document.values["routes", "create", "send", "/a", 1] == (3, 20)
    assert document.keys["routes", "create", "send", "/a"] == (3, 12)


def test_what_is_absent_is_told_at_the_key_of_its_parent():
    """A mistake about a missing key points at the mapping that lacks it."""
    document = read_document("file.yaml", b"routes:\n  create: {a: 1}\n")
    problem = document.problem(("routes", "create", "send", "/x"), "missing")
    assert (problem.line, problem.column) == (2, 3)
    assert document.problem(("nowhere",), "missing").line == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\n", (1, 4, "an anchor (&)")),
        ("a: *x\n", (1, 4, "an alias (*)")),
        ("a: !!int 1\n", (1, 4, "a tag (!)")),
        ("a: ! x\n", (1, 4, "a tag (!)")),
        ("<<: {a: 1}\n", (1, 1, "a merge key (<<)")),
        ("a: 1\na: 2\n", (2, 1, 'key "a" stands already on line 1')),
        ("a: 1\n'a': 2\n", (2, 1, 'key "a" stands already on line 1')),
        ("[a]: 1\n", (1, 1, "this key is not text")),
        ("1: a\n", (1, 1, "this key is not text")),
        ("true: a\n", (1, 1, "this key is not text")),
        ("a: 1\n---\nb: 1\n", (2, 1, "a second document begins here")),
        ("%YAML 1.1\n---\na: 1\n", (2, 1, "a YAML directive")),
        ("a:\tb\n", (1, 3, "a tab character")),
        ("a: \u202eb\n", (1, 4, "a control or invisible character")),
        ("a: 'b\n", (1, 4, "this quote or bracket is never closed")),
        ("a: [b, c\n", (1, 4, "this quote or bracket is never closed")),
        ("a: b: c\n", (1, 5, "a colon where no value can stand")),
        ("a: @b\n", (1, 4, "this character cannot begin a plain value")),
        ('a: "\\uD800"\n', (1, 4, "an escape for a control or invisible character")),
        ('a: "\\0"\n', (1, 4, "an escape for a control or invisible character")),
        ('a: 1\nb: "\\UFFFFFFFF"\n', (2, 1, "after this an escape names no character")),
        ('a: "\\U00110000"\n', (1, 1, "after this an escape names no character")),
        ("", (1, 1, "the file is empty")),
        ("# only a comment\n", (1, 1, "the file is empty")),
        (b"a: \xff\n", (1, 4, "this byte is not UTF-8")),
        (b"a: b\nc: \xc3(\n", (2, 4, "this byte is not UTF-8")),
        (b"\xef\xbb\xbfa: 1\n", (1, 1, "the file begins with a byte order mark")),
        ("a: 1\n".encode("utf-16"), (1, 1, "this byte is not UTF-8")),
    ],
)
def test_each_trap_of_yaml_is_told_at_its_place(text, expected):
    """What YAML offers beyond plain data is refused, each with its own message."""
    assert told(text) == [expected]


def test_all_mistakes_are_told_at_once():
    """One run shows every mistake, in the order of the file."""
    found = told("a: &x 1\nb: *x\nc: no\nd: 010\na: 2\n")
    assert [line for line, _, _ in found] == [1, 2, 3, 4, 5]


def test_a_mistake_inside_a_repeated_key_is_told_too():
    """The second value of a repeated key is not used, and still read."""
    document = scan_document("file.yaml", b"a: 1\na: {b: no}\n")
    assert document.root == {"a": 1}
    assert [one.line for one in document.problems] == [2, 2]


def test_deep_nesting_is_refused_without_recursion():
    """A document nested a hundred thousand times is told at once, and exhausts nothing."""
    expected = (1, 3 + MAX_DEPTH, f"nested deeper than {MAX_DEPTH} levels")
    assert told("a: " + "[" * 100_000) == [expected]
    assert told("? " + "[" * 100_000)[-1][2] == f"nested deeper than {MAX_DEPTH} levels"


def test_reading_raises_with_every_mistake():
    """A caller who wants the whole document gets it, or everything that is wrong."""
    with pytest.raises(ConfigError) as caught:
        read_document("file.yaml", b"a: no\nb: on\n")
    assert [str(one).split(" ")[0] for one in caught.value.problems] == [
        "file.yaml:1:4:",
        "file.yaml:2:4:",
    ]


@given(st.binary(max_size=200))
def test_any_bytes_give_a_document_or_mistakes(raw):
    """Whatever a file holds, it becomes values or mistakes, and nothing is thrown."""
    document = scan_document("file.yaml", raw)
    assert document.root is not None or document.problems


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@ \n0_", max_size=60))
def test_any_text_gives_a_document_or_mistakes(text):
    """Whatever is typed, it becomes values or mistakes, and nothing is thrown."""
    document = scan_document("file.yaml", text.encode())
    assert document.root is not None or document.problems
