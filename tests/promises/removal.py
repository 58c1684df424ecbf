"""What it is to take the rule of a clause out, and what must fail then."""

from dataclasses import dataclass

from tests.promises.taking import Take
from tests.promises.whole import Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One rule, taken out."""

    clause: str
    what: str
    """In plain words, what is so without it."""
    stories: tuple[str, ...]
    """The scenarios that fail, each of them."""
    cases: tuple[str, ...] = ()
    """The decision cases that fail, each of them."""
    edits: tuple[Edit, ...] = ()
    take: Take | None = None

    def __str__(self) -> str:
        return f"{self.clause}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A clause of which nothing is at work yet; `gateway check` shows it as `partly`."""

    clause: str
    waits_for: str
