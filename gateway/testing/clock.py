"""A clock that stands still until told otherwise."""

from datetime import UTC, datetime, timedelta

DEFAULT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


class Clock:
    """
    A callable that gives an aware UTC datetime, wherever the product takes
    `clock: Callable[[], datetime]`.
    """

    def __init__(self, at: datetime = DEFAULT) -> None:
        self._now = _aware(at)

    def __call__(self) -> datetime:
        return self._now

    def set(self, at: datetime) -> None:
        """Jump to `at`, forwards or backwards. Raises ValueError if it has no time zone."""
        self._now = _aware(at)

    def advance(self, by: timedelta | None = None, *, seconds: float = 0) -> datetime:
        """Move on by `by` and by `seconds`; gives the new time."""
        self._now += (by or timedelta()) + timedelta(seconds=seconds)
        return self._now

    def __repr__(self) -> str:
        return f"<Clock at {self._now.isoformat()}>"


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("the time has no zone, write datetime(…, tzinfo=UTC)")
    return at.astimezone(UTC)
