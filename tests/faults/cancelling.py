"""A coroutine that is cancelled at one chosen await."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")

# After so many turns a write has been handed to the disk, and not come back yet.
TURNS = 3


class When(Enum):
    """When within an await it is cancelled."""

    AT_ONCE = "at-once"
    """As it begins to wait: what it waits for is cancelled too."""
    MEANWHILE = "meanwhile"
    """A little later: what it waits for has begun its work."""
    AS_IT_ENDS = "as-it-ends"
    """When what it waits for has just ended, and its result is lost."""


class CancelledAt(Awaitable[T]):
    """
    Awaits a coroutine and cancels the running task at the coroutine's `at`-th
    suspension, as whoever runs the task might. `suspensions` counts them.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T], at: int = 0, when: When = When.AT_ONCE):
        self._coroutine = coroutine
        self._at = at
        self._when = when
        self.suspensions = 0

    def __await__(self) -> Generator[Any, Any, T]:
        error: BaseException | None = None
        while True:
            try:
                awaited = (
                    self._coroutine.send(None) if error is None else self._coroutine.throw(error)
                )
            except StopIteration as ended:
                value: T = ended.value
                return value
            self.suspensions += 1
            if self.suspensions == self._at:
                self._cancel(awaited)
            error = None
            try:
                yield awaited
            except BaseException as raised:
                error = raised

    def _cancel(self, awaited: "asyncio.Future[Any] | None") -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._when is When.AS_IT_ENDS and awaited is not None:
            # Before the task's own callback, which is added after this one.
            awaited.add_done_callback(lambda _: task.cancel())
        elif self._when is When.MEANWHILE:
            _in_turns(TURNS, task.cancel)
        else:
            task.cancel()


def _in_turns(turns: int, call: Callable[[], object]) -> None:
    """Call it when the loop has gone round so often."""
    loop = asyncio.get_running_loop()
    if turns:
        loop.call_soon(_in_turns, turns - 1, call)
    else:
        call()


async def run(awaitable: Awaitable[T]) -> T | BaseException:
    """Run it as a task of its own; its value, or what it raised."""

    async def body() -> T:
        return await awaitable

    (ended,) = await asyncio.gather(asyncio.ensure_future(body()), return_exceptions=True)
    return ended
