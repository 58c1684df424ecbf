"""What every check looks at, and what refusals may say."""

from datetime import date, datetime, timedelta, timezone

import pytest

from gateway.decide.situation import inside, leaving, personal, refuse, special_clauses
from gateway.errors import REASONS, Reason
from gateway.model.ids import CategoryId
from tests.unit.decide.builders import a_field, a_policy, a_route, a_share


@pytest.mark.parametrize(
    ("category", "trees", "is_inside"),
    [
        ("basic.phone", ("basic",), True),
        ("basic.phone", ("basic.phone",), True),
        ("basic", ("basic",), True),
        ("basic", ("basic.phone",), False),
        ("basics", ("basic",), False),
        ("network.account", ("basic", "network"), True),
        ("network.account", (), False),
    ],
)
def test_a_category_is_inside_its_trees(
    category: str, trees: tuple[str, ...], is_inside: bool
) -> None:
    """A name covers itself and what stands below it, and nothing that only begins like it."""
    assert inside(CategoryId(category), map(CategoryId, trees)) is is_inside


def test_what_leaves_is_what_is_not_dropped() -> None:
    """Every declared place counts, and a dropped field does not."""
    route = a_route(
        send=(a_field("basic.name"), a_field("basic.phone", "drop")),
        path_fields={"reference": a_field("none")},
        query_fields={"city": a_field("location.coarse")},
        header_fields={"accept-language": a_field("device.os")},
    )

    assert leaving(route) == {"basic.name", "none", "location.coarse", "device.os"}


def test_unknown_categories_are_personal() -> None:
    """What the policy does not know is treated as being about a person."""
    policy = a_policy()

    assert not personal(policy, CategoryId("statistics"))
    assert personal(policy, CategoryId("basic.name"))
    assert personal(policy, CategoryId("unheard"))


def test_the_day_is_the_utc_day() -> None:
    """Morning in the east is still yesterday in UTC."""
    east = timezone(timedelta(hours=8))

    situation = a_share(now=datetime(2026, 11, 20, 7, 0, tzinfo=east)).situation()

    assert situation.day == date(2026, 11, 19)


def test_a_check_asked_too_early_decides_nothing() -> None:
    """Without a route there are no terms, and to ask for them is an error rather than a pass."""
    with pytest.raises(LookupError):
        a_share().but(route=None).situation().settled()


def test_a_refusal_says_what_it_is_about_once() -> None:
    """A refusal names what the policy knows, and each clause once."""
    situation = a_share().situation()

    plain = refuse(situation, Reason.OPTED_OUT, "no")
    worded = refuse(situation, Reason.OPTED_OUT, "no", clauses=("S1", "S1", "C3"), remedy="Stop.")

    about = "partner swift-parcel, route create-shipment"
    assert plain.detail == f"no ({about}, purpose order-fulfilment, ground core-function)"
    assert (plain.clauses, plain.remedy) == (
        REASONS[Reason.OPTED_OUT].clauses,
        REASONS[Reason.OPTED_OUT].remedy,
    )
    assert (worded.clauses, worded.remedy) == (("S1", "C3"), "Stop.")


def test_a_refusal_without_a_route_names_the_rest() -> None:
    """What is not known is left out of a refusal."""
    situation = a_share().but(route=None, purpose="unheard").situation()

    assert refuse(situation, Reason.PURPOSE_UNKNOWN, "no").detail == "no (partner swift-parcel)"


def test_transfers_and_public_disclosures_have_their_own_clauses() -> None:
    """What is more than sharing cites its own row of the policy."""
    purposes = a_policy().purposes
    order, transfer, display = (
        special_clauses(purpose)
        for name, purpose in purposes.items()
        if name in ("order-fulfilment", "business-transfer", "public-display")
    )

    assert (order, transfer, display) == ((), ("T1-3",), ("D1",))
