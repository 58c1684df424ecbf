"""Every reason and scope of a case, as its clause has it (R2, M3, K2, K3)."""

from datetime import datetime, timedelta
from typing import Any

from gateway.model.cases import EraseReason
from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from tests.cases.house import VERIFIED, CaseHouse
from tests.marks import promise
from tests.promises.house import ORDER, PATH

PARTS = {"consent-withdrawn", "retention-expired", "agreement-ended"}
SCOPES = (
    {"partners": ["swift-parcel"]},
    {"purposes": ["order-fulfilment"]},
    {"categories": ["basic.phone"]},
)


@promise("R2")
@promise("M3")
async def test_each_reason_deletes(house: CaseHouse, clock: Clock) -> None:
    """Every reason of the policy opens a case, names it in the ledger and has its own clock."""
    days: dict[str, int] = {}
    announced = (clock() - timedelta(days=30)).isoformat()
    for number, reason in enumerate(EraseReason):
        person = f"u-{number}"
        assert (await house.share("swift-parcel", PATH, ORDER, subject=person)).status == 200
        more: dict[str, Any] = {"scope": SCOPES[0]} if reason in PARTS else {}
        if reason == "service-ended":
            more["announced_at"] = announced
        case = await house.opened_case(person, reason=reason.value, **more)
        due = datetime.fromisoformat(case["deadline"]) - clock()
        days[reason] = round(due.total_seconds() / 86400)
        await house.until_closed(case["case"])
    told = house.recipients["swift-parcel"].notices.received

    assert {one["reason"] for one in await house.leaves("case")} == set(EraseReason)
    assert min(days, key=lambda one: days[one]) == "minor-without-consent"
    assert (days["minor-without-consent"], days["user-request"]) == (3, 30)
    assert [one.type for one in told] == ["subject.erase"] * len(EraseReason)


@promise("R2")
async def test_each_scope_bounds_each_action(house: CaseHouse) -> None:
    """By recipient, purpose and category: who is inside is told, who is not is not."""
    for partner in ("swift-parcel", "slow-parcel"):
        await house.share(partner, PATH, ORDER)
    both = ["slow-parcel", "swift-parcel"]
    for action in ("erase", "restrict", "rectify"):
        told = [await would_be_told(house, action, scope) for scope in SCOPES]

        assert told == [["swift-parcel"], both, both], action


async def would_be_told(house: CaseHouse, action: str, scope: dict[str, Any]) -> list[str]:
    """Whom a case would tell."""
    body: dict[str, Any] = {
        "action": action,
        "subject": "u-1",
        "reason": "user-request",
        "verified": VERIFIED,
        "scope": scope,
    }
    if action == "rectify":
        # Its changes name the categories.
        bounds = None if "categories" in scope else scope
        body |= {"changes": {"basic.phone": "13912345678"}, "scope": bounds}
    reply = await house.ask("POST", "/v1/cases?preview=true", body)
    return sorted(one["partner"] for one in reply.json()["notices"])


@promise("K3")
async def test_nothing_is_sent_before_thirty_days(
    house: CaseHouse, courier: FakePartner, clock: Clock
) -> None:
    """The end of the service: fenced at once, told thirty days after it was announced."""
    await house.share("swift-parcel", PATH, ORDER)
    bare = await house.erased(reason="service-ended")
    case = await house.opened_case(
        reason="service-ended", announced_at=(clock() - timedelta(days=10)).isoformat()
    )
    fenced = await house.share("swift-parcel", PATH, ORDER)
    clock.advance(timedelta(days=20, seconds=-1))
    house.gateway.case_changed()
    early = len(courier.notices.received)
    clock.advance(timedelta(seconds=1))
    house.gateway.case_changed()
    await house.until_closed(case["case"])

    assert (bare.status, bare.code) == (400, "request-invalid")
    assert (fenced.code, early) == ("subject-erased", 0)
    assert len(courier.notices.received) == 1


@promise("K2")
async def test_after_the_account_nothing_links(house: CaseHouse) -> None:
    """Once the account is closed no record of the gateway leads to the person any more."""
    await house.share("swift-parcel", PATH, ORDER)
    case = await house.opened_case(reason="account-closed")
    await house.until_closed(case["case"])

    assert await house.disclosures() == []
    assert (await house.gateway.subjects.get("u-1")).row is None  # type: ignore[arg-type]
