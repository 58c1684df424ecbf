"""Pages: nothing runs, nothing is fetched, and every text is text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.reports.html import escaped, facts, joined, label, listed, page, table, tag
from tests.unit.reports.builders import HOSTILE
from tests.unit.reports.pages import Page, check


@pytest.mark.parametrize("place", ["title", "lead", "foot", "cell", "heading", "caption", "fact"])
def test_a_hostile_text_is_text_wherever_it_stands(place: str) -> None:
    """No name closes an element, opens one, or turns the direction of what follows."""
    said = {"title": "A", "lead": "B", "foot": "C", "cell": "D", "heading": "E", "caption": "F"}
    said |= {"fact": "G", place: HOSTILE}
    text = page(
        said["title"],
        facts([(said["fact"], said["fact"])]),
        table(
            (said["heading"],), [(said["cell"],), (label(said["cell"]),)], caption=said["caption"]
        ),
        lead=said["lead"],
        foot=said["foot"],
    )
    read = check(text)

    assert "<script>alert(1)</script>" in read.text
    assert "\u202e" not in text
    assert "\x00" not in text
    assert text.encode()


@given(st.text(), st.text())
@settings(max_examples=60)
def test_any_text_comes_back_as_it_was_given(first: str, second: str) -> None:
    """Whatever a name holds, the page has the elements it has without it."""
    read = Page(tag("p", first, tag("span", second, class_=second)))

    assert [name for name, _ in read.elements] == ["p", "span"]


def test_a_signed_note_keeps_its_lines() -> None:
    """Copied from the page it is still the one that was signed; elsewhere lines are one."""
    note = "origin/ledger\n7\nroot=\n\n— origin/ledger <sig>\n"

    assert note.replace("<sig>", "&lt;sig&gt;") in tag("pre", note)
    assert tag("p", "a\nb") == "<p>a b</p>"
    assert tag("pre", tag("code", "a")) == "<pre><code>a</code></pre>"


def test_markup_is_not_escaped_twice() -> None:
    """What is markup already stays it."""
    assert tag("p", tag("span", "a & b")) == "<p><span>a &amp; b</span></p>"
    assert joined(["<", tag("p", "")]) == "&lt;<p></p>"
    assert escaped(escaped("<")) == "&lt;"
    assert listed(["one"]) == "one"
    assert listed(["a", "b"]) == "<ul><li>a</li><li>b</li></ul>"
