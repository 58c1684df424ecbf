"""A request may be refused, on a stated ground, as long as its case is open (R7)."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cases.certificate import verify_certificate
from gateway.testing.builders import a_manifest
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from gateway.testing.notices import acknowledge_only
from tests.cases.house import VERIFIED, CaseHouse
from tests.marks import promise
from tests.promises.house import ORDER, PATH, empty_home
from tests.promises.manifests import NOWHERE, a_plain

GROUNDS = (
    *("repetitive", "excessive-effort", "impractical", "national-security"),
    *("public-safety", "criminal-procedure", "bad-faith", "harm-to-others"),
)
BY_HAND = "by-hand"


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[CaseHouse]:
    """A courier, and a recipient that only a person tells."""
    manifests = [
        a_manifest("swift-parcel", base_url=NOWHERE),
        a_plain({"/name": {"category": "basic.name"}}, id=BY_HAND),
    ]
    manifests[1]["deletion"] = {"protocol": "manual"}
    opened = CaseHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        await opened.open(manifests)
        yield opened


async def refused(house: CaseHouse, case: str, ground: str = "bad-faith") -> Reply:
    """`POST /v1/cases/{id}/refuse`."""
    return await house.ask("POST", f"/v1/cases/{case}/refuse", {"ground": ground})


async def previewed(house: CaseHouse, **more: Any) -> Any:
    """What a deletion would do."""
    body = {"action": "erase", "subject": "u-1", "reason": "user-request", "verified": VERIFIED}
    return (await house.ask("POST", "/v1/cases?preview=true", body | more)).json()


async def destroyed(house: CaseHouse) -> None:
    """Until the ledger says that a person's keys are gone."""
    for _ in range(500):
        if any(one["event"] == "destroyed" for one in await house.leaves("key")):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the keys are still there")


async def shared_by_hand(house: CaseHouse) -> None:
    reply = await house.share(BY_HAND, "/things", {"name": "欧阳明"})
    assert reply.status in (200, 403), reply.json()


async def opened(house: CaseHouse, action: str = "restrict", **more: Any) -> dict[str, Any]:
    """A case about what went to the recipient that nobody has told yet."""
    await shared_by_hand(house)
    return await house.opened_case(action=action, scope={"partners": [BY_HAND]}, **more)


@promise("R7")
async def test_a_refused_request_lets_go(house: CaseHouse) -> None:
    """Its fence is lifted, nobody is told, and the record says on which ground."""
    case = await opened(house)
    fenced = await house.share(BY_HAND, "/things", {"name": "欧阳明"})
    reply = await refused(house, case["case"], "harm-to-others")
    after = await house.share(BY_HAND, "/things", {"name": "欧阳明"})
    (notice,) = reply.json()["notices"]
    (leaf,) = [one for one in await house.leaves("case") if one["state"] == "refused"]
    fences = await house.leaves("fence")

    assert (fenced.code, after.status) == ("subject-restricted", 200)
    assert (reply.status, reply.json()["state"], reply.json()["ground"]) == (
        *(200, "refused", "harm-to-others"),
    )
    assert (notice["state"], notice["reason"], notice["settled"]) == (
        "exempt",
        "case-refused",
        True,
    )
    assert (leaf["ground"], leaf["actor"]) == ("harm-to-others", "order-service")
    assert [one.get("lifted") for one in fences] == [None, True]
    assert await house.gateway.store.escrow(notice["notice"]) is None


@promise("R7")
async def test_every_stated_ground_counts_and_no_other(house: CaseHouse) -> None:
    """The eight of the policy; whoever writes another is told which there are."""
    other = await refused(house, (await opened(house))["case"], "because")
    states = [
        (await refused(house, (await opened(house))["case"], ground)).json()["state"]
        for ground in GROUNDS
    ]

    assert (other.status, other.code) == (400, "request-invalid")
    assert all(ground in other.json()["detail"] for ground in GROUNDS)
    assert states == ["refused"] * 8


@promise("R7")
async def test_who_was_told_is_not_untold(house: CaseHouse) -> None:
    """It stands as it did, settled on the word of who refused, and is not asked again."""
    house.recipients["swift-parcel"].notices.plan = acknowledge_only()
    await house.share("swift-parcel", PATH, ORDER)
    case = await house.opened_case(action="restrict")
    await house.until(case["case"], state="acknowledged")
    reply = await refused(house, case["case"])
    after = await house.share("swift-parcel", PATH, ORDER)
    (notice,) = reply.json()["notices"]
    answer = await house.ask("GET", f"/v1/cases/{case['case']}/answer?language=en")
    (leaf,) = [one for one in await house.leaves("notice") if one.get("settled")]

    assert (reply.status, reply.json()["state"], after.status) == (200, "refused", 200)
    assert (notice["state"], notice["settled"], notice["evidence"], notice["next_at"]) == (
        *("acknowledged", True, "person", None),
    )
    assert (leaf["state"], leaf["by"], leaf["actor"]) == ("acknowledged", "person", "order-service")
    assert "the rest of your request is refused" in answer.body.decode()


