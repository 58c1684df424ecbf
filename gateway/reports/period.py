"""The time that a report is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.reports.words import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From the first moment on, up to the second, which is outside; None = no limit."""

    start: datetime | None = None
    end: datetime | None = None

    @property
    def first(self) -> str:
        """The first moment as leaves write it; sorts before every time where there is none."""
        return stamp(self.start) if self.start else ""

    @property
    def last(self) -> str:
        """The end as leaves write it; sorts behind every time where there is none."""
        return stamp(self.end) if self.end else "~"

    def holds(self, at: str) -> bool:
        """Whether a time, as leaves write it, is inside."""
        return self.first <= at < self.last

    def shown(self) -> dict[str, str | None]:
        """For a JSON value."""
        return {
            "from": stamp(self.start) if self.start else None,
            "to": stamp(self.end) if self.end else None,
        }


def stamp(at: datetime) -> str:
    """A time as leaves write it: RFC 3339, UTC, three digits of a second."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def told(shown: Mapping[str, str | None]) -> str:
    """A period of a JSON value in words."""
    start, end = shown["from"], shown["to"]
    since = f"from {moment(start)}" if start else "from the beginning"
    return f"{since} until {moment(end) if end else 'now'}"
