"""
How much one recipient is asked at once, and when it is left alone for a while.

Plain state over a clock that counts seconds and never goes back. A call that
was not tried is no failure, and no success either.

    Bucket    so many shares a second
    Breaker   leaves alone who fails every time
    Gate      both of them and how many at once, for one recipient
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType

from gateway.errors import PartnerFailed, PartnerUnreachable
from gateway.model.ids import PartnerId
from gateway.model.recipients import Upstream
from gateway.ports import NotNow, Permit, Use

FAILURES = 20
"""So many calls that failed one after the other open the breaker."""

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# Of notices: whoever comes back after an outage hears of deletions within seconds.
LONGEST_PAUSE_OF_NOTICES_SECONDS = 10.0

# Somebody of those who are being asked ends; nobody knows when.
ROOM_SECONDS = 1.0

FULL = "as many shares are on their way to it as its manifest allows"
TOO_FAST = "it was sent as many shares in this time as its manifest allows"
ALONE = f"it is left alone for a while, as {FAILURES} calls failed one after the other"

Clock = Callable[[], float]


class NotTried(PartnerUnreachable):
    """Nothing was tried: a secret is missing, or no address may be reached. Says nothing of it."""


class State(StrEnum):
    """Of a breaker."""

    CLOSED = "closed"
    """Every call is tried."""
    OPEN = "open"
    """None is, until the pause is over."""
    PROBING = "probing"
    """One is under way, and what becomes of it decides for the others."""


@dataclass(slots=True)
class Breaker:
    """
    Leaves a recipient alone that fails every time, and asks again by single calls.

    Ask `begin` before a call; then one of `worked`, `failed` and `spared`
    when it has ended, with the number that `probe` had when it began.
    """

    clock: Clock
    longest: float = LONGEST_PAUSE_SECONDS
    """Seconds between two calls that ask whether it is there again."""
    failures: int = 0
    until: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    probe: int = 0
    """The number of the one call that is tried while it is open; 0: none is."""
    probes: int = 0

    @property
    def state(self) -> State:
        """What the next caller meets."""
        if self.failures < FAILURES:
            return State.CLOSED
        return State.PROBING if self.probe else State.OPEN

    def wait(self) -> float:
        """Seconds after which it is worth trying; 0 = now."""
        if self.failures < FAILURES:
            return 0.0
        if self.probe:
            return FIRST_PAUSE_SECONDS
        return max(0.0, self.until - self.clock())

    def begin(self) -> float:
        """As `wait`; at 0 the call is tried, and in an open breaker it is the only one."""
        seconds = self.wait()
        if not seconds and self.failures >= FAILURES:
            self.probes += 1
            self.probe = self.probes
        return seconds

    def worked(self) -> bool:
        """The recipient answered, whatever it said. True where this closed the breaker."""
        closed = self.failures >= FAILURES
        self.failures, self.pause, self.probe = 0, FIRST_PAUSE_SECONDS, 0
        return closed

    def failed(self, probe: int = 0) -> bool:
        """
        The recipient could not be reached, did not answer or broke off. True where
        this opened the breaker. `probe`: the number of the call, if it was one.
        """
        self.failures += 1
        if self.failures == FAILURES:
            self.until = self.clock() + self.pause
            return True
        # What began before the breaker opened says nothing new when it ends.
        if probe and probe == self.probe:
            self.pause = min(2 * self.pause, self.longest)
            self.until = self.clock() + self.pause
            self.probe = 0
        return False

    def spared(self, probe: int) -> None:
        """A call was given up before it was tried: it says nothing about the recipient."""
        if probe == self.probe:
            self.probe = 0


@dataclass(slots=True)
class Bucket:
    """
    A rate: `per_second` on average and at most one second's worth at once (a
    token bucket), at least one.
    """

    per_second: float
    clock: Clock
    level: float = 0.0
    at: float = float("-inf")

    def take(self) -> float:
        """Take one; 0 if there was one, else the seconds after which there will be."""
        now, most = self.clock(), max(1.0, self.per_second)
        gone = now - self.at
        self.level = (
            most if gone == float("inf") else min(most, self.level + gone * self.per_second)
        )
        self.at = now
        if self.level >= 1.0:
            self.level -= 1.0
            return 0.0
        return (1.0 - self.level) / self.per_second


Told = Callable[[PartnerId, Use, bool], None]
"""Told when a breaker opened (true) or closed."""


@dataclass(slots=True)
class Gate:
    """The limits of one recipient. They outlast a changed manifest, which may change them."""

    partner: PartnerId
    clock: Clock
    told: Told
    in_flight: int = 0
    """Shares that were admitted and have not ended."""
    bucket: Bucket | None = None
    breakers: dict[Use, Breaker] = field(init=False)
    why: str = ""
    """How the last call failed."""

    def __post_init__(self) -> None:
        self.breakers = {use: Breaker(self.clock, longest=_longest(use)) for use in Use}

    def admit(self, upstream: Upstream | None, use: Use) -> "Passage | NotNow":
        """Leave to call, or that it is too much at once."""
        if use is Use.SHARES and upstream is not None:
            full = self._full(upstream)
            if full is not None:
                return full
        return Passage(self, use)

    def _full(self, upstream: Upstream) -> NotNow | None:
        if upstream.concurrency is not None and self.in_flight >= upstream.concurrency:
            return NotNow(
                seconds=ROOM_SECONDS, why="too many shares are on their way to it at once"
            )
        if upstream.rate is None:
            return None
        if self.bucket is None or self.bucket.per_second != upstream.rate:
            self.bucket = Bucket(upstream.rate, self.clock)
        seconds = self.bucket.take()
        return NotNow(seconds=seconds, why=TOO_FAST) if seconds else None

    def begin(self, use: Use) -> NotNow | None:
        """None: the call is tried. Else the recipient is left alone for a while."""
        seconds = self.breakers[use].begin()
        if not seconds:
            return None
        return NotNow(
            seconds=seconds,
            why=f"it is left alone for a while after {FAILURES} failures: {self.why}",
        )

    @property
    def failing(self) -> bool:
        """Whether one of its breakers is not closed."""
        return any(one.state is not State.CLOSED for one in self.breakers.values())

    def worked(self, use: Use) -> None:
        """It answered."""
        if self.breakers[use].worked():
            self.told(self.partner, use, False)

    def failed(self, use: Use, probe: int, error: PartnerFailed) -> None:
        """It did not."""
        self.why = str(error)
        if self.breakers[use].failed(probe):
            self.told(self.partner, use, True)


def _longest(use: Use) -> float:
    return LONGEST_PAUSE_OF_NOTICES_SECONDS if use is Use.NOTICES else LONGEST_PAUSE_SECONDS


class Passage(Permit):
    """Leave to call one recipient once (`ports.Permit`)."""

    __slots__ = ("_gate", "_probe", "_share", "_use")

    def __init__(self, gate: Gate, use: Use) -> None:
        self._gate = gate
        self._use = use
        self._probe = 0
        self._share = use is Use.SHARES

    def begin(self) -> NotNow | None:
        """See `Permit.begin`."""
        gate = self._gate
        breaker = gate.breakers[self._use]
        if breaker.failures < FAILURES:
            return None
        told = gate.begin(self._use)
        if told is None:
            self._probe = breaker.probe
        return told

    def __enter__(self) -> "Passage":
        self._gate.in_flight += self._share
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gate.in_flight -= self._share
        if self._probe:
            # Nothing, if it was tried: what became of it is known by then.
            self._gate.breakers[self._use].spared(self._probe)
