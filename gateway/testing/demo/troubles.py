"""
How the recipients are on the day on which somebody leaves.

Most do as they should, after a while. Those of whom the story tells do not, or
cannot, each in another way.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from gateway.testing.behaviour import Delay, unavailable
from gateway.testing.demo.house import House
from gateway.testing.demo.recipients import FORMER
from gateway.testing.notices import Plan, Receipt, complete, refuse

SLOW, DOWN, SUSPENDED = "swift-parcel", "link-id", "bright-reach"
REFUSING, BY_HAND, WITH_BACKUPS = "harbour-pay", "city-court", "island-post"
OUTSIDE = FORMER.partner

SLOW_SECONDS = 2.0
"""How long the slow recipient takes for a share."""
KEPT_BY_LAW = "payment records are kept by law"

TODAY: Mapping[str, str] = {
    SLOW: "slow, with shares on their way to it",
    DOWN: "down, and answers 503 for a while",
    SUSPENDED: "suspended by an operator",
    REFUSING: "will refuse, and say why",
    BY_HAND: "takes no notices from programs",
    WITH_BACKUPS: "has backups, the last of which went yesterday",
    OUTSIDE: "agreement over; once got a file by other ways",
}
"""How each of them is, in words."""


async def arrange(house: House, outages: int) -> None:
    """
    Let each recipient be as `TODAY` says. `outages`: how often the one that is
    down answers 503. Raises RuntimeError if one cannot be suspended.
    """
    desks = {one.id: one.fake.notices for one in house.everybody.values()}
    for desk in desks.values():
        desk.plan = complete(after_seconds=0.1)
    desks[DOWN].script.next(*unavailable(outages))
    desks[REFUSING].plan = refuse(KEPT_BY_LAW, after_seconds=0.1)
    desks[WITH_BACKUPS].plan = _in_two_steps(datetime.now(UTC) - timedelta(days=1))
    reply = await house.desk.post(f"/v1/partners/{SUSPENDED}/suspend")
    if reply.status != 200:
        raise RuntimeError(f"{SUSPENDED} cannot be suspended: {reply.status} {reply.code}")


def slow_down(house: House) -> None:
    """From now on the slow recipient is slow."""
    house.recipients[SLOW].fake.script.always(Delay(SLOW_SECONDS))


async def over(house: House) -> None:
    """The day is over: the slow one is quick again, the suspended one is resumed."""
    house.recipients[SLOW].fake.script.always(None)
    await house.desk.post(f"/v1/partners/{SUSPENDED}/resume")


def _in_two_steps(backups_until: datetime) -> Plan:
    gone = {"backups_until": backups_until.date().isoformat()}
    return Plan(
        receipts=(
            Receipt(status="in-progress", after_seconds=0.1),
            Receipt(fields=gone, after_seconds=0.6),
        )
    )
