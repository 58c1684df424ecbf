"""`gateway policy diff`: two editions, read (N1, N2)."""

import shutil
from pathlib import Path

import pytest

from gateway.cli.differences import report
from tests.marks import promise
from tests.unit.cli.calling import call


@pytest.fixture
def after(home: Path, tmp_path: Path) -> Path:
    """Another home: edition 2026-2, in which advertising keeps data longer and a courier is gone."""
    folder = tmp_path / "after"
    shutil.copytree(home, folder)
    edition = folder / "policies/edition.yaml"
    edition.write_text(edition.read_text().replace("number: 2026-1", "number: 2026-2"))
    adverts = folder / "partners/bright-reach.yaml"
    adverts.write_text(adverts.read_text().replace("retention: 90d", "retention: 365d"))
    (folder / "partners/island-post.yaml").unlink()
    return folder


@promise("N2")
def test_what_widens_and_what_narrows_is_read_in_tables(home: Path, after: Path) -> None:
    """Each change with recipient, purpose, before, after and clauses, then who is asked again."""
    done = call("policy", "diff", "current", after, home=home)

    assert done.code == 0
    assert "edition 2026-1" in done.out
    widens, narrows = done.out.index("widens (1)"), done.out.index("narrows (")
    rows = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "retention bright-reach advertising report-event 90d 365d N1 N2 P6" in rows
    assert widens < done.out.index("365d") < narrows < done.out.index("island-post")
    assert "consents from before edition 2026-2 do not count" in done.out
    assert done.out.rstrip().endswith("bright-reach for advertising.")


def test_exit_0_whatever_differs(home: Path, after: Path) -> None:
    """It is a report; also where nothing differs."""
    same = call("policy", "diff", "current", home, home=home)
    back = call("policy", "diff", after, "current", home=home, as_json=True)

    assert (same.code, back.code) == (0, 0)
    assert "nothing differs" in same.out
    assert "consents go on counting" in same.out
    assert {one["what"] for one in back.json()["narrows"]} == {"retention"}


def test_under_one_number_it_says_that_consents_go_on(home: Path, after: Path) -> None:
    """Comparing tells what widens all the same."""
    edition = after / "policies/edition.yaml"
    edition.write_text(edition.read_text().replace("2026-2", "2026-1"))
    done = call("policy", "diff", "current", after, home=home)

    assert "Both have the number 2026-1, so consents go on counting" in done.out


@pytest.mark.parametrize("form", ["", "policies"])
def test_a_folder_is_a_home_or_its_policies(form: str, home: Path, after: Path) -> None:
    """Also without the settings of a home, and a `policies/` beside its `partners/`."""
    (after / "gateway.toml").unlink()
    done = call("policy", "diff", "current", after / form, home=home, as_json=True)

    assert [one["what"] for one in done.json()["widens"]] == ["retention"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["2025-9", "current"], "no edition is kept"),
        (["current", "current", "--replay"], "no ledger yet"),
        (["current"], "Missing argument"),
    ],
)
def test_what_is_not_there_is_exit_2(words: list[str], said: str, home: Path) -> None:
    """Said in a sentence, with what to write instead."""
    done = call("policy", "diff", *words, home=home)

    assert done.code == 2
    assert said in done.err


def test_an_edition_that_does_not_load_is_exit_2(home: Path, after: Path) -> None:
    """With its place."""
    path = after / "policies/edition.yaml"
    path.write_text(path.read_text().replace("number:", "nummer:"))
    done = call("policy", "diff", "current", after, home=home)

    assert done.code == 2
    assert "edition.yaml:" in done.err


def test_a_replay_is_read_with_what_it_assumes(home: Path) -> None:
    """Numbers first, by code and clause, then what they rest on."""
    count = {
        "replayed": 7,
        "refused": 3,
        "allowed": 0,
        "by": [{"code": "consent-stale", "clause": ["N1", "S1"], "count": 3}],
    }
    value = call("policy", "diff", "current", home, home=home, as_json=True).json()
    value["replay"] = {
        "shares": count,
        "refusals": {**count, "refused": 0, "allowed": 1, "by": []},
        "people": {"refused": 2, "allowed": 1},
        "erased": 4,
        "assumed": ["Bodies are not kept."],
    }
    text = report(value)

    assert "past shares: 7 replayed, 3 would be refused, 0 newly allowed" in text
    assert "  3 × consent-stale (N1, S1)" in text
    assert "past refusals: 7 replayed, 0 would be refused, 1 newly allowed" in text
    assert "people: 2 would be refused, 1 newly allowed" in text
    assert text.endswith("assumed:\n- Bodies are not kept.")
