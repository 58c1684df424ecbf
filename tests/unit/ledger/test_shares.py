"""The leaves of a share, written from forms."""

from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger import entries, shares
from gateway.ledger.encode import LedgerEncodeError, canonical
from gateway.model.payload import Private
from gateway.model.policy import LeafKind
from gateway.model.shares import Outcome
from tests.unit.ledger.builders import NOW

MARK = sha256(b"a mark").hexdigest()
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.sampled_from(
    ["%s", "100%", '"', '","grant":"', "\\", "\u0000", "欧阳明"]
)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)


def members(**changes: Any) -> dict[str, Any]:
    """What an intent is made of."""
    usual: dict[str, Any] = {
        "id": "leaf_1",
        "at": NOW,
        "share": "shr_1",
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "ground": "core-function",
        "fields": ("/recipient/name", "/items/*/sku"),
        "categories": ("basic.name",),
        "edition": "2026-1",
        "service": "orders",
        "grant": MARK,
        "retention_until": NOW + timedelta(days=30),
        "territory": "CN",
    }
    return usual | changes


@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "id": TEXT,
            "share": TEXT,
            "partner": TEXT,
            "service": TEXT,
            "edition": TEXT,
            "fields": TEXTS,
            "categories": TEXTS,
            "purpose_version": st.integers(0, 9) | st.booleans(),
            "at": st.datetimes(timezones=st.just(timezone(timedelta(hours=8)))),
            "kind": st.sampled_from(list(LeafKind)),
            "subject": st.none() | st.just(MARK),
            "evidence": st.none() | st.just(MARK),
        },
    )
)
def test_an_intent_has_the_bytes_of_its_leaf(changes: dict[str, Any]) -> None:
    """Whatever stands in it, an intent written from a form is the intent written from its leaf."""
    given_members = members(**changes)

    assert shares.intent(**given_members) == canonical(entries.intent(**given_members))


@given(
    share=TEXT,
    partner=TEXT,
    outcome=st.sampled_from(list(Outcome)),
    status=st.none() | st.integers(100, 599),
    received=st.none() | TEXTS,
)
def test_an_outcome_has_the_bytes_of_its_leaf(**changes: Any) -> None:
    """The same for what became of a share."""
    given_members = {"id": "leaf_2", "at": NOW, **changes}

    assert shares.outcome(**given_members) == canonical(entries.outcome(**given_members))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "outcome"},
        {"grant": "the grant itself"},
        {"subject": "user-1"},
        {"evidence": "a document"},
        {"at": datetime(2026, 3, 1)},  # noqa: DTZ001
        {"retention_until": datetime(2026, 3, 1)},  # noqa: DTZ001
        {"id": Private("user-1")},
        {"share": Private("user-1")},
        {"service": Private("user-1")},
        {"fields": "/one"},
        {"purpose_version": 1.5},
        {"purpose_version": 2**53},
        {"share": "\ud800"},
        {"partner": "\ud800"},
    ],
    ids=str,
)
def test_what_no_leaf_may_hold_is_refused_in_a_form_too(changes: dict[str, Any]) -> None:
    """Neither the first nor a later leaf of a form takes what its builder refuses."""
    shares.intent(**members())
    for build in (entries.intent, shares.intent, shares.intent):
        with pytest.raises(LedgerEncodeError) as told:
            canonical(build(**members(**changes)))
        assert "user-1" not in str(told.value)


def test_only_known_words_are_outcomes() -> None:
    """An outcome that the contract does not have is refused, in a form too."""
    with pytest.raises(LedgerEncodeError):
        shares.outcome(id="leaf_2", at=NOW, share="shr_1", partner="a", outcome="fine")


def test_forms_are_bounded() -> None:
    """However many services and documents there are, the forms that are kept have a number."""
    for number in range(shares.FORMS + 10):
        shares.intent(**members(service=f"service-{number}"))

    assert shares._intent_form.cache_info().currsize <= shares.FORMS
