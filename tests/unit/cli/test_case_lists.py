"""`gateway case list`, `case show`, `report scorecard`: what is late, what is left, what is next."""

import asyncio
import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from gateway import config as settings
from gateway import wiring
from gateway.cli import case_lists
from gateway.cli.case_view import next_words
from gateway.cli.start import make_home
from gateway.flows import people
from gateway.flows.cases import CaseRequest, open_case
from gateway.model.cases import CaseScope
from gateway.model.ids import SubjectId
from tests.unit.cli.calling import call
from tests.unit.cli.test_reports import a_disclosure


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a case about each of two people, the first of them by a recipient told by hand."""
    folder = tmp_path_factory.mktemp("lists") / "home"
    make_home(folder)
    (folder / "partners" / "swift-parcel.yaml").write_text(
        (folder / "partners" / "swift-parcel.yaml")
        .read_text()
        .replace("protocol: standard-webhooks", "protocol: manual")
    )
    asyncio.run(_told(folder))
    return folder


async def _told(folder: Path) -> None:
    async with wiring.opened(settings.load(folder, {})) as gateway:
        await people.declare(gateway, [a_disclosure("u-1"), a_disclosure("u-2")], "test")
        for person in ("u-1", "u-2"):
            request = CaseRequest(
                action="erase",
                subject=SubjectId(person),
                reason="user-request",
                scope=CaseScope(),
                method="app-session",
                reference="s",
                verified_at=datetime.now(UTC) - timedelta(minutes=1),
            )
            await open_case(gateway, request, None)


def test_cases_are_a_table_csv_or_json(home: Path) -> None:
    """Due first, with their age, the days that are left and what waits for a person."""
    text = call("case", "list", home=home).out
    rows = list(csv.DictReader(call("case", "list", "--csv", home=home).out.splitlines()))
    found = call("case", "list", home=home, as_json=True).json()["cases"]

    assert text.splitlines()[0].split() == [*case_lists.CASES]
    assert [row["case"] for row in rows] == [one["case"] for one in found]
    assert {(row["state"], row["age_days"], row["tasks"]) for row in rows} == {("open", "0", "1")}
    assert all(row["case"] in text for row in rows)
    assert call("case", "list", "--overdue", home=home).out == "No cases.\n"


def test_tasks_say_what_to_do(home: Path) -> None:
    """Each with its recipient, its age and a sentence; also as CSV and JSON."""
    text = call("case", "list", "--tasks", home=home).out
    rows = list(
        csv.DictReader(call("case", "list", "--tasks", "--csv", home=home).out.splitlines())
    )
    found = call("case", "list", "--tasks", home=home, as_json=True).json()["tasks"]

    assert text.count("by hand") == len(rows) == len(found) == 2
    assert all(one["notice"] in text and one["case"] in text for one in found)
    assert {row["partner"] for row in rows} == {"swift-parcel"}
    assert all("by hand" in one["next"]["do"] for one in found)
    none = call("case", "list", "--tasks", "--partner", "harbour-pay", home=home).out
    assert none == "Nothing waits for a person.\n"


def test_a_case_says_what_comes_next(home: Path) -> None:
    """Plainly, for each recipient."""
    (one, _) = call("case", "list", home=home, as_json=True).json()["cases"]
    text = call("case", "show", one["case"], home=home).out

    assert "What happens next:" in text
    assert "yours now: tell this recipient by hand" in text


def test_the_scorecard_is_text_csv_or_a_page(home: Path, tmp_path: Path) -> None:
    """By what is asked for, else by the name of the file; a period narrows it."""
    table, page = tmp_path / "card.csv", tmp_path / "card.html"
    text = call("report", "scorecard", home=home).out
    for path in (table, page):
        assert call("report", "scorecard", "--out", path, home=home).code == 0
    none = call("report", "scorecard", "--until", "2020-01-01", home=home).out

    assert "swift-parcel" in text
    assert next(csv.DictReader(table.read_text().splitlines()))["manual"] == "2"
    assert "<h1>How recipients answer</h1>" in page.read_text()
    assert none == "Nobody had to be told.\n"


WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "a retry": (
        {
            "step": "tried-again",
            "at": "2026-11-22T18:07:25.433Z",
            "task_at": "2026-12-07T18:07:25Z",
        },
        "tried again at 2026-11-22 18:07 UTC; becomes your task at 2026-12-07 18:07 UTC",
    ),
    "a task that is still tried": (
        {"step": "yours", "at": "2026-11-22T18:07:25Z", "task_at": None, "do": "ask it"},
        "yours now: ask it (it is still tried, next at 2026-11-22 18:07 UTC)",
    ),
    "backups": (
        {"step": "settles", "at": "2026-12-01T00:00:00Z", "task_at": None},
        "settles by itself at 2026-12-01 00:00 UTC, when its backups are cleaned",
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_what_comes_next_is_one_line(name: str) -> None:
    """With when, and when it becomes a task."""
    coming, said = WORDS[name]

    assert next_words({"next": coming}) == said


def test_what_is_late_stands_out_on_a_terminal() -> None:
    """Red past its deadline, yellow in its last week; elsewhere no colours are written."""
    line = {"days_left": -1, "tasks": 0}
    colours = [case_lists._colour(line | {"days_left": left}) for left in (-1, 7, 20, None)]

    assert colours == ["red", "yellow", None, None]
    assert click.unstyle(click.style("row", fg="red")) == "row"
