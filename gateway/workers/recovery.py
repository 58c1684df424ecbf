"""
Recipients that were left alone and come back: asked by one notice, then told of the rest.

While a recipient is left alone its notices stay where they are. When its pause is over
one of them goes out, due or not. If it is taken, all that wait for another try are due
at once; they leave as always, a few at a time, so that nobody is run over. A recipient
that answers and does not take the notice is back to its usual pauses.
"""

import asyncio

from gateway.flows.gateway import Gateway
from gateway.flows.notices import Work, silent, taken
from gateway.model.cases import Notice
from gateway.ports import Use

# Between two times at which the notices of one recipient are brought forward.
LEAST_SECONDS = 30.0

# Notices brought forward in one write; shares wait for it.
AT_ONCE = 500


class Recovery:
    """Who was left alone, and who comes back. One for all lanes."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._rested: set[str] = set()
        self.silent: set[str] = set()
        """Whose last try brought no answer; each keeps one notice under way, and no more."""
        self._hastened: dict[str, float] = {}

    def probing(self, alone: tuple[str, ...]) -> list[str]:
        """Whom one notice may ask now, as their pause is over; `alone` are left alone still."""
        self._rested.update(alone)
        return sorted(self._rested.difference(alone))

    async def tried(self, notice: Notice, work: Work) -> None:
        """A try has ended and is written."""
        partner = notice.partner
        (self.silent.add if silent(work) else self.silent.discard)(partner)
        probed = partner in self._rested
        if probed and partner not in self._gateway.egress.resting(Use.NOTICES):
            self._rested.discard(partner)
        if taken(work) and (probed or notice.attempts > 1):
            await self._hasten(partner)

    async def _hasten(self, partner: str) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._hastened.get(partner, 0.0):
            return
        self._hastened[partner] = now + LEAST_SECONDS
        gateway, count = self._gateway, 0
        while more := await gateway.store.hasten(partner, gateway.clock(), AT_ONCE):
            count += more
        if count:
            gateway.log.info("notices-hastened", partner=partner, count=count)
            gateway.cases_changed.set()
