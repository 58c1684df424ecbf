"""Tables for people: as wide as they need to be, and no wider than a terminal."""

from gateway.cli.output import set_rows, table, width

HEADINGS = ("notice", "what to do", "age")
ROWS = (
    ("ntc_0123456789", "ask this recipient, then wait", "3 d"),
    ("ntc_1", "写信给 收件人", "12 d"),
)


def test_a_table_is_as_wide_as_it_needs_to_be() -> None:
    """Where nobody looks at a terminal each row is one line, for other programs to read."""
    lines = table(HEADINGS, ROWS).split("\n")

    assert len(lines) == 4
    assert lines[2] == "ntc_0123456789  ask this recipient, then wait  3 d"


def test_a_table_fits_the_terminal() -> None:
    """Cells of several words are broken between them; an id stays whole, to be copied."""
    text = table(HEADINGS, ROWS, room=36)
    rows = set_rows(HEADINGS, ROWS, room=36)

    assert max(map(width, text.split("\n"))) <= 36
    assert "ntc_0123456789" in text and "3 d" in text
    assert len(rows) == 2 + len(ROWS) and "\n" in rows[2]
    assert text.replace("\n", " ").split().count("recipient,") == 1


def test_what_cannot_be_broken_stays_whole() -> None:
    """A terminal that is too narrow for the ids gets them all the same."""
    text = table(HEADINGS, ROWS, room=10)

    assert "ntc_0123456789" in text
    assert all(word in text for word in ("recipient,", "收件人"))
