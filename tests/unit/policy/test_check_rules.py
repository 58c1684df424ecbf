"""What must hold between the documents of `policies/`."""

import pytest

from gateway.policy.check_rules import check_rules, cited_clauses, within
from gateway.policy.documents import scan_document
from gateway.policy.rules import RULE_DOCUMENTS, read_rules
from tests.unit.policy.builders import changed, default_policies


def _wrong(document: str, *changes: tuple[str, str]) -> list[str]:
    raw = default_policies()
    raw[document] = changed(raw[document].decode(), *changes).encode()
    documents = {name: scan_document(name, raw[name]) for name in RULE_DOCUMENTS}
    rules, problems = read_rules(documents)
    assert problems == []
    return [problem.message for problem in check_rules(rules, documents)]


def test_the_default_documents_fit_together():
    """The shipped rules cite only promises, grounds and categories that there are."""
    assert _wrong("edition.yaml") == []


def test_protecting_rights_is_never_commercial():
    """A commercial purpose cannot list a ground that excludes profit (S5)."""
    (message,) = _wrong(
        "purposes.yaml",
        (
            "    sale: true\n    grounds: [consent]",
            "    sale: true\n    grounds: [consent, rights-protection]",
        ),
    )
    assert "never carries a commercial purpose" in message


def test_an_additional_purpose_rests_on_consent():
    """What the person switches on cannot run on other grounds alone (C3)."""
    (message,) = _wrong(
        "purposes.yaml", ("grounds: [consent, minor-protection]", "grounds: [minor-protection]")
    )
    assert "runs on the person's consent" in message


@pytest.mark.parametrize(
    "change",
    [
        ("  minor-without-consent: 3\n", "  minor-without-consent: 31\n"),
        ("  minor-without-consent: 3\n", "  minor-without-consent: 3\n  unlawful: 2\n"),
        ("  minor-without-consent: 3\n", ""),
    ],
)
def test_what_is_held_of_a_minor_goes_first(change):
    """No reason has a shorter deadline than that of a minor without consent (M3)."""
    (message,) = _wrong("rights.yaml", change)
    assert "has the shortest deadline" in message


def test_a_person_is_answered_within_thirty_days():
    """A deadline for a person's request beyond thirty days does not load (R6)."""
    (message,) = _wrong(
        "rights.yaml",
        ("  minor-without-consent: 3\n", "  minor-without-consent: 3\n  unlawful: 31\n"),
    )
    assert "within 30 days" in message


def test_a_rule_cites_promises_only():
    """A clause that is no row of the promises is told where it is cited."""
    (message,) = _wrong("grounds.yaml", ("clauses: [S5]", "clauses: [S4e]"))
    assert message == 'clause "S4e" is no promise, write "S4d"'


def test_citations_are_found_wherever_they_stand():
    """Every clause below `clauses:` is found with its path, at any depth."""
    value = {"clauses": ["N1"], "a": {"b": [{"clauses": ["S1", "S2"]}]}}
    assert list(cited_clauses(value)) == [
        (("clauses", 0), "N1"),
        (("a", "b", 0, "clauses", 0), "S1"),
        (("a", "b", 0, "clauses", 1), "S2"),
    ]


def test_a_tree_holds_itself_and_what_is_under_it():
    """`network` is the tree of `network.ip`, and not of `networking.ip`."""
    assert within("network.ip", "network")
    assert within("network", "network")
    assert not within("networking.ip", "network")
