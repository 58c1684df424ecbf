"""The third-party sharing list, and the records of processing."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.model.ids import PartnerId
from gateway.model.recipients import State
from gateway.policy.transforms import TRANSFORMS as KNOWN
from gateway.reports.counts import ShareCount
from gateway.reports.period import Period, told
from gateway.reports.processing import records, records_page, records_rows
from gateway.reports.sharing import sharing_list, sharing_page, sharing_rows
from gateway.reports.words import KINDS, TRANSFORMS, span
from tests.unit.reports.builders import HOSTILE, ON, the_policy, with_partner
from tests.unit.reports.pages import check


def of(value: dict[str, Any], partner: str) -> dict[str, Any]:
    """One recipient of the list."""
    found: dict[str, Any] = next(one for one in value["recipients"] if one["partner"] == partner)
    return found


def test_the_list_says_who_why_on_what_ground_which_data_and_how() -> None:
    """Each recipient with its contact and territory, each purpose with what leaves for it."""
    courier = of(sharing_list(the_policy(), on=ON), "swift-parcel")
    (support, order) = courier["uses"]

    assert (courier["name"], courier["contact"]) == (
        "Swift Parcel Co.",
        "privacy@swift-parcel.example",
    )
    assert (courier["territory"], courier["abroad"]) == ("CN", False)
    assert order["purpose_title"] == "Carrying out and delivering an order"
    assert order["ground_title"] == "Necessary for a core function"
    assert order["retention"] == "30 days"
    assert {one["title"]: (one["how"], one["sensitive"]) for one in order["data"]} == {
        "Personal name": (["masked"], False),
        "Personal phone number": (["encrypted for the recipient"], True),
        "Address": (["unchanged"], False),
        "An order of this person": (["unchanged"], False),
    }
    phone = next(one for one in support["data"] if one["category"] == "basic.phone")
    assert phone["how"] == ["as a token, which is opened at our gateway only"]


def test_the_list_holds_nothing_that_is_our_own_business() -> None:
    """No one who answers inside, no address, no secret, no name of a field."""
    policy = the_policy()
    for text in (
        json.dumps(sharing_list(policy, on=ON)),
        sharing_page(sharing_list(policy, on=ON)),
    ):
        for partner in policy.partners.values():
            assert partner.upstream is not None
            assert partner.upstream.base_url not in text
            assert f'"{partner.owner}"' not in text
            assert f">{partner.owner}<" not in text
            for route in partner.routes:
                assert not any(
                    field.selector in text for field in route.send if "/" in field.selector[1:]
                )
        assert "env:" not in text


def test_drafts_are_not_in_the_list_and_paused_ones_are() -> None:
    """Who cannot get anything is no recipient; who got something before still has it."""
    draft = sharing_list(with_partner("swift-parcel", state=State.DRAFT), on=ON)
    paused = sharing_list(with_partner("swift-parcel", state=State.SUSPENDED), on=ON)

    assert "swift-parcel" not in [one["partner"] for one in draft["recipients"]]
    assert "paused" in check(sharing_page(paused)).text


def test_pages_are_safe_with_hostile_manifests() -> None:
    """A recipient may be called what it likes: it stays text."""
    policy = with_partner("swift-parcel", name=HOSTILE, contact=HOSTILE, owner=HOSTILE)
    for text in (
        sharing_page(sharing_list(policy, on=ON)),
        records_page(records(policy, (), period=Period(), on=ON)),
    ):
        assert "<script>alert(1)</script>" in check(text).text


def test_records_count_what_was_shared_in_the_period() -> None:
    """What may have been received counts as disclosed, what was not sent does not."""
    counts = [
        ShareCount(partner="swift-parcel", purpose="order-fulfilment", outcome=outcome, shares=n)
        for outcome, n in (("delivered", 5), ("unknown", 1), ("open", 2), ("not-sent", 7))
    ]
    value = records(the_policy(), counts, period=Period(), on=ON)
    row = next(
        one
        for one in value["records"]
        if (one["partner"], one["purpose"]) == ("swift-parcel", "order-fulfilment")
    )

    assert row["shares"] == {
        "disclosed": 8,
        "delivered": 5,
        "timeout": 0,
        "unknown": 1,
        "open": 2,
        "not-sent": 7,
    }
    assert row["agreement"]["expires"] == "2028-03-01"
    assert "Fields are encrypted for the recipient and the purpose" in row["security"]
    assert len(records_rows(value)) == len(value["records"]) > 10


def test_records_tell_of_transfers_abroad_and_their_safeguards() -> None:
    """Where data leaves the home territory, and what holds then."""
    value = records(the_policy(), (), period=Period(), on=ON)
    abroad = [one for one in value["records"] if one["abroad"]]

    assert {one["territory"] for one in abroad} == {"SG"}
    assert all("separate consent" in one["safeguards"][0] for one in abroad)
    assert all(one["safeguards"] == [] for one in value["records"] if not one["abroad"])


def test_records_know_recipients_whose_manifest_is_gone() -> None:
    """What they got stays in the records, marked as former."""
    policy = the_policy()
    courier = replace(policy.partners[PartnerId("swift-parcel")], routes=(), state=State.SUSPENDED)
    rest = {id: one for id, one in policy.partners.items() if id != courier.id}
    counts = [
        ShareCount(partner="swift-parcel", purpose="old-purpose", outcome="delivered", shares=1)
    ]
    value = records(replace(policy, partners=rest), counts, [courier], period=Period(), on=ON)
    (row,) = (one for one in value["records"] if one["partner"] == "swift-parcel")

    assert (row["state"], row["purpose_title"], row["retention"]) == ("former", "old-purpose", None)
    assert row["shares"]["disclosed"] == 1
    check(records_page(value))


def test_everything_has_words() -> None:
    """Each transform and each kind of recipient is told in people's words."""
    assert set(TRANSFORMS) == set(KNOWN)
    assert len(KINDS) == 7
    assert [span(route.retention) for route in the_policy().partners[PartnerId("mini-app")].routes]
    rows = sharing_rows(sharing_list(the_policy(), on=ON))
    assert len(rows) >= len(the_policy().partners)


def test_a_period_is_told_in_words() -> None:
    """With and without limits."""
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)

    assert told(Period().shown()) == "from the beginning until now"
    assert told(Period(start=start).shown()) == "from 2026-01-01 00:00 UTC until now"
    assert (
        told(Period(start=start, end=end).shown())
        == "from 2026-01-01 00:00 UTC until 2026-04-01 00:00 UTC"
    )
    assert Period(start=start, end=end).holds("2026-03-31T23:59:59.999Z")
    assert not Period(start=start, end=end).holds("2026-04-01T00:00:00.000Z")
