"""What the demonstration claims, and whether it holds."""

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence, and what was found when it was checked."""

    text: str
    ok: bool
    detail: str = ""
    """Counts where it holds, the reason where it does not. No personal data."""


class Claims:
    """
    Collects claims in the order in which they are checked.

    `told` is called with each, so that a reader sees it at once.
    """

    def __init__(self, told: Callable[[Claim], None]) -> None:
        self._told = told
        self.all: list[Claim] = []

    def check(self, text: str, ok: bool, detail: str = "") -> bool:
        """Claim `text`; `ok` is what was found. Gives `ok` back."""
        claim = Claim(text=text, ok=ok, detail=detail)
        self.all.append(claim)
        self._told(claim)
        return ok

    def none_of(self, text: str, problems: Collection[str], looked_at: int, what: str) -> bool:
        """
        Claim that looking at `looked_at` things found no problem.

        Looking at nothing proves nothing, and fails.
        """
        if problems:
            first = "; ".join(list(dict.fromkeys(problems))[:3])
            return self.check(text, False, f"{len(problems)} of {looked_at:,} {what}: {first}")
        return self.check(text, looked_at > 0, f"{looked_at:,} {what}")

    @property
    def failed(self) -> list[Claim]:
        """Those that do not hold."""
        return [claim for claim in self.all if not claim.ok]

    @property
    def hold(self) -> bool:
        """Whether there are claims and every one holds."""
        return bool(self.all) and not self.failed
