"""
Precision and recall of the search in free text.

    python -m tests.corpora.measure              the notes of this folder
    python -m tests.corpora.measure --public     numbers out of two public packages
    python -m tests.corpora.measure --missed     what was missed, and what was found wrongly
    python -m tests.corpora.measure --json
    python -m tests.corpora.measure --hostile    time for texts made to take long, and how it grows

A labelled value counts as found if every character of it is covered. A find
counts as right if it touches a labelled value; its kind may differ, and is then
told as confused. A find in a note where nothing is labelled is wrong.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.shape import Finding, find_personal
from tests.corpora import public
from tests.corpora.hostile import UNITS
from tests.corpora.make_free_text import EACH, SEED, Note, Span, notes

Key = tuple[str, str]
"""A language (or corpus) and a kind."""


@dataclass(slots=True)
class Tally:
    """What a run counted, by language and kind."""

    labelled: Counter[Key] = field(default_factory=Counter)
    found: Counter[Key] = field(default_factory=Counter)
    finds: Counter[Key] = field(default_factory=Counter)
    right: Counter[Key] = field(default_factory=Counter)
    confused: Counter[Key] = field(default_factory=Counter)
    decoys: Counter[Key] = field(default_factory=Counter)
    taken: Counter[Key] = field(default_factory=Counter)
    """Notes with a decoy and nothing personal, and how many of them had a find."""
    notes: int = 0
    lines: list[str] = field(default_factory=list)
    """What went wrong, for a person to read."""

    def add(self, note: Note) -> None:
        """Search one note and count."""
        self.notes += 1
        finds = find_personal(note.text)
        for span in note.spans:
            self._labelled(note, span, finds)
        for find in finds:
            self._found(note, find)
        if note.decoy and not note.spans:
            self.decoys[note.language, note.decoy] += 1
            self.taken[note.language, note.decoy] += bool(finds)

    def _labelled(self, note: Note, span: Span, finds: Iterable[Finding]) -> None:
        key = note.language, span.kind
        covered = {place for find in finds for place in range(find.start, find.end)}
        self.labelled[key] += 1
        if covered.issuperset(range(span.start, span.end)):
            self.found[key] += 1
        else:
            self.lines.append(f"missed {span.kind}: {note.text!r}")

    def _found(self, note: Note, find: Finding) -> None:
        key = note.language, find.kind
        touched = [span for span in note.spans if span.start < find.end and find.start < span.end]
        self.finds[key] += 1
        self.right[key] += bool(touched)
        self.confused[key] += bool(touched) and find.kind not in [each.kind for each in touched]
        if not touched:
            wrongly = note.text[find.start : find.end]
            self.lines.append(f"wrongly {find.kind} ({note.decoy}): {wrongly!r} in {note.text!r}")

    def rows(self) -> list[dict[str, str | int | float]]:
        """One row for each language and kind, then one for each language, then one for all."""
        keys = sorted({*self.labelled, *self.finds})
        languages = sorted({language for language, _ in keys})
        groups = [(*key, [key]) for key in keys]
        groups += [
            (language, "all", [key for key in keys if key[0] == language]) for language in languages
        ]
        groups.append(("all", "all", keys))
        return [self.row(*group) for group in groups]

    def row(self, language: str, kind: str, keys: list[Key]) -> dict[str, str | int | float]:
        """The figures of these languages and kinds together, under this name."""
        labelled, found, finds, right, confused = (
            sum(counter[key] for key in keys)
            for counter in (self.labelled, self.found, self.finds, self.right, self.confused)
        )
        return {
            "language": language,
            "kind": kind,
            "labelled": labelled,
            "found": found,
            "recall": _share(found, labelled),
            "finds": finds,
            "right": right,
            "precision": _share(right, finds),
            "confused": confused,
        }

    def decoy_rows(self) -> list[dict[str, str | int]]:
        """For each decoy, how many notes held it and in how many something was found."""
        total: Counter[str] = Counter()
        taken: Counter[str] = Counter()
        for (language, decoy), count in self.decoys.items():
            total[decoy] += count
            taken[decoy] += self.taken[language, decoy]
        return [{"decoy": each, "notes": total[each], "taken": taken[each]} for each in total]


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0


def measure(corpus: Iterable[Note]) -> Tally:
    """Search every note of a corpus."""
    tally = Tally()
    for note in corpus:
        tally.add(note)
    return tally


def _table(rows: list[dict[str, str | int | float]]) -> str:
    lines = ["language   kind          labelled   recall    finds  precision"]
    for row in rows:
        lines.append(
            f"{row['language']:<10} {row['kind']:<12} {row['labelled']:>9} {_percent(row, 'recall'):>8}"
            f" {row['finds']:>8} {_percent(row, 'precision'):>10}"
        )
    return "\n".join(lines)


def _percent(row: Mapping[str, str | int | float], name: str) -> str:
    whole = row["labelled" if name == "recall" else "finds"]
    return f"{float(row[name]) * 100:.1f} %" if whole else "-"


def _report(tally: Tally) -> str:
    bare = sum(tally.decoys.values())
    head = f"{tally.notes} notes, {bare} of them with a decoy and nothing personal"
    taken = ", ".join(f"{row['decoy']} {row['taken']}/{row['notes']}" for row in tally.decoy_rows())
    return f"{head}\n\n{_table(tally.rows())}\n\ndecoys taken for personal data: {taken}"


def hostile(lengths: tuple[int, int] = (50_000, 200_000)) -> list[tuple[str, float, float]]:
    """Each hostile text with the seconds that its shorter and its longer form take."""
    rows = []
    for unit in UNITS:
        seconds = []
        for length in lengths:
            text = unit * (length // len(unit))
            begun = time.perf_counter()
            find_personal(text)
            seconds.append(time.perf_counter() - begun)
        rows.append((unit, seconds[0], seconds[1]))
    return rows


def _hostile_report() -> str:
    lines = ["50,000 characters  200,000 characters  growth  of"]
    lines += [
        f"{short * 1000:>14.1f} ms {long * 1000:>16.1f} ms {long / short:>8.1f}  {unit!r}"
        for unit, short, long in sorted(hostile(), key=lambda row: -row[2])
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpora.measure")
    parser.add_argument("--public", action="store_true", help="the corpus from public packages")
    parser.add_argument("--seed", type=int, default=SEED, help="another draw of the notes")
    parser.add_argument("--each", type=int, default=EACH, help="notes of each kind and language")
    parser.add_argument("--missed", action="store_true", help="also list every mistake")
    parser.add_argument("--json", action="store_true", help="rows as JSON")
    parser.add_argument("--hostile", action="store_true", help="time instead of precision")
    asked = parser.parse_args(arguments)
    if asked.hostile:
        print(_hostile_report())
        return
    tally = measure(public.notes() if asked.public else notes(seed=asked.seed, each=asked.each))
    if asked.json:
        rows = {"notes": tally.notes, "rows": tally.rows(), "decoys": tally.decoy_rows()}
        json.dump(rows, sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        print(_report(tally))
    if asked.missed:
        print(*tally.lines, sep="\n")


if __name__ == "__main__":
    main()
