"""`gateway consent import`: many consents out of a file."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway import config as settings
from gateway import wiring
from gateway.cli import importing
from gateway.cli.importing import Bad, Line, Progress, Refusal, Stopped, carry, lines_of
from gateway.flows import consents
from gateway.model.ids import SubjectId
from tests.marks import promise
from tests.unit.cli.calling import call

SECRET = "someone-nobody-may-name"


def a_line(subject: str = "u-1", **changes: Any) -> dict[str, Any]:
    """A consent as an app has it."""
    return {
        "subject": subject,
        "purpose": "advertising",
        "purpose_version": 1,
        "granted_at": "2026-11-20T09:30:00Z",
        "method": "explicit",
        "evidence": "screen 4, box 2",
        **changes,
    }


def a_file(folder: Path, *lines: Any, name: str = "consents.ndjson") -> Path:
    """A file of consents, or of whatever else stands in its lines."""
    path = folder / name
    text = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in lines]
    path.write_text("\n".join(text) + "\n", "utf-8", newline="")
    return path


def recorded(home: Path, *subjects: str) -> list[list[dict[str, Any]]]:
    """What each of these people agreed to."""

    async def read() -> list[list[dict[str, Any]]]:
        async with wiring.opened(settings.load(home, {})) as gateway:
            return [await consents.listed(gateway, SubjectId(one), "test") for one in subjects]

    return asyncio.run(read())


@promise("C3")
def test_every_line_is_a_consent(home: Path, tmp_path: Path) -> None:
    """One JSON object a line, of one person or many, several of one person too."""
    fields = ["/event", "/device/os"]
    path = a_file(
        tmp_path, a_line("u-1"), "", a_line("u-2", fields=fields), a_line("u-1", scope="sensitive")
    )
    done = call("consent", "import", path, home=home, as_json=True)
    first, second = recorded(home, "u-1", "u-2")

    assert done.code == 0
    assert (done.json()["recorded"], done.json()["refused"]) == (3, 0)
    assert {row["scope"] for row in first} == {None, "sensitive"}
    assert (second[0]["fields"], second[0]["evidence"]) == (fields, "screen 4, box 2")


def test_a_csv_says_the_same(home: Path, tmp_path: Path) -> None:
    """Rows under a line of names; an empty cell says nothing, a quoted one may hold a comma."""
    path = a_file(
        tmp_path,
        "\ufeffsubject,purpose,purpose_version,granted_at,method,evidence,partner,fields",
        'u-1,advertising,1,2026-11-20T09:30:00Z,explicit,"screen 4, box 2",,',
        "u-2,advertising,1,2026-11-20T09:30:00Z,explicit,form,bright-reach,/event /device/os",
        name="consents.csv",
    )
    done = call("consent", "import", path, home=home)
    first, second = recorded(home, "u-1", "u-2")

    assert done.code == 0, done.said
    assert (first[0]["evidence"], first[0]["partner"], first[0]["fields"]) == (
        "screen 4, box 2",
        None,
        None,
    )
    assert (second[0]["partner"], second[0]["fields"]) == ("bright-reach", ["/event", "/device/os"])


@promise("P2")
def test_bad_lines_are_told_by_number_and_nothing_else(home: Path, tmp_path: Path) -> None:
    """All others are recorded; what stands in a bad line is said nowhere; exit 1."""
    bad = {
        2: a_line(SECRET, purpose="made-up"),
        4: a_line(SECRET, granted_at="2999-01-01T00:00:00Z"),
        5: f'{{"subject": "{SECRET}"',
        6: a_line(SECRET, purpose_version="1"),
        8: a_line(SECRET, **{SECRET: 1}),
        9: a_line(SECRET * 20),
        10: a_line(SECRET, partner="nobody"),
        12: a_line(SECRET, fields=[SECRET]),
        13: json.dumps(SECRET),
        14: json.dumps(a_line(SECRET, evidence="x" * 70_000)),
    }
    lines = [bad.get(number, a_line(f"u-{number}")) for number in range(1, 16)]
    done = call("consent", "import", a_file(tmp_path, *lines), home=home)
    told = [line.split(":")[1] for line in done.err.splitlines() if ".ndjson:" in line]
    good = recorded(home, *(f"u-{number}" for number in range(1, 16) if number not in bad))

    assert done.code == 1
    assert sorted(map(int, told)) == sorted(bad)
    assert SECRET not in done.said
    assert "5 recorded, 10 refused" in done.out
    assert [len(rows) for rows in good] == [1] * 5
    assert recorded(home, SECRET) == [[]]


def test_an_import_goes_on_where_it_stopped(home: Path, tmp_path: Path) -> None:
    """`--from` passes over what was recorded; a csv has its names in the first line all the same."""
    lines = [a_line(f"u-{number}") for number in range(1, 5)]
    call("consent", "import", a_file(tmp_path, *lines), "--from", "3", home=home)
    rows = [f"u-{number},advertising,1,2026-11-20T09:30:00Z,explicit,form" for number in (5, 6)]
    head = "subject,purpose,purpose_version,granted_at,method,evidence"
    path = a_file(tmp_path, head, *rows, name="rest.csv")
    call("consent", "import", path, "--from", "3", home=home)

    subjects = [f"u-{number}" for number in range(1, 7)]
    assert [len(rows) for rows in recorded(home, *subjects)] == [0, 0, 1, 1, 0, 1]


@pytest.mark.parametrize("head", ["", "a,b", "subject,subject", "subject,purpose,extra"])
def test_a_csv_without_names_is_wrong_use(head: str, home: Path, tmp_path: Path) -> None:
    """Exit 2, naming the columns that there are."""
    done = call("consent", "import", a_file(tmp_path, head, name="a.csv"), home=home)

    assert done.code == 2
    assert "purpose_version" in done.err


def test_what_is_no_text_is_refused_line_by_line(home: Path, tmp_path: Path) -> None:
    """Bytes that are not UTF-8, too few cells, too many bytes, a quote left open: one line each."""
    head = b"subject,purpose,purpose_version,granted_at,method,evidence\n"
    row = b"%s,advertising,1,2026-11-20T09:30:00Z,explicit,form\n"
    path = tmp_path / "a.csv"
    wrong = row % b"\xff" + b"u-7\n" + row % (b"x" * 200_000) + b'"' + row % b"u-8"
    path.write_bytes(head + wrong + b"\r\n" + row.replace(b"\n", b"\r\n") % b"u-1")
    done = call("consent", "import", path, home=home, as_json=True)

    assert done.json()["refused_lines"] == [2, 3, 4, 5]
    assert [len(rows) for rows in recorded(home, "u-1")] == [1]


def test_memory_is_bounded_and_a_stop_says_where(tmp_path: Path) -> None:
    """No more than a few batches are ahead of what is recorded, whatever the size of the file."""
    count = 20 * importing.BATCH
    path = a_file(tmp_path, *(a_line(f"u-{number}") for number in range(count)))
    progress = Progress()
    taken: list[int] = []
    ahead: list[int] = []

    async def send(batch: Any) -> None:
        await asyncio.sleep(0)
        if batch[0].number > 10 * importing.BATCH:
            raise Stopped("the disk is full")
        taken.append(batch[0].number)

    def watched() -> Any:
        for line in lines_of(path, 1, progress):
            assert isinstance(line, Line)
            ahead.append(line.number - importing.BATCH * len(taken))
            yield line

    with pytest.raises(Stopped):
        asyncio.run(carry(watched(), send, lambda bad: None, progress))

    assert max(ahead) <= (importing.AT_ONCE + 1) * importing.BATCH
    assert progress.recorded == 10 * importing.BATCH
    assert progress.next_line == 10 * importing.BATCH + 1


def test_a_refused_batch_is_halved_to_the_lines_that_are_wrong(tmp_path: Path) -> None:
    """Each wrong line stands alone in the end, and each right one is recorded once."""
    path = a_file(tmp_path, *(a_line(f"u-{number}") for number in range(64)))
    wrong, stored, told = {7, 8, 40}, list[int](), list[Bad]()

    async def send(batch: Any) -> None:
        if any(line.number in wrong for line in batch):
            raise Refusal("request-invalid: purpose is not one of the policy's")
        stored.extend(line.number for line in batch)

    progress = Progress()
    asyncio.run(carry(lines_of(path, 1, progress), send, told.append, progress))

    assert sorted(stored) == sorted({*range(1, 65)} - wrong)
    assert {bad.number for bad in told} == wrong == set(progress.refused)


def test_the_command_names_its_members() -> None:
    """The help says what a file holds."""
    from gateway.cli import cli

    done = CliRunner().invoke(cli, ["consent", "import", "--help"])

    assert done.exit_code == 0
    assert "POST /v1/consents" in done.output
