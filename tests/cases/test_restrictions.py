"""A restriction holds until it is lifted, and every recipient in it is told (R2, R5)."""

from typing import Any

from gateway.testing.partner import FakePartner
from tests.cases.house import CaseHouse
from tests.marks import promise
from tests.promises.house import ORDER, PATH

SWIFT, SLOW = "swift-parcel", "slow-parcel"


async def ordered(house: CaseHouse, partner: str = SWIFT, subject: str = "u-1") -> tuple[int, str]:
    """How a parcel for a courier is answered."""
    reply = await house.share(partner, PATH, ORDER, subject=subject)
    return reply.status, (reply.code or "") if reply.status != 200 else ""


async def opened(house: CaseHouse, action: str, **more: Any) -> dict[str, Any]:
    """A case that was accepted."""
    return await house.opened_case(action=action, **more)


REFUSED = (403, "subject-restricted")
SENT = (200, "")


@promise("R2")
async def test_a_restriction_outlives_its_case(house: CaseHouse, courier: FakePartner) -> None:
    """Nothing leaves from the 202 on, also once the recipient has settled; reads go on."""
    await ordered(house)
    case = await opened(house, "restrict")
    at_once = await ordered(house), await ordered(house, SLOW)
    await house.until_closed(case["case"])
    (came,) = courier.notices.received

    assert at_once == (REFUSED, REFUSED)
    assert await ordered(house) == REFUSED
    assert came.type == "subject.restrict"
    assert len(await house.disclosures()) == 1
    assert await ordered(house, subject="u-2") == SENT


@promise("R5")
async def test_lifting_tells_the_same_recipients(house: CaseHouse, courier: FakePartner) -> None:
    """The very next share goes, and who was told of the one is told of the other."""
    await ordered(house)
    restricted = await opened(house, "restrict")
    await house.until_closed(restricted["case"])
    lifted = await opened(house, "unrestrict")
    again = await ordered(house)
    await house.until_closed(lifted["case"])

    assert again == SENT
    assert [one["partner"] for one in lifted["notices"]] == [SWIFT]
    assert [one.type for one in courier.notices.received] == [
        "subject.restrict",
        "subject.unrestrict",
    ]
    fences = await house.leaves("fence")
    assert [(one["case"], one.get("lifted")) for one in fences] == [
        (restricted["case"], None),
        (restricted["case"], True),
    ]
    assert all(one["whole"] is False for one in fences)


@promise("R2")
async def test_a_restriction_has_a_scope(house: CaseHouse) -> None:
    """Of one recipient the others go on; it is lifted by its own scope."""
    await ordered(house)
    await ordered(house, SLOW)
    scope = {"partners": [SLOW]}
    case = await opened(house, "restrict", scope=scope)
    inside, outside = await ordered(house, SLOW), await ordered(house)
    other = await house.erased(action="unrestrict", scope={"partners": [SWIFT]})
    lifted = await opened(house, "unrestrict", scope=scope)

    assert (inside, outside) == (REFUSED, SENT)
    assert [one["partner"] for one in case["notices"]] == [SLOW]
    assert (other.status, other.code) == (400, "request-invalid")
    assert [one["partner"] for one in lifted["notices"]] == [SLOW]
    assert await ordered(house, SLOW) == SENT


async def test_what_another_restriction_covers_stays_so(house: CaseHouse) -> None:
    """Of two restrictions one is lifted; who stands in the other is not said to be free."""
    for partner in (SWIFT, SLOW):
        await ordered(house, partner)
    await opened(house, "restrict", scope={"partners": [SLOW]})
    purpose = {"purposes": ["order-fulfilment"]}
    await opened(house, "restrict", scope=purpose)
    lifted = await opened(house, "unrestrict", scope=purpose)

    assert [one["partner"] for one in lifted["notices"]] == [SWIFT]
    assert (await ordered(house), await ordered(house, SLOW)) == (SENT, REFUSED)
    assert (await opened(house, "unrestrict"))["notices"][0]["partner"] == SLOW


@promise("R2")
async def test_restrict_then_erase(house: CaseHouse, courier: FakePartner) -> None:
    """Who is restricted can be deleted like anybody else."""
    await ordered(house)
    await house.until_closed((await opened(house, "restrict"))["case"])
    case = await house.opened_case()
    await house.until_closed(case["case"])

    assert await ordered(house) == (403, "subject-erased")
    assert courier.notices.received[-1].type == "subject.erase"
    assert courier.copies.of(courier.received[0].claims["sub"]) == []


async def test_somebody_of_whom_nothing_is_known_can_be_restricted(house: CaseHouse) -> None:
    """Before the first share as well as after it."""
    case = await opened(house, "restrict", subject="u-9")

    assert case["state"] == "closed"
    assert await ordered(house, subject="u-9") == REFUSED
    await house.restart()
    assert await ordered(house, subject="u-9") == REFUSED


@promise("R5")
async def test_what_lifts_nothing_and_what_withdraws_is_refused(house: CaseHouse) -> None:
    """Nobody is told that something ended which never was; a withdrawal is the consents' own."""
    await ordered(house)
    for subject in ("u-1", "u-9"):
        refused = await house.erased(subject, action="unrestrict")
        assert (refused.status, refused.code) == (400, "request-invalid")
    withdrawn = await house.erased(
        action="withdraw", reason="consent-withdrawn", scope={"purposes": ["advertising"]}
    )

    assert (withdrawn.status, withdrawn.code) == (400, "request-invalid")
    assert "/v1/consents/{id}/withdraw" in withdrawn.json()["detail"]
    assert await house.leaves("case") == []
