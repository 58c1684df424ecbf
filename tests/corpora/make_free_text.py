"""
Labelled free text: notes in Chinese, English and German, some with personal
data, most of the others with what looks like it.

    python -m tests.corpora.make_free_text > notes.jsonl

The same seed makes the same notes.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from tests.corpora import numbers, values
from tests.corpora.decoys import DECOYS
from tests.corpora.sentences import BESIDE, DECOY, WITH

LANGUAGES = ("zh", "en", "de")
SEED = 20261122
EACH = 40
"""Notes for each kind and language, and for each decoy and language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where personal data stands in a text: of which kind, from `start` up to before `end`."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One text with what is personal in it."""

    language: str
    text: str
    spans: tuple[Span, ...] = ()
    decoy: str = ""
    """What looks personal in it and is not; empty: nothing does."""


_PHONES = {"zh": values.phone_zh, "en": values.phone_en, "de": values.phone_de}

MAKERS: Mapping[str, Callable[[Random, str], str]] = {
    "phone": lambda source, language: values.disguised(source, _PHONES[language](source)),
    "email": values.email,
    "resident-id": lambda source, language: (
        numbers.resident_id(source) if language == "zh" else numbers.other_resident(source)
    ),
    "tax-id": lambda source, language: numbers.tax_id(source),
    "bank-card": lambda source, language: numbers.card(source),
    "iban": lambda source, language: numbers.iban(source),
    "coordinates": values.place,
    "ip": lambda source, language: values.address_on_net(source),
    "secret": values.secret,
}
"""How a value of each kind is made."""


def notes(*, seed: int = SEED, each: int = EACH) -> Iterator[Note]:
    """
    The corpus: for every language `each` notes of every kind and of every decoy,
    and as many with two values or with none.
    """
    source = Random(seed)
    for language in LANGUAGES:
        for kind in MAKERS:
            for _ in range(each):
                yield _among(source, _with(source, language, kind))
        for decoy in DECOYS:
            for _ in range(each):
                yield _among(source, _looking(source, language, decoy))
        for _ in range(each):
            first, second = source.sample(list(MAKERS), 2)
            yield _joined(_with(source, language, first), _with(source, language, second), ". ")
            yield Note(language=language, text=" ".join(source.sample(BESIDE[language], 2)))


def _with(source: Random, language: str, kind: str) -> Note:
    sentence = source.choice(WITH[language][kind])
    value = MAKERS[kind](source, language)
    if values.OPEN not in value:
        value = f"{values.OPEN}{value}{values.CLOSE}"
    before, within = sentence.replace("{x}", value).split(values.OPEN)
    text = before + within.replace(values.CLOSE, "")
    span = Span(kind=kind, start=len(before), end=len(before) + within.index(values.CLOSE))
    return Note(language=language, text=text, spans=(span,))


def _looking(source: Random, language: str, decoy: str) -> Note:
    frames = DECOY[language]
    sentence = source.choice((*frames.get(decoy, ()), *frames[""]))
    text = sentence.replace("{x}", DECOYS[decoy](source, language))
    return Note(language=language, text=text, decoy=decoy)


def _among(source: Random, note: Note) -> Note:
    """The note alone, or with a sentence before or behind it."""
    beside = Note(language=note.language, text=source.choice(BESIDE[note.language]))
    match source.randrange(4):
        case 0:
            return _joined(note, beside, " ")
        case 1:
            return _joined(beside, note, " ")
        case _:
            return note


def _joined(first: Note, second: Note, between: str) -> Note:
    shift = len(first.text) + len(between)
    moved = [
        Span(kind=span.kind, start=span.start + shift, end=span.end + shift)
        for span in second.spans
    ]
    return Note(
        language=first.language,
        text=first.text + between + second.text,
        spans=(*first.spans, *moved),
        decoy=first.decoy or second.decoy,
    )


def _as_json(note: Note) -> str:
    spans = [[span.kind, span.start, span.end] for span in note.spans]
    return json.dumps(
        {"language": note.language, "text": note.text, "spans": spans, "decoy": note.decoy},
        ensure_ascii=False,
    )


def main() -> None:
    """Write the corpus, one note a line."""
    sys.stdout.writelines(_as_json(note) + "\n" for note in notes())


if __name__ == "__main__":
    main()
