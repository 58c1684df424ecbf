"""
A letter to a recipient that a person tells (protocol `manual`; contract §9, R3).

The page is for printing, the text for a mail; both say the same, and nothing of the
person but what this recipient already has. Markup is escaped wherever it comes from,
and a text keeps each fact on its own line, so that no name can pass for another.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from gateway.reports.html import Content, Html, facts, joined, listed, page, sheet, tag
from gateway.reports.letter_words import ACTIONS, LANGUAGES, WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Everything that a letter says. Prints nothing of the person."""

    notice: str
    action: str
    recipient: str
    contact: str
    agreement: str | None
    """The agreement's reference; None: none is on file any more."""
    sender: str
    """Who writes, and how partners know this gateway: its public address."""
    receipts: str
    written: date
    deadline: date
    pseudonym: str | None = field(repr=False)
    """None: only the records are meant."""
    references: tuple[str, ...] = field(repr=False)
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    part: int | None = None
    parts: int | None = None
    reply_to: str = ""
    """Where an answer in writing goes; empty: none is set."""
    changes: tuple[tuple[str, str | None], ...] = field(default=(), repr=False)
    """`rectify`: fields and their new values as JSON has them; None: to be asked for."""


def letter_page(letter: Letter, languages: Sequence[str] = LANGUAGES) -> str:
    """The letter as a page that prints on A4, each language on a sheet of its own."""
    sheets = [
        sheet(WORDS[language]["title"], language, _sheet(letter, language), first=not place)
        for place, language in enumerate(languages)
    ]
    title = " · ".join(WORDS[language]["title"] for language in languages)
    return page(title, *sheets)


def letter_text(letter: Letter, languages: Sequence[str] = LANGUAGES) -> str:
    """The same as the text of a mail."""
    return "\n\n".join("\n".join(_lines(letter, language)) for language in languages) + "\n"


def _sheet(letter: Letter, language: str) -> Iterator[Content]:
    words = WORDS[language]
    yield facts(_head(letter, language))
    yield tag("p", tag("strong", ACTIONS[language][letter.action]))
    yield facts([(words["deadline"], letter.deadline.isoformat())])
    yield tag("h2", words["ids"])
    yield facts((name, _several(values)) for name, values in _ids(letter, language))
    if letter.pseudonym is None:
        yield tag("p", words["records_only"])
    yield facts((name, listed(values)) for name, values in _about(letter, language))
    if letter.changes:
        yield tag("h2", words["changes"])
        yield facts((name, tag("code", value)) for name, value in _changes(letter, language))
    yield tag("h2", words["answer"])
    yield tag("p", f"{words['answer_signed']} ", tag("code", letter.receipts))
    yield tag("p", words["answer_written"])
    yield tag("ul", *(tag("li", f"☐ {answer}") for answer in _answers(language)))
    yield tag("p", words["onward"])
    yield tag("p", words["confidential"], class_="note")


def _several(values: Sequence[str]) -> Html:
    return joined([listed([tag("code", value) for value in values])])


def _lines(letter: Letter, language: str) -> Iterator[str]:
    words = WORDS[language]
    colon = words["colon"]
    yield words["title"]
    yield ""
    yield from (f"{name}{colon}{_line(value)}" for name, value in _head(letter, language))
    yield ""
    yield ACTIONS[language][letter.action]
    yield f"{words['deadline']}{colon}{letter.deadline.isoformat()}"
    yield ""
    for name, values in (*_ids(letter, language), *_about(letter, language)):
        yield f"{name}{colon}".rstrip()
        yield from (f"  - {_line(value)}" for value in values)
    if letter.pseudonym is None:
        yield words["records_only"]
    if letter.changes:
        yield f"{words['changes']}{colon}".rstrip()
        for name, value in _changes(letter, language):
            yield f"  - {_line(name)}{colon}{_line(value)}"
    yield ""
    yield f"{words['answer_signed']} {letter.receipts}"
    yield words["answer_written"]
    yield from (f"  [ ] {answer}" for answer in _answers(language))
    yield ""
    yield words["onward"]
    yield words["confidential"]


def _head(letter: Letter, language: str) -> list[tuple[str, str]]:
    words = WORDS[language]
    found = [
        (words["to"], letter.recipient),
        (words["contact"], letter.contact or words["none"]),
        (words["agreement"], letter.agreement or words["none"]),
        (words["from"], letter.sender),
        *([(words["reply_to"], letter.reply_to)] if letter.reply_to else []),
        (words["notice"], letter.notice),
        (words["date"], letter.written.isoformat()),
    ]
    if letter.parts is not None:
        found.append((words["part"], f"{letter.part} {words['of']} {letter.parts}"))
    return found


def _ids(letter: Letter, language: str) -> list[tuple[str, tuple[str, ...]]]:
    words = WORDS[language]
    person = (letter.pseudonym,) if letter.pseudonym is not None else ()
    found = ((words["pseudonym"], person), (words["references"], letter.references))
    return [(name, values) for name, values in found if values]


def _about(letter: Letter, language: str) -> list[tuple[str, tuple[str, ...]]]:
    words = WORDS[language]
    found = ((words["purposes"], letter.purposes), (words["categories"], letter.categories))
    return [(name, values) for name, values in found if values]


def _changes(letter: Letter, language: str) -> list[tuple[str, str]]:
    unknown = WORDS[language]["changes_unknown"]
    return [(name, unknown if value is None else value) for name, value in letter.changes]


def _answers(language: str) -> list[str]:
    words = WORDS[language]
    return [words[f"answer_{one}"] for one in ("done", "none", "partly", "refused")]


def _line(text: str) -> str:
    """A text on one line: what would begin another, or turn its direction, is left out."""
    return "".join(
        " " if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") else one for one in text
    )
