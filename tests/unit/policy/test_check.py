"""A recipient under the policy."""

import pytest

from gateway.policy.check import check_manifest, ending_agreement
from gateway.policy.documents import scan_document
from gateway.policy.manifests import read_manifest
from tests.unit.policy.builders import (
    COURIER,
    FOLDER,
    TODAY,
    changed,
    courier,
    default_rules,
    judged,
    messages,
    partner,
)

SUCCESSOR = changed(
    COURIER,
    ("kind: processor", "kind: successor"),
    ("order-fulfilment@1", "business-transfer@1"),
    ("core-function", "agreement"),
)


def test_a_territory_is_allowed_closed_or_unknown():
    """An unknown territory does not load; a closed one loads and gets nothing (K1)."""
    assert judged(courier(("territory: CN", "territory: SG")))[1] == []
    (closed,) = judged(courier(("territory: CN", "territory: KP")))[1]
    (unknown,) = judged(courier(("territory: CN", "territory: cn")))[1]
    assert (closed.warning, unknown.warning) == (True, False)


@pytest.mark.parametrize(
    ("end", "told"),
    [("2026-11-23", 0), ("2026-11-22", 1), ("2026-11-21", 1)],
)
def test_an_agreement_that_is_over_is_a_warning(end, told):
    """The end of an agreement stops its shares and not the whole set (S4a)."""
    _, mistakes = judged(courier(("expires: 2028-01-10", f"expires: {end}")))
    assert len(mistakes) == told
    assert all(one.warning for one in mistakes)


@pytest.mark.parametrize(
    ("end", "left"),
    [
        ("2027-01-22", None),
        ("2027-01-21", "60 days"),
        ("2026-11-29", "7 days"),
        ("2026-11-23", "1 day"),
        ("2026-11-22", None),
    ],
)
def test_an_agreement_that_ends_soon_is_told_at_its_end(end, left):
    """From sixty days before its end on, an agreement is told of where its end stands (S4a)."""
    text = courier(("expires: 2028-01-10", f"expires: {end}"))
    document = scan_document("partners/courier.yaml", text.encode())
    found, _ = read_manifest(document, text.encode(), folder=FOLDER)
    assert found is not None
    told = list(ending_agreement(default_rules(), found, document, TODAY))
    line = text[: text.index("expires:")].count("\n") + 1
    assert [(one.line, one.warning) for one in told] == [(line, True)] * (left is not None)
    assert all(f"ends in {left}," in one.message for one in told)


def test_a_branch_is_not_warned_of_an_agreement_that_it_does_not_need():
    """Nothing of a branch hangs on an agreement, so none of its ends is told (S6)."""
    text = courier(("expires: 2028-01-10", "expires: 2026-11-29"), ("processor", "branch"))
    document = scan_document("0.yaml", text.encode())
    found, _ = read_manifest(document, text.encode(), folder=FOLDER)
    assert found is not None
    assert list(ending_agreement(default_rules(), found, document, TODAY)) == []


def test_without_a_day_agreements_are_not_judged():
    """Whoever loads without saying which day it is hears nothing of the calendar."""
    text = courier(("expires: 2028-01-10", "expires: 2026-01-11"))
    document = scan_document("0.yaml", text.encode())
    found, _ = read_manifest(document, text.encode(), folder=FOLDER)
    assert found is not None
    assert list(check_manifest(default_rules(), found, document)) == []


def test_only_a_branch_needs_no_agreement():
    """Everybody who receives data has an agreement, but for branches of the application (S6)."""
    line = "agreement: {reference: NDA-2026-1, signed: 2026-01-10, expires: 2028-01-10}\n"
    assert messages(courier((line, ""), ("kind: processor", "kind: branch"))) == []
    for kind in ("processor", "partner", "affiliate"):
        told = messages(courier((line, ""), ("kind: processor", f"kind: {kind}")))
        assert any("no agreement is on file" in message for message in told)


def test_a_successor_accepts_the_edition_or_rests_on_consent():
    """Who is not bound by this edition asks again (T4)."""
    accepting = ("territory: CN\n", "territory: CN\naccepted_edition: 2026-1\n")
    assert partner(changed(SUCCESSOR, accepting)).accepted_edition == "2026-1"
    assert messages(changed(SUCCESSOR, ("ground: agreement", "ground: consent"))) == []
    (warning,) = messages(SUCCESSOR)
    assert "write accepted_edition: 2026-1" in warning


def test_how_a_recipient_is_told_to_delete_is_asked_for():
    """A manifest that does not say how its recipient is told is a warning (R3)."""
    (warning,) = judged(courier(("deletion: {protocol: manual}\n", "")))[1]
    assert warning.warning
    assert "(R3)" in warning.message
