"""Which promise is covered, and by what."""

from pathlib import Path

import pytest

from gateway.policy.coverage import EXERCISES, Shown, coverage
from gateway.policy.load import load_home
from tests.unit.policy.builders import COURIER, REPOSITORY, load

BOTH_WAYS = (Shown(it="is carried", carried=True), Shown(it="is refused", carried=False))


@pytest.fixture(scope="module")
def default():
    """The repository's own set."""
    return load_home(REPOSITORY / "policies", REPOSITORY / "partners", home_territory="CN")


def rows(loaded, **cases):
    """The rows of a set by clause; every clause is shown both ways unless `cases` says otherwise."""
    shown = dict.fromkeys(loaded.policy.promises, BOTH_WAYS) | cases
    found = coverage(loaded.policy, citations=loaded.citations, cases=shown)
    return {row.clause: row for row in found}


def test_every_promise_has_one_row(default):
    """The report has the promises in their order, none left out and none missing."""
    found = coverage(default.policy, citations=default.citations)
    assert [row.clause for row in found] == list(default.policy.promises)
    assert {row.status for row in found} <= {"covered", "partly"}


def test_a_promise_kept_partly_says_what_is_missing(default):
    """What is not done yet is said, never shown as covered."""
    for clause, row in rows(default).items():
        promise = default.policy.promises[clause]
        assert (row.status == "covered") is (promise.status == "kept"), row
        assert bool(row.missing) is (row.status == "partly")


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (BOTH_WAYS, ""),
        (BOTH_WAYS[:1], "no decision case shows it with a share that is refused"),
        (BOTH_WAYS[1:], "no decision case shows it with a share that is carried"),
        ((), "no decision case shows it with a share that is carried"),
    ],
    ids=str,
)
def test_a_promise_without_its_cases_is_covered_in_part(default, shown, missing):
    """A clause that decisions keep is shown by a carried and by a refused case, or not covered."""
    row = rows(default, S1=shown)["S1"]
    assert row.status == ("partly" if missing else "covered")
    assert row.missing == missing


def test_what_no_decision_keeps_says_why(default):
    """Where no decision can show a clause its row says why, and what keeps it instead."""
    row = rows(default, P1=())["P1"]
    assert row.status == "covered"
    assert row.no_decision
    assert row.enforced_by


def test_what_nothing_cites_is_covered_in_part(default):
    """A clause that no rule and no manifest cites is not stated as data."""
    citations = {clause: by for clause, by in default.citations.items() if clause != "S1"}
    shown = dict.fromkeys(default.policy.promises, BOTH_WAYS)
    found = coverage(default.policy, citations=citations, cases=shown)
    row = next(row for row in found if row.clause == "S1")
    assert (row.status, row.missing) == ("partly", "no rule and no manifest cites it")


def test_the_default_set_exercises_every_promise_that_needs_a_recipient(default):
    """For each promise about recipients one of the default set shows it."""
    found = rows(default)
    for clause in EXERCISES:
        assert any(by.startswith("recipient ") for by in found[clause].by), clause


def test_without_recipients_promises_show_as_partly():
    """A set without recipients loads, and the report says what nobody exercises."""
    found = rows(load())
    assert found["S6"].status == "partly"
    assert found["S6"].missing == "no recipient of the loaded set exercises it"
    assert found["S1"].status == "covered"


def test_a_recipient_shows_by_its_id():
    """Who exercises a promise stands in its row, beside the documents that cite it."""
    row = rows(load(COURIER))["S4b"]
    assert "recipient courier" in row.by
    assert "policies/recipients.yaml" in row.by


def test_cases_show_too(default):
    """Decision cases that show a clause stand in its row."""
    row = rows(default)["S1"]
    assert "case is refused" in row.by


def test_nothing_behind_a_promise_is_missing():
    """A promise for which nothing stands is missing, whatever its row claims."""
    text = (REPOSITORY / "policies" / "promises.yaml").read_text()
    head, tail = text.split("\n  P4:\n", 1)
    rest = tail[tail.index("\n\n") :]
    bare = f"{head}\n  P4:\n    text: Data is classified.\n    status: kept{rest}"
    folder = Path(REPOSITORY / "policies")
    policies = {path.name: path.read_bytes() for path in folder.glob("*.yaml")}
    loaded = load(policies=policies | {"promises.yaml": bare.encode()})
    (row,) = [one for one in coverage(loaded.policy, citations={}) if one.clause == "P4"]
    assert (row.status, row.by) == ("missing", ())
