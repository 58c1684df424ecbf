"""Recipients: who gets data, where, and on what terms (N1, N2)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from gateway.model.ids import PartnerId, PurposeId, RouteId
from gateway.model.policy import Edition, Kind
from gateway.model.recipients import Agreement, Deletion, State, Tls, Upstream
from gateway.policy.comparison import compare
from tests.marks import promise
from tests.unit.policy.comparing import (
    a_set,
    both_ways,
    neither_way,
    the_partner,
    the_route,
    told,
    with_partner,
)

ABROAD = {"territory": "SG"}


def agreement(**changes: Any) -> Agreement:
    """The courier's agreement, changed."""
    known = the_partner().agreement
    assert known is not None
    return replace(known, **changes)


def without(id: str) -> Any:
    """The set without one recipient."""
    return replace(a_set(), partners={k: v for k, v in a_set().partners.items() if k != id})


@promise("N1", "N2")
def test_a_new_recipient_widens() -> None:
    """For each purpose that it gets data for; and one that goes narrows."""
    both_ways(without("adverts"), a_set(), "recipient", "adverts", "widens")
    (found,) = told(without("adverts"), a_set())
    assert found.pairs == {(PartnerId("adverts"), PurposeId("advertising"))}
    assert found.after == "device.os on consent"


@promise("N1", "N2")
def test_a_recipient_that_gets_data_for_another_purpose_widens() -> None:
    """Its other purpose is left alone."""
    more = replace(the_route(), id=RouteId("pay"), purpose=PurposeId("payment"))
    new = with_partner(routes=(the_route(), more))

    both_ways(a_set(), new, "recipient", "courier", "widens")
    assert compare(a_set(), new).widening().keys() == {("courier", "payment")}


def test_a_recipient_without_routes_is_a_detail() -> None:
    """It gets nothing."""
    empty = with_partner("adverts", routes=())

    assert told(without("adverts"), empty) == []
    assert compare(without("adverts"), empty).differences != ()


@promise("N1", "K1", "N2")
def test_a_recipient_that_moves_abroad_widens() -> None:
    """Coming home narrows, and another place abroad has no order."""
    abroad, elsewhere = with_partner(**ABROAD), with_partner(territory="JP")

    both_ways(a_set(), abroad, "territory", "", "widens")
    neither_way(abroad, elsewhere, "territory", "")


@pytest.mark.parametrize(
    ("wider", "what", "name"),
    [
        ({"agreement": agreement(onward=(PartnerId("other"),))}, "onward", "other"),
        ({"deletion": None}, "deletion", "told of deletions"),
        (
            {"upstream": Upstream(base_url="http://api.courier.example")},
            "connection",
            "without TLS",
        ),
    ],
)
@promise("N1", "S4b", "R3", "P1")
def test_weaker_terms_widen(wider: dict[str, Any], what: str, name: str) -> None:
    """Passing on, not being told to delete, the open wire."""
    both_ways(a_set(), with_partner(**wider), what, name, "widens")


@pytest.mark.parametrize(
    ("tight", "loose", "name"),
    [
        (
            {"complete_within": timedelta(days=5)},
            {"complete_within": timedelta(days=9)},
            "complete_within",
        ),
        ({"complete_within": timedelta(days=5)}, {}, "complete_within"),
        ({}, {"response_completes": True}, "response_completes"),
        ({}, {"protocol": "manual"}, "protocol"),
    ],
)
def test_a_weaker_deletion_widens(tight: Any, loose: Any, name: str) -> None:
    """Later, on the recipient's bare word, or by hand."""
    base = {"protocol": "rest", "url": "https://api.courier.example/delete"}
    one, other = (with_partner(deletion=Deletion(**(base | more))) for more in (tight, loose))
    both_ways(one, other, "deletion", name, "widens")


def test_pins_and_certificates_that_go_widen() -> None:
    """The connection is less sure of whom it reaches."""
    url = "https://api.courier.example"
    pinned = with_partner(upstream=Upstream(base_url=url, tls=Tls(pins=("sha256/a",))))
    certified = with_partner(upstream=Upstream(base_url=url, tls=Tls(cert="file:a", key="file:b")))
    plain = with_partner(upstream=Upstream(base_url=url))

    both_ways(pinned, plain, "connection", "pinned", "widens")
    both_ways(certified, plain, "connection", "our own certificate", "widens")


@pytest.mark.parametrize(
    "change",
    [
        {"agreement": agreement(expires=date(2030, 1, 1), reference="NDA-2")},
        {"name": "Another Name", "contact": "new@courier.example", "owner": "someone"},
        {"upstream": Upstream(base_url="https://new.courier.example")},
        {"jwks": {"keys": [{"kid": "new"}]}},
    ],
    ids=["renewed agreement", "name", "address", "key"],
)
def test_everyday_changes_are_neutral(change: dict[str, Any]) -> None:
    """The same recipient on the same terms; they are told, and end no consent."""
    new = with_partner(**change)

    assert told(a_set(), new) == []
    assert compare(a_set(), new).differences != ()


def test_an_agreement_lets_out_where_one_is_needed() -> None:
    """A branch needs none, so there losing it is what loosens (S4a, S6)."""
    both_ways(with_partner(agreement=None), a_set(), "agreement", "", "widens")
    branch = with_partner(kind=Kind.BRANCH)
    free = with_partner(kind=Kind.BRANCH, agreement=None)
    both_ways(branch, free, "agreement", "", "widens")


def test_a_recipient_that_comes_into_service_widens() -> None:
    """A draft and a suspended one get nothing, so between these two nothing counts."""
    draft, suspended = with_partner(state=State.DRAFT), with_partner(state=State.SUSPENDED)

    both_ways(draft, a_set(), "recipient", "state", "widens")
    assert told(draft, suspended) == []


def test_another_kind_of_recipient_has_no_order() -> None:
    """Each kind has its own rules."""
    neither_way(a_set(), with_partner(kind=Kind.PARTNER), "kind", "")


@promise("N1", "T4")
def test_a_successor_that_accepts_the_edition_widens() -> None:
    """From then on other grounds than consent carry; going on accepting changes nothing."""
    successor = with_partner(kind=Kind.SUCCESSOR)
    bound = with_partner(kind=Kind.SUCCESSOR, accepted_edition="2026-1")
    next_edition: Edition = replace(a_set().edition, number="2026-2")
    still = replace(
        with_partner(kind=Kind.SUCCESSOR, accepted_edition="2026-2"), edition=next_edition
    )

    both_ways(successor, bound, "successor", "accepted_edition", "widens")
    assert told(bound, still) == []
