"""`gateway case resolve|retry` and requests by hand, where no gateway runs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway import config as settings
from gateway import wiring
from gateway.cli import actions
from gateway.cli.start import make_home
from gateway.flows import people
from tests.unit.cli.calling import call
from tests.unit.cli.test_reports import a_disclosure

WHO = ("--method", "customer-service", "--reference", "call 7")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose courier got something of four people, and is told by letter."""
    folder = tmp_path_factory.mktemp("settling") / "home"
    make_home(folder)
    manifest = folder / "partners" / "swift-parcel.yaml"
    manifest.write_text(
        manifest.read_text().replace("protocol: standard-webhooks", "protocol: manual")
    )
    asyncio.run(_declared(folder))
    return folder


async def _declared(folder: Path) -> None:
    async with wiring.opened(settings.load(folder, {})) as gateway:
        await people.declare(gateway, [a_disclosure(f"u-{one}") for one in (1, 2, 3, 4)], "test")


def _erased(home: Path, person: str) -> dict[str, Any]:
    """The notice of a case of one person, with its case."""
    case = call("subject", "erase", person, *WHO, home=home, as_json=True).json()["case"]
    (notice,) = call("case", "show", case, home=home, as_json=True).json()["notices"]
    return {**notice, "case": case}


def test_a_preview_says_who_would_be_told(home: Path) -> None:
    """How and by when; nothing is done, and no case is opened."""
    text = call("subject", "erase", "u-3", *WHO, "--preview", home=home).out
    found = call("case", "list", home=home, as_json=True).json()["cases"]

    assert "swift-parcel" in text and "nothing is done yet" in text
    assert found == []


def test_a_preview_says_that_nobody_would_be_told() -> None:
    """As nobody had anything, or as the request would be refused."""
    due: dict[str, Any] = {"deadline": "2026-12-22T10:00:00.000Z", "notices": []}

    assert "told would be: nobody" in actions._would({**due, "state": "open"})
    assert "it would be refused" in actions._would({**due, "state": "refused"})


def test_a_person_settles_a_task(home: Path, tmp_path: Path) -> None:
    """With what the recipient answered; the last one closes the case, and it says so."""
    one = _erased(home, "u-1")
    answer = tmp_path / "answer.pdf"
    answer.write_bytes(b"%PDF-1.4 deleted")
    words = ("--status", "completed", "--reason", "by letter", "--evidence", "letter 5521")
    done = call("case", "resolve", one["notice"], *words, "--attach", answer, home=home)
    again = call("case", "resolve", one["notice"], *words, home=home)
    text = call("case", "answer", one["case"], "--text", "--language", "en", home=home).out

    assert done.code == 0 and "completed, on your word" in done.out
    assert "its case is closed" in done.out
    assert again.code == 1 and "notice-settled" in again.err
    assert "has answered us that it is done, by letter" in text


def test_what_it_was_settled_on_is_shown_and_destroyed(home: Path, tmp_path: Path) -> None:
    """The text and the recipient's answer, until somebody destroys both."""
    one, answer, saved = _erased(home, "u-4"), tmp_path / "answer.txt", tmp_path / "saved.txt"
    answer.write_text("Deleted on 22 November.")
    words = ("--status", "completed", "--reason", "by letter", "--evidence", "letter 5521")
    call("case", "resolve", one["notice"], *words, "--attach", answer, home=home, as_json=True)
    shown = call("case", "evidence", one["notice"], "--save", saved, home=home)
    gone = call("case", "evidence", one["notice"], "--forget", home=home)
    again = call("case", "evidence", one["notice"], home=home)

    assert "letter 5521" in shown.out and "answer.txt" in shown.out
    assert saved.read_bytes() == answer.read_bytes()
    assert (gone.code, again.code) == (0, 1)


def test_a_recipient_is_told_once_more(home: Path) -> None:
    """The same notice, now; a notice that nobody has is refused with where to look."""
    one = _erased(home, "u-2")
    told = call("case", "retry", one["notice"], home=home, as_json=True)
    unknown = call("case", "retry", "ntc_0", home=home)

    assert (told.json()["notice"], told.json()["case"]) == (one["notice"], one["case"])
    assert unknown.code == 1 and "gateway case list --tasks" in unknown.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("subject", "erase", "", *WHO), "subject"),
        (("subject", "erase", "u-3", *WHO, "--reason", "service-ended"), "announced_at"),
        (
            ("case", "resolve", "ntc_0", "--status", "failed", "--reason", "", "--evidence", "x"),
            "reason",
        ),
        (("case", "list", "--tasks", "--overdue"), "--tasks"),
    ],
    ids=["no id", "no day", "no reason", "tasks are not cases"],
)
def test_a_request_that_makes_no_sense_is_exit_2(
    home: Path, arguments: tuple[str, ...], said: str
) -> None:
    """In a sentence that names the place, without what an API's reader would be told."""
    done = call(*arguments, home=home)

    assert done.code == 2
    assert said in done.err and "openapi" not in done.err
