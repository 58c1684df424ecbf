"""The documents of `policies/` together."""

from datetime import UTC, date, datetime

from gateway.policy.documents import scan_document
from gateway.policy.rules import ERASE_REASONS, REFUSAL_GROUNDS, RULE_DOCUMENTS, read_rules
from tests.unit.policy.builders import default_policies


def _documents(**replaced: str):
    raw = default_policies()
    raw |= {f"{name}.yaml": text.encode() for name, text in replaced.items()}
    return {name: scan_document(name, raw[name]) for name in RULE_DOCUMENTS}


def test_the_default_documents_are_read_without_a_mistake():
    """What the repository ships reads as an edition with its rules."""
    rules, problems = read_rules(_documents())
    assert problems == []
    assert rules.edition.number == "2026-1"
    assert rules.edition.published == date(2026, 1, 1)
    assert rules.edition.effective == datetime(2026, 2, 1, tzinfo=UTC)


def test_territories_say_where_data_may_go():
    """A territory is known and allowed, known and closed, or unknown (K1)."""
    rules, _ = read_rules(_documents())
    assert rules.territories["CN"] is True
    assert rules.territories["SG"] is True
    assert rules.territories["KP"] is False
    assert "XX" not in rules.territories


def test_the_clocks_of_rights_are_data():
    """Deadlines by reason, what needs a scope, and the grounds of refusal (R6, R7, M3, K3)."""
    rights = read_rules(_documents())[0].rights
    assert rights.default_days == 30
    assert rights.days_by_reason["minor-without-consent"] == 3
    assert rights.announced_days == 30
    assert rights.scope_required == {"consent-withdrawn", "retention-expired", "agreement-ended"}
    assert rights.refusal_grounds == REFUSAL_GROUNDS
    assert rights.records_months == 36
    assert (rights.reminders_days, rights.escalate_days) == ((7, 3, 1), 1)
    assert set(rights.days_by_reason) <= set(ERASE_REASONS)


def test_the_days_of_reminders_may_be_left_out_or_others():
    """Without them the usual ones count; an empty list means none (R6)."""
    text = default_policies()["rights.yaml"].decode()
    without = text.replace("reminders_days: [7, 3, 1]", "").replace("escalate_days: 1", "")
    others = text.replace("reminders_days: [7, 3, 1]", "reminders_days: [2, 10]")
    none = text.replace("reminders_days: [7, 3, 1]", "reminders_days: []")
    wrong = text.replace("escalate_days: 1", "escalate_days: 0")
    read = [read_rules(_documents(rights=one))[0].rights for one in (without, others, none)]

    assert [one.reminders_days for one in read] == [(7, 3, 1), (10, 2), ()]
    assert [one.escalate_days for one in read] == [1, 1, 1]
    assert len(read_rules(_documents(rights=wrong))[1]) == 1


def test_an_unreadable_document_leaves_the_others_readable():
    """One document that is no YAML is told, and what it would say is empty."""
    rules, problems = read_rules(_documents(grounds="grounds: ["))
    assert [problem.file for problem in problems] == ["grounds.yaml"]
    assert rules.grounds == {}
    assert len(rules.purposes) == 12


def test_a_promise_says_what_is_missing():
    """A promise that is kept has nothing missing, one kept partly says what."""
    rules, problems = read_rules(
        _documents(promises="promises:\n  S1: {text: t, status: kept, missing: m}\n")
    )
    assert "nothing is missing of what is kept" in problems[0].message
    assert rules.promises["S1"].text == "t"
