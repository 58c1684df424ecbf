"""What the closer looks at every second: deadlines, backups' days, reminders (R4, R6)."""

from datetime import datetime

from gateway.cases import states
from gateway.cases.course import Looked
from gateway.cases.states import Event
from gateway.errors import LedgerContradiction, StoreFailed
from gateway.flows import chasing
from gateway.flows.gateway import Gateway
from gateway.flows.notices import change
from gateway.model.cases import Notice


async def look_at_deadlines(gateway: Gateway) -> None:
    """What was not reached by its deadline has failed; what was and is not done is overdue."""
    now = gateway.clock()
    for id in await gateway.store.notices_to_look_at(now):
        try:
            await change(gateway, id, lambda notice: _past(notice, now), keep_claim=True)
        except (StoreFailed, LedgerContradiction):
            raise
        except Exception:
            # One of whom nobody can tell holds back none of those behind it.
            gateway.log.exception("worker-failed", worker="closer", notice=id)


def _past(notice: Notice, now: datetime) -> Notice:
    if notice.deadline > now:
        return states.resettled(notice, now=now)
    return states.apply(notice, Event.DEADLINE, now=now)


async def look_again(gateway: Gateway) -> None:
    """Remind recipients where a stated point has come, and people of those that stay silent."""
    ids = await gateway.store.notices_to_look_at_again(gateway.clock(), chasing.AT_ONCE)
    for id in ids:
        await _looked_at(gateway, id)


async def _looked_at(gateway: Gateway, id: str) -> None:
    looks: list[Looked] = []

    def how(notice: Notice) -> Notice:
        looks[:] = [chasing.look(gateway, notice)]
        return looks[0].notice

    await change(gateway, id, how, keep_claim=True)
    for looked in looks:
        chasing.say(gateway, looked)
