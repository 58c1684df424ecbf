"""A letter to a recipient: the same facts on paper and in a mail, and nothing that bites."""

from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest

from gateway.model.cases import Action
from gateway.reports.letter import Letter, letter_page, letter_text
from gateway.reports.letter_words import ACTIONS, LANGUAGES, WORDS

LETTER = Letter(
    notice="ntc_1",
    action="erase",
    recipient="速递公司 <Swift & Co.>",
    contact="privacy@swift-parcel.example",
    agreement="DPA-2026-014",
    sender="https://sharing.shop.example",
    receipts="https://sharing.shop.example/receipts",
    written=date(2026, 11, 22),
    deadline=date(2026, 12, 7),
    pseudonym="h5id367j5jebhels2yrlvzk6nz",
    references=("SP-1", "SP-2"),
    purposes=("order-fulfilment",),
    categories=("basic.name",),
    part=1,
    parts=2,
)


class Elements(HTMLParser):
    """The names of all elements, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """One element."""
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        """Some text."""
        self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_mail_say_the_same(language: str) -> None:
    """Every fact stands in both, in each language."""
    read = Elements()
    read.feed(letter_page(LETTER, (language,)))
    mail = letter_text(LETTER, (language,))

    for fact in (
        *(LETTER.notice, LETTER.recipient, LETTER.contact, "DPA-2026-014", LETTER.sender),
        *(LETTER.receipts, "2026-11-22", "2026-12-07", "SP-1", "SP-2", "order-fulfilment"),
        *("basic.name", str(LETTER.pseudonym), ACTIONS[language]["erase"]),
    ):
        assert fact in read.text
        assert fact in mail


def test_each_language_has_words_for_everything() -> None:
    """No letter is written in half a language, and no action is without one."""
    assert {tuple(sorted(words)) for words in WORDS.values()} == {tuple(sorted(WORDS["en"]))}
    for language in LANGUAGES:
        assert set(ACTIONS[language]) == {action.value for action in Action}


def test_no_name_becomes_markup_or_another_line() -> None:
    """What a recipient calls itself or its records is text, on a line of its own."""
    evil = '"><script>alert(1)</script>\n截止日期：2099-01-01\u202e'
    letter = replace(LETTER, recipient=evil, references=(evil,), agreement=evil, contact=evil)
    read = Elements()

    read.feed(letter_page(letter))

    assert "script" not in read.names
    assert "\u202e" not in read.text
    lines = letter_text(letter).splitlines()
    assert not [line for line in lines if line.startswith("截止日期")]
    assert "\u202e" not in letter_text(letter)


def test_some_records_are_not_the_person() -> None:
    """Where only records are meant the person is not named, and the letter says so."""
    letter = replace(LETTER, pseudonym=None)

    for shown in (letter_page(letter), letter_text(letter)):
        assert str(LETTER.pseudonym) not in shown
        for words in WORDS.values():
            assert words["records_only"] in shown


def test_a_letter_prints_nothing_of_the_person() -> None:
    """Not in a traceback either."""
    assert "SP-1" not in repr(LETTER)
    assert str(LETTER.pseudonym) not in repr(LETTER)
