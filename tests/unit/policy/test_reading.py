"""Reading values, collecting every mistake."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.model.policy import Kind
from gateway.policy.documents import scan_document
from gateway.policy.reading import Node, flag, maybe, read_or, root_of, text
from tests.unit.policy.builders import node


def reads(written: str, read):
    """What a reader makes of one value, and the messages that it tells."""
    root, collector = node(f"key: {written}")
    value = read(root.members()["key"])
    return value, [problem.message for problem in collector.problems]


@pytest.mark.parametrize(
    ("written", "read", "value"),
    [
        ("some text", Node.text, "some text"),
        ("true", Node.flag, True),
        ("3", Node.whole, 3),
        ("swift-parcel", Node.identifier, "swift-parcel"),
        ("[a, b]", Node.identifiers, ("a", "b")),
        ("[S4a, T1-3]", Node.clauses, ("S4a", "T1-3")),
        ("2026-02-28", Node.day, date(2026, 2, 28)),
        ("2026-02-28T10:00:00Z", Node.moment, datetime(2026, 2, 28, 10, tzinfo=UTC)),
        ("250ms", Node.duration, timedelta(milliseconds=250)),
        ("30d", Node.duration, timedelta(days=30)),
        ("90m", Node.duration, timedelta(minutes=90)),
        ("4096", Node.size, 4096),
        ("64KiB", Node.size, 65536),
        ("5MB", Node.size, 5_000_000),
    ],
)
def test_a_fit_value_is_read(written, read, value):
    """Each reader turns what a manifest writes into the value that is meant."""
    assert reads(written, read) == (value, [])


@pytest.mark.parametrize(
    ("written", "read", "told"),
    [
        ("3", Node.text, "in quotes"),
        ("''", Node.text, "write a value"),
        ("'true'", Node.flag, "write true or false"),
        ("true", Node.whole, "write 1 or more"),
        ("0", Node.whole, "write 1 or more"),
        ("1.5", Node.whole, "write 1 or more"),
        ("Swift_Parcel", Node.identifier, "write 1 to 63 lower-case letters"),
        (f"{'a' * 64}", Node.identifier, "write 1 to 63 lower-case letters"),
        ("2026-02-30", Node.day, "write it as 2026-03-01"),
        ("2026-2-3", Node.day, "write it as 2026-03-01"),
        ("2026-02-28T10:00:00+08:00", Node.moment, "write it as 2026-03-01T00:00:00Z"),
        ("2026-02-28T25:00:00Z", Node.moment, "write it as 2026-03-01T00:00:00Z"),
        ("30", Node.duration, "write digits and ms, s, m, h or d"),
        ("0s", Node.duration, "above zero"),
        ("1w", Node.duration, "write digits and ms, s, m, h or d"),
        ("99999d", Node.duration, "longer than"),
        ("0B", Node.size, "above zero"),
        ("5 MB", Node.size, "write digits"),
        ("true", Node.size, "write digits"),
    ],
)
def test_an_unfit_value_is_told_with_what_to_write(written, read, told):
    """What cannot be read gives one message that says what to write instead."""
    value, messages = reads(written, read)
    assert value is None
    assert len(messages) == 1
    assert told in messages[0]


def test_lists_are_told_element_by_element():
    """Each wrong element is told by itself, and the fit ones are kept."""
    assert reads("[a, 3, b]", Node.words) == (
        ("a", "b"),
        ['each element of "key" is text, write it in quotes'],
    )
    assert reads("[a, a]", Node.identifiers)[1] == ['"a" stands here twice, keep one']
    assert "write [a, b]" in reads("a", Node.words)[1][0]


def test_clauses_are_never_empty():
    """A rule that cites no clause is no rule of this policy."""
    assert "cites the clause it keeps" in reads("[]", Node.clauses)[1][0]
    assert "no clause id" in reads("[sharing]", Node.clauses)[1][0]


def test_a_closed_set_of_words_offers_the_closest():
    """A word that is not known gets the one that was probably meant."""
    value, messages = reads("processer", lambda one: one.member_of(Kind))
    assert value is None
    assert messages == ['"processer" is no value of "key", write "processor"']


def test_unknown_and_missing_keys_are_told_together():
    """Both are told at once, the unknown one at its place."""
    root, collector = node("ownr: a\nname: b\n")
    fields = root.fields(("owner", "name"), required=("owner",))
    assert list(fields) == ["name"]
    assert [(one.line, one.message) for one in collector.problems] == [
        (1, 'unknown key "ownr", write "owner"'),
        (1, '"owner" is missing, write owner: …'),
    ]


def test_defaults_stand_in_for_what_is_absent_or_wrong():
    """A reader goes on with the default, so that the next mistake is told too."""
    root, collector = node("flag: 3\ntitle: t\n")
    fields = root.fields(("flag", "title", "days"))
    assert flag(fields, "flag", True) is True
    assert text(fields, "title") == "t"
    assert read_or(fields, "days", Node.whole, 30) == 30
    assert maybe(fields, "days", Node.whole) is None
    assert len(collector.problems) == 1


def test_what_is_wrong_as_yaml_is_not_told_twice():
    """An ambiguous scalar is told once, not again as a wrong truth value."""
    root, collector = root_of(scan_document("file.yaml", b"sealed: yes\n"))
    assert root.members()["sealed"].flag() is None
    assert len(collector.problems) == 1
