"""Which promise is covered, and by what."""

from pathlib import Path

import pytest

from gateway.policy.coverage import EXERCISES, coverage
from gateway.policy.load import load_home
from tests.unit.policy.builders import COURIER, REPOSITORY, load


@pytest.fixture(scope="module")
def default():
    """The repository's own set."""
    return load_home(REPOSITORY / "policies", REPOSITORY / "partners", home_territory="CN")


def rows(loaded, **cases):
    """The rows of a set by clause."""
    found = coverage(loaded.policy, citations=loaded.citations, cases=cases)
    return {row.clause: row for row in found}


def test_every_promise_has_one_row(default):
    """The report has the promises in their order, none left out and none missing."""
    found = coverage(default.policy, citations=default.citations)
    assert [row.clause for row in found] == list(default.policy.promises)
    assert {row.status for row in found} == {"covered", "partly"}


def test_a_promise_kept_partly_says_what_is_missing(default):
    """What is not done yet is said, never shown as covered."""
    for clause, row in rows(default).items():
        promise = default.policy.promises[clause]
        assert (row.status == "covered") is (promise.status == "kept")
        assert bool(row.missing) is (row.status == "partly")


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
    row = rows(default, S1=["is refused without a ground"])["S1"]
    assert "case is refused without a ground" in row.by


def test_nothing_behind_a_promise_is_missing():
    """A promise for which nothing stands is missing, whatever its row claims."""
    text = (REPOSITORY / "policies" / "promises.yaml").read_text()
    head, tail = text.split("\n  P4:\n", 1)
    rest = tail[tail.index("\n\n") :]
    bare = f"{head}\n  P4:\n    text: Data is classified.\n    status: kept{rest}"
    folder = Path(REPOSITORY / "policies")
    policies = {path.name: path.read_bytes() for path in folder.glob("*.yaml")}
    row = rows(load(policies=policies | {"promises.yaml": bare.encode()}))["P4"]
    assert (row.status, row.by) == ("missing", ())
