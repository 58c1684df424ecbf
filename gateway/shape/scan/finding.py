"""What a recogniser answers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Where a text holds personal data: of which kind, from `start` up to before `end`."""

    kind: str
    start: int
    end: int
