"""Notices to a recipient that fails every time: not tried for a while, and never forgotten."""

import asyncio
from typing import Any

from gateway.errors import PartnerTimeout
from gateway.ports import Use
from gateway.testing.clock import Clock
from tests.cases.house import CaseHouse

TOLD = {"sent", "completed"}


def gate(house: CaseHouse) -> Any:
    """The courier's."""
    egress: Any = house.gateway.egress
    return egress._gate("swift-parcel")


async def test_a_notice_waits_while_its_recipient_is_left_alone(
    house: CaseHouse, clock: Clock
) -> None:
    """No attempt is counted meanwhile; shares' failures do not stop it, and it goes out in the end."""
    await house.share()
    breakers = gate(house).breakers
    for use in Use:
        for _ in range(20):
            gate(house).failed(use, 0, PartnerTimeout("silent"))
        breakers[use].until += 3600
    case = await house.opened_case()
    await asyncio.sleep(0.2)
    clock.advance(seconds=2)
    await asyncio.sleep(0.2)
    (waiting,) = (await house.case(case["case"]))["notices"]
    assert (waiting["state"], waiting["attempts"]) == ("queued", 0)
    # Only its notices are asked again: the interface stays as it is.
    breakers[Use.NOTICES].until = 0.0
    clock.advance(seconds=3600)
    notice = waiting
    for _ in range(300):
        house.gateway.case_changed()
        (notice,) = (await house.case(case["case"]))["notices"]
        if notice["state"] != "queued":
            break
        await asyncio.sleep(0.02)

    assert notice["state"] in TOLD
    assert notice["attempts"] == 1
    assert breakers[Use.SHARES].wait() > 0


async def test_the_kill_switch_stops_no_notice(house: CaseHouse) -> None:
    """While nothing leaves to anybody recipients are told to delete all the same."""
    await house.share()
    stopped = await house.ask("POST", "/v1/partners/*/suspend")
    assert stopped.json()["stopped"] is True
    case = await house.opened_case()
    notice: dict[str, Any] = {"state": "queued"}
    for _ in range(300):
        (notice,) = (await house.case(case["case"]))["notices"]
        if notice["state"] != "queued":
            break
        await asyncio.sleep(0.02)

    assert notice["state"] in TOLD
