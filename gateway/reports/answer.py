"""
The answer to a person who asked for something (R6, R7): what was asked, when and how
they were verified, what was done, whom we told and how each stands, and where to complain.

The page is for printing, the text for a mail; both say the same. Nothing in it is about
the person but what their case holds: no name, no id, no value.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.model.cases import Action, Case, CaseState, Notice, NoticeState, Proof
from gateway.reports.answer_words import (
    ASKED,
    DONE,
    GROUNDS,
    LANGUAGES,
    REASONS,
    STANDS,
    VERIFIED,
    WORDS,
)
from gateway.reports.html import Content, facts, page, sheet, table, tag

_UNDONE = frozenset(
    {NoticeState.PARTIAL, NoticeState.REFUSED, NoticeState.EXEMPT, NoticeState.FAILED}
)
# Reasons that are words of the gateway's own and say nothing to a person.
_OWN_REASONS = frozenset({"manual", "tried-again", "told-again", "not-found", "case-refused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One recipient and how its notice stands."""

    name: str
    contact: str
    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Everything that an answer says."""

    case: Case
    written: date
    sender: str
    contact: str
    """Empty: none is set."""
    complaints: str
    """Where to complain besides; empty: none is set."""
    about: tuple[str, ...]
    """Recipients, purposes and categories by name; empty: everything."""
    told: tuple[Told, ...]


def answer_page(answer: Answer, languages: Sequence[str] = LANGUAGES) -> str:
    """The answer as a page that prints on A4, each language on a sheet of its own."""
    sheets = [
        sheet(WORDS[language]["title"], language, _sheet(answer, language), first=not place)
        for place, language in enumerate(languages)
    ]
    return page(" · ".join(WORDS[language]["title"] for language in languages), *sheets)


def answer_text(answer: Answer, languages: Sequence[str] = LANGUAGES) -> str:
    """The same as the text of a mail."""
    return "\n\n".join("\n".join(_lines(answer, language)) for language in languages) + "\n"


def _sheet(answer: Answer, language: str) -> Iterator[Content]:
    words = WORDS[language]
    yield tag("p", tag("strong", words[_kind(answer)]))
    yield facts(_head(answer, language))
    yield tag("h2", words["done"])
    yield from (tag("p", one) for one in _done(answer, language))
    if answer.told:
        yield tag("h2", words["recipients"])
        headings = (words["recipient"], words["contact"], words["stands"])
        rows = [(name, contact, stands) for name, contact, stands in _standing(answer, language)]
        yield table(headings, rows, caption="")
    undone = list(_undone(answer, language))
    if undone:
        yield tag("h2", words["undone"])
        yield tag("ul", *(tag("li", one) for one in undone))
    yield tag("h2", words["complain"])
    yield from (tag("p", one) for one in _complain(answer, language))
    yield tag("p", words["certificate"], class_="note")


def _lines(answer: Answer, language: str) -> Iterator[str]:
    words = WORDS[language]
    colon = words["colon"]
    yield words["title"]
    yield ""
    yield words[_kind(answer)]
    yield ""
    yield from (f"{name}{colon}{_line(value)}" for name, value in _head(answer, language))
    yield ""
    yield from _done(answer, language)
    if answer.told:
        yield ""
        yield f"{words['recipients']}{colon}".rstrip()
        for name, contact, stands in _standing(answer, language):
            who = " ".join(filter(None, (name, f"<{contact}>" if contact else "")))
            yield f"  - {_line(who)}{colon}{_line(stands)}"
    undone = list(_undone(answer, language))
    if undone:
        yield ""
        yield f"{words['undone']}{colon}".rstrip()
        yield from (f"  - {_line(one)}" for one in undone)
    yield ""
    yield from map(_line, _complain(answer, language))
    yield words["certificate"]


def _kind(answer: Answer) -> str:
    if answer.case.state is CaseState.CLOSED and any(map(_left, answer.told)):
        return "final-but"
    if answer.case.state is CaseState.REFUSED:
        return "refused-rest" if _begun(answer) else "refused"
    return {CaseState.OPEN: "interim", CaseState.CLOSED: "final"}[answer.case.state]


def _begun(answer: Answer) -> bool:
    """Whether some of a request was carried out before it was refused."""
    case = answer.case
    erased = case.action is Action.ERASE and case.scope.whole and bool(answer.told)
    return erased or any(one.notice.attempts for one in answer.told)


def _action(answer: Answer) -> str:
    part = answer.case.action is Action.ERASE and not answer.case.scope.whole
    return "erase-part" if part else answer.case.action.value


def _head(answer: Answer, language: str) -> list[tuple[str, str]]:
    words, case = WORDS[language], answer.case
    found = [
        (words["case"], case.id),
        (words["date"], answer.written.isoformat()),
        (words["from"], answer.sender),
        *([(words["contact"], answer.contact)] if answer.contact else []),
        (words["asked" if case.method != "system" else "opened"], ASKED[language][_action(answer)]),
        (words["because"], REASONS[language].get(case.reason, case.reason)),
        (words["about"], words["comma"].join(answer.about) or words["everything"]),
        (words["received"], case.accepted_at.date().isoformat()),
        (words["verified"], _verified(case, language)),
        (words["deadline"], case.deadline.date().isoformat()),
    ]
    if case.closed_at is not None:
        found.append((words["closed"], case.closed_at.date().isoformat()))
    return found


def _verified(case: Case, language: str) -> str:
    words = WORDS[language]
    how = VERIFIED[language].get(case.method or "")
    if how is None or case.verified_at is None:
        return how or words["unknown"]
    on = words["on"]
    day = case.verified_at.date().isoformat()
    return f"{how}{on}{day}" if language == "zh" else f"{how} {on} {day}"


def _done(answer: Answer, language: str) -> Iterator[str]:
    if answer.case.state is CaseState.REFUSED:
        if _begun(answer) and _action(answer) == Action.ERASE.value:
            yield DONE[language][Action.ERASE.value]
        yield DONE[language][_kind(answer)]
        return
    yield DONE[language][_action(answer)]
    if not answer.told:
        yield DONE[language]["nobody"]


def _standing(answer: Answer, language: str) -> Iterator[tuple[str, str, str]]:
    """Each recipient once for all its notices that stand alike: name, contact, how it stands."""
    yield from dict.fromkeys((one.name, one.contact, _stands(one, language)) for one in answer.told)


def _stands(one: Told, language: str) -> str:
    words, notice = STANDS[language], one.notice
    comma, colon = WORDS[language]["comma"], WORDS[language]["colon"]
    text = words[_word(notice)]
    if notice.reason is not None and notice.reason not in _OWN_REASONS:
        done = notice.state is NoticeState.COMPLETED
        because = "" if done else f"{words['because']}{colon}"
        text += f"{comma}{because}{notice.reason}"
    if notice.backups_until is not None:
        backups = words["backups-past" if notice.settled else "backups"]
        text += f"{comma}{backups} {notice.backups_until:%Y-%m-%d}"
    if not notice.settled:
        text += f"{comma}{words['by']} {notice.deadline.date().isoformat()}"
    return text


def _word(notice: Notice) -> str:
    by_person = notice.proof is Proof.PERSON
    match notice.state:
        case NoticeState.QUEUED:
            return "manual" if notice.reason == "manual" else "queued"
        case NoticeState.COMPLETED if notice.reason == "not-found":
            return "not-found"
        case NoticeState.COMPLETED if by_person:
            return "completed-person"
        case NoticeState.COMPLETED if notice.proof is Proof.RESPONSE:
            return "completed-response"
        case NoticeState.EXEMPT if notice.reason == "case-refused":
            return "case-refused"
        case NoticeState.EXEMPT if by_person:
            return "exempt-person"
        case NoticeState.FAILED if by_person:
            return "failed-person"
        case state:
            return state.value


def _undone(answer: Answer, language: str) -> Iterator[str]:
    words, case = WORDS[language], answer.case
    if case.ground is not None:
        yield f"{words['ground']}{words['colon']}{GROUNDS[language].get(case.ground, case.ground)}"
        return
    left = (one for one in answer.told if _left(one))
    yield from dict.fromkeys(f"{one.name}{words['colon']}{_stands(one, language)}" for one in left)


def _left(one: Told) -> bool:
    """Whether a recipient has not done all of it, or its backups have not."""
    held = one.notice.backups_until is not None and not one.notice.settled
    return one.notice.state in _UNDONE or held


def _complain(answer: Answer, language: str) -> Iterator[str]:
    words = WORDS[language]
    if answer.contact:
        yield words["complain_us"]
    yield words["complain_elsewhere"]
    if answer.complaints:
        yield f"{words['complain_at']} {answer.complaints}"


def _line(text: str) -> str:
    """A text on one line: what would begin another, or turn its direction, is left out."""
    return "".join(
        " " if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") else one for one in text
    )
