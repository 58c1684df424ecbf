"""A demand of which the person may not be told, when that person is erased (D2)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway.testing.clock import Clock
from tests.cases.house import CaseHouse
from tests.cases.masses import carried, opened
from tests.cases.outside import Outside
from tests.marks import promise
from tests.promises.house import a_courier, empty_home
from tests.promises.manifests import a_court

NOTICES = {"protocol": "standard-webhooks", "url": "http://127.0.0.1:1/privacy/notices"}


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[CaseHouse]:
    """A courier, and a court that could be told if it might."""
    opened = CaseHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        await opened.open([a_courier(), a_court(deletion=NOTICES)])
        yield opened


async def given(house: CaseHouse, *, may_tell: bool) -> None:
    """The court gets a name on a demand."""
    evidence = await house.evidence(
        partner="city-court", purposes=["legal-demand"], may_tell_subject=may_tell
    )
    options: Any = {"purpose": "legal-demand", "evidence": evidence}
    body = {"person": {"name": "欧阳明"}}
    reply = await house.share("city-court", "/v1/disclosures", body, **options)
    assert reply.status == 200


@promise("D2", "R3")
async def test_an_erasure_notice_that_would_tip_off_is_exempt_and_counted(
    house: CaseHouse,
) -> None:
    """The court hears nothing, the courier does; the case says so, the report counts it."""
    await house.share()
    await given(house, may_tell=False)
    case = await house.opened_case()
    notice = await house.until(case["case"], state="completed")
    court = await house.notice(case["case"], "city-court")
    report = (await house.ask("GET", "/v1/reports/transparency")).json()

    assert notice["evidence"] == "receipt"
    assert (court["state"], court["reason"], court["settled"]) == (
        "exempt",
        "may-not-be-told",
        True,
    )
    assert house.recipients["city-court"].notices.received == []
    assert report["totals"]["exempt_notices"] == 1
    assert report["totals"]["given_that_may_not_be_told"] == 1
    assert [one["exempt_notices"] for one in report["authorities"]] == [1]


@promise("D2")
async def test_the_certificate_does_not_tip_off(house: CaseHouse) -> None:
    """What the person may be handed names the courier and no court."""
    await house.share()
    await given(house, may_tell=False)
    case = await house.opened_case()
    await house.until(case["case"], state="completed")
    await house.sequenced()
    reply = await house.ask("GET", f"/v1/cases/{case['case']}/certificate?interim=true")
    claims = jwt.decode(reply.body.decode(), options={"verify_signature": False})

    assert [one["partner"] for one in claims["notices"]] == ["swift-parcel"]
    assert "court" not in str(claims)


@promise("D2")
async def test_the_certificate_of_many_does_not_tip_off(house: CaseHouse, tmp_path: Path) -> None:
    """Of one decision about many it does not count the court, and agrees with the ledger."""
    await house.share()
    await given(house, may_tell=False)
    id = (await opened(house, everybody=True))["mass"]
    await carried(house, id)
    await house.sequenced()
    token = (await house.ask("GET", f"/v1/mass-cases/{id}/certificate")).body.decode()
    ids = (await house.ask("GET", f"/v1/mass-cases/{id}/cases")).body.decode()
    outside = await Outside.of(house, tmp_path, ids)
    found = outside.verdict(token, cases="cases", ledger="whole")

    assert isinstance(found, dict), found
    assert found["said_by_leaves"] is True
    assert [one["partner"] for one in found["recipients"]] == ["swift-parcel"]
    assert "court" not in str(found)


@promise("D2", "R3")
async def test_an_erasure_notice_of_a_demand_that_may_be_told_is_sent(house: CaseHouse) -> None:
    """Without the secret there is no exemption, and nothing to count as one."""
    await given(house, may_tell=True)
    case = await house.opened_case()
    await house.until(case["case"], "city-court", state="completed")
    report = (await house.ask("GET", "/v1/reports/transparency")).json()

    assert len(house.recipients["city-court"].notices.received) == 1
    assert report["totals"]["exempt_notices"] == 0
