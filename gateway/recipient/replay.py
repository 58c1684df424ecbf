"""Grants that were used, remembered as long as they live."""

import heapq
import threading
import time
from collections.abc import Callable
from typing import Protocol

from gateway.recipient.errors import RecipientError


class Seen(Protocol):
    """
    A store of used grants.

    Processes that answer for one recipient share one store: a row with a unique
    `jti` does it, or Redis `SET … NX EXAT`.
    """

    def add(self, jti: str, expires: int) -> bool:
        """
        Remember `jti` until `expires` (seconds since the epoch).

        True the first time. False if it is known already, also for two calls at
        once: exactly one of them gets True.
        """


class MemorySeen:
    """
    A `Seen` for one process, safe to use from several threads.

    It holds `capacity` grants. When full it forgets those that are over, and
    while none is it raises `replay-store-full`: to forget a living one would
    let it pass twice.
    """

    def __init__(self, capacity: int = 100_000, *, clock: Callable[[], float] = time.time) -> None:
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._by_expiry: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._known)

    def add(self, jti: str, expires: int) -> bool:
        """See `Seen`. Raises `replay-store-full`."""
        with self._lock:
            if jti in self._known:
                return False
            if len(self._known) >= self._capacity:
                self._forget_what_is_over()
            if len(self._known) >= self._capacity:
                raise RecipientError("replay-store-full")
            self._known.add(jti)
            heapq.heappush(self._by_expiry, (expires, jti))
            return True

    def _forget_what_is_over(self) -> None:
        now = self._clock()
        while self._by_expiry and self._by_expiry[0][0] < now:
            self._known.discard(heapq.heappop(self._by_expiry)[1])
