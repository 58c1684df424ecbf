"""`gateway check`: every problem with its place, coverage, the decision cases."""

import re
import shutil
from pathlib import Path

from tests.unit.cli.calling import a_courier_in, call


def test_the_default_set_is_sound(home: Path) -> None:
    """No problem, every decision case passes, and each clause says what covers it."""
    done = call("check", home=home)
    value = call("check", home=home, as_json=True).json()
    clauses = {row["clause"]: row for row in value["clauses"]}

    assert done.code == 0
    assert value["ok"] is True
    assert value["cases"]["failed"] == []
    assert value["cases"]["passed"] > 50
    assert {"S1", "S4a", "C2", "M1", "K1", "D2", "T1-3"} <= set(clauses)
    for row in clauses.values():
        assert row["by"] or row["missing"] or row["enforced_by"]
    counted = value["coverage"]
    assert counted["covered"] + counted["partly"] == len(clauses) == 44
    assert f"44 clauses: {counted['covered']} covered, {counted['partly']} partly" in done.out
    assert "S4a" in done.out
    assert call("check", "--strict", home=home).code in (0, 2)


def test_a_problem_is_told_with_its_place(home: Path) -> None:
    """`file:line:column: message`, all of them, and what to write instead; exit 2."""
    manifest = a_courier_in(home, routes={"create-shipment": {"purpose": "order-fulfillment@1"}})
    text = manifest.read_text()
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "order-fulfillment" in row)
    done = call("check", home=home)
    value = call("check", home=home, as_json=True)
    rows = [row for row in done.err.splitlines() if ": warning:" not in row]

    assert done.code == value.code == 2
    assert any(
        re.match(rf"partners/swift-parcel\.yaml:{line}:\d+: .*order-fulfilment@1", row)
        for row in rows
    )
    problems = value.json()["problems"]
    assert value.json()["ok"] is False
    assert any(
        (one["line"], one["file"]) == (line, "partners/swift-parcel.yaml") for one in problems
    )
    assert done.err.strip()


def test_broken_yaml_is_told_with_its_place(home: Path) -> None:
    """A file that is no YAML at all has a line and a column too."""
    (home / "partners/swift-parcel.yaml").write_text("partner: swift-parcel\nroutes: [\n")
    done = call("check", home=home)

    assert done.code == 2
    assert re.search(r"^partners/swift-parcel\.yaml:\d+:\d+: ", done.err, re.MULTILINE)


def test_strict_makes_a_warning_an_error(home: Path) -> None:
    """Free text that can say anything is a warning, and with `--strict` a problem."""
    a_courier_in(home, routes={"create-shipment": {"send": {"/remark": {"category": "none"}}}})
    lenient, strict = call("check", home=home), call("check", "--strict", home=home)

    assert lenient.code == 0
    assert "warning:" in lenient.said
    assert "/remark" in lenient.said
    assert strict.code == 2
    assert "/remark" in strict.err


def test_a_decision_case_that_fails_is_exit_1(home: Path) -> None:
    """The cases beside the policy are its tests."""
    (home / "policies/cases/mine.yaml").write_text(
        "- it: is carried although nothing was agreed\n"
        "  now: 2026-11-01T00:00:00Z\n"
        "  ask: {partner: bright-reach, route: report-event, purpose: advertising}\n"
        "  expect: {permitted: true, clause: S1}\n"
    )
    done = call("check", home=home)
    value = call("check", home=home, as_json=True).json()

    assert done.code == 1
    assert "although nothing was agreed" in done.said
    assert len(value["cases"]["failed"]) == 1
    assert value["ok"] is False


def test_without_its_cases_a_clause_is_covered_in_part(home: Path) -> None:
    """A clause that decisions keep shows as `partly` once nobody can read them any more."""
    for path in (home / "policies/cases").glob("*.yaml"):
        path.unlink()
    value = call("check", home=home, as_json=True).json()
    clauses = {row["clause"]: row for row in value["clauses"]}

    assert value["ok"] is True
    assert clauses["S1"]["status"] == "partly"
    assert clauses["S1"]["missing"].startswith("no decision case shows it")
    assert clauses["P1"]["status"] == "covered"
    assert clauses["P1"]["no_decision"]


def test_a_home_without_defaults_is_sound(home: Path) -> None:
    """Manifests and cases may be taken out, some or all: coverage is told, nothing more."""
    (home / "partners/city-court.yaml").unlink()
    some = call("check", home=home)
    for path in [*(home / "partners").glob("*.yaml"), *(home / "policies/cases").glob("*")]:
        path.unlink()
    none = call("check", home=home)
    shutil.rmtree(home / "policies/cases")
    bare = call("check", home=home)

    assert [one.code for one in (some, none, bare)] == [0, 0, 0]


def test_each_way_of_proving_oneself_is_sound(home: Path) -> None:
    """What the manifest's reference names, `check` takes, and `serve` can carry out."""
    ways = (
        {"bearer": "env:T"},
        {"basic": {"user": "u", "password": "env:P"}},
        {"header": {"name": "X-Key", "value": "env:V"}},
        {"http_signature": {"key": "env:K"}},
        {
            "oauth2": {
                "token_url": "https://id.swift-parcel.example/token",
                "client_id": "shop",
                "client_secret": "env:S",
            }
        },
    )
    for way in ways:
        a_courier_in(home, upstream={"auth": way})
        assert call("check", home=home).code == 0, way