@promise("R7", "A1")
async def test_a_deleted_person_does_not_come_back(house: CaseHouse) -> None:
    """The telling ends, and is certified; the keys are destroyed and nothing more leaves."""
    await shared_by_hand(house)
    case = await house.opened_case()
    reply = await refused(house, case["case"], "criminal-procedure")
    await destroyed(house)
    after = await house.share(BY_HAND, "/things", {"name": "欧阳明"})
    answer = await house.ask("GET", f"/v1/cases/{case['case']}/answer?language=en")
    await house.sequenced()
    token = await house.ask("GET", f"/v1/cases/{case['case']}/certificate")
    claims = verify_certificate(
        token.body.decode(), (await house.public("/.well-known/jwks.json")).json()
    )

    assert (reply.status, reply.json()["state"]) == (200, "refused")
    assert [one["reason"] for one in reply.json()["notices"]] == ["case-refused"]
    assert after.code == "subject-erased"
    assert not [one for one in await house.leaves("fence") if one.get("lifted")]
    assert (claims["state"], claims["ground"]) == ("refused", "criminal-procedure")
    assert "destroyed the keys" in answer.body.decode()
    assert "criminal" in answer.body.decode()


@promise("R7")
async def test_a_request_is_refused_before_anything_happens(house: CaseHouse) -> None:
    """On record with its ground; nothing is fenced, told or destroyed, and a repeat changes nothing."""
    await shared_by_hand(house)
    wrong = await house.erased(refuse="because")
    first = await house.erased(refuse="repetitive", key="k-1")
    again = await house.erased(refuse="repetitive", key="k-1")
    case = await house.case(first.json()["case"])
    answer = await house.ask("GET", f"/v1/cases/{case['case']}/answer?language=en")
    seen = await previewed(house, refuse="repetitive")
    await house.sequenced()
    certificate = await house.ask("GET", f"/v1/cases/{case['case']}/certificate")
    leaves = await house.leaves("case", "fence", "notice")

    assert (wrong.status, wrong.code) == (400, "request-invalid")
    assert (first.status, first.json()["state"]) == (202, "refused")
    assert (again.status, again.body) == (202, first.body)
    assert (case["state"], case["ground"], case["notices"]) == ("refused", "repetitive", [])
    assert "to delete your personal information" in answer.body.decode()
    assert (seen["state"], seen["notices"], certificate.status) == ("refused", [], 200)
    assert [(one["state"], one["ground"]) for one in leaves] == [("refused", "repetitive")]
    assert len(await house.disclosures()) == 1
    unknown = await house.erased("u-9", refuse="repetitive")
    assert unknown.json()["state"] == "refused"
    await shared_by_hand(house)
    await house.opened_case()


async def test_what_is_over_is_not_refused(house: CaseHouse) -> None:
    """A case refused already, one that ended, a lifted restriction, one that never was."""
    given_up, closed = await opened(house), await opened(house)
    await refused(house, given_up["case"])
    body = {"status": "completed", "reason": "by letter", "evidence": "letter 7"}
    notice = closed["notices"][0]["notice"]
    await house.ask("POST", f"/v1/notices/{notice}/resolve", body)
    lifted = await opened(house, "unrestrict")
    ids = (given_up["case"], closed["case"], lifted["case"], "case_0")
    replies = [await refused(house, id) for id in ids]

    assert [(one.status, one.code) for one in replies] == [
        *[(409, "notice-settled")] * 2,
        (409, "case-open"),
        (404, "not-found"),
    ]


@promise("R7")
async def test_nothing_leaves_after_a_refusal(house: CaseHouse, clock: Clock) -> None:
    """What waited for the end of an announcement stays unsent when its day comes."""
    await house.share("swift-parcel", PATH, ORDER)
    case = await house.opened_case(
        reason="service-ended",
        announced_at=clock().isoformat(),
        scope={"partners": ["swift-parcel"]},
    )
    reply = await refused(house, case["case"])
    clock.advance(timedelta(days=31))
    house.gateway.case_changed()
    await house.sequenced()
    token = await house.ask("GET", f"/v1/cases/{case['case']}/certificate")
    keys = (await house.public("/.well-known/jwks.json")).json()

    assert reply.status == 200
    assert house.recipients["swift-parcel"].notices.received == []
    claims = verify_certificate(token.body.decode(), keys)
    assert (claims["state"], claims["ground"]) == ("refused", "bad-faith")
    assert json.dumps(claims["notices"]).count("case-refused") == 1
