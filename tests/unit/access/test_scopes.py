"""A service does what its token reaches, and nothing beside."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.access.scopes import (
    ALL,
    SCOPES,
    SHARE,
    Service,
    may_share,
    may_use_ground,
    permit,
)
from gateway.errors import CallerError, Reason
from gateway.model.ids import GroundId, PartnerId, PurposeId
from tests.marks import promise

SHOP = Service(
    issuer="home",
    name="shop",
    scopes=frozenset({"share"}),
    partners=frozenset({"swift-parcel"}),
    purposes=frozenset({"order-fulfilment"}),
    grounds=None,
    expires=datetime(2026, 12, 1, tzinfo=UTC),
)
PARTNER, PURPOSE = PartnerId("swift-parcel"), PurposeId("order-fulfilment")


def test_the_scopes_are_those_of_the_contract() -> None:
    """There are twelve scopes, and these are they."""
    assert " ".join(SCOPES) == (
        "share explain consent:write evidence:write subject:read subject:write case:write "
        "case:read ledger:read partner:read partner:write report:read"
    )


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({}, None),
        ({"partners": ALL, "purposes": ALL}, None),
        ({"scopes": frozenset({"explain", "shares"})}, "scope share"),
        ({"scopes": frozenset()}, "scope share"),
        ({"partners": frozenset({"bright-reach", "swift"})}, "partner"),
        ({"partners": frozenset()}, "partner"),
        ({"partners": frozenset({"*"})}, "partner"),
        ({"purposes": frozenset({"payment"})}, "purpose"),
        ({"purposes": frozenset()}, "purpose"),
        ({"partners": frozenset(), "purposes": frozenset(), "scopes": frozenset()}, "scope share"),
    ],
)
@promise("P5", "P3")
def test_a_service_shares_within_its_token(changes: dict[str, Any], lacking: str | None) -> None:
    """Scope, partner and purpose must each be in the token; the first that is not is told."""
    service = replace(SHOP, **changes)

    if lacking is None:
        may_share(service, partner=PARTNER, purpose=PURPOSE)
        assert PARTNER in service.partners
        return
    with pytest.raises(CallerError) as caught:
        may_share(service, partner=PARTNER, purpose=PURPOSE)
    assert caught.value.reason is Reason.SERVICE_NOT_PERMITTED
    assert f"lacks the {lacking} that" in caught.value.detail
    assert caught.value.clauses == ("P5",)


@pytest.mark.parametrize(
    ("grounds", "ground", "allowed"),
    [
        (None, "core-function", True),
        (None, "consent", False),
        (frozenset({"consent"}), "consent", True),
        (frozenset({"consent"}), "core-function", False),
        (frozenset({"consent", "core-function"}), "core-function", True),
        (frozenset(), "core-function", False),
        (frozenset({"*"}), "core-function", False),
    ],
)
@promise("S1", "P5")
def test_a_service_names_the_grounds_of_its_token(
    grounds: frozenset[str] | None, ground: str, allowed: bool
) -> None:
    """A token without grounds carries the route's own; one with grounds carries these only."""
    service = replace(SHOP, grounds=grounds)

    if allowed:
        may_use_ground(service, GroundId(ground), default=GroundId("core-function"))
        assert service.grounds is grounds
        return
    with pytest.raises(CallerError) as caught:
        may_use_ground(service, GroundId(ground), default=GroundId("core-function"))
    assert caught.value.reason is Reason.SERVICE_NOT_PERMITTED
    assert "lacks the ground that" in caught.value.detail
    assert caught.value.clauses == ("P5", "S1")


def test_what_is_not_asked_for_is_not_checked() -> None:
    """A scope without partner or purpose asks for the scope alone."""
    nobody = replace(SHOP, partners=frozenset(), purposes=frozenset())

    permit(nobody, SHARE)

    with pytest.raises(CallerError, match="lacks the partner"):
        permit(nobody, SHARE, partner=PARTNER)
    with pytest.raises(CallerError, match="lacks the purpose"):
        permit(nobody, SHARE, purpose=PURPOSE)


def test_a_refusal_does_not_repeat_what_was_asked_for() -> None:
    """What a caller writes as partner or purpose is not trusted to be one, and is not repeated."""
    with pytest.raises(CallerError) as caught:
        may_share(SHOP, partner=PartnerId("13800138000"), purpose=PURPOSE)

    assert "13800138000" not in f"{caught.value} {caught.value.detail} {caught.value.remedy}"
