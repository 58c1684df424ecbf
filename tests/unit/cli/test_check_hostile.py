"""`gateway check` on what only somebody hostile or very tired would write: a sentence, never a traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.calling import a_courier_in, call

Spoil = Callable[[Path], object]

CASE = "policies/cases/odd.yaml"
COURIER = "partners/swift-parcel.yaml"


def writes(name: str, content: str | bytes) -> Spoil:
    """Puts this content into a file of the home."""
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda home: (home / name).write_bytes(raw)


def replaces(name: str, old: str, new: str) -> Spoil:
    """Writes `new` in place of `old`."""

    def spoil(home: Path) -> None:
        text = (home / name).read_text("utf-8")
        assert old in text
        (home / name).write_text(text.replace(old, new), "utf-8")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda home: (home / CASE).mkdir(), f"{CASE}:1:1: the file cannot be read"),
        (lambda home: (home / CASE).symlink_to("nowhere"), f"{CASE}:1:1: the file cannot be read"),
        (writes("policies/cases/odd.yml", "[]"), "odd.yml:1:1: not read under this name, write"),
        (writes(CASE, ""), f"{CASE}:1:1: the file is empty, write"),
        (writes(CASE, "hello"), f"{CASE}:1:1: a document is a list, write"),
        (writes(CASE, "- &a {it: x}\n- *a\n"), f"{CASE}:2:3: an alias (*), write"),
        (writes(CASE, "- null\n- 5\n- []\n"), f"{CASE}:2:3: each element of the document"),
        (writes(CASE, b"\xff"), f"{CASE}:1:1: this byte is not UTF-8, save"),
        (writes("policies/purposes.yaml", "purposes: {}\n"), "declares nothing, write at least"),
        (writes("policies/edition.yaml", "[" * 90_000), "nested deeper than 32 levels, flatten"),
        (writes(COURIER, "- a\n"), f"{COURIER}:1:1: a document is a mapping, write"),
        (writes(COURIER, "\n".join(" " * n + "a:" for n in range(400))), "flatten it"),
        (
            writes("partners/keys/swift-parcel.jwks.json", '{"keys": [{"n": ' + "9" * 9000 + "}]}"),
            "a number of thousands of digits, remove it",
        ),
        (
            writes("partners/keys/swift-parcel.jwks.json", "[" * 90_000),
            "nested too deeply, write",
        ),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_whatever_stands_in_a_home_is_told_in_a_sentence(
    home: Path, spoil: Spoil, told: str
) -> None:
    """Exit 2, the file, and what to write instead."""
    if "cases" not in told:
        a_courier_in(home)
    spoil(home)
    done = call("check", home=home)

    assert done.code == 2
    assert told in done.err
    assert "Traceback" not in done.said


def test_decision_cases_and_documents_are_told_together(home: Path) -> None:
    """One run tells what is wrong everywhere."""
    writes(CASE, "- it: asks nothing\n")(home)
    replaces("policies/grounds.yaml", "evidence: false", "evidence: no")(home)
    writes("partners/odd.yaml", "partner: odd\n")(home)
    done = call("check", home=home)

    files = {line.partition(":")[0] for line in done.err.splitlines()}
    assert done.code == 2
    assert {CASE, "policies/grounds.yaml", "partners/odd.yaml"} <= files
