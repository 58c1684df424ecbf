"""How well free text is searched: what was reached once is held."""

import ast
import inspect
import json
from types import ModuleType

import pytest

from tests.corpora import decoys, make_free_text, measure, numbers, public, sentences, values
from tests.corpora.make_free_text import LANGUAGES, MAKERS, notes
from tests.marks import could_not_run, promise
from tests.unit.docs.pages import REFERENCE, only, tables, text_of

MADE_BY = (make_free_text, values, numbers, decoys, sentences)

# What must not be undercut, by kind over all languages: recall and precision.
# The addresses that are missed are spelt out against machines, which is not
# looked for; the numbers taken for addresses are versions of four parts.
LEAST = {
    "phone": (0.99, 0.97),
    "email": (0.95, 0.97),
    "resident-id": (1.0, 1.0),
    "tax-id": (1.0, 0.99),
    "bank-card": (1.0, 1.0),
    "iban": (1.0, 1.0),
    "coordinates": (1.0, 1.0),
    "ip": (1.0, 0.95),
    "secret": (1.0, 1.0),
}


@pytest.mark.parametrize("module", MADE_BY, ids=lambda module: module.__name__)
def test_the_notes_owe_nothing_to_the_recognisers(module: ModuleType) -> None:
    """What makes the notes imports nothing of the gateway and has no patterns."""
    imported = {
        name.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }

    assert not {each for each in imported if each.partition(".")[0] == "gateway"}
    assert "re" not in imported


def test_the_notes_are_the_same_every_time() -> None:
    """One seed makes one corpus, another seed another, and every label is inside its text."""
    made = list(notes())

    assert made == list(notes())
    assert made != list(notes(seed=7))
    for note in made:
        assert all(0 <= span.start < span.end <= len(note.text) for span in note.spans)
        assert not set(values.OPEN + values.CLOSE) & set(note.text)


def test_a_third_of_the_notes_only_look_personal() -> None:
    """In every language at least 30 % of the notes hold a decoy and nothing personal."""
    made = list(notes())

    for language in LANGUAGES:
        mine = [note for note in made if note.language == language]
        hard = [note for note in mine if note.decoy and not note.spans]
        assert len(hard) >= 0.3 * len(mine)
        assert {span.kind for note in mine for span in note.spans} == set(MAKERS)


@pytest.fixture(scope="module")
def tally() -> measure.Tally:
    """What is found in the notes, searched once."""
    return measure.measure(notes())


@promise("P6")
def test_precision_and_recall_are_held(tally: measure.Tally) -> None:
    """On the labelled notes no kind is found less often, or wrongly more often, than before."""
    reached = {}
    for kind in MAKERS:
        row = tally.row("all", kind, [(language, kind) for language in LANGUAGES])
        reached[kind] = (float(row["recall"]), float(row["precision"]))

    assert set(reached) == set(LEAST)
    for kind, (recall, precision) in LEAST.items():
        assert reached[kind][0] >= recall, kind
        assert reached[kind][1] >= precision, kind


@promise("P6")
def test_numbers_of_public_packages_are_found() -> None:
    """Every region's numbers, as written abroad, are found; numbers of things are not."""
    try:
        made = list(public.notes())
    except ImportError:
        could_not_run("phonenumberslite and python-stdnum are not installed; pip install them")
    rows = {
        str(row["language"]): row for row in measure.measure(made).rows() if row["kind"] == "all"
    }

    assert float(rows["abroad"]["recall"]) == float(rows["one-number"]["recall"]) == 1.0
    assert float(rows["at-home-named"]["recall"]) >= 0.95
    assert float(rows["all"]["precision"]) == 1.0
    assert all(float(rows[name]["recall"]) == 1.0 for name in rows if name.startswith("stdnum."))


def test_the_page_tells_what_was_measured(tally: measure.Tally) -> None:
    """The table of kinds in the reference has every kind, and the one of figures what is reached."""
    page = text_of(REFERENCE / "scan.md")
    kinds = [only(row["kind"]) for row in tables(page.split("## How often")[0], "kind")]
    told = {row["kind"].strip("`"): row for row in tables(page.split("## How often")[1], "kind")}

    assert set(kinds) == set(MAKERS)
    assert list(told) == [*MAKERS, "all"]
    for row in tally.rows():
        if row["language"] != "all":
            figures = f"{float(row['recall']) * 100:.1f} / {float(row['precision']) * 100:.1f}"
            assert told[str(row["kind"])][str(row["language"])] == figures, row


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """The command shows precision and recall by language and kind."""
    measure.main(["--each", "5", "--missed"])
    out = capsys.readouterr().out

    assert "375 notes, 210 of them with a decoy" in out
    assert "zh         phone" in out
    assert out.count("%") > 50


def test_the_command_writes_json(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the same figures come as one object."""
    measure.main(["--json", "--seed", "3", "--each", "5"])
    told = json.loads(capsys.readouterr().out)

    assert told["notes"] == 375
    assert {row["kind"] for row in told["rows"]} == {*MAKERS, "all"}
    assert {row["decoy"] for row in told["decoys"]} == set(decoys.DECOYS)
